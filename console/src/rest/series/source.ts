/** A series measured in the source documents, by the datafeed's query, where a job keeps no model plot of it. */

import type { Detector, Job } from "../jobs";
import type { Series, SeriesPart } from "../results";
import type { Ask, Json } from "../server";
import { parseSpan, type Range } from "../../state/range";

/** Where a job's datafeed reads, and how. */
export interface Source {
  readonly indices: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly query: Json;
  readonly runtime: Json | undefined;
  readonly scripted: readonly string[];
  readonly aggregations: any;
  readonly timeField: string;
  readonly summaryCount: string | undefined;
}

/** The source of a job, of the configurations of both; undefined where no datafeed reads one. */
export function shapeSource(job: any, feed: any): Source | undefined {
  if (feed === undefined) {
    return undefined;
  }
  return {
    indices: feed.indices ?? [],
    options: feed.indices_options ?? {},
    query: feed.query ?? { match_all: {} },
    runtime: feed.runtime_mappings,
    scripted: Object.keys(feed.script_fields ?? {}),
    aggregations: feed.aggregations ?? feed.aggs,
    timeField: job.data_description?.time_field ?? "time",
    summaryCount: job.analysis_config?.summary_count_field_name,
  };
}

/** What is measured of the documents of a cell: an aggregation, or their number where it is undefined. */
export interface Measure {
  readonly aggregation: Json | undefined;
  /** Whether a wide cell shows the mean of its buckets and not their sum. */
  readonly additive: boolean;
  /** Whether a bucket without documents measures zero. */
  readonly zero: boolean;
  readonly words: string;
}

/** How a series is drawn from the source, or why it cannot be. */
export type Chartable =
  | { readonly measure: Measure; readonly filters: readonly Json[]; readonly why?: undefined }
  | { readonly why: string };

/** The part of a metric detector that is looked at. */
export type MetricPart = "mean" | "min" | "max";
export const METRIC_PARTS: readonly MetricPart[] = ["mean", "min", "max"];

/** Detector functions, without their side, and the aggregation that measures the same. */
const AGGREGATIONS: Readonly<Record<string, string>> = {
  mean: "avg",
  avg: "avg",
  min: "min",
  max: "max",
  sum: "sum",
  non_null_sum: "sum",
  median: "percentiles",
  varp: "extended_stats",
  distinct_count: "cardinality",
};
const COUNTS: readonly string[] = ["count", "non_zero_count", "rare"];
const ZERO: readonly string[] = ["count", "sum", "distinct_count", "rare"];
const NEVER: Readonly<Record<string, string>> = {
  info_content: "the information content of texts is computed by the model alone",
  lat_long: "places have no line over time",
  time_of_day: "times of the day have no line over time",
  time_of_week: "times of the week have no line over time",
  freq_rare: "how rarely values occur in a population has no line over time",
};

/** A function without the side that counts. */
export function bare(name: string): string {
  const short = name.replace(/^(low|high)_/, "");
  return { c: "count", nzc: "non_zero_count", dc: "distinct_count", nn_sum: "non_null_sum" }[short] ?? short;
}

/** What a datafeed's aggregations call something, and what that is. */
interface Named {
  readonly kind: string;
  readonly field: string;
}

/** The names in a datafeed's aggregations: metrics, terms, sources of composites; and the width of its histogram. */
export function aggregated(aggregations: any): { names: Map<string, Named>; intervalMs: number | undefined } {
  const names = new Map<string, Named>();
  let intervalMs: number | undefined;
  const note = (name: string, body: any): void => {
    for (const [kind, options] of Object.entries<any>(body ?? {})) {
      if (kind === "aggs" || kind === "aggregations") {
        walk(options);
      } else if (kind === "composite") {
        for (const source of options.sources ?? []) {
          walk(source);
        }
      } else if (typeof options?.field === "string") {
        names.set(name, { kind, field: options.field });
        if (kind === "date_histogram") {
          intervalMs = parseSpan(String(options.fixed_interval ?? options.interval ?? ""));
        }
      }
    }
  };
  const walk = (level: any): void => {
    for (const [name, body] of Object.entries(level ?? {})) {
      note(name, body);
    }
  };
  walk(aggregations);
  return { names, intervalMs };
}

/** How one series of a detector is drawn from the source documents. */
export function chartable(
  source: Source | undefined,
  detector: Detector,
  parts: readonly SeriesPart[],
  spanMs: number,
  metricPart: MetricPart,
): Chartable {
  const name = bare(detector.function);
  if (source === undefined) {
    return { why: "no datafeed of this job says where its documents are" };
  }
  if (NEVER[name] !== undefined) {
    return { why: NEVER[name] };
  }
  const fields = [detector.field, ...detector.splits.map((split) => split.field)].filter((one) => one !== undefined);
  const scripted = fields.find((field) => source.scripted.includes(field));
  if (scripted !== undefined) {
    return { why: `${scripted} is a script field, which no aggregation can read` };
  }
  if (fields.includes("mlcategory")) {
    return { why: "categories stand in the model and not in the documents" };
  }
  const { names, intervalMs } = aggregated(source.aggregations);
  const own = source.aggregations !== undefined;
  const measure = own
    ? overAggregations(source, detector, name, names, intervalMs !== undefined && intervalMs >= spanMs)
    : overDocuments(source, detector, name === "metric" ? metricPart : name);
  if ("why" in measure) {
    return measure;
  }
  const filters = parts.map(({ field, value }) => {
    const real = names.get(field)?.field ?? field;
    // The model's empty text stands for documents without the field.
    return value === "" ? { bool: { must_not: [{ exists: { field: real } }] } } : { term: { [real]: value } };
  });
  return { measure, filters };
}

function overDocuments(source: Source, detector: Detector, name: string): Measure | { why: string } {
  const zero = ZERO.includes(name);
  if (COUNTS.includes(name)) {
    return source.summaryCount === undefined
      ? { aggregation: undefined, additive: true, zero, words: "the number of documents" }
      : {
          aggregation: { sum: { field: source.summaryCount } },
          additive: true,
          zero,
          words: `the sum of ${source.summaryCount}`,
        };
  }
  const kind = AGGREGATIONS[name];
  if (kind === undefined || detector.field === undefined) {
    return { why: `there is no aggregation that measures what ${detector.function} does` };
  }
  if (source.summaryCount !== undefined && !["min", "max", "sum"].includes(kind)) {
    return { why: `documents that stand for several (${source.summaryCount}) have no plain ${name}` };
  }
  return of(kind, detector.field, zero);
}

function overAggregations(
  source: Source,
  detector: Detector,
  name: string,
  names: ReadonlyMap<string, Named>,
  oneABucket: boolean,
): Measure | { why: string } {
  const zero = ZERO.includes(name);
  if (COUNTS.includes(name)) {
    const count = source.summaryCount ?? "doc_count";
    if (count === "doc_count") {
      return { aggregation: undefined, additive: true, zero, words: "the number of documents" };
    }
    const named = names.get(count);
    return named !== undefined && ["sum", "value_count"].includes(named.kind)
      ? of(named.kind, named.field, zero)
      : { why: `the datafeed's ${count} is no sum that other cells could be given` };
  }
  const named = names.get(detector.field ?? "");
  if (named === undefined) {
    return { why: `the datafeed's aggregations compute ${detector.field ?? "its value"} of other values` };
  }
  if (name === "distinct_count" && named.kind === "terms") {
    return of("cardinality", named.field, zero);
  }
  const same = AGGREGATIONS[name] === named.kind;
  if (!["avg", "min", "max", "sum", "value_count", "cardinality"].includes(named.kind) || !(same || oneABucket)) {
    return { why: `the datafeed gives ${detector.function} the ${named.kind} of ${named.field} by parts of a bucket` };
  }
  return of(named.kind, named.field, zero);
}

const WORDS: Readonly<Record<string, string>> = {
  avg: "the mean of",
  min: "the minimum of",
  max: "the maximum of",
  sum: "the sum of",
  value_count: "the number of values of",
  percentiles: "the median of",
  extended_stats: "the variance of",
  cardinality: "the number of distinct values of",
};

function of(kind: string, field: string, zero: boolean): Measure {
  const options: Json = kind === "percentiles" ? { field, percents: [50] } : { field };
  return {
    aggregation: { [kind]: options },
    additive: kind === "sum" || kind === "value_count",
    zero,
    words: `${WORDS[kind] ?? kind} ${field}`,
  };
}

/** The query for the documents of a series in a stretch of time. */
export function documentsQuery(source: Source, filters: readonly Json[], range: Range): Json {
  const time = { range: { [source.timeField]: { gte: range.from, lt: range.to, format: "epoch_millis" } } };
  return { bool: { filter: [source.query, time, ...filters] } };
}

/** Returns the search that measures a series in the source; cells begin where buckets of the job do. */
export function sourceQuery(
  source: Source,
  chart: { readonly measure: Measure; readonly filters: readonly Json[] },
  range: Range,
  cellMs: number,
): { [key: string]: Json } {
  const { aggregation } = chart.measure;
  return {
    size: 0,
    track_total_hits: false,
    query: documentsQuery(source, chart.filters, range),
    ...(source.runtime === undefined ? {} : { runtime_mappings: source.runtime }),
    aggs: {
      cells: {
        date_histogram: {
          field: source.timeField,
          fixed_interval: `${cellMs}ms`,
          offset: `${((range.from % cellMs) + cellMs) % cellMs}ms`,
          min_doc_count: 1,
        },
        ...(aggregation === undefined ? {} : { aggs: { value: aggregation } }),
      },
    },
  };
}

/** The series of the cells of an answer, with cells between that hold no document. */
export function measuredSeries(
  cells: any[],
  measure: Measure,
  seen: Range,
  cellMs: number,
  spanMs: number,
): Series {
  const count = Math.max(0, Math.ceil((seen.to - seen.from) / cellMs));
  const actual = new Float64Array(count).fill(measure.zero ? 0 : Number.NaN);
  // Of a wide cell the mean of its buckets; the last cell may hold fewer.
  const buckets = (place: number): number =>
    measure.additive ? Math.min(cellMs, seen.to - seen.from - place * cellMs) / spanMs : 1;
  for (const cell of cells) {
    const place = Math.round((cell.key - seen.from) / cellMs);
    if (place >= 0 && place < count) {
      actual[place] = valueOf(cell, measure) / buckets(place);
    }
  }
  const none = new Float64Array(count).fill(Number.NaN);
  const times = Float64Array.from({ length: count }, (_, place) => (seen.from + place * cellMs) / 1000);
  return { cellMs, times, actual, lower: none, upper: none };
}

function valueOf(cell: any, measure: Measure): number {
  if (measure.aggregation === undefined) {
    return cell.doc_count;
  }
  const { value } = cell;
  return value.value ?? value.variance_population ?? value.variance ?? value.values?.["50.0"] ?? Number.NaN;
}

/** The path of a search in the source, with what the datafeed says of its indices. */
export function sourcePath(source: Source, call: string): string {
  const options = Object.entries(source.options).map(
    ([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`,
  );
  const path = `${source.indices.map(encodeURIComponent).join(",")}/${call}`;
  return options.length === 0 ? path : `${path}?${options.join("&")}`;
}

/** A series measured in the source. */
export async function readSource(
  ask: Ask,
  job: Job,
  chart: { readonly measure: Measure; readonly filters: readonly Json[] },
  range: Range,
  cellMs: number,
  signal?: AbortSignal,
): Promise<Series> {
  const source = job.source as Source;
  const floor = (ms: number): number => Math.floor(ms / job.spanMs) * job.spanMs;
  // What lies before the first and after the last document is no bucket of zero.
  const from = Math.max(floor(range.from), floor(job.earliestRecordMs ?? range.from));
  const to = Math.min(range.to, floor(job.latestRecordMs ?? range.to) + job.spanMs);
  const seen = { from, to: Math.max(from, to) };
  if (seen.from === seen.to) {
    return measuredSeries([], chart.measure, seen, cellMs, job.spanMs);
  }
  const answer = await ask("POST", sourcePath(source, "_search"), sourceQuery(source, chart, seen, cellMs), signal);
  return measuredSeries(answer.aggregations?.cells.buckets ?? [], chart.measure, seen, cellMs, job.spanMs);
}
