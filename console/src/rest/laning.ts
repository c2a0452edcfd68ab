/** Which swim lanes there are, in an order, so that a page of them is drawn. */

import type { Ask, Json } from "./server";
import { atLeast, filtered, RESULTS, type LaneKind } from "./results";
import type { Range } from "../state/range";

/** Lanes that are told apart at most; beyond, it says so. */
export const MOST_NAMES = 1000;
export const PAGE_SIZES: readonly number[] = [5, 10, 20, 50];

export type LaneOrder = "worst" | "sum" | "name";
export const ORDERS: readonly { readonly name: LaneOrder; readonly text: string }[] = [
  { name: "worst", text: "highest score" },
  { name: "sum", text: "sum of scores" },
  { name: "name", text: "name" },
];

/** Returns the search for the names of lanes with scores of at least a severity. */
export function namesQuery(jobs: readonly string[], range: Range, kind: LaneKind, order: LaneOrder, least: number): Json {
  const score = kind.of === "influencer" ? "influencer_score" : "anomaly_score";
  const field = kind.of === "influencer" ? "influencer_field_value" : "job_id";
  const more: Json[] = kind.of === "influencer" ? [{ term: { influencer_field_name: kind.field } }] : [];
  return {
    size: 0,
    query: filtered(kind.of === "influencer" ? "influencer" : "bucket", jobs, range, [
      ...more,
      atLeast(score, least),
    ]),
    aggs: {
      lanes: {
        terms: { field, size: MOST_NAMES, order: order === "name" ? { _key: "asc" } : { [order]: "desc" } },
        aggs: { worst: { max: { field: score } }, sum: { sum: { field: score } } },
      },
    },
  };
}

/** The names of lanes, in order. */
export async function readNames(
  ask: Ask,
  jobs: readonly string[],
  range: Range,
  kind: LaneKind,
  order: LaneOrder,
  least: number,
  signal?: AbortSignal,
): Promise<string[]> {
  const answer = await ask("POST", `${RESULTS}/_search`, namesQuery(jobs, range, kind, order, least), signal);
  const buckets: any[] = answer.aggregations?.lanes.buckets ?? [];
  return buckets.map((bucket) => String(bucket.key));
}

/** A page of a list: which one, of how many, and what is on it. */
export interface Page<T> {
  readonly at: number;
  readonly of: number;
  readonly items: readonly T[];
}

/** The page of a number that may be none; the last one where it is too high. */
export function pageOf<T>(all: readonly T[], wanted: string | undefined, size: number): Page<T> {
  const of = Math.max(1, Math.ceil(all.length / size));
  const number = Math.trunc(Number(wanted ?? "1"));
  const at = Math.min(of, Math.max(1, Number.isNaN(number) ? 1 : number));
  return { at, of, items: all.slice((at - 1) * size, at * size) };
}
