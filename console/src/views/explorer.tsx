/** The anomaly explorer: when and for whom the jobs were surprised, and by what. */

import type { ComponentChildren } from "preact";
import { Anomalies } from "../parts/anomalies";
import { useAnnotations } from "../parts/annotations/asked";
import { AnnotationsOf } from "../parts/annotations/strip";
import { shown, useAnswer } from "../parts/asking";
import { useShared } from "../parts/context";
import { SeverityControl, TimeControl } from "../parts/controls";
import { Charts } from "../parts/explorer/charts";
import { Influencers } from "../parts/explorer/influencers";
import { LaneViews } from "../parts/explorer/laneviews";
import { LABEL_PX, type Selection } from "../parts/lanes";
import { QueryBar } from "../parts/querybar";
import { Nothing, Shown } from "../parts/states";
import { readAbilities, type Abilities } from "../rest/data/sources";
import { readJobs, wholeRange, type Job } from "../rest/jobs";
import type { LaneKind } from "../rest/laning";
import { countFitting, readRecords, type Entity, type Narrowing } from "../rest/results";
import type { Json } from "../rest/server";
import { number } from "../shape/format";
import { chosen } from "../shape/jobs";
import { parseInterval } from "../shape/records";
import { formatPlace, withParams } from "../state/place";
import { clauseOf, languageOf, narrowed, type Language, type Question } from "../state/querying";
import { parseRange, type Range } from "../state/range";
import { parseSelected, selectedParams, type Picked } from "../state/selecting";

const EXAMPLES: Readonly<Record<Language, string>> = {
  kql: 'clientip: 10.* and not host: "a b"',
  lucene: 'clientip:10.* AND NOT host:"a b"',
};

interface Known {
  readonly jobs: readonly Job[];
  readonly abilities: Abilities;
}

/** The anomaly explorer. */
export function Explorer(): ComponentChildren {
  const { ask } = useShared();
  const known = useAnswer<Known>(async () => {
    const [jobs, abilities] = await Promise.all([readJobs(ask), readAbilities(ask)]);
    return { jobs, abilities };
  }, "jobs");
  return (
    <main id="main">
      <h1>Anomaly explorer</h1>
      <Shown answer={known} what="Jobs">
        {(all) => <Explored all={all.jobs} abilities={all.abilities} />}
      </Shown>
    </main>
  );
}

function Explored(props: { all: readonly Job[]; abilities: Abilities }): ComponentChildren {
  const { place, go, now } = useShared();
  const jobs = chosen(props.all, place.params["jobs"] ?? "");
  const whole = wholeRange(jobs, now);
  const range = parseRange(place.params["from"], place.params["to"], whole, now);
  const least = Number(place.params["severity"] ?? "3") || 0;
  const question: Question = {
    text: place.params["query"] ?? "",
    language: languageOf(place.params["lang"], props.abilities.kql),
  };
  const fields = [...new Set(jobs.flatMap((job) => job.influencers))].sort();
  const by = place.params["by"] ?? fields[0] ?? "job";
  if (props.all.length === 0) {
    return (
      <Nothing>
        This server has no jobs yet. <a href={formatPlace({ view: "new", params: {} })}>New job</a>
      </Nothing>
    );
  }
  if (jobs.length === 0) {
    return (
      <Nothing>
        No job is called “{place.params["jobs"] ?? ""}”. <a href={formatPlace({ view: "explorer", params: {} })}>All jobs</a>
      </Nothing>
    );
  }
  const fits = clauseOf(question);
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
      <div class="tools">
        <QueryBar
          key={JSON.stringify(question)}
          question={question}
          kql={props.abilities.kql}
          examples={EXAMPLES}
          forgets={["select", "entity", "page"]}
        />
      </div>
      <TimeControl range={range} whole={whole} />
      <Fitting jobs={jobs} range={range} fits={fits}>
        <Results jobs={jobs} range={range} least={least} fields={fields} by={by} question={question} fits={fits} />
      </Fitting>
    </>
  );
}

/** Says how many anomalies the query leaves, or why it cannot be read, once for everything below. */
function Fitting(props: { jobs: readonly Job[]; range: Range; fits: Json | undefined; children: ComponentChildren }): ComponentChildren {
  const { ask, formats } = useShared();
  const { range, fits } = props;
  const ids = props.jobs.map((job) => job.id);
  const answer = useAnswer(
    async (signal) => (fits === undefined ? undefined : { count: await countFitting(ask, ids, range, fits, signal) }),
    JSON.stringify([ids, range, fits]),
  );
  if (fits === undefined) {
    return props.children;
  }
  if (answer.state === "failed") {
    return (
      <div class="problem" role="alert">
        <strong>The server does not read this query.</strong> {answer.message} {answer.advice}
      </div>
    );
  }
  const count = shown(answer)?.count;
  if (count === undefined) {
    return (
      <div class="waiting" role="status">
        Looking for what fits the query …
      </div>
    );
  }
  return (
    <>
      <p role="status">
        {count === 0
          ? "No anomaly of this time fits the query: it asks the fields of records, such as influencers, function or actual."
          : `${number(count, formats)} ${count === 1 ? "anomaly fits" : "anomalies fit"} the query, of any severity. Lanes and influencers below show the scores of these alone.`}
      </p>
      {count > 0 && props.children}
    </>
  );
}

function Results(props: {
  jobs: readonly Job[];
  range: Range;
  least: number;
  fields: readonly string[];
  by: string;
  question: Question;
  fits: Json | undefined;
}): ComponentChildren {
  const { place, go } = useShared();
  const { jobs, range, least, fields, by, question, fits } = props;
  const ids = jobs.map((job) => job.id);
  const kind: LaneKind = by === "job" ? { of: "job" } : { of: "influencer", field: by };
  const selected = parseSelected(place.params, range);
  const { picked } = selected;
  const within = picked?.field === "job_id" ? jobs.filter((job) => picked.values.includes(job.id)) : jobs;
  const among = picked?.field === "job_id" ? undefined : picked;
  const shownRange = selected.range ?? range;
  const pick = (one: Entity): void => go(withParams(place, { entity: selectedParams({ range: undefined, picked: { field: one.field, values: [one.value] } }).entity }));
  const select = (made: Selection): void => {
    const field = made.lanes[0]?.entity?.field;
    const values = made.lanes.flatMap((lane) => lane.entity?.value ?? []);
    go(withParams(place, selectedParams({ range: made.range, picked: field === undefined ? undefined : { field, values } })));
  };
  const narrow = (one: Entity, present: boolean): void => {
    const next = narrowed(question, one.field, one.value, present);
    go(withParams(place, { query: next.text, lang: next.language, page: "" }));
  };
  return (
    <>
      <LaneViews
        jobs={jobs}
        ids={ids}
        range={range}
        kind={kind}
        least={least}
        fits={fits}
        selected={selected}
        onSelect={select}
      />
      <Notes jobs={jobs} ids={ids} range={range} selected={selected.range} />
      {(selected.range !== undefined || picked !== undefined) && (
        <p class="tools">
          <span class="selected">Shown below: what is selected{pickedWords(picked)}.</span>{" "}
          <button type="button" onClick={() => go(withParams(place, selectedParams({ range: undefined, picked: undefined })))}>
            Clear the selection
          </button>
        </p>
      )}
      <div class="beside">
        <Influencers
          ids={within.map((job) => job.id)}
          range={shownRange}
          fields={fields}
          choice={{ among, fits }}
          onEntity={pick}
          onNarrow={narrow}
        />
        <Records jobs={within} range={shownRange} narrow={{ leastScore: least, among, fits }} onNarrow={narrow} />
      </div>
    </>
  );
}

/** Values that are named; of more their number is told. */
const NAMED = 5;

function pickedWords(picked: Picked | undefined): string {
  if (picked === undefined) {
    return "";
  }
  const { field, values } = picked;
  const more = values.length > NAMED ? ` and ${values.length - NAMED} more` : "";
  const names = values.slice(0, NAMED).join(", ") + more;
  return field === "job_id" ? `, of ${values.length === 1 ? "the job" : "the jobs"} ${names}` : `, influenced by ${field} ${names}`;
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

function Records(props: {
  jobs: readonly Job[];
  range: Range;
  narrow: Narrowing;
  onNarrow: (entity: Entity, present: boolean) => void;
}): ComponentChildren {
  const { ask, place, go } = useShared();
  const { jobs, range, narrow } = props;
  const ids = jobs.map((job) => job.id);
  const answer = useAnswer((signal) => readRecords(ask, ids, range, narrow, signal), JSON.stringify([ids, range, narrow]));
  return (
    <section class="records">
      <Shown answer={answer} what="Anomalies">
        {(found) => (
          <>
            <Charts found={found} jobs={jobs} range={range} />
            <h2>Anomalies</h2>
            <Anomalies
              found={found}
              jobs={jobs}
              interval={parseInterval(place.params["interval"])}
              onInterval={(interval) => go(withParams(place, { interval }))}
              onNarrow={props.onNarrow}
            />
          </>
        )}
      </Shown>
    </section>
  );
}
