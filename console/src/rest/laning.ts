/** Swim lanes: which there are, in an order, so that a page of them is drawn, and the scores of their cells. */

import { pageAt } from "../shape/paging";
import type { Ask, Json } from "./server";
import { atLeast, cellsFrom, filtered, RESULTS, type Entity } from "./results";
import type { Range } from "../state/range";

/** Lanes that are told apart at most; beyond, it says so. */
export const MOST_NAMES = 1000;
export const PAGE_SIZES: readonly number[] = [5, 10, 20, 50];

/** What lanes are of: all jobs together, each job, or each value of an influencer. */
export type LaneKind =
  | { readonly of: "overall" }
  | { readonly of: "job" }
  | { readonly of: "influencer"; readonly field: string };

export type LaneOrder = "worst" | "sum" | "name";
export const ORDERS: readonly { readonly name: LaneOrder; readonly text: string }[] = [
  { name: "worst", text: "highest score" },
  { name: "sum", text: "sum of scores" },
  { name: "name", text: "name" },
];

/** What of lanes is asked for. */
export interface LaneChoice {
  /** Scores below are left out. */
  readonly least: number;
  /** The lanes, in this order; the worst ones where it is undefined. */
  readonly names?: readonly string[];
  /** What the records fit that scores are taken of; results of their own where it is undefined. */
  readonly fits?: Json | undefined;
}

/** Which results tell the scores of lanes, by which of their fields. */
interface Scored {
  readonly result: string;
  readonly score: string;
  readonly field: string;
  readonly more: readonly Json[];
}

/** Buckets and influencers name no fields that a query could ask for: where there is one, all scores are those of records. */
function scored(kind: LaneKind, fits: Json | undefined): Scored {
  if (fits !== undefined) {
    return { result: "record", score: "record_score", field: kind.of === "influencer" ? kind.field : "job_id", more: [fits] };
  }
  return kind.of === "influencer"
    ? { result: "influencer", score: "influencer_score", field: "influencer_field_value", more: [{ term: { influencer_field_name: kind.field } }] }
    : { result: "bucket", score: "anomaly_score", field: "job_id", more: [] };
}

/** Returns the search for the names of lanes with scores of at least a severity. */
export function namesQuery(jobs: readonly string[], range: Range, kind: LaneKind, order: LaneOrder, choice: LaneChoice): Json {
  const { result, score, field, more } = scored(kind, choice.fits);
  return {
    size: 0,
    query: filtered(result, jobs, range, [...more, atLeast(score, choice.least)]),
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
  choice: LaneChoice,
  signal?: AbortSignal,
): Promise<string[]> {
  const answer = await ask("POST", `${RESULTS}/_search`, namesQuery(jobs, range, kind, order, choice), signal);
  const buckets: any[] = answer.aggregations?.lanes.buckets ?? [];
  return buckets.map((bucket) => String(bucket.key));
}

/** Lanes that a view shows at most. */
const MOST_LANES = 50;

/** A row of a swim lane: the worst score of each cell, NaN where there is none. */
export interface Lane {
  readonly label: string;
  readonly entity: Entity | undefined;
  readonly scores: Float64Array;
  readonly worst: number;
}

/** Swim lanes over the same cells. */
export interface Lanes {
  readonly range: Range;
  readonly cellMs: number;
  readonly lanes: readonly Lane[];
}

/** Returns the search for swim lanes. */
export function lanesQuery(
  jobs: readonly string[],
  range: Range,
  cellMs: number,
  kind: LaneKind,
  choice: LaneChoice = { least: 0 },
): Json {
  const { result, score, field, more } = scored(kind, choice.fits);
  const worst = { worst: { max: { field: score } } };
  const cells = { cells: { date_histogram: cellsFrom(range, cellMs), aggs: worst } };
  const severe = [...more, atLeast(score, choice.least)];
  if (kind.of === "overall") {
    return { size: 0, query: filtered(result, jobs, range, severe), aggs: cells };
  }
  const names = choice.names === undefined ? undefined : [...choice.names];
  return {
    size: 0,
    query: filtered(result, jobs, range, [...severe, ...(names === undefined ? [] : [{ terms: { [field]: names } }])]),
    aggs: {
      lanes: {
        // A record that several values influenced is found by one of them, and has the others too.
        terms: { field, size: MOST_LANES, order: { worst: "desc" }, ...(names === undefined ? {} : { include: names }) },
        aggs: { ...worst, ...cells },
      },
    },
  };
}

/** Swim lanes of jobs. */
export async function readLanes(
  ask: Ask,
  jobs: readonly string[],
  range: Range,
  cellMs: number,
  kind: LaneKind,
  choice: LaneChoice,
  signal?: AbortSignal,
): Promise<Lanes> {
  if (jobs.length === 0 || choice.names?.length === 0) {
    return { range, cellMs, lanes: [] };
  }
  const answer = await ask("POST", `${RESULTS}/_search`, lanesQuery(jobs, range, cellMs, kind, choice), signal);
  const { lanes } = shapeLanes(answer, range, cellMs, kind);
  const order = choice.names ?? lanes.map((lane) => lane.label);
  return { range, cellMs, lanes: [...lanes].sort((a, b) => order.indexOf(a.label) - order.indexOf(b.label)) };
}

/** Swim lanes of an answer to `lanesQuery`. */
export function shapeLanes(answer: any, range: Range, cellMs: number, kind: LaneKind): Lanes {
  const count = Math.max(1, Math.ceil((range.to - range.from) / cellMs));
  const lane = (label: string, entity: Entity | undefined, buckets: any[]): Lane => {
    const scores = new Float64Array(count).fill(Number.NaN);
    let worst = 0;
    for (const bucket of buckets) {
      const cell = Math.floor((bucket.key - range.from) / cellMs);
      const value = bucket.worst.value;
      if (cell >= 0 && cell < count && value !== null) {
        scores[cell] = value;
        worst = Math.max(worst, value);
      }
    }
    return { label, entity, scores, worst };
  };
  if (kind.of === "overall") {
    return { range, cellMs, lanes: [lane("Overall", undefined, answer.aggregations.cells.buckets)] };
  }
  const field = kind.of === "job" ? "job_id" : kind.field;
  const lanes = answer.aggregations.lanes.buckets.map((bucket: any) =>
    lane(String(bucket.key), { field, value: String(bucket.key) }, bucket.cells.buckets),
  );
  return { range, cellMs, lanes };
}

/** A page of a list: which one, of how many, and what is on it. */
export interface Page<T> {
  readonly at: number;
  readonly of: number;
  readonly items: readonly T[];
}

/** The page of a number that may be none; the last one where it is too high. */
export function pageOf<T>(all: readonly T[], wanted: string | undefined, size: number): Page<T> {
  const number = Math.trunc(Number(wanted ?? "1"));
  const { at, of, first, last } = pageAt(all.length, Number.isNaN(number) ? 0 : number - 1, size);
  return { at: at + 1, of, items: all.slice(first, last) };
}
