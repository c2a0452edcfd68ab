/** One job closely: its configuration and stats, messages, what its datafeed would read and what was read. */

import { feedPath, jobPath } from "../shape/actions";
import { shapeJobs, type Job } from "./jobs";
import { RESULTS, timeOf } from "./results";
import { documentsQuery, sourcePath, type Source } from "./series/source";
import type { Ask, Json } from "./server";
import type { Range } from "../state/range";

type Config = { [key: string]: any };

/** A job with what the server says of it. */
export interface Detail {
  readonly job: Job;
  readonly config: Config;
  readonly stats: Config;
  readonly feed: Config | undefined;
  readonly feedStats: Config | undefined;
}

/** One job with its datafeed; null where the server has none of that id. */
export async function readDetail(ask: Ask, id: string, signal?: AbortSignal): Promise<Detail | null> {
  // A list that may be empty is no error to look at; a missing job would be one.
  const [jobs, feeds] = await Promise.all([
    ask("GET", "_ml/anomaly_detectors", undefined, signal),
    ask("GET", "_ml/datafeeds", undefined, signal),
  ]);
  const config = jobs.jobs.find((job: any) => job.job_id === id);
  if (config === undefined) {
    return null;
  }
  const feed = feeds.datafeeds.find((one: any) => one.job_id === id);
  const [stats, feedStats] = await Promise.all([
    ask("GET", jobPath(id, "/_stats"), undefined, signal),
    feed === undefined ? { datafeeds: [] } : ask("GET", feedPath(feed.datafeed_id, "/_stats"), undefined, signal),
  ]);
  const feedOwn = feed === undefined ? [] : [feed];
  const [job] = shapeJobs([config], stats.jobs, feedOwn, feedStats.datafeeds);
  return job === undefined ? null : { job, config, stats: stats.jobs[0], feed, feedStats: feedStats.datafeeds[0] };
}

/** What a job noted about itself. */
export interface Message {
  readonly timeMs: number;
  readonly level: string;
  readonly text: string;
  readonly node: string;
}

/** Messages and how many there are. */
export interface Messages {
  readonly messages: readonly Message[];
  readonly total: number;
}

export const LEVELS = ["info", "warning", "error"] as const;
export type Level = (typeof LEVELS)[number];
/** Messages that are shown at most. */
export const MOST_MESSAGES = 500;

/** The messages of a job of a level and those above, the newest first. */
export async function readMessages(ask: Ask, id: string, least: Level, signal?: AbortSignal): Promise<Messages> {
  const answer = await ask("POST", ".ml-notifications-*/_search", messagesQuery(id, least), signal);
  return {
    total: answer.hits.total.value,
    messages: answer.hits.hits.map(({ _source: source }: any) => ({
      timeMs: timeOf(source.timestamp),
      level: source.level,
      text: source.message,
      node: source.node_name ?? "",
    })),
  };
}

/** Returns the search for messages. */
export function messagesQuery(id: string, least: Level): Json {
  const levels = LEVELS.slice(LEVELS.indexOf(least));
  return {
    size: MOST_MESSAGES,
    track_total_hits: true,
    query: { bool: { filter: [{ term: { job_id: id } }, { terms: { level: levels } }] } },
    sort: [{ timestamp: { order: "desc", unmapped_type: "date" } }],
  };
}

/** Documents that a datafeed would read next. */
export async function readPreview(ask: Ask, feedId: string, signal?: AbortSignal): Promise<Config[]> {
  return await ask("GET", feedPath(feedId, "/_preview"), undefined, signal);
}

/** Documents of the source and those that the job has counted, cell by cell; NaN where nothing is known. */
export interface FeedCounts {
  readonly cellMs: number;
  /** Cell starts, milliseconds. */
  readonly times: Float64Array;
  readonly source: Float64Array;
  readonly analysed: Float64Array;
}

/** Reads both counts at once. */
export async function readFeedCounts(
  ask: Ask,
  job: Job,
  source: Source,
  range: Range,
  cellMs: number,
  signal?: AbortSignal,
): Promise<FeedCounts> {
  const [held, analysed] = await Promise.all([
    ask("POST", sourcePath(source, "_search"), heldQuery(source, range, cellMs), signal),
    ask("POST", `${RESULTS}/_search`, analysedQuery(job.id, range, cellMs), signal),
  ]);
  return shapeFeedCounts(held, analysed, range, cellMs, job);
}

const cells = (field: string, range: Range, cellMs: number): Json => ({
  field,
  fixed_interval: `${cellMs}ms`,
  offset: `${((range.from % cellMs) + cellMs) % cellMs}ms`,
  min_doc_count: 1,
});

/** Returns the search for what the source holds now, as the datafeed would find it. */
export function heldQuery(source: Source, range: Range, cellMs: number): Json {
  return {
    size: 0,
    track_total_hits: false,
    query: documentsQuery(source, [], range),
    ...(source.runtime === undefined ? {} : { runtime_mappings: source.runtime }),
    aggs: { cells: { date_histogram: cells(source.timeField, range, cellMs) } },
  };
}

/** Returns the search for what the job counted. */
export function analysedQuery(id: string, range: Range, cellMs: number): Json {
  const stretch = { range: { timestamp: { gte: range.from, lt: range.to, format: "epoch_millis" } } };
  return {
    size: 0,
    query: { bool: { filter: [{ term: { result_type: "bucket" } }, { term: { job_id: id } }, stretch] } },
    aggs: {
      cells: { date_histogram: cells("timestamp", range, cellMs), aggs: { events: { sum: { field: "event_count" } } } },
    },
  };
}

/** Both counts on the same cells; nothing is known of what was analysed where the job has no finished bucket. */
export function shapeFeedCounts(source: any, analysed: any, range: Range, cellMs: number, job: Job): FeedCounts {
  const count = Math.max(1, Math.ceil((range.to - range.from) / cellMs));
  const times = Float64Array.from({ length: count }, (_none, index) => range.from + index * cellMs);
  const column = (answer: any, value: (bucket: any) => number): Float64Array => {
    const found = new Float64Array(count);
    for (const bucket of answer.aggregations?.cells.buckets ?? []) {
      const cell = Math.floor((bucket.key - range.from) / cellMs);
      if (cell >= 0 && cell < count) {
        found[cell] = value(bucket);
      }
    }
    return found;
  };
  const seen = column(analysed, (bucket) => bucket.events.value ?? 0);
  const [first, last] = [job.earliestRecordMs, job.latestBucketMs];
  times.forEach((begin, index) => {
    const before = first === undefined || begin + cellMs <= Math.floor(first / job.spanMs) * job.spanMs;
    if (before || last === undefined || begin >= last + job.spanMs) {
      seen[index] = Number.NaN;
    }
  });
  return { cellMs, times, source: column(source, (bucket) => bucket.doc_count), analysed: seen };
}
