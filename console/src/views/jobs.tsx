/** The list of jobs: what each does, whether it is well, what can be done with it, and the way to its results. */

import type { ComponentChildren } from "preact";
import { useRef, useState } from "preact/hooks";
import { shown as shownOf, useAnswer, type Answer } from "../parts/asking";
import { useShared } from "../parts/context";
import { JobTools } from "../parts/jobtools";
import { To } from "../parts/marks";
import { Nothing, Shown } from "../parts/states";
import { useWindow } from "../parts/window";
import { writesAllowed } from "../parts/writes";
import { readDelays } from "../rest/health";
import { readJobs, type Job } from "../rest/jobs";
import { bytes, number, time } from "../shape/format";
import { conditions, matching } from "../shape/jobs";
import { withParams } from "../state/place";
import { JobDetail } from "./job";

/** The list of jobs, or the one that the address names. */
export function Jobs(): ComponentChildren {
  const { place } = useShared();
  const id = place.params["job"];
  return id === undefined ? <AllJobs /> : <JobDetail key={id} id={id} />;
}

function AllJobs(): ComponentChildren {
  const { ask, now } = useShared();
  const [asked, setAsked] = useState(0);
  const answer = useAnswer(() => readJobs(ask), `jobs ${asked}`);
  const delays = useAnswer((signal) => readDelays(ask, now, undefined, signal), `delays ${asked}`);
  return (
    <main id="main">
      <h1>Jobs</h1>
      <Shown answer={answer} what="Jobs">
        {(jobs) =>
          jobs.length === 0 ? (
            <Nothing>
              This server has no anomaly detection jobs yet, or these credentials see none. <To place={{ view: "new", params: {} }}>A wizard</To> makes
              one from an index; <code>anomalyops new</code> drafts one from words; <code>anomalyops demo --keep DIR</code> makes three from sample data.
            </Nothing>
          ) : (
            <List jobs={jobs} delays={delays} onRefresh={() => setAsked((before) => before + 1)} />
          )
        }
      </Shown>
    </main>
  );
}

function List(props: {
  jobs: readonly Job[];
  delays: Answer<ReadonlyMap<string, readonly number[]>>;
  onRefresh: () => void;
}): ComponentChildren {
  const { place, go } = useShared();
  const search = place.params["search"] ?? "";
  const jobs = matching(props.jobs, search);
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set());
  return (
    <>
      <div class="tools">
        <label>
          Filter{" "}
          <input
            type="search"
            value={search}
            placeholder="id, group, state or description"
            onInput={(event) => go(withParams(place, { search: event.currentTarget.value }))}
          />
        </label>
        <button type="button" onClick={props.onRefresh}>
          Refresh
        </button>
      </div>
      <JobTools all={props.jobs} chosen={props.jobs.filter((job) => selected.has(job.id))} onDone={props.onRefresh} />
      {props.delays.state === "failed" && (
        <p class="aside">Whether data came late is not known: {props.delays.message}</p>
      )}
      <JobTable delays={shownOf(props.delays) ?? NO_DELAYS} jobs={jobs} of={props.jobs.length} selected={selected} onSelect={setSelected} />
    </>
  );
}

const NO_DELAYS: ReadonlyMap<string, readonly number[]> = new Map();

function JobTable(props: {
  delays: ReadonlyMap<string, readonly number[]>;
  jobs: readonly Job[];
  of: number;
  selected: ReadonlySet<string>;
  onSelect: (selected: ReadonlySet<string>) => void;
}): ComponentChildren {
  const { formats } = useShared();
  const { jobs, selected } = props;
  const body = useRef<HTMLTableSectionElement>(null);
  const shown = useWindow(body, jobs.length);
  const acts = writesAllowed();
  const all = jobs.length > 0 && jobs.every((job) => selected.has(job.id));
  const toggle = (ids: readonly string[], on: boolean): void => {
    const next = new Set(selected);
    ids.forEach((id) => (on ? next.add(id) : next.delete(id)));
    props.onSelect(next);
  };
  return (
    <div class="scrolling">
      <table aria-rowcount={jobs.length + 1}>
        <caption>
          {number(jobs.length, formats)} of {number(props.of, formats)} jobs
        </caption>
        <thead>
          <tr aria-rowindex={1}>
            {acts && (
              <th scope="col">
                <input
                  type="checkbox"
                  aria-label="Select all jobs of the list"
                  checked={all}
                  onChange={(event) => toggle(jobs.map((job) => job.id), event.currentTarget.checked)}
                />
              </th>
            )}
            <th scope="col">Job</th>
            <th scope="col">State</th>
            <th scope="col">Datafeed</th>
            <th scope="col">Health</th>
            <th scope="col" class="figure">Records</th>
            <th scope="col" class="figure">Memory</th>
            <th scope="col">Latest record</th>
            <th scope="col">Managed by</th>
            <th scope="col">Results</th>
          </tr>
        </thead>
        <tbody ref={body}>
          {shown.before > 0 && <tr aria-hidden="true" style={{ height: `${shown.before}px` }} />}
          {jobs.slice(shown.first, shown.last).map((job, index) => (
            <Row
              key={job.id}
              job={job}
              delays={props.delays.get(job.id)}
              index={shown.first + index + 2}
              selected={selected.has(job.id)}
              onSelect={acts ? (on) => toggle([job.id], on) : undefined}
            />
          ))}
          {shown.after > 0 && <tr aria-hidden="true" style={{ height: `${shown.after}px` }} />}
        </tbody>
      </table>
    </div>
  );
}

function Row(props: {
  job: Job;
  delays: readonly number[] | undefined;
  index: number;
  selected: boolean;
  onSelect: ((on: boolean) => void) | undefined;
}): ComponentChildren {
  const { job, onSelect } = props;
  const { formats } = useShared();
  return (
    <tr data-row aria-rowindex={props.index}>
      {onSelect && (
        <td>
          <input
            type="checkbox"
            aria-label={`Select ${job.id}`}
            checked={props.selected}
            onChange={(event) => onSelect(event.currentTarget.checked)}
          />
        </td>
      )}
      <th scope="row">
        <To place={{ view: "jobs", params: { job: job.id } }}>{job.id}</To>
        {job.groups.map((group) => (
          <span class="tag" key={group}>
            <To place={{ view: "jobs", params: { search: group } }} label={`Jobs of the group ${group}`}>
              {group}
            </To>
          </span>
        ))}
        {job.description && <div class="aside">{job.description}</div>}
      </th>
      <td>{job.blocked?.reason ?? job.state}</td>
      <td>{job.feed?.state ?? "none"}</td>
      <td>
        {conditions(job, props.delays).map((condition) => (
          <span class={`condition ${condition.level}`} key={condition.text}>
            {condition.text}
          </span>
        ))}
      </td>
      <td class="figure">{number(job.records, formats)}</td>
      <td class="figure">{bytes(job.modelBytes, formats)}</td>
      <td>{job.latestRecordMs === undefined ? "none yet" : time(job.latestRecordMs, formats)}</td>
      <td>{job.owner ?? "nobody"}</td>
      <td>
        <To place={{ view: "explorer", params: { jobs: job.id } }} label={`Explore the anomalies of ${job.id}`}>
          Explore
        </To>{" "}
        <To place={{ view: "series", params: { job: job.id } }} label={`View a series of ${job.id}`}>
          Series
        </To>
      </td>
    </tr>
  );
}
