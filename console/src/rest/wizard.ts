/** What the wizards ask of a server: fields, times, values, what a datafeed would see. Nothing is changed. */

import type { Bodies, Body } from "../shape/wizard/bodies";
import { advisedSpan, densityOf, emptyShare, fieldsOf, parseBytes, type Facts } from "../shape/wizard/advice";
import { indicesOf, type Form } from "../shape/wizard/form";
import { plain } from "../shape/wizard/functions";
import { parseSpan, type Range } from "../state/range";
import { ServerError, type Ask, type Json } from "./server";

/** A field of the indices. */
export interface Field {
  readonly name: string;
  readonly type: string;
}

/** Where documents are read. */
export interface Source {
  readonly index: string;
  readonly query: Json;
  readonly timeField: string;
  readonly runtime: Json | undefined;
}

/** The source that the bodies of a job and its datafeed name. */
export function sourceOf(job: Body, feed: Body): Source {
  const indices = Array.isArray(feed["indices"]) ? feed["indices"].map(String) : [];
  const time = (job["data_description"] as Body | undefined)?.["time_field"];
  return {
    index: indices.join(","),
    query: feed["query"] ?? { match_all: {} },
    timeField: typeof time === "string" ? time : "time",
    runtime: feed["runtime_mappings"],
  };
}

const path = (index: string): string => encodeURIComponent(index);

async function search(ask: Ask, source: Source, body: { [key: string]: Json }, signal?: AbortSignal, range?: Range): Promise<any> {
  const time: Json[] = range === undefined ? [] : [{ range: { [source.timeField]: { gte: range.from, lt: range.to, format: "epoch_millis" } } }];
  return await ask(
    "POST",
    `${path(source.index)}/_search`,
    {
      query: { bool: { filter: [source.query, ...time] } },
      ...(source.runtime === undefined ? {} : { runtime_mappings: source.runtime }),
      ...body,
    },
    signal,
  );
}

/** The indices, aliases and data streams that there are, for a choice; hidden ones left out. */
export async function readIndices(ask: Ask, signal?: AbortSignal): Promise<string[]> {
  const found = await ask("GET", "_resolve/index/*", undefined, signal);
  const names = [...(found.indices ?? []), ...(found.aliases ?? []), ...(found.data_streams ?? [])].map((one: any) => String(one.name));
  return [...new Set(names.filter((name) => !name.startsWith(".")))].sort();
}

/** The fields of indices that have one type in all of them, by name. */
export async function readFields(ask: Ask, index: string, signal?: AbortSignal): Promise<Field[]> {
  const found = await ask("POST", `${path(index)}/_field_caps?fields=*`, undefined, signal);
  if (found.indices.length === 0) {
    throw new ServerError(404, `there is no index ${index}.`);
  }
  return shapeFields(found.fields);
}

/** The fields of an answer of `_field_caps`. */
export function shapeFields(caps: Record<string, Record<string, any>>): Field[] {
  return Object.entries(caps)
    .flatMap(([name, kinds]) => {
      const types = Object.entries(kinds).filter(([type, facts]) => !["unmapped", "object", "nested"].includes(type) && facts.metadata_field !== true);
      const [first] = types;
      return types.length === 1 && first !== undefined && !name.startsWith("_") ? [{ name, type: first[0] }] : [];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** When the documents are. */
export interface Times {
  readonly documents: number;
  readonly first: number | undefined;
  readonly last: number | undefined;
}

/** The times of the first and last document that a form reads, and how many there are. */
export async function readTimes(ask: Ask, source: Source, signal?: AbortSignal, range?: Range): Promise<Times> {
  const aggs = { first: { min: { field: source.timeField } }, last: { max: { field: source.timeField } } };
  const found = await search(ask, source, { size: 0, track_total_hits: true, aggs }, signal, range);
  const { first, last } = found.aggregations;
  return { documents: found.hits.total.value, first: first.value ?? undefined, last: last.value ?? undefined };
}

/** How many documents each of several jobs would read, by their names. */
export async function readMatches(ask: Ask, source: Source, made: readonly Bodies[], range: Range, signal?: AbortSignal): Promise<Map<string, number>> {
  const filters = Object.fromEntries(made.map((one) => [one.name, one.feed["query"] ?? { match_all: {} }]));
  const found = await search(ask, source, { size: 0, track_total_hits: false, aggs: { jobs: { filters: { filters } } } }, signal, range);
  return new Map(Object.entries(found.aggregations.jobs.buckets).map(([name, bucket]: [string, any]) => [name, bucket.doc_count]));
}

/** A line of the preview. */
export interface Line {
  readonly label: string;
  readonly values: readonly (number | null)[];
}

/** What a datafeed would see, in cells. */
export interface Preview {
  readonly cellMs: number;
  /** Starts of cells, milliseconds. */
  readonly times: readonly number[];
  readonly lines: readonly Line[];
  /** How many values of the split field there are beside those drawn. */
  readonly others: number;
}

const MOST_LINES = 4;

/** The aggregation that shows what a detector's function looks at; undefined where documents are counted. */
export function measureOf(name: string, field: string): Json | undefined {
  switch (plain(name)) {
    case "mean":
    case "metric":
    case "avg":
      return { avg: { field } };
    case "median":
      return { percentiles: { field, percents: [50] } };
    case "min":
      return { min: { field } };
    case "max":
      return { max: { field } };
    case "sum":
    case "non_null_sum":
      return { sum: { field } };
    case "varp":
      return { extended_stats: { field } };
    case "distinct_count":
    case "info_content":
      return { cardinality: { field } };
    case "rare":
    case "freq_rare":
      return field === "mlcategory" ? undefined : { cardinality: { field } };
    default:
      return undefined;
  }
}

/** What the chart of a detector draws, in words. */
export function drawnOf(detector: Body): string {
  const name = String(detector["function"]);
  const field = String(detector["field_name"] ?? "");
  const by = String(detector["by_field_name"] ?? "");
  switch (plain(name)) {
    case "info_content":
      return `different values of ${field} (their information cannot be drawn before the job runs)`;
    case "rare":
    case "freq_rare":
      return by === "mlcategory" ? "documents" : `different values of ${by}`;
    case "lat_long":
      return `documents with ${field}`;
    default:
      return measureOf(name, field) === undefined ? "documents" : `${plain(name)} of ${field}`;
  }
}

/** What a datafeed would see of one detector. */
export async function readPreview(ask: Ask, source: Source, detector: Body, range: Range, cellMs: number, signal?: AbortSignal): Promise<Preview> {
  const rare = ["rare", "freq_rare"].includes(String(detector["function"]));
  const measure = measureOf(String(detector["function"]), String((rare ? detector["by_field_name"] : detector["field_name"]) ?? ""));
  const split = detector["partition_field_name"] ?? (rare ? undefined : detector["by_field_name"]);
  const cells = {
    date_histogram: { field: source.timeField, fixed_interval: `${cellMs}ms`, min_doc_count: 0 },
    ...(measure === undefined ? {} : { aggs: { value: measure } }),
  };
  const splitting = typeof split === "string" && split !== "mlcategory";
  const aggs: Json = splitting
    ? { split: { terms: { field: split, size: MOST_LINES }, aggs: { cells } }, many: { cardinality: { field: split } } }
    : { cells };
  const place = detector["function"] === "lat_long" ? [{ exists: { field: String(detector["field_name"]) } }] : [];
  const read = { ...source, query: { bool: { filter: [source.query, ...place] } } };
  const found = (await search(ask, read, { size: 0, track_total_hits: false, aggs }, signal, range)).aggregations;
  return shapePreview(found, range, cellMs, drawnOf(detector), measure !== undefined);
}

/** The lines of an answer to `readPreview`. */
export function shapePreview(found: any, range: Range, cellMs: number, label: string, measured: boolean): Preview {
  const first = Math.floor(range.from / cellMs) * cellMs;
  const times = Array.from({ length: Math.max(1, Math.ceil((range.to - first) / cellMs)) }, (_, k) => first + k * cellMs);
  const line = (name: string, buckets: any[]): Line => {
    const values: (number | null)[] = times.map(() => (measured ? null : 0));
    for (const bucket of buckets) {
      const cell = Math.round((bucket.key - first) / cellMs);
      if (cell >= 0 && cell < values.length) {
        values[cell] = measured ? valueOf(bucket.value, bucket.doc_count) : bucket.doc_count;
      }
    }
    return { label: name, values };
  };
  if (found.split === undefined) {
    return { cellMs, times, lines: [line(label, found.cells.buckets)], others: 0 };
  }
  const lines = found.split.buckets.map((bucket: any) => line(String(bucket.key_as_string ?? bucket.key), bucket.cells.buckets));
  return { cellMs, times, lines, others: Math.max(0, found.many.value - lines.length) };
}

function valueOf(found: any, documents: number): number | null {
  if (documents === 0) {
    return null;
  }
  const value = found.values !== undefined ? Object.values(found.values)[0] : (found.variance ?? found.value);
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

const BASE_MS = 300_000;
/** The past that is looked at for a bucket span: 250 hours, as many cells as one search gives. */
const BACK_MS = 250 * 3_600_000;
const MOST_CELLS = 5000;

/** Counts of documents in intervals of five minutes, of the last 250 hours of a stretch. */
export async function readFilled(ask: Ask, source: Source, range: Range, signal?: AbortSignal): Promise<Map<number, number>> {
  const recent = { from: Math.max(range.from, range.to - BACK_MS), to: range.to };
  const cells = { date_histogram: { field: source.timeField, fixed_interval: `${BASE_MS}ms`, min_doc_count: 1 } };
  const found = await search(ask, source, { size: 0, track_total_hits: false, aggs: { cells } }, signal, recent);
  return new Map(found.aggregations.cells.buckets.map((bucket: any) => [bucket.key, bucket.doc_count]));
}

async function readCardinality(ask: Ask, source: Source, fields: readonly string[], range: Range, signal?: AbortSignal): Promise<Map<string, number>> {
  if (fields.length === 0) {
    return new Map();
  }
  const aggs = Object.fromEntries(fields.map((field, k) => [`n${k}`, { cardinality: { field } }]));
  const found = (await search(ask, source, { size: 0, track_total_hits: false, aggs }, signal, range)).aggregations;
  return new Map(fields.map((field, k) => [field, found[`n${k}`].value]));
}

/** How many values fields have in the bucket that has most of them. */
async function readHeld(ask: Ask, source: Source, fields: readonly string[], range: Range, spanMs: number, signal?: AbortSignal): Promise<Map<string, number>> {
  if (fields.length === 0) {
    return new Map();
  }
  const aggs = Object.fromEntries(fields.map((field, k) => [`n${k}`, { cardinality: { field } }]));
  const recent = { from: Math.max(range.from, range.to - MOST_CELLS * spanMs), to: range.to };
  const cells = { date_histogram: { field: source.timeField, fixed_interval: `${spanMs}ms`, min_doc_count: 1 }, aggs };
  const { buckets } = (await search(ask, source, { size: 0, track_total_hits: false, aggs: { cells } }, signal, recent)).aggregations.cells;
  return new Map(fields.map((field, k) => [field, Math.max(0, ...buckets.map((bucket: any) => bucket[`n${k}`].value))]));
}

/** What is known about a job that is to be made, and the rows that its datafeed gives first. */
export interface Looked {
  readonly facts: Facts;
  readonly rows: readonly Json[];
}

/** Looks at data and server, for the bodies of a job; what is refused makes one fact unknown and not all of them. */
export async function look(ask: Ask, bodies: Bodies, range: Range, signal?: AbortSignal): Promise<Looked> {
  const source = sourceOf(bodies.job, bodies.feed);
  const analysis = (bodies.job["analysis_config"] ?? {}) as Body;
  const { splitting, influencing } = fieldsOf(bodies.job);
  const spanMs = parseSpan(String(analysis["bucket_span"] ?? "5m"));
  const [times, filled, cardinality, held, jobs, feeds, info, refusal, rows] = await Promise.all([
    readTimes(ask, source, signal, range),
    unless(readFilled(ask, source, range, signal)),
    unless(readCardinality(ask, source, [...splitting, ...influencing], range, signal)),
    spanMs === undefined ? undefined : unless(readHeld(ask, source, influencing, range, spanMs, signal)),
    unless(ask("GET", "_ml/anomaly_detectors", undefined, signal)),
    unless(ask("GET", "_ml/datafeeds", undefined, signal)),
    unless(ask("GET", "_ml/info", undefined, signal)),
    readRefusal(ask, bodies, signal),
    unless(readRows(ask, bodies, signal)),
  ]);
  const values = cardinality ?? new Map<string, number>();
  const density = densityOf(bodies.job, values);
  const estimate = {
    analysis_config: analysis,
    overall_cardinality: Object.fromEntries(splitting.map((field) => [field, values.get(field) ?? 0])),
    max_bucket_cardinality: Object.fromEntries(held ?? []),
  };
  const needed = await unless(ask("POST", "_ml/anomaly_detectors/_estimate_model_memory", estimate, signal));
  const most = info?.limits?.max_model_memory_limit ?? info?.limits?.effective_max_model_memory_limit;
  return {
    facts: {
      documents: times.documents,
      firstMs: times.first,
      lastMs: times.last,
      emptyShare: filled && spanMs !== undefined ? emptyShare(filled, Math.max(spanMs, BASE_MS)) : undefined,
      advisedSpan: filled && advisedSpan(filled, BASE_MS, density.series, density.counting),
      cardinality: values,
      neededBytes: needed === undefined ? undefined : parseBytes(String(needed.model_memory_estimate)),
      mostBytes: most === undefined ? undefined : parseBytes(String(most)),
      takenIds: new Set((jobs?.jobs ?? []).map((one: any) => one.job_id)),
      takenGroups: new Set((jobs?.jobs ?? []).flatMap((one: any) => one.groups ?? [])),
      takenFeeds: new Set((feeds?.datafeeds ?? []).map((one: any) => one.datafeed_id)),
      refusal,
      rows: rows?.length,
    },
    rows: rows ?? [],
  };
}

/** An answer; undefined where the server refuses it. That it is gone, or nobody waits any more, is not passed over. */
async function unless<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof ServerError && error.status !== 0) {
      return undefined;
    }
    throw error;
  }
}

async function readRefusal(ask: Ask, bodies: Bodies, signal?: AbortSignal): Promise<string | undefined> {
  try {
    await ask("POST", "_ml/anomaly_detectors/_validate", { job_id: bodies.name, ...bodies.job }, signal);
    return undefined;
  } catch (error) {
    if (error instanceof ServerError && error.status === 400) {
      return error.message;
    }
    if (error instanceof ServerError && error.status !== 0) {
      return undefined;
    }
    throw error;
  }
}

async function readRows(ask: Ask, bodies: Bodies, signal?: AbortSignal): Promise<Json[]> {
  const rows = await ask("POST", "_ml/datafeeds/_preview", { datafeed_config: bodies.feed, job_config: bodies.job }, signal);
  return (rows as Json[]).slice(0, MOST_ROWS);
}

const MOST_ROWS = 10;

/** A category of messages with the texts that it is of. */
export interface Category {
  readonly documents: number;
  readonly example: string;
  readonly tokens: string;
}

/** The newest texts of a field, and the categories of the time that they are from. */
export interface Messages {
  /** Undefined where a document has no text. */
  readonly texts: readonly (string | undefined)[];
  readonly categories: readonly Category[];
}

const SAMPLE = 1000;

/** A sample of a field's texts, the newest first, and the most frequent categories in its time, with one text of each. */
export async function readMessages(ask: Ask, source: Source, field: string, range: Range, signal?: AbortSignal): Promise<Messages> {
  const time = { field: source.timeField, format: "epoch_millis" };
  const newest = { size: SAMPLE, track_total_hits: false, _source: false, fields: [field, time], sort: [{ [source.timeField]: "desc" }] };
  const hits: any[] = (await search(ask, source, newest, signal, range)).hits.hits;
  const texts = hits.map((hit) => {
    const value = hit.fields?.[field]?.[0];
    return value === undefined ? undefined : String(value);
  });
  const oldest = Number(hits.at(-1)?.fields?.[source.timeField]?.[0] ?? range.from);
  const aggs = {
    categories: {
      categorize_text: { field, size: 10 },
      aggs: { example: { top_hits: { size: 1, _source: false, fields: [field] } } },
    },
  };
  const found = await search(ask, source, { size: 0, track_total_hits: false, aggs }, signal, { from: Math.max(range.from, oldest), to: range.to });
  return { texts, categories: found.aggregations.categories.buckets.map(shapeCategory) };
}

function shapeCategory(bucket: any): Category {
  return {
    documents: bucket.doc_count,
    tokens: String(bucket.key),
    example: String(Object.values(bucket.example.hits.hits[0]?.fields ?? {})[0] ?? ""),
  };
}

/** The source of a form that is not whole yet: enough to look at fields and times. */
export function sourceOfForm(form: Form, query: Json | undefined): Source {
  return { index: indicesOf(form).join(","), query: query ?? { match_all: {} }, timeField: form.timeField, runtime: undefined };
}
