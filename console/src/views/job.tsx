/** One job closely: its settings, counts, messages, and what its datafeed reads. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useAnnotations } from "../parts/annotations/asked";
import type { Subject } from "../parts/annotations/form";
import { AnnotationsOf } from "../parts/annotations/strip";
import { shown, useAnswer } from "../parts/asking";
import { INSET } from "../parts/chart";
import { useShared } from "../parts/context";
import { TimeControl } from "../parts/controls";
import { Copyable } from "../parts/copying";
import { Facts } from "../parts/facts";
import { FeedChart } from "../parts/feedchart";
import { ForecastsOf } from "../parts/forecasts/list";
import { HealthOf } from "../parts/health";
import { JobTools } from "../parts/jobtools";
import { To } from "../parts/marks";
import { SnapshotsOf } from "../parts/snapshots/list";
import { Nothing, Shown } from "../parts/states";
import type { Annotation } from "../rest/annotations/annotations";
import {
  LEVELS,
  readDetail,
  readFeedCounts,
  readMessages,
  readPreview,
  type Detail,
  type FeedCounts,
  type Level,
} from "../rest/detail";
import { wholeRange, type Job } from "../rest/jobs";
import type { Source } from "../rest/series/source";
import { stateWords } from "../shape/actions";
import { cellText, columns, counts, facts, gaps } from "../shape/detail";
import { number, time } from "../shape/format";
import { conditions } from "../shape/jobs";
import { exportCommand, ownerWords } from "../shape/ownership";
import { withParams } from "../state/place";
import { cellWidth, parseRange, type Range } from "../state/range";

interface Tab {
  readonly name: string;
  readonly text: string;
  readonly show: (detail: Detail, refresh: () => void) => ComponentChildren;
}

const TABS: readonly Tab[] = [
  { name: "health", text: "Health", show: (detail) => <HealthOf detail={detail} /> },
  { name: "settings", text: "Settings", show: (detail) => <Settings detail={detail} /> },
  { name: "counts", text: "Counts", show: (detail) => <Counts detail={detail} /> },
  { name: "messages", text: "Messages", show: (detail) => <MessagesOf detail={detail} /> },
  { name: "datafeed", text: "Datafeed", show: (detail) => <Feed detail={detail} /> },
  { name: "preview", text: "Preview", show: (detail) => <Preview detail={detail} /> },
  { name: "snapshots", text: "Model snapshots", show: ({ job }, refresh) => <SnapshotsOf job={job} onDone={refresh} /> },
  { name: "forecasts", text: "Forecasts", show: ({ job }) => <ForecastsOf job={job} /> },
  { name: "annotations", text: "Annotations", show: ({ job }) => <AllAnnotations job={job} /> },
  { name: "json", text: "JSON and manifest", show: (detail) => <Sources detail={detail} /> },
];

/** The job of an id, with one of its sides. */
export function JobDetail(props: { id: string }): ComponentChildren {
  const { ask, place } = useShared();
  const [asked, setAsked] = useState(0);
  const answer = useAnswer((signal) => readDetail(ask, props.id, signal), `${props.id} ${asked}`);
  const tab = TABS.find(({ name }) => name === place.params["tab"]) ?? (TABS[0] as Tab);
  const refresh = (): void => setAsked((before) => before + 1);
  return (
    <main id="main">
      <p>
        <To place={{ view: "jobs", params: {} }}>All jobs</To>
      </p>
      <h1>Job {props.id}</h1>
      <Shown answer={answer} what="The job">
        {(detail) =>
          detail === null ? (
            <Nothing>This server has no job {props.id}, or these credentials do not see it.</Nothing>
          ) : (
            <>
              <Summary detail={detail} />
              <JobTools all={[detail.job]} chosen={[detail.job]} onDone={refresh} />
              <nav aria-label="Sides of the job" class="tabs">
                {TABS.map(({ name, text }) => (
                  <span key={name} {...(name === tab.name ? { "aria-current": "page" as const } : {})}>
                    <To place={withParams(place, { tab: name })}>{text}</To>
                  </span>
                ))}
                <button type="button" onClick={refresh}>
                  Refresh
                </button>
              </nav>
              <div key={`${tab.name} ${asked}`}>{tab.show(detail, refresh)}</div>
            </>
          )
        }
      </Shown>
    </main>
  );
}

function Summary(props: { detail: Detail }): ComponentChildren {
  const { job } = props.detail;
  return (
    <>
      {job.description && <p>{job.description}</p>}
      <p>
        {stateWords(job).replace(/^./, (first) => first.toUpperCase())}.{" "}
        {conditions(job).map((condition) => (
          <span class={`condition inline ${condition.level}`} key={condition.text}>
            {condition.text.replace(/^./, (first) => first.toUpperCase())}.{" "}
          </span>
        ))}
        {job.groups.length > 0 && <>Groups: {job.groups.join(", ")}. </>}
        {job.mark === undefined
          ? "No manifest manages it."
          : `Managed by ${ownerWords(job.mark)}${job.mark.since === "" ? "" : ` since ${job.mark.since}`}.`}{" "}
        <To place={{ view: "explorer", params: { jobs: job.id } }}>Explore its anomalies</To>{" "}
        <To place={{ view: "series", params: { job: job.id } }}>View a series</To>
      </p>
    </>
  );
}

const DETECTORS = "analysis_config.detectors";

function Settings(props: { detail: Detail }): ComponentChildren {
  const { config } = props.detail;
  const detectors: Record<string, unknown>[] = config["analysis_config"].detectors;
  return (
    <>
      <Facts title="Settings" facts={facts(config, [DETECTORS, "datafeed_config"])} />
      <h2>Detectors</h2>
      <Rows title="Detectors" documents={detectors} />
    </>
  );
}

/** Documents as rows, their fields as columns. */
function Rows(props: { title: string; documents: readonly Readonly<Record<string, unknown>>[] }): ComponentChildren {
  const names = columns(props.documents);
  return (
    <div class="scrolling" tabIndex={0} role="region" aria-label={props.title}>
      <table>
        <thead>
          <tr>
            {names.map((name) => (
              <th scope="col" key={name}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {props.documents.map((document, index) => (
            <tr key={index}>
              {names.map((name) => (
                <td key={name}>{cellText(document[name])}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const COUNTED: readonly (readonly [string, string])[] = [
  ["data_counts", "Data counts"],
  ["model_size_stats", "Model size"],
  ["timing_stats", "Timing of the job"],
  ["forecasts_stats", "Forecasts"],
];

function Counts(props: { detail: Detail }): ComponentChildren {
  const { formats } = useShared();
  const { stats, feedStats } = props.detail;
  return (
    <>
      {COUNTED.map(([key, title]) => {
        const found = counts(stats[key] ?? {}, formats);
        return found.length > 0 && <Facts key={key} title={title} facts={found} />;
      })}
      {feedStats?.["timing_stats"] && (
        <Facts title="Timing of the datafeed" facts={counts(feedStats["timing_stats"], formats)} />
      )}
    </>
  );
}

function MessagesOf(props: { detail: Detail }): ComponentChildren {
  const { ask, place, go, formats } = useShared();
  const { id } = props.detail.job;
  const least = LEVELS.find((level) => level === place.params["level"]) ?? "info";
  const answer = useAnswer((signal) => readMessages(ask, id, least, signal), `${id} ${least}`);
  return (
    <>
      <h2>Messages</h2>
      <label>
        Show{" "}
        <select
          value={least}
          onChange={(event) => go(withParams(place, { level: event.currentTarget.value }))}
        >
          {LEVELS.map((level: Level) => (
            <option value={level} key={level}>
              {level === "error" ? "errors" : level === "warning" ? "warnings and errors" : "all"}
            </option>
          ))}
        </select>
      </label>
      <Shown answer={answer} what="Messages">
        {({ messages, total }) =>
          messages.length === 0 ? (
            <Nothing>The server has noted nothing of this kind about the job.</Nothing>
          ) : (
            <div class="scrolling" tabIndex={0} role="region" aria-label="Messages">
              <table>
                <caption>
                  The newest {number(messages.length, formats)} of {number(total, formats)}
                </caption>
                <thead>
                  <tr>
                    <th scope="col">Time</th>
                    <th scope="col">Level</th>
                    <th scope="col">Message</th>
                    <th scope="col">Node</th>
                  </tr>
                </thead>
                <tbody>
                  {messages.map((message, index) => (
                    <tr key={index}>
                      <td class="moment">{time(message.timeMs, formats)}</td>
                      <td class={message.level === "error" ? "bad" : message.level === "warning" ? "notable" : ""}>
                        {message.level}
                      </td>
                      <td>{message.text}</td>
                      <td>{message.node}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Shown>
    </>
  );
}

const NO_FEED = "The job has no datafeed: data are posted to it.";

function Feed(props: { detail: Detail }): ComponentChildren {
  const { place, now } = useShared();
  const { feed, job } = props.detail;
  if (feed === undefined || job.source === undefined) {
    return <Nothing>{NO_FEED}</Nothing>;
  }
  const whole = wholeRange([job], now);
  const chosen = parseRange(place.params["from"], place.params["to"], whole, now);
  // Cells are whole buckets, so they begin where a bucket does.
  const range = { from: Math.floor(chosen.from / job.spanMs) * job.spanMs, to: chosen.to };
  return (
    <>
      <h2>Source and analysis</h2>
      <TimeControl range={range} whole={whole} />
      <FeedCountsOf job={job} source={job.source} range={range} />
      <Facts title="Settings of the datafeed" facts={facts(feed)} />
    </>
  );
}

/** Cells of the chart at most. */
const MOST_CELLS = 800;

function FeedCountsOf(props: { job: Job; source: Source; range: Range }): ComponentChildren {
  const { ask, place, go } = useShared();
  const { job, source, range } = props;
  const cell = cellWidth(range, job.spanMs, MOST_CELLS);
  const answer = useAnswer(
    (signal) => readFeedCounts(ask, job, source, range, cell, signal),
    JSON.stringify([job.id, range, cell]),
  );
  const annotating = useAnnotations([job.id], range);
  const annotations = shown(annotating.answer)?.annotations;
  return (
    <>
      <Shown answer={answer} what="Source and analysis">
        {(found) => (
          <>
            <FeedChart
              counts={found}
              annotations={annotations ?? NONE}
              range={range}
              label={`Documents of the source and of ${job.id}`}
              onRange={(next) =>
                go(withParams(place, { from: new Date(next.from).toISOString(), to: new Date(next.to).toISOString() }))
              }
            />
            <Gaps found={found} />
          </>
        )}
      </Shown>
      <AnnotationsOf annotating={annotating} range={range} subjects={[wholeJob(job)]} inset={INSET} />
    </>
  );
}

const NONE: readonly Annotation[] = [];

function wholeJob(job: Job): Subject {
  return { text: `the whole job ${job.id}`, jobId: job.id, detector: undefined, parts: [] };
}

function AllAnnotations(props: { job: Job }): ComponentChildren {
  const { place, now } = useShared();
  const { job } = props;
  const whole = wholeRange([job], now);
  const range = parseRange(place.params["from"], place.params["to"], whole, now);
  const annotating = useAnnotations([job.id], range);
  return (
    <>
      <TimeControl range={range} whole={whole} />
      <AnnotationsOf annotating={annotating} range={range} subjects={[wholeJob(job)]} inset={{ left: 0, right: 0 }} />
    </>
  );
}

/** Rows of differences that are shown at most. */
const MOST_GAPS = 100;

function Gaps(props: { found: FeedCounts }): ComponentChildren {
  const { formats } = useShared();
  const found = gaps(props.found);
  if (found.length === 0) {
    return <p class="good">Wherever the job has finished its buckets, it has counted what the source holds.</p>;
  }
  return (
    <div class="scrolling" tabIndex={0} role="region" aria-label="Differences">
      <table>
        <caption>
          The latest {number(Math.min(found.length, MOST_GAPS), formats)} of {number(found.length, formats)} stretches in
          which the source holds another number than was analysed
        </caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col" class="figure">In the source</th>
            <th scope="col" class="figure">Analysed</th>
            <th scope="col" class="figure">Missing</th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, MOST_GAPS).map((gap) => (
            <tr key={gap.timeMs}>
              <th scope="row">{time(gap.timeMs, formats)}</th>
              <td class="figure">{number(gap.source, formats)}</td>
              <td class="figure">{number(gap.analysed, formats)}</td>
              <td class="figure">{number(gap.source - gap.analysed, formats)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Documents of a preview that are shown at most. */
const MOST_DOCUMENTS = 50;

function Preview(props: { detail: Detail }): ComponentChildren {
  const { ask, formats } = useShared();
  const { feed } = props.detail.job;
  const answer = useAnswer(
    async (signal) => (feed === undefined ? [] : await readPreview(ask, feed.id, signal)),
    feed?.id ?? "",
  );
  if (feed === undefined) {
    return <Nothing>{NO_FEED}</Nothing>;
  }
  return (
    <>
      <h2>What the datafeed would read</h2>
      <Shown answer={answer} what="The preview">
        {(documents) =>
          documents.length === 0 ? (
            <Nothing>The datafeed finds no document: {feed.indices.join(", ")} hold none, or its query lets none pass.</Nothing>
          ) : (
            <>
              <p class="aside">
                The first {number(Math.min(documents.length, MOST_DOCUMENTS), formats)} of{" "}
                {number(documents.length, formats)} documents of the preview, from the beginning of the data.
              </p>
              <Rows title="Preview" documents={documents.slice(0, MOST_DOCUMENTS)} />
            </>
          )
        }
      </Shown>
    </>
  );
}

function Sources(props: { detail: Detail }): ComponentChildren {
  const { config, feed, stats, feedStats, job } = props.detail;
  const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
  return (
    <>
      <h2>As a manifest</h2>
      <p>A manifest says what differs from what the server fills in by itself; the command line writes it:</p>
      <Copyable what="The command that writes the manifests" text={exportCommand(job.id)} />
      <p>
        <To place={{ view: "new", params: { clone: job.id } }}>Copy the job in a wizard</To>, under another id, as a manifest or running.
      </p>
      <h2>As the server has it</h2>
      <Copyable what="The job" text={json(config)} />
      {feed !== undefined && <Copyable what="The datafeed" text={json(feed)} />}
      <Copyable what="Stats of the job" text={json(stats)} />
      {feedStats !== undefined && <Copyable what="Stats of the datafeed" text={json(feedStats)} />}
    </>
  );
}
