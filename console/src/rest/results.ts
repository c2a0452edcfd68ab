/** Questions about results, and their answers as values: records, expected values. */

import type { Role } from "./jobs";
import type { MetricPart } from "./series/source";
import type { Ask, Json } from "./server";
import type { Range } from "../state/range";

export const RESULTS = ".ml-anomalies-*";
/** Records that a table holds at most; beyond, it says so. */
export const MOST_RECORDS = 500;

/** An anomaly record. */
export interface Anomaly {
  readonly jobId: string;
  readonly timeMs: number;
  readonly spanMs: number;
  readonly score: number;
  readonly initialScore: number;
  readonly detector: number;
  readonly function: string;
  /** The function in the record's own words: of `metric` the part that is unusual. */
  readonly described: string;
  readonly field: string | undefined;
  readonly actual: number | undefined;
  readonly typical: number | undefined;
  /** Of `lat_long`, which has no single figure: where it was, and where it was to be. */
  readonly places: { readonly actual: Point; readonly typical: Point } | undefined;
  readonly probability: number;
  readonly interim: boolean;
  readonly multiBucket: number;
  readonly entities: readonly Entity[];
  readonly influencers: readonly Entity[];
  readonly explanation: Readonly<Record<string, number | boolean | string>> | undefined;
  /** The record as the server has it. */
  readonly source: Readonly<Record<string, unknown>>;
}

/** A place on the globe, in degrees. */
export interface Point {
  readonly latitude: number;
  readonly longitude: number;
}

/** A field with one of its values. */
export interface Entity {
  readonly field: string;
  readonly value: string;
}

/** A field with some of its values. */
export interface Among {
  readonly field: string;
  readonly values: readonly string[];
}

/** Records, the worst first, and how many there are. */
export interface Found {
  readonly anomalies: readonly Anomaly[];
  readonly total: number;
}

const between = (range: Range): Json => ({
  range: { timestamp: { gte: range.from, lt: range.to, format: "epoch_millis" } },
});

/** The query for results of one kind, of jobs, in a stretch of time. */
export const filtered = (kind: string, jobs: readonly string[], range: Range, more: Json[] = []): Json => ({
  bool: { filter: [{ term: { result_type: kind } }, { terms: { job_id: [...jobs] } }, between(range), ...more] },
});

/** A histogram whose cells begin where the range does. */
export const cellsFrom = (range: Range, cellMs: number): Json => ({
  field: "timestamp",
  fixed_interval: `${cellMs}ms`,
  offset: `${((range.from % cellMs) + cellMs) % cellMs}ms`,
  min_doc_count: 1,
});

/** What narrows records down. */
export interface Narrowing {
  readonly leastScore: number;
  readonly detector?: number;
  /** Of `metric` the part. */
  readonly described?: string;
  readonly entities?: readonly Entity[];
  /** The values of a field one of which they were found for, or were influenced by. */
  readonly among?: Among | undefined;
  /** A clause that they fit. */
  readonly fits?: Json | undefined;
}

/** The clauses of what a reader chose among records. */
export function chosenBy({ among, fits }: Pick<Narrowing, "among" | "fits">): Json[] {
  return [...(among === undefined ? [] : [{ terms: { [among.field]: [...among.values] } }]), ...(fits === undefined ? [] : [fits])];
}

/** Returns the search for records of jobs. */
export function recordsQuery(jobs: readonly string[], range: Range, narrow: Narrowing): Json {
  const more: Json[] = [{ range: { record_score: { gte: narrow.leastScore } } }];
  if (narrow.detector !== undefined) {
    more.push({ term: { detector_index: narrow.detector } });
  }
  if (narrow.described !== undefined) {
    more.push({ term: { function_description: narrow.described } });
  }
  // A result names each of its entities and influencers as a field of its own, too.
  for (const entity of narrow.entities ?? []) {
    more.push({ term: { [entity.field]: entity.value } });
  }
  more.push(...chosenBy(narrow));
  return {
    size: MOST_RECORDS,
    track_total_hits: true,
    query: filtered("record", jobs, range, more),
    sort: [{ record_score: "desc" }, { timestamp: "asc" }],
  };
}

/** The records of jobs, the worst first. */
export async function readRecords(
  ask: Ask,
  jobs: readonly string[],
  range: Range,
  narrow: Narrowing,
  signal?: AbortSignal,
): Promise<Found> {
  if (jobs.length === 0) {
    return { anomalies: [], total: 0 };
  }
  const answer = await ask("POST", `${RESULTS}/_search`, recordsQuery(jobs, range, narrow), signal);
  return { anomalies: answer.hits.hits.map((hit: any) => shapeRecord(hit._source)), total: answer.hits.total.value };
}

/** How many records of jobs fit a clause. */
export async function countFitting(ask: Ask, jobs: readonly string[], range: Range, fits: Json, signal?: AbortSignal): Promise<number> {
  const body = { size: 0, track_total_hits: true, query: filtered("record", jobs, range, [fits]) };
  return (await ask("POST", `${RESULTS}/_search`, body, signal)).hits.total.value;
}

/** The record that a result document holds; of a population the most unusual member stands in its causes. */
export function shapeRecord(source: any): Anomaly {
  const cause = source.causes?.[0] ?? {};
  const entities: Entity[] = [];
  for (const role of ["partition", "over", "by"]) {
    const field = source[`${role}_field_name`];
    const value = source[`${role}_field_value`];
    if (field !== undefined && value !== undefined) {
      entities.push({ field, value: String(value) });
    }
  }
  const [actual, typical] = [source.actual ?? cause.actual, source.typical ?? cause.typical];
  const [there, expected] = source.function === "lat_long" ? [pointOf(actual), pointOf(typical)] : [];
  const places = there !== undefined && expected !== undefined ? { actual: there, typical: expected } : undefined;
  return {
    jobId: source.job_id,
    timeMs: timeOf(source.timestamp),
    spanMs: source.bucket_span * 1000,
    score: source.record_score,
    initialScore: source.initial_record_score,
    detector: source.detector_index,
    function: source.function,
    described: source.function_description ?? source.function,
    field: source.field_name,
    actual: places === undefined ? first(actual) : undefined,
    typical: places === undefined ? first(typical) : undefined,
    places,
    probability: source.probability,
    interim: source.is_interim === true,
    multiBucket: source.multi_bucket_impact ?? -5,
    entities,
    influencers: (source.influencers ?? []).flatMap((one: any) =>
      one.influencer_field_values.map((value: string) => ({ field: one.influencer_field_name, value })),
    ),
    explanation: source.anomaly_score_explanation,
    source,
  };
}

/** Latitude and longitude, as a record of `lat_long` has them; undefined where that is no place. */
function pointOf(values: unknown): Point | undefined {
  const [latitude, longitude] = Array.isArray(values) ? (values as unknown[]) : [];
  const isPlace = typeof latitude === "number" && typeof longitude === "number" && Math.abs(latitude) <= 90 && Math.abs(longitude) <= 360;
  return isPlace ? { latitude, longitude } : undefined;
}

function first(values: unknown): number | undefined {
  const value = Array.isArray(values) ? values[0] : values;
  return typeof value === "number" ? value : undefined;
}

/** A timestamp of a document: milliseconds, or a text. */
export function timeOf(value: number | string): number {
  return typeof value === "number" ? value : Date.parse(value);
}

/** What finds scores of at least a severity; of the least one, all that are any. */
export function atLeast(score: string, least: number): Json {
  // Of two lower bounds a server would take the last one alone.
  return { range: { [score]: least > 0 ? { gte: least } : { gt: 0 } } };
}

/** One series as arrays of one length: cell starts, seconds; values; expected bounds. NaN where there is none. */
export interface Series {
  readonly cellMs: number;
  readonly times: Float64Array;
  readonly actual: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** A part of what tells one series of a detector from the others. */
export interface SeriesPart extends Entity {
  readonly role: Role;
}

/** Which series: of a job's detector, of what splits it, and of `metric` which part. */
export interface SeriesName {
  readonly job: string;
  readonly detector: number;
  readonly entities: readonly SeriesPart[];
  /** Undefined for all functions but `metric`. */
  readonly part: MetricPart | undefined;
}

/** How the model's features of a part are called (`model_t::print` of Elastic's ml-cpp). */
const FEATURES: Readonly<Record<MetricPart, string>> = {
  mean: "'arithmetic mean value",
  min: "'minimum value",
  max: "'maximum value",
};

/** What finds the model's results of one series. */
export function seriesFilters(name: SeriesName): Json[] {
  return [
    { term: { detector_index: name.detector } },
    ...name.entities.map((entity) => ({ term: { [`${entity.role}_field_value`]: entity.value } })),
    ...(name.part === undefined ? [] : [{ prefix: { model_feature: FEATURES[name.part] } }]),
  ];
}

/** What finds the records of one series; a record names each of its entities as a field of its own. */
export function seriesRecordFilters(name: SeriesName): Json[] {
  return [
    { term: { detector_index: name.detector } },
    ...name.entities.map((entity) => ({ term: { [entity.field]: entity.value } })),
    ...(name.part === undefined ? [] : [{ term: { function_description: name.part } }]),
  ];
}

/** Returns the search for the actual and expected values of one series. */
export function plotQuery(name: SeriesName, range: Range, cellMs: number): Json {
  return {
    size: 0,
    query: filtered("model_plot", [name.job], range, seriesFilters(name)),
    aggs: {
      cells: {
        date_histogram: cellsFrom(range, cellMs),
        aggs: {
          actual: { avg: { field: "actual" } },
          lower: { min: { field: "model_lower" } },
          upper: { max: { field: "model_upper" } },
        },
      },
    },
  };
}

/** The actual and expected values of one series of a job with model plot. */
export async function readSeries(
  ask: Ask,
  name: SeriesName,
  range: Range,
  cellMs: number,
  signal?: AbortSignal,
): Promise<Series> {
  const answer = await ask("POST", `${RESULTS}/_search`, plotQuery(name, range, cellMs), signal);
  return shapeSeries(answer.aggregations.cells.buckets, cellMs);
}

/** The series of the cells of an answer. */
export function shapeSeries(cells: any[], cellMs: number): Series {
  const column = (name: string): Float64Array =>
    Float64Array.from(cells, (cell) => cell[name]?.value ?? Number.NaN);
  return {
    cellMs,
    times: Float64Array.from(cells, (cell) => cell.key / 1000),
    actual: column("actual"),
    lower: column("lower"),
    upper: column("upper"),
  };
}
