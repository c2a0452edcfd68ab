/** What a chart draws: what the model saw where it is kept, else what the source documents measure. */

import type { Detector, Job } from "../jobs";
import { readSeries, type Series, type SeriesName, type SeriesPart } from "../results";
import { ServerError, type Ask } from "../server";
import type { Range } from "../../state/range";
import { bare, chartable, METRIC_PARTS, readSource, type MetricPart } from "./source";

/** A series with where it comes from. */
export interface Drawn {
  readonly series: Series;
  readonly from: "model" | "source";
  /** What the line is, in words. */
  readonly words: string;
}

/** Why there is nothing to draw. */
export interface Undrawn {
  readonly why: string;
}

/** The part of a metric detector that an address names; undefined for detectors that have none. */
export function partOf(detector: Detector, text: string | undefined): MetricPart | undefined {
  return bare(detector.function) === "metric" ? (METRIC_PARTS.find((part) => part === text) ?? "mean") : undefined;
}

/** The name of a series of a job. */
export function nameOf(
  job: Job,
  detector: Detector,
  entities: readonly SeriesPart[],
  part: MetricPart | undefined,
): SeriesName {
  return { job: job.id, detector: detector.index, entities, part };
}

/** Reads what there is to draw of one series. */
export async function readDrawn(
  ask: Ask,
  job: Job,
  detector: Detector,
  parts: readonly SeriesPart[],
  part: MetricPart | undefined,
  range: Range,
  cellMs: number,
  signal?: AbortSignal,
): Promise<Drawn | Undrawn> {
  if (job.modelPlot) {
    const series = await readSeries(ask, nameOf(job, detector, parts, part), range, cellMs, signal);
    if (series.times.length > 0) {
      return { series, from: "model", words: "what was measured" };
    }
  }
  const missing = detector.splits.filter(({ role }) => !parts.some((one) => one.role === role));
  if (missing.length > 0) {
    return { why: `choose a value of ${missing.map(({ field }) => field).join(" and of ")} first` };
  }
  const chart = chartable(job.source, detector, parts, job.spanMs, part ?? "mean");
  if (chart.why !== undefined) {
    return { why: chart.why };
  }
  const series = await orWhy(readSource(ask, job, chart, range, cellMs, signal));
  if ("why" in series) {
    return series;
  }
  return series.times.length > 0 && series.actual.some((value) => !Number.isNaN(value))
    ? { series, from: "source", words: wordsOf(chart.measure.words, chart.measure.additive, cellMs, job.spanMs) }
    : { why: "there are no values of this series in this time" };
}

/** What was asked of the source, or why it cannot be read: the job's results are worth showing without it. */
async function orWhy<T extends object>(asked: Promise<T>): Promise<T | Undrawn> {
  try {
    return await asked;
  } catch (error) {
    if (error instanceof ServerError && error.status >= 400 && error.status < 500) {
      return { why: `the source cannot be read: ${error.message}` };
    }
    throw error;
  }
}

function wordsOf(words: string, additive: boolean, cellMs: number, spanMs: number): string {
  if (cellMs <= spanMs) {
    return `${words} of each bucket`;
  }
  const buckets = Math.round(cellMs / spanMs);
  return additive ? `${words}, the mean of ${buckets} buckets each` : `${words} over ${buckets} buckets each`;
}
