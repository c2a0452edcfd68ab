/** How many documents there are, and when. */

import type { Ask, Json } from "../server";
import { during } from "./sampling";
import { clauseOf, type Question } from "../../state/querying";
import { cellWidth, type Range } from "../../state/range";

/** Cells of the histogram over time at most. */
export const MOST_CELLS = 200;
const MINUTE_MS = 60_000;

/** What is looked at. */
export interface Subject {
  readonly index: string;
  /** The field that orders documents in time; none where there is none. */
  readonly time: string | undefined;
  readonly range: Range | undefined;
  readonly question: Question;
}

/** Documents in cells of time, from the beginning of the range. */
export interface Cells {
  readonly range: Range;
  readonly cellMs: number;
  readonly counts: readonly number[];
}

/** How many documents a question finds, and when. */
export interface Overview {
  readonly total: number;
  readonly cells: Cells | undefined;
}

/** The conditions of a search for what is looked at. */
export function conditionsOf(subject: Subject): Json[] {
  const clause = clauseOf(subject.question);
  return [
    ...(subject.time !== undefined && subject.range !== undefined ? [during(subject.time, subject.range)] : []),
    ...(clause === undefined ? [] : [clause]),
  ];
}

/** From the first to the last document of an index, in whole minutes; undefined where none has a time. */
export async function readExtent(ask: Ask, index: string, time: string, signal?: AbortSignal): Promise<Range | undefined> {
  const body = { size: 0, aggs: { first: { min: { field: time } }, last: { max: { field: time } } } };
  return shapeExtent((await ask("POST", searchPath(index), body, signal)).aggregations);
}

/** The extent of the server's answer. */
export function shapeExtent(aggregations: any): Range | undefined {
  const [first, last] = [aggregations.first.value, aggregations.last.value];
  if (typeof first !== "number" || typeof last !== "number") {
    return undefined;
  }
  return { from: Math.floor(first / MINUTE_MS) * MINUTE_MS, to: (Math.floor(last / MINUTE_MS) + 1) * MINUTE_MS };
}

/** Counts the documents that a question finds, in cells of time where they have one. */
export async function readOverview(ask: Ask, subject: Subject, signal?: AbortSignal): Promise<Overview> {
  const cellMs = subject.range === undefined ? 0 : cellWidth(subject.range, 1000, MOST_CELLS);
  const answer = await ask("POST", searchPath(subject.index), overviewQuery(subject, cellMs), signal);
  return shapeOverview(answer, subject.range, cellMs);
}

/** Returns the search for a histogram over time. */
export function overviewQuery(subject: Subject, cellMs: number): Json {
  const { time, range } = subject;
  const search: { [key: string]: Json } = {
    size: 0,
    track_total_hits: true,
    query: { bool: { filter: conditionsOf(subject) } },
  };
  if (time !== undefined && range !== undefined) {
    const offset = ((range.from % cellMs) + cellMs) % cellMs;
    const cells = { field: time, fixed_interval: `${cellMs}ms`, offset: `${offset}ms`, min_doc_count: 1 };
    search["aggs"] = { cells: { date_histogram: cells } };
  }
  return search;
}

/** The histogram of the server's answer, with its empty cells. */
export function shapeOverview(answer: any, range: Range | undefined, cellMs: number): Overview {
  const total = answer.hits.total.value as number;
  const buckets = answer.aggregations?.cells?.buckets as any[] | undefined;
  if (range === undefined || buckets === undefined) {
    return { total, cells: undefined };
  }
  const counts = new Array<number>(Math.max(1, Math.ceil((range.to - range.from) / cellMs))).fill(0);
  for (const bucket of buckets) {
    const k = Math.floor((bucket.key - range.from) / cellMs);
    if (k >= 0 && k < counts.length) {
      counts[k] = (counts[k] ?? 0) + bucket.doc_count;
    }
  }
  return { total, cells: { range, cellMs, counts } };
}

/** The path of a search in an index, in several, or in those that a pattern fits. */
export function searchPath(index: string): string {
  return `${encodeURIComponent(index)}/_search`;
}
