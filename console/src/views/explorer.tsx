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
import { readJobs, wholeRange, type Job } from "../rest/jobs";
import { readInfluencers, readLanes, readRecords, type Entity, type Influence, type LaneKind } from "../rest/results";
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
          <select value={by} onChange={(event) => go(withParams(place, { by: event.currentTarget.value, entity: "" }))}>
            {[...fields, "job"].map((field) => (
              <option value={field} key={field}>
                {field}
              </option>
            ))}
          </select>
        </label>
      </div>
      <TimeControl range={range} whole={whole} />
      <LaneViews jobs={jobs} ids={ids} range={range} kind={kind} selected={selected} onSelect={select} />
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
  selected: Range | undefined;
  onSelect: (selection: Selection) => void;
}): ComponentChildren {
  const { ask, formats } = useShared();
  const { ids, range, kind } = props;
  const span = Math.max(...props.jobs.map((job) => job.spanMs));
  const cell = cellWidth(range, span, MOST_CELLS);
  const depends = JSON.stringify([ids, range, cell, kind]);
  const answer = useAnswer(
    async (signal) =>
      await Promise.all([
        readLanes(ask, ids, range, cell, { of: "overall" }, signal),
        readLanes(ask, ids, range, cell, kind, signal),
      ]),
    depends,
  );
  const by = kind.of === "influencer" ? kind.field : "job";
  return (
    <Shown answer={answer} what="Swim lanes">
      {([overall, lanes]) => (
        <>
          <SwimLanes title="All jobs together" lanes={overall} selected={props.selected} onSelect={props.onSelect} />
          {lanes.lanes.length === 0 ? (
            <Nothing>No influencer of the field {by} in this time.</Nothing>
          ) : (
            <SwimLanes
              title={`The worst ${number(lanes.lanes.length, formats)} by ${by}`}
              lanes={lanes}
              selected={props.selected}
              onSelect={props.onSelect}
            />
          )}
        </>
      )}
    </Shown>
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
      <h2>Anomalies</h2>
      <Shown answer={answer} what="Anomalies">
        {(found) => (
          <Anomalies
            found={found}
            jobs={props.jobs}
            interval={parseInterval(place.params["interval"])}
            onInterval={(interval) => go(withParams(place, { interval }))}
            onEntity={(one) => go(withParams(place, { entity: JSON.stringify([one.field, one.value]) }))}
          />
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
