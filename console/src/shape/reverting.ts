/** A job's return to a model snapshot: the calls in their order, the manifest that asks for the same, and what came of it. */

import type { Job } from "../rest/jobs";
import type { Snapshot } from "../rest/snapshots/snapshots";
import { jobPath, requested, starting, stopping, stateWords, type Call, type Judged, type Text } from "./actions";
import { requestOf, type Mark, type Spec } from "./ownership";

/** How a job goes back. */
export interface Manner {
  /** Whether results after the snapshot are deleted; without that nothing is analysed again. */
  readonly deletes: boolean;
  /** Whether the datafeed is started afterwards, and reads again what came since. */
  readonly replays: boolean;
  /** Whether it then goes on in real time. */
  readonly goesOn: boolean;
  /** A stretch that is not learnt when it is read again. */
  readonly skip: Skip | undefined;
}

export interface Skip {
  readonly from: number;
  readonly to: number;
  readonly description: string;
}

const LONGEST_ID = 64;

/** What is wrong with a manner; empty where nothing is. */
export function fault(job: Job, manner: Manner): string {
  if (job.blocked !== undefined) {
    return `The server is busy with the job: ${job.blocked.reason}.`;
  }
  if (manner.replays && job.feed === undefined) {
    return "The job has no datafeed that could read anything again.";
  }
  if (manner.skip !== undefined && manner.skip.to <= manner.skip.from) {
    return "The time to skip ends before it begins.";
  }
  return manner.skip !== undefined && manner.skip.description.trim() === "" ? "Say what happened in the time to skip." : "";
}

/** The id of the calendar of a skipped stretch: the same for the same job and stretch. */
export function calendarId(job: string, skip: Skip): string {
  const tail = `-${skip.from.toString(36)}-${skip.to.toString(36)}`;
  const name = job.toLowerCase().replace(/[^a-z0-9_-]/g, "-");
  return `skip-${name}`.slice(0, LONGEST_ID - tail.length).replace(/[-_]+$/, "") + tail;
}

/** The calls up to the return, and those after it. */
export interface Steps {
  readonly back: readonly Call[];
  readonly on: readonly Call[];
}

/** The calls of a return, as the job is now. */
export function steps(job: Job, snapshot: Snapshot, manner: Manner): Steps {
  const path = jobPath(job.id, `/model_snapshots/${encodeURIComponent(snapshot.id)}/_revert`);
  const revert: Call = {
    words: `go back to the snapshot ${snapshot.id}`,
    method: "POST",
    path,
    body: { delete_intervening_results: manner.deletes },
  };
  const back = [...stopping(job), ...(manner.skip === undefined ? [] : skipping(job, manner.skip)), revert];
  if (!manner.replays) {
    return { back, on: [] };
  }
  const closed: Job = { ...job, state: "closed" };
  return { back, on: starting(closed, { begin: "continue", end: manner.goesOn ? undefined : seenUpTo(job), annotations: false }) };
}

/** The end of the last bucket that the job has begun: what it had seen is read again, and no more. */
function seenUpTo(job: Job): number | undefined {
  return job.latestRecordMs === undefined ? undefined : (Math.floor(job.latestRecordMs / job.spanMs) + 1) * job.spanMs;
}

function skipping(job: Job, skip: Skip): Call[] {
  const path = `_ml/calendars/${calendarId(job.id, skip)}`;
  const event = { description: skip.description, start_time: skip.from, end_time: skip.to };
  return [
    {
      words: "make a calendar for the time to skip",
      method: "PUT",
      path,
      body: { job_ids: [job.id], description: `Not learnt again after a return of ${job.id} to a model snapshot` },
    },
    { words: "put the time into it", method: "POST", path: `${path}/events`, body: { events: [event] } },
  ];
}

/** Whether a job went back, of what the server says of it. */
export function judgeBack(job: Job | undefined, snapshot: Snapshot): Judged {
  if (job === undefined) {
    return { verdict: "otherwise", words: "the server has it no more" };
  }
  const words = `${stateWords(job)}, its model of the snapshot ${job.snapshot ?? "none"}`;
  if (job.blocked !== undefined || job.state === "closing") {
    return { verdict: "not yet", words };
  }
  return { verdict: job.state === "closed" && job.snapshot === snapshot.id ? "reached" : "otherwise", words };
}

/** The manifest that asks the operator for the same. */
export function manifestTexts(mark: Mark, snapshot: Snapshot, manner: Manner): Text[] {
  const skip: Spec =
    manner.skip === undefined
      ? []
      : [
          [
            "skipPeriod",
            [
              ["start", new Date(manner.skip.from).toISOString()],
              ["end", new Date(manner.skip.to).toISOString()],
              ["description", manner.skip.description],
            ],
          ],
        ];
  const spec: Spec = [["snapshotId", snapshot.id], ["deleteInterveningResults", manner.deletes], ...skip];
  const name = `${mark.name}-to-${snapshot.id.toLowerCase().replace(/[^a-z0-9.-]/g, "-").replace(/[-.]+$/, "")}`;
  return requested(mark, requestOf("ModelSnapshotRevert", mark, name, spec));
}
