/** Jobs, their feeds and counts, as the console shows them. */

import { shapeUrls, type CustomUrl } from "../shape/urls";
import { shapeSource, type Source } from "./series/source";
import type { Ask } from "./server";
import { markOf, ownerLine, type Mark } from "../shape/ownership";
import { DAY_MS, parseSpan, type Range } from "../state/range";

/** What a field does for a detector that it splits. */
export type Role = "partition" | "over" | "by";

/** A field that splits a detector. */
export interface Split {
  readonly role: Role;
  readonly field: string;
}

const ROLES: readonly Role[] = ["partition", "over", "by"];

/** A detector of a job. */
export interface Detector {
  readonly index: number;
  readonly text: string;
  readonly function: string;
  readonly field: string | undefined;
  readonly splits: readonly Split[];
}

/** The server's own objects of a job; its datafeed's are undefined without one, stats where they may not be read. */
export interface Raw {
  readonly config: any;
  readonly stats: any;
  readonly feed: any;
  readonly feedStats: any;
}

/** A job with what runs of it. */
export interface Job {
  readonly id: string;
  readonly description: string;
  readonly groups: readonly string[];
  readonly spanMs: number;
  readonly state: string;
  readonly memoryStatus: string;
  readonly modelBytes: number;
  readonly records: number;
  readonly buckets: number;
  readonly latestRecordMs: number | undefined;
  readonly latestBucketMs: number | undefined;
  readonly earliestRecordMs: number | undefined;
  readonly feed: { readonly id: string; readonly state: string; readonly indices: readonly string[] } | undefined;
  readonly influencers: readonly string[];
  readonly detectors: readonly Detector[];
  readonly modelPlot: boolean;
  /** The links that its anomalies have. */
  readonly urls: readonly CustomUrl[];
  /** Where the datafeed reads; undefined where there is none. */
  readonly source: Source | undefined;
  /** `cluster/namespace/name` of the manifest that declares the job. */
  readonly owner: string | undefined;
  readonly mark: Mark | undefined;
  /** The model snapshot that the job goes on from; undefined before any. */
  readonly snapshot: string | undefined;
  readonly raw: Raw;
  /** What the server does with the job for now, such as `resetting`. */
  readonly blocked: { readonly reason: string; readonly task: string } | undefined;
}

/** All jobs, by their ids; one call for each kind of thing and not one a job. */
export async function readJobs(ask: Ask): Promise<Job[]> {
  const [jobs, stats, feeds, feedStats] = await Promise.all([
    ask("GET", "_ml/anomaly_detectors"),
    ask("GET", "_ml/anomaly_detectors/_stats"),
    ask("GET", "_ml/datafeeds"),
    ask("GET", "_ml/datafeeds/_stats"),
  ]);
  return shapeJobs(jobs.jobs, stats.jobs, feeds.datafeeds, feedStats.datafeeds);
}

/** Jobs of the server's four answers. */
export function shapeJobs(jobs: any[], stats: any[], feeds: any[], feedStats: any[]): Job[] {
  const statsOf = new Map(stats.map((entry) => [entry.job_id, entry]));
  const feedOf = new Map(feeds.map((entry) => [entry.job_id, entry]));
  const feedStatsOf = new Map(feedStats.map((entry) => [entry.datafeed_id, entry]));
  return jobs
    .map((job) => {
      const own = statsOf.get(job.job_id) ?? {};
      const feed = feedOf.get(job.job_id);
      const counts = own.data_counts ?? {};
      const size = own.model_size_stats ?? {};
      const mark = markOf(job);
      const feedOwn = feed && feedStatsOf.get(feed.datafeed_id);
      return {
        id: job.job_id,
        description: job.description ?? "",
        groups: job.groups ?? [],
        spanMs: parseSpan(job.analysis_config.bucket_span) ?? 300_000,
        state: own.state ?? "unknown",
        memoryStatus: size.memory_status ?? "ok",
        modelBytes: size.model_bytes ?? 0,
        records: counts.processed_record_count ?? 0,
        buckets: counts.bucket_count ?? 0,
        latestRecordMs: counts.latest_record_timestamp,
        latestBucketMs: counts.latest_bucket_timestamp ?? counts.latest_record_timestamp,
        earliestRecordMs: counts.earliest_record_timestamp,
        feed: feed && {
          id: feed.datafeed_id,
          state: feedOwn?.state ?? "unknown",
          indices: feed.indices,
        },
        influencers: job.analysis_config.influencers ?? [],
        detectors: job.analysis_config.detectors.map(shapeDetector),
        modelPlot: job.model_plot_config?.enabled === true,
        urls: shapeUrls(job),
        source: shapeSource(job, feed),
        owner: mark && ownerLine(mark),
        mark,
        snapshot: job.model_snapshot_id ?? undefined,
        raw: { config: job, stats: statsOf.get(job.job_id), feed, feedStats: feedOwn },
        blocked: blockedOf(job),
      };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function shapeDetector(detector: any, index: number): Detector {
  return {
    index: detector.detector_index ?? index,
    text: detector.detector_description ?? detector.function,
    function: detector.function,
    field: detector.field_name,
    splits: ROLES.flatMap((role) => {
      const field = detector[`${role}_field_name`];
      return typeof field === "string" ? [{ role, field }] : [];
    }),
  };
}

function blockedOf(job: any): Job["blocked"] {
  const reason = job.blocked?.reason;
  return typeof reason === "string" && reason !== "none" ? { reason, task: job.blocked.task_id ?? "" } : undefined;
}

/** The stretch in which jobs have seen data, in whole buckets; the last day where none has. */
export function wholeRange(jobs: readonly Job[], now: number): Range {
  let [from, to] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { earliestRecordMs, latestRecordMs, spanMs } of jobs) {
    if (earliestRecordMs !== undefined && latestRecordMs !== undefined) {
      from = Math.min(from, Math.floor(earliestRecordMs / spanMs) * spanMs);
      to = Math.max(to, (Math.floor(latestRecordMs / spanMs) + 1) * spanMs);
    }
  }
  return from < to ? { from, to } : { from: now - DAY_MS, to: now };
}
