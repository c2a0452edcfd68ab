/** What the values of fields are: how many, which, and how they are distributed; two searches for a page of fields. */

import type { Ask, Json } from "../server";
import type { Field } from "./fields";
import { conditionsOf, searchPath, type Subject } from "./overview";
import { sampleFilter, type Sample } from "./sampling";

/** Values that are shown of a field at most. */
export const TOP_VALUES = 10;
/** Bars of a distribution at most. */
export const MOST_BARS = 20;
/** Examples of a text at most. */
const EXAMPLES = 5;

/** A value with the number of documents that have it. */
export interface TopValue {
  /** As a query names it. */
  readonly value: string;
  /** As a number, where it is one. */
  readonly figure: number | undefined;
  readonly documents: number;
}

/** Documents in steps of one width, from `from` on. */
export interface Distribution {
  readonly from: number;
  readonly step: number;
  readonly counts: readonly number[];
}

/** What was found out about a field. */
export interface Statistics {
  readonly documents: number;
  readonly distinct: number | undefined;
  readonly top: readonly TopValue[];
  readonly least: number | undefined;
  readonly median: number | undefined;
  readonly most: number | undefined;
  readonly distribution: Distribution | undefined;
  readonly examples: readonly string[];
}

/** Statistics of fields, and of how many documents they are. */
export interface Summary {
  /** Documents that were looked at; estimated from the probability where they are a sample by chance. */
  readonly documents: number;
  readonly of: ReadonlyMap<string, Statistics>;
}

/** Looks at the values of fields. */
export async function readStatistics(
  ask: Ask,
  subject: Subject,
  sample: Sample,
  fields: readonly Field[],
  signal?: AbortSignal,
): Promise<Summary> {
  const path = searchPath(subject.index);
  const first = await ask("POST", path, statisticsQuery(subject, sample, fields), signal);
  const summary = shapeStatistics(first, fields);
  const steps = distributionSteps(fields, summary);
  if (steps.size === 0) {
    return summary;
  }
  const second = await ask("POST", path, distributionQuery(subject, sample, fields, steps), signal);
  return withDistributions(summary, second, fields, steps);
}

/** Returns a search for aggregations over the documents of a sample. */
export function searchOf(subject: Subject, sample: Sample, aggs: { [key: string]: Json }): { [key: string]: Json } {
  const filter = [...conditionsOf(subject), ...sampleFilter(sample, subject.time)];
  const sampled: Json =
    sample.of === "chance"
      ? { sample: { random_sampler: { probability: sample.probability, seed: 1 }, aggs } }
      : aggs;
  return { size: 0, track_total_hits: false, query: { bool: { filter } }, aggs: sampled };
}

/** Returns the search for what fields hold. */
export function statisticsQuery(subject: Subject, sample: Sample, fields: readonly Field[]): Json {
  const aggs: { [key: string]: Json } = { all: { filter: { match_all: {} } } };
  fields.forEach((field, k) => {
    if (field.searchable || field.kind !== "other") {
      const inside = summaries(field);
      aggs[`f${k}`] = { filter: { exists: { field: field.name } }, ...(inside && { aggs: inside }) };
    }
  });
  const texts = fields.filter((field) => field.kind === "text").map((field) => field.name);
  const body = searchOf(subject, sample, aggs);
  return texts.length === 0 ? body : { ...body, size: EXAMPLES, _source: false, fields: texts };
}

function summaries(field: Field): { [key: string]: Json } | undefined {
  const of = { field: field.name };
  if (field.kind === "number") {
    return {
      distinct: { cardinality: of },
      extremes: { stats: of },
      middle: { percentiles: { ...of, percents: [50] } },
      top: { terms: { ...of, size: TOP_VALUES } },
    };
  }
  if (field.kind === "date") {
    return { distinct: { cardinality: of }, least: { min: of }, most: { max: of } };
  }
  return field.kind === "words" ? { distinct: { cardinality: of }, top: { terms: { ...of, size: TOP_VALUES } } } : undefined;
}

/** The statistics of the server's answer. */
export function shapeStatistics(answer: any, fields: readonly Field[]): Summary {
  const aggregations = answer.aggregations.sample ?? answer.aggregations;
  const hits = (answer.hits?.hits ?? []) as any[];
  const of = new Map<string, Statistics>();
  fields.forEach((field, k) => {
    const found = aggregations[`f${k}`];
    if (found !== undefined) {
      of.set(field.name, shapeField(field, found, hits));
    }
  });
  return { documents: aggregations.all.doc_count, of };
}

function shapeField(field: Field, found: any, hits: readonly any[]): Statistics {
  return {
    documents: found.doc_count,
    distinct: found.distinct?.value,
    top: (found.top?.buckets ?? []).map((bucket: any) => ({
      value: String(bucket.key_as_string ?? bucket.key),
      figure: field.kind === "number" ? Number(bucket.key) : undefined,
      documents: bucket.doc_count,
    })),
    least: figure(found.extremes?.min ?? found.least?.value),
    median: figure(found.middle?.values?.["50.0"]),
    most: figure(found.extremes?.max ?? found.most?.value),
    distribution: undefined,
    examples: field.kind === "text" ? examplesOf(field, hits) : [],
  };
}

function figure(value: unknown): number | undefined {
  return typeof value === "number" && Number.isFinite(value) ? value : undefined;
}

function examplesOf(field: Field, hits: readonly any[]): string[] {
  return [...new Set(hits.flatMap((hit) => ((hit.fields?.[field.name] ?? []) as unknown[]).map(String)))];
}

/** The width of a bar of each field that has values to draw, with the least of them. */
export function distributionSteps(fields: readonly Field[], summary: Summary): Map<string, Distribution> {
  const steps = new Map<string, Distribution>();
  for (const field of fields) {
    const { least, most } = summary.of.get(field.name) ?? {};
    if (least === undefined || most === undefined || !(most > least) || !Number.isFinite(most - least)) {
      continue;
    }
    const whole = field.whole || field.kind === "date";
    const step = whole ? Math.ceil((most - least + 1) / MOST_BARS) : (most - least) / MOST_BARS;
    // Between neighbours among floating point numbers there is no room for bars.
    if (least + step > least) {
      const bars = whole ? Math.ceil((most - least + 1) / step) : MOST_BARS;
      steps.set(field.name, { from: field.kind === "date" ? Math.floor(least) : least, step, counts: new Array<number>(bars).fill(0) });
    }
  }
  return steps;
}

/** Returns the search for distributions. */
export function distributionQuery(
  subject: Subject,
  sample: Sample,
  fields: readonly Field[],
  steps: ReadonlyMap<string, Distribution>,
): Json {
  const aggs: { [key: string]: Json } = {};
  fields.forEach((field, k) => {
    const bars = steps.get(field.name);
    if (bars !== undefined) {
      const of = { field: field.name, min_doc_count: 1 };
      const offset = ((bars.from % bars.step) + bars.step) % bars.step;
      aggs[`f${k}`] =
        field.kind === "date"
          ? { date_histogram: { ...of, fixed_interval: `${bars.step}ms`, offset: `${offset}ms` } }
          : { histogram: { ...of, interval: bars.step, offset } };
    }
  });
  return searchOf(subject, sample, aggs);
}

/** The summary with the distributions of the server's answer. */
export function withDistributions(
  summary: Summary,
  answer: any,
  fields: readonly Field[],
  steps: ReadonlyMap<string, Distribution>,
): Summary {
  const aggregations = answer.aggregations.sample ?? answer.aggregations;
  const of = new Map(summary.of);
  fields.forEach((field, k) => {
    const [bars, before] = [steps.get(field.name), of.get(field.name)];
    if (bars !== undefined && before !== undefined) {
      const counts = [...bars.counts];
      for (const bucket of aggregations[`f${k}`]?.buckets ?? []) {
        // The greatest value lies on the edge of the last bar.
        const at = Math.max(0, Math.min(counts.length - 1, Math.round((bucket.key - bars.from) / bars.step)));
        counts[at] = (counts[at] ?? 0) + bucket.doc_count;
      }
      of.set(field.name, { ...before, distribution: { ...bars, counts } });
    }
  });
  return { ...summary, of };
}
