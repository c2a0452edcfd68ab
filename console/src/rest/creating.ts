/** Makes a job run: created with its datafeed, opened, started; what came about is known at each moment. */

import { feedPath } from "../shape/actions";
import { feedId, type Bodies } from "../shape/wizard/bodies";
import { callsOf, type Call } from "../shape/wizard/manifest";
import { ServerError, type Ask } from "./server";

/** A change of the server, and what takes it back. */
export interface Deed {
  readonly words: string;
  readonly call: Call;
  readonly undo: Call;
  readonly undoWords: string;
}

/** What makes a job, and makes it run where that is wanted, in order. */
export function deedsOf(bodies: Bodies, run = true): Deed[] {
  const { name } = bodies;
  const feed = feedId(name);
  const { job: putJob, feed: putFeed, open, start } = callsOf(bodies);
  const made: Deed[] = [
    { words: `The job ${name} is created`, call: putJob, undo: { method: "DELETE", path: putJob.path }, undoWords: `Delete the job ${name}` },
    { words: `Its datafeed ${feed} is created`, call: putFeed, undo: { method: "DELETE", path: putFeed.path }, undoWords: `Delete the datafeed ${feed}` },
  ];
  const running: Deed[] = [
    { words: "The job is opened", call: open, undo: { method: "POST", path: `${putJob.path}/_close?force=true` }, undoWords: "Close the job" },
    { words: "The datafeed is started", call: start, undo: { method: "POST", path: `${putFeed.path}/_stop?force=true` }, undoWords: "Stop the datafeed" },
  ];
  return run ? [...made, ...running] : made;
}

/** How far a list of changes got. */
export interface Progress {
  /** How many are done. */
  readonly done: number;
  /** Why the next one was not done. */
  readonly error: ServerError | undefined;
}

/** Does one after the other until one fails. */
export async function doAll(ask: Ask, calls: readonly Call[], told: (done: number) => void): Promise<Progress> {
  for (const [index, { method, path, body }] of calls.entries()) {
    try {
      await ask(method, path, body);
    } catch (error) {
      if (error instanceof ServerError) {
        return { done: index, error };
      }
      throw error;
    }
    told(index + 1);
  }
  return { done: calls.length, error: undefined };
}

/** What takes the first changes of a list back, the last one first. */
export function takingBack(deeds: readonly Deed[], done: number): Deed[] {
  return deeds.slice(0, done).reverse();
}

/** Whether it is unknown if a call that failed came about all the same. */
export function isUnclear(error: ServerError): boolean {
  return error.status === 0 || error.status >= 500;
}

/** How far a job has come. */
export interface Come {
  readonly jobState: string;
  readonly feedState: string;
  readonly documents: number;
  readonly buckets: number;
  readonly latestMs: number | undefined;
  readonly anomalies: number;
}

/** Asks how far a job has come. */
export async function readCome(ask: Ask, name: string, signal?: AbortSignal): Promise<Come> {
  const id = encodeURIComponent(name);
  const [job, feed, records] = await Promise.all([
    ask("GET", `_ml/anomaly_detectors/${id}/_stats`, undefined, signal),
    ask("GET", feedPath(feedId(name), "/_stats"), undefined, signal),
    ask("POST", `_ml/anomaly_detectors/${id}/results/records`, { page: { from: 0, size: 1 } }, signal),
  ]);
  const counts = job.jobs[0]?.data_counts ?? {};
  return {
    jobState: job.jobs[0]?.state ?? "unknown",
    feedState: feed.datafeeds[0]?.state ?? "unknown",
    documents: counts.processed_record_count ?? 0,
    buckets: counts.bucket_count ?? 0,
    latestMs: counts.latest_record_timestamp,
    anomalies: records.count ?? 0,
  };
}
