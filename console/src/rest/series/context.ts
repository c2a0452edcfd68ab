/** What is about a chart: all of its series in small, with the worst anomaly of each cell, and scheduled events. */

import { cellsFrom, filtered, RESULTS, seriesRecordFilters, timeOf, type SeriesName } from "../results";
import type { Ask, Json } from "../server";
import type { Range } from "../../state/range";

/** Buckets with scheduled events that are looked at at most. */
export const MOST_EVENT_BUCKETS = 1000;

/** Returns the search for the worst record of each cell of one series. */
export function scoresQuery(name: SeriesName, range: Range, cellMs: number): Json {
  return {
    size: 0,
    query: filtered("record", [name.job], range, seriesRecordFilters(name)),
    aggs: { cells: { date_histogram: cellsFrom(range, cellMs), aggs: { worst: { max: { field: "record_score" } } } } },
  };
}

/** A cell with an anomaly. */
export interface Scored {
  readonly range: Range;
  readonly score: number;
}

/** The cells of a series that hold anomalies. */
export async function readScores(
  ask: Ask,
  name: SeriesName,
  range: Range,
  cellMs: number,
  signal?: AbortSignal,
): Promise<Scored[]> {
  const answer = await ask("POST", `${RESULTS}/_search`, scoresQuery(name, range, cellMs), signal);
  const cells: any[] = answer.aggregations?.cells.buckets ?? [];
  return cells
    .filter((cell) => (cell.worst?.value ?? 0) > 0)
    .map((cell) => ({ range: { from: cell.key, to: cell.key + cellMs }, score: cell.worst.value }));
}

/** A scheduled event, as far as the job met it. */
export interface Scheduled {
  readonly text: string;
  readonly range: Range;
}

/** The scheduled events that a job met in a stretch of time. */
export async function readEvents(ask: Ask, job: string, range: Range, signal?: AbortSignal): Promise<Scheduled[]> {
  const body: Json = {
    size: MOST_EVENT_BUCKETS,
    _source: ["timestamp", "bucket_span", "scheduled_events"],
    query: filtered("bucket", [job], range, [{ exists: { field: "scheduled_events" } }]),
    sort: [{ timestamp: "asc" }],
  };
  const answer = await ask("POST", `${RESULTS}/_search`, body, signal);
  return shapeEvents(answer.hits.hits.map((hit: any) => hit._source));
}

/** Events of buckets in their order: one that goes on from bucket to bucket is one. */
export function shapeEvents(buckets: readonly any[]): Scheduled[] {
  const open = new Map<string, { from: number; to: number }>();
  const found: Scheduled[] = [];
  for (const bucket of buckets) {
    const from = timeOf(bucket.timestamp);
    const to = from + bucket.bucket_span * 1000;
    for (const text of new Set<string>([bucket.scheduled_events].flat().map(String))) {
      const before = open.get(text);
      if (before !== undefined && before.to === from) {
        before.to = to;
      } else {
        const range = { from, to };
        open.set(text, range);
        found.push({ text, range });
      }
    }
  }
  return found;
}
