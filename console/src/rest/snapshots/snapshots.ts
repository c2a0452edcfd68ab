/** Model snapshots of a job, and what goes with a return to one. */

import { jobPath } from "../../shape/actions";
import type { Change } from "../../shape/shared";
import type { Ask, Json } from "../server";
import { RESULTS, timeOf } from "../results";

/** What a job had learnt at a moment. */
export interface Snapshot {
  readonly id: string;
  readonly description: string;
  readonly takenMs: number;
  /** The latest record that it has learnt, and the latest result; undefined before any. */
  readonly latestRecordMs: number | undefined;
  readonly latestResultMs: number | undefined;
  readonly bytes: number | undefined;
  readonly retained: boolean;
}

/** Snapshots that are shown at most. */
export const MOST_SNAPSHOTS = 100;

/** Snapshots, the newest first, how many there are, and which the job goes on from. */
export interface Snapshots {
  readonly snapshots: readonly Snapshot[];
  readonly total: number;
  readonly current: string | undefined;
}

/** The model snapshots of a job. */
export async function readSnapshots(ask: Ask, id: string, signal?: AbortSignal): Promise<Snapshots> {
  const path = jobPath(id, `/model_snapshots?size=${MOST_SNAPSHOTS}&sort=timestamp&desc=true`);
  const [found, jobs] = await Promise.all([
    ask("GET", path, undefined, signal),
    ask("GET", jobPath(id), undefined, signal),
  ]);
  return {
    snapshots: found.model_snapshots.map(shapeSnapshot),
    total: found.count,
    current: jobs.jobs[0]?.model_snapshot_id,
  };
}

/** The snapshot of the server's answer. */
export function shapeSnapshot(source: any): Snapshot {
  const at = (value: unknown): number | undefined =>
    value === undefined || value === null ? undefined : timeOf(value as number | string);
  return {
    id: source.snapshot_id,
    description: source.description ?? "",
    takenMs: timeOf(source.timestamp),
    latestRecordMs: at(source.latest_record_time_stamp),
    latestResultMs: at(source.latest_result_time_stamp),
    bytes: source.model_size_stats?.model_bytes,
    retained: source.retain === true,
  };
}

/** What somebody may say of a snapshot. */
export type Said = Pick<Snapshot, "description" | "retained">;

/** The calls that make a snapshot say what is wanted, from what it says. */
export function snapshotChanges(job: string, id: string, before: Said, wanted: Said): Change[] {
  const body = {
    ...(wanted.description === before.description ? {} : { description: wanted.description }),
    ...(wanted.retained === before.retained ? {} : { retain: wanted.retained }),
  };
  const path = jobPath(job, `/model_snapshots/${encodeURIComponent(id)}/_update`);
  return Object.keys(body).length === 0 ? [] : [{ words: `change the snapshot ${id}`, method: "POST", path, body }];
}

/** What the server lacks of what is wanted of a snapshot; a snapshot that is gone lacks all of it. */
export async function snapshotLeft(ask: Ask, job: string, id: string, wanted: Said): Promise<Change[]> {
  const found = await ask("GET", jobPath(job, `/model_snapshots/${encodeURIComponent(id)}`));
  const [there] = found.model_snapshots.map(shapeSnapshot);
  return there === undefined ? [{ words: `keep the snapshot ${id}`, method: "GET", path: "" }] : snapshotChanges(job, id, there, wanted);
}

/** Results of a job after a moment, by their kind. */
export interface Lost {
  readonly buckets: number;
  readonly records: number;
}

/** How many results lie after what a snapshot has learnt. */
export async function readLost(ask: Ask, id: string, after: number, signal?: AbortSignal): Promise<Lost> {
  const answer = await ask("POST", `${RESULTS}/_search`, lostQuery(id, after), signal);
  const kinds = answer.aggregations?.kinds.buckets ?? [];
  const count = (kind: string): number => kinds.find((bucket: any) => bucket.key === kind)?.doc_count ?? 0;
  return { buckets: count("bucket"), records: count("record") };
}

/** Returns the search for results after a moment. */
export function lostQuery(id: string, after: number): Json {
  const later = { range: { timestamp: { gt: after, format: "epoch_millis" } } };
  return {
    size: 0,
    track_total_hits: false,
    query: { bool: { filter: [{ term: { job_id: id } }, later] } },
    aggs: { kinds: { terms: { field: "result_type", size: 20 } } },
  };
}
