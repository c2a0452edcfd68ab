/** Runs a trial of a job on the server, and takes it away again, whatever came of it. */

import { feedPath } from "../shape/actions";
import { feedId, type Bodies } from "../shape/wizard/bodies";
import { ALARM_FROM, isTrial, TRIALS } from "../shape/wizard/trial";
import { deedsOf, doAll, readCome, type Come } from "./creating";
import { shapeRecord, timeOf, type Anomaly } from "./results";
import { ServerError, type Ask } from "./server";

/** What a trial found. */
export interface Found {
  readonly come: Come;
  /** Start and score at the time of detection of the buckets that would have raised an alarm. */
  readonly buckets: readonly (readonly [startMs: number, score: number])[];
  /** The worst records, as they are scored at the end. */
  readonly records: readonly Anomaly[];
  readonly peakBytes: number;
  readonly memoryStatus: string;
}

const EVERY_MS = 500;
const MOST_BUCKETS = 10_000;
const MOST_RECORDS = 10;

/**
 * Makes the job, waits until it has read all of its data, and reads what it found. It is taken away at the end, when
 * something fails, and when nobody waits any more.
 */
export async function runTrial(ask: Ask, made: Bodies, told: (come: Come | undefined) => void, signal: AbortSignal): Promise<Found> {
  try {
    const progress = await doAll(ask, deedsOf(made).map((one) => one.call), () => told(undefined));
    if (progress.error !== undefined) {
      throw progress.error;
    }
    for (;;) {
      const come = await readCome(ask, made.name, signal);
      told(come);
      if (come.feedState === "stopped" && come.jobState === "closed") {
        return await readFound(ask, made.name, come, signal);
      }
      await pause(signal);
    }
  } finally {
    await takeAway(ask, made.name);
  }
}

async function pause(signal: AbortSignal): Promise<void> {
  await new Promise((done) => setTimeout(done, EVERY_MS));
  signal.throwIfAborted();
}

async function readFound(ask: Ask, name: string, come: Come, signal: AbortSignal): Promise<Found> {
  const id = encodeURIComponent(name);
  const filter = [{ term: { job_id: name } }, { term: { result_type: "bucket" } }, { range: { initial_anomaly_score: { gte: ALARM_FROM } } }];
  const [buckets, records, stats] = await Promise.all([
    ask("POST", ".ml-anomalies-*/_search", { query: { bool: { filter } }, sort: [{ timestamp: "asc" }], size: MOST_BUCKETS, _source: ["timestamp", "initial_anomaly_score"] }, signal),
    ask("POST", `_ml/anomaly_detectors/${id}/results/records`, { sort: "record_score", desc: true, page: { from: 0, size: MOST_RECORDS } }, signal),
    ask("GET", `_ml/anomaly_detectors/${id}/_stats`, undefined, signal),
  ]);
  const memory = stats.jobs[0]?.model_size_stats ?? {};
  return {
    come,
    buckets: buckets.hits.hits.map((hit: any) => [timeOf(hit._source.timestamp), hit._source.initial_anomaly_score] as const),
    records: records.records.map(shapeRecord),
    peakBytes: memory.peak_model_bytes ?? memory.model_bytes ?? 0,
    memoryStatus: memory.memory_status ?? "unknown",
  };
}

/** Deletes a trial with all that it found. The call for the job comes first: it is the one that a page that closes still sends. */
export async function takeAway(ask: Ask, name: string): Promise<void> {
  const job = `_ml/anomaly_detectors/${encodeURIComponent(name)}?force=true`;
  try {
    await ask("DELETE", job);
  } catch (error) {
    if (!(error instanceof ServerError) || error.status === 0) {
      throw error;
    }
    if (error.status !== 404) {
      // Older servers delete no job that a datafeed refers to.
      await unlessGone(ask("DELETE", `${feedPath(feedId(name))}?force=true`));
      await unlessGone(ask("DELETE", job));
    }
  }
}

async function unlessGone(answer: Promise<unknown>): Promise<void> {
  try {
    await answer;
  } catch (error) {
    if (!(error instanceof ServerError) || error.status !== 404) {
      throw error;
    }
  }
}

/** The trials that are on the server: those that run, and those that a page left behind that could not take them away. */
export async function readTrials(ask: Ask, signal?: AbortSignal): Promise<string[]> {
  const found = await ask("GET", `_ml/anomaly_detectors/${encodeURIComponent(TRIALS)}?allow_no_match=true`, undefined, signal);
  return found.jobs.filter(isTrial).map((one: any) => one.job_id);
}
