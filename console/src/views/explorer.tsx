/** The anomaly explorer: when and for whom the jobs were surprised, and by what. */

import type { ComponentChildren } from "preact";
import { Anomalies } from "../parts/anomalies";
import { useAnswer } from "../parts/asking";
import { useShared } from "../parts/context";
import { SeverityControl, TimeControl } from "../parts/controls";
import { useAnnotations } from "../parts/annotations/asked";
import { AnnotationsOf } from "../parts/annotations/strip";
import { LABEL_PX, SwimLanes, type Selection } from "../parts/lanes";
import { Score } from "../parts/marks";
import { Nothing, Shown } from "../parts/states";
import { Charts } from "../parts/explorer/charts";
import { readInfluencers, type Influence } from "../rest/influencers";
import { MOST_NAMES, ORDERS, PAGE_SIZES, pageOf, readLanes, readNames, type LaneKind, type LaneOrder } from "../rest/laning";
import { readJobs, wholeRange, type Job } from "../rest/jobs";
import { readRecords, type Entity } from "../rest/results";
import { chosen } from "../shape/jobs";
import { number } from "../shape/format";
import { parseInterval } from "../shape/records";
import { formatPlace, withParams } from "../state/place";
import { cellWidth, clip, parseRange, type Range } from "../state/range";

/** Cells of a swim lane at most. */
const MOST_CELLS = 200;

/** The anomaly explorer. */
export function Explorer(): ComponentChildren {
  const { ask } = useShared();
  const jobs = useAnswer(() => readJobs(ask), "jobs");
  return (
    <main id="main">
      <h1>Anomaly explorer</h1>
      <Shown answer={jobs} what="Jobs">
        {(all) => <Explored all={all} />}
      </Shown>
    </main>
  );
}

function Explored(props: { all: readonly Job[] }): ComponentChildren {
  const { place, go, now } = useShared();
  const jobs = chosen(props.all, place.params["jobs"] ?? "");
  const whole = wholeRange(jobs, now);
  const range = parseRange(place.params["from"], place.params["to"], whole, now);
  const least = Number(place.params["severity"] ?? "3") || 0;
  const fields = [...new Set(jobs.flatMap((job) => job.influencers))].sort();
  const by = place.params["by"] ?? fields[0] ?? "job";
  const kind: LaneKind = by === "job" ? { of: "job" } : { of: "influencer", field: by };
  const ids = jobs.map((job) => job.id);
  const selected = selection(place.params["select"], range);
  const entity = entityOf(place.params["entity"]);
  const shown = selected ?? range;
  const select = (made: Selection): void => {
    const only = made.lanes.length === 1 ? made.lanes[0]?.entity : undefined;
    go(
      withParams(place, {
        select: `${made.range.from}-${made.range.to}`,
        entity: only !== undefined && only.field !== "job_id" ? JSON.stringify([only.field, only.value]) : "",
      }),
    );
  };
  if (jobs.length === 0) {
    return (
      <Nothing>
        No job is called “{place.params["jobs"] ?? ""}”. <a href={formatPlace({ view: "explorer", params: {} })}>All jobs</a>
      </Nothing>
    );
  }
  return (
    <>
      <div class="tools">
        <label>
          Jobs{" "}
          <input
            value={place.params["jobs"] ?? ""}
            placeholder="all; ids, groups or beginnings with *, separated by commas"
            size={40}
            onChange={(event) => go(withParams(place, { jobs: event.currentTarget.value, select: "", entity: "" }))}
          />
        </label>
        <SeverityControl least={least} />
        <label>
          Lanes by{" "}
          <select value={by} onChange={(event) => go(withParams(place, { by: event.currentTarget.value, entity: "", page: "" }))}>
            {[...fields, "job"].map((field) => (
              <option value={field} key={field}>
                {field}
              </option>
            ))}
          </select>
        </label>
      </div>
      <TimeControl range={range} whole={whole} />
      <LaneViews
        jobs={jobs}
        ids={ids}
        range={range}
        kind={kind}
        least={least}
        selected={selected}
        onSelect={select}
      />
      <Notes jobs={jobs} ids={ids} range={range} selected={selected} />
      {(selected !== undefined || entity !== undefined) && (
        <p class="tools">
          Shown below: what is selected
          {entity && `, influenced by ${entity.field} ${entity.value}`}.{" "}
          <button type="button" onClick={() => go(withParams(place, { select: "", entity: "" }))}>
            Clear the selection
          </button>
        </p>
      )}
      <div class="beside">
        <Influencers
          ids={ids}
          range={shown}
          onEntity={(one) => go(withParams(place, { entity: JSON.stringify([one.field, one.value]) }))}
        />
        <Records jobs={jobs} ids={ids} range={shown} least={least} entity={entity} />
      </div>
    </>
  );
}

function Notes(props: {
  jobs: readonly Job[];
  ids: readonly string[];
  range: Range;
  selected: Range | undefined;
}): ComponentChildren {
  const annotating = useAnnotations(props.ids, props.range);
  const subjects = props.jobs.map((job) => ({
    text: `the job ${job.id}`,
    jobId: job.id,
    detector: undefined,
    parts: [],
  }));
  return (
    <AnnotationsOf
      annotating={annotating}
      range={props.range}
      selected={props.selected}
      subjects={subjects}
      inset={{ left: LABEL_PX, right: 0 }}
    />
  );
}

function LaneViews(props: {
  jobs: readonly Job[];
  ids: readonly string[];
  range: Range;
  kind: LaneKind;
  least: number;
  selected: Range | undefined;
  onSelect: (selection: Selection) => void;
}): ComponentChildren {
  const { ask, place } = useShared();
  const { ids, range, kind, least } = props;
  const cell = cellWidth(range, Math.max(...props.jobs.map((job) => job.spanMs)), MOST_CELLS);
  const overall = useAnswer(
    (signal) => readLanes(ask, ids, range, cell, { of: "overall" }, { least }, signal),
    JSON.stringify([ids, range, cell, least]),
  );
  const order = ORDERS.find(({ name }) => name === place.params["order"])?.name ?? "worst";
  const names = useAnswer(
    (signal) => readNames(ask, ids, range, kind, order, least, signal),
    JSON.stringify([ids, range, kind, order, least]),
  );
  return (
    <>
      <Shown answer={overall} what="Swim lanes">
        {(lanes) => (
          <SwimLanes title="All jobs together" lanes={lanes} selected={props.selected} onSelect={props.onSelect} />
        )}
      </Shown>
      <Shown answer={names} what="Lanes">
        {(all) =>
          all.length === 0 ? (
            <Nothing>
              {kind.of === "influencer"
                ? `No influencer of the field ${kind.field} with this severity in this time.`
                : "No job with this severity in this time."}
            </Nothing>
          ) : (
            <LanePage {...props} names={all} order={order} cellMs={cell} />
          )
        }
      </Shown>
    </>
  );
}

function LanePage(props: {
  ids: readonly string[];
  range: Range;
  kind: LaneKind;
  least: number;
  names: readonly string[];
  order: LaneOrder;
  cellMs: number;
  selected: Range | undefined;
  onSelect: (selection: Selection) => void;
}): ComponentChildren {
  const { ask, place, go, formats } = useShared();
  const { ids, range, kind, least, names, cellMs } = props;
  const size = PAGE_SIZES.find((one) => String(one) === place.params["lanes"]) ?? 10;
  const page = pageOf(names, place.params["page"], size);
  const answer = useAnswer(
    (signal) => readLanes(ask, ids, range, cellMs, kind, { least, names: page.items }, signal),
    JSON.stringify([ids, range, cellMs, kind, least, page.items]),
  );
  const by = kind.of === "influencer" ? kind.field : "job";
  const first = (page.at - 1) * size + 1;
  const of = `${number(names.length, formats)}${names.length === MOST_NAMES ? " or more" : ""}`;
  const turn = (to: number): void => go(withParams(place, { page: String(to) }));
  return (
    <>
      <Shown answer={answer} what="Swim lanes">
        {(lanes) => (
          <SwimLanes
            title={`By ${by}: ${number(first, formats)} to ${number(first + page.items.length - 1, formats)} of ${of}`}
            lanes={lanes}
            selected={props.selected}
            onSelect={props.onSelect}
          />
        )}
      </Shown>
      <div class="tools" role="group" aria-label="Pages of swim lanes">
        <button type="button" disabled={page.at === 1} onClick={() => turn(page.at - 1)}>
          Lanes before
        </button>
        <button type="button" disabled={page.at === page.of} onClick={() => turn(page.at + 1)}>
          Lanes after
        </button>
        <label>
          Sorted by{" "}
          <select
            value={props.order}
            onChange={(event) => go(withParams(place, { order: event.currentTarget.value, page: "" }))}
          >
            {ORDERS.map(({ name, text }) => (
              <option value={name} key={name}>
                {text}
              </option>
            ))}
          </select>
        </label>
        <label>
          Lanes a page{" "}
          <select
            value={String(size)}
            onChange={(event) => go(withParams(place, { lanes: event.currentTarget.value, page: "" }))}
          >
            {PAGE_SIZES.map((one) => (
              <option value={String(one)} key={one}>
                {one}
              </option>
            ))}
          </select>
        </label>
      </div>
    </>
  );
}

function Influencers(props: {
  ids: readonly string[];
  range: Range;
  onEntity: (entity: Entity) => void;
}): ComponentChildren {
  const { ask } = useShared();
  const depends = JSON.stringify([props.ids, props.range]);
  const answer = useAnswer((signal) => readInfluencers(ask, props.ids, props.range, signal), depends);
  return (
    <section class="influencers" aria-label="Top influencers">
      <h2>Top influencers</h2>
      <Shown answer={answer} what="Influencers">
        {(found) => (found.length === 0 ? <Nothing>None in this time.</Nothing> : byField(found, props.onEntity))}
      </Shown>
    </section>
  );
}

function byField(found: readonly Influence[], onEntity: (entity: Entity) => void): ComponentChildren {
  const fields = [...new Set(found.map((one) => one.field))];
  return fields.map((field) => (
    <div key={field}>
      <h3>{field}</h3>
      <ul>
        {found
          .filter((one) => one.field === field)
          .map((one) => (
            <li key={one.value}>
              <button type="button" class="plain" onClick={() => onEntity(one)}>
                {one.value}
              </button>{" "}
              <Score value={one.worst} /> <span class="aside">sum {Math.round(one.sum)}</span>
            </li>
          ))}
      </ul>
    </div>
  ));
}

function Records(props: {
  jobs: readonly Job[];
  ids: readonly string[];
  range: Range;
  least: number;
  entity: Entity | undefined;
}): ComponentChildren {
  const { ask, place, go } = useShared();
  const { ids, range, least, entity } = props;
  const narrow = { leastScore: least, ...(entity === undefined ? {} : { influencers: [entity] }) };
  const depends = JSON.stringify([ids, range, narrow]);
  const answer = useAnswer((signal) => readRecords(ask, ids, range, narrow, signal), depends);
  return (
    <section class="records">
      <Shown answer={answer} what="Anomalies">
        {(found) => (
          <>
          <Charts found={found} jobs={props.jobs} range={range} />
          <h2>Anomalies</h2>
          <Anomalies
            found={found}
            jobs={props.jobs}
            interval={parseInterval(place.params["interval"])}
            onInterval={(interval) => go(withParams(place, { interval }))}
            onEntity={(one) => go(withParams(place, { entity: JSON.stringify([one.field, one.value]) }))}
          />
          </>
        )}
      </Shown>
    </section>
  );
}

function selection(text: string | undefined, range: Range): Range | undefined {
  const found = /^(\d+)-(\d+)$/.exec(text ?? "");
  if (!found) {
    return undefined;
  }
  const wanted = { from: Number(found[1]), to: Number(found[2]) };
  return wanted.from < wanted.to && wanted.from < range.to && wanted.to > range.from ? clip(wanted, range) : undefined;
}

function entityOf(text: string | undefined): Entity | undefined {
  try {
    const read: unknown = JSON.parse(text ?? "");
    const [field, value] = Array.isArray(read) ? (read as unknown[]) : [];
    return typeof field === "string" && typeof value === "string" ? { field, value } : undefined;
  } catch {
    return undefined;
  }
}
