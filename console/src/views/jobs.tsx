/** The list of jobs: what each does, whether it is well, and the way to its results. */

import type { ComponentChildren } from "preact";
import { useShared } from "../parts/context";
import { Nothing, Shown } from "../parts/states";
import { useAnswer } from "../parts/asking";
import { To } from "../parts/marks";
import { readJobs, type Job } from "../rest/jobs";
import { bytes, number, time } from "../shape/format";
import { conditions, matching } from "../shape/jobs";
import { withParams } from "../state/place";

/** The list of jobs. */
export function Jobs(): ComponentChildren {
  const { ask, place, go } = useShared();
  const answer = useAnswer(() => readJobs(ask), "jobs");
  const search = place.params["search"] ?? "";
  return (
    <main id="main">
      <h1>Jobs</h1>
      <Shown answer={answer} what="Jobs">
        {(jobs) =>
          jobs.length === 0 ? (
            <Nothing>
              This server has no anomaly detection jobs yet, or these credentials see none. <code>anomalyops new</code>{" "}
              drafts one from words; <code>anomalyops demo --keep DIR</code> makes three from sample data.
            </Nothing>
          ) : (
            <>
              <label class="search">
                Filter{" "}
                <input
                  type="search"
                  value={search}
                  placeholder="id, group, state or description"
                  onInput={(event) => go(withParams(place, { search: event.currentTarget.value }))}
                />
              </label>
              <JobTable jobs={matching(jobs, search)} of={jobs.length} />
            </>
          )
        }
      </Shown>
    </main>
  );
}

function JobTable(props: { jobs: readonly Job[]; of: number }): ComponentChildren {
  const { formats } = useShared();
  return (
    <div class="scrolling">
      <table>
        <caption>
          {number(props.jobs.length, formats)} of {number(props.of, formats)} jobs
        </caption>
        <thead>
          <tr>
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
        <tbody>
          {props.jobs.map((job) => (
            <Row key={job.id} job={job} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Row(props: { job: Job }): ComponentChildren {
  const { job } = props;
  const { formats } = useShared();
  return (
    <tr>
      <th scope="row">
        {job.id}
        {job.groups.map((group) => (
          <span class="tag" key={group}>
            {group}
          </span>
        ))}
        {job.description && <div class="aside">{job.description}</div>}
      </th>
      <td>{job.state}</td>
      <td>{job.feed?.state ?? "none"}</td>
      <td>
        {conditions(job).map((condition) => (
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
