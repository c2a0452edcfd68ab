/** Forecasts of a job: asked for, listed, read bucket by bucket, and held against what came. */

import { jobPath } from "../../shape/actions";
import type { Detector, Job } from "../jobs";
import { cellsFrom, filtered, RESULTS, seriesFilters, timeOf, type Series, type SeriesName } from "../results";
import { bare } from "../series/source";
import { ServerError, type Ask, type Json } from "../server";
import { DAY_MS, parseSpan, type Range } from "../../state/range";

/** Forecasts that can be chosen among at most, the latest ones. */
export const MOST_FORECASTS = 20;
const LONGEST_DAYS = 3650;

/** A forecast as the server keeps it. */
export interface Forecast {
  readonly id: string;
  readonly status: string;
  /** From 0 to 1. */
  readonly progress: number;
  readonly createdMs: number;
  readonly range: Range;
  readonly expiresMs: number | undefined;
  readonly messages: readonly string[];
}

/** The latest forecasts of a job. */
export async function readForecasts(ask: Ask, job: string, signal?: AbortSignal): Promise<Forecast[]> {
  const body: Json = {
    size: MOST_FORECASTS,
    query: { bool: { filter: [{ term: { result_type: "model_forecast_request_stats" } }, { term: { job_id: job } }] } },
    sort: [{ forecast_create_timestamp: { order: "desc", unmapped_type: "date" } }],
  };
  const answer = await ask("POST", `${RESULTS}/_search`, body, signal);
  return answer.hits.hits.map((hit: any) => shapeForecast(hit._source));
}

/** The forecast of a document. */
export function shapeForecast(source: any): Forecast {
  const from = timeOf(source.forecast_start_timestamp ?? source.timestamp);
  return {
    id: source.forecast_id,
    status: source.forecast_status,
    progress: source.forecast_progress ?? 0,
    createdMs: timeOf(source.forecast_create_timestamp ?? source.timestamp),
    range: { from, to: source.forecast_end_timestamp === undefined ? from : timeOf(source.forecast_end_timestamp) },
    expiresMs: source.forecast_expiry_timestamp === undefined ? undefined : timeOf(source.forecast_expiry_timestamp),
    messages: (source.forecast_messages ?? []).map(String),
  };
}

/** A forecast's path and bounds as arrays of one length, in the cells of a chart. */
export interface Forecasted {
  readonly times: Float64Array;
  readonly prediction: Float64Array;
  readonly lower: Float64Array;
  readonly upper: Float64Array;
}

/** Returns the search for one series of a forecast. */
export function forecastQuery(name: SeriesName, forecast: string, range: Range, cellMs: number): Json {
  return {
    size: 0,
    query: filtered("model_forecast", [name.job], range, [{ term: { forecast_id: forecast } }, ...seriesFilters(name)]),
    aggs: {
      cells: {
        date_histogram: cellsFrom(range, cellMs),
        aggs: {
          prediction: { avg: { field: "forecast_prediction" } },
          lower: { min: { field: "forecast_lower" } },
          upper: { max: { field: "forecast_upper" } },
        },
      },
    },
  };
}

/** One series of a forecast. */
export async function readForecast(
  ask: Ask,
  name: SeriesName,
  forecast: string,
  range: Range,
  cellMs: number,
  signal?: AbortSignal,
): Promise<Forecasted> {
  const answer = await ask("POST", `${RESULTS}/_search`, forecastQuery(name, forecast, range, cellMs), signal);
  const cells: any[] = answer.aggregations?.cells.buckets ?? [];
  const column = (key: string): Float64Array => Float64Array.from(cells, (cell) => cell[key]?.value ?? Number.NaN);
  return {
    times: Float64Array.from(cells, (cell) => cell.key / 1000),
    prediction: column("prediction"),
    lower: column("lower"),
    upper: column("upper"),
  };
}

/** How a forecast compares with what came. */
export interface Comparison {
  /** Buckets of the forecast. */
  readonly asked: number;
  /** Those of them that were measured since. */
  readonly came: number;
  /** Those of the measured ones whose value lay in the bounds. */
  readonly within: number;
}

/** Compares bucket by bucket; both are to be of the same cells. Without a series nothing came. */
export function compare(forecast: Forecasted, series: Series | undefined): Comparison {
  const measured = new Map<number, number>();
  series?.times.forEach((time, place) => measured.set(time, series.actual[place] as number));
  let [came, within] = [0, 0];
  forecast.times.forEach((time, place) => {
    const value = measured.get(time);
    if (value !== undefined && !Number.isNaN(value)) {
      came += 1;
      within += value >= (forecast.lower[place] as number) && value <= (forecast.upper[place] as number) ? 1 : 0;
    }
  });
  return { asked: forecast.times.length, came, within };
}

/** What a reader asks for; empty texts leave it to the server. */
export interface Wish {
  readonly duration: string;
  readonly expiresIn: string;
  readonly memory: string;
}

/** A duration as the server reads it: it knows no weeks. */
export function durationOf(text: string): string | undefined {
  const weeks = /^(\d+)w$/.exec(text.trim());
  const found = weeks ? `${Number(weeks[1]) * 7}d` : text.trim();
  return parseSpan(found) === undefined ? undefined : found;
}

/** What is wrong with a wish; empty where nothing is. */
export function wishFault(wish: Wish, spanMs: number): string {
  const duration = parseSpan(durationOf(wish.duration) ?? "");
  if (duration === undefined) {
    return `“${wish.duration}” is no duration; write such as 12h, 3d or 1w.`;
  }
  if (duration < spanMs) {
    return "A forecast takes at least one bucket of the job.";
  }
  if (duration > LONGEST_DAYS * DAY_MS) {
    return `A forecast goes at most ${LONGEST_DAYS} days ahead.`;
  }
  if (wish.expiresIn.trim() !== "" && wish.expiresIn.trim() !== "0" && durationOf(wish.expiresIn) === undefined) {
    return `“${wish.expiresIn}” is no duration; write such as 14d, or 0 for ever.`;
  }
  return wish.memory.trim() === "" || /^\d+(b|kb|mb|gb)$/i.test(wish.memory.trim())
    ? ""
    : `“${wish.memory}” is no size; write such as 20mb.`;
}

/** The body of a wish. */
export function wishBody(wish: Wish): { [key: string]: Json } {
  const expires = wish.expiresIn.trim();
  return {
    duration: durationOf(wish.duration) ?? wish.duration,
    ...(expires === "" ? {} : { expires_in: expires === "0" ? "0" : (durationOf(expires) ?? expires) }),
    ...(wish.memory.trim() === "" ? {} : { max_model_memory: wish.memory.trim() }),
  };
}

/** Why a detector has no forecast; empty where it may have one. */
export function unforecast(detector: Detector): string {
  if (detector.splits.some(({ role }) => role === "over")) {
    return "a population has no forecast";
  }
  const name = bare(detector.function);
  return ["rare", "freq_rare", "lat_long", "time_of_day", "time_of_week", "info_content"].includes(name)
    ? `${name} has no value that goes on`
    : "";
}

/** Asks for a forecast; a closed job is opened for it, and closed again by `settle`. */
export async function askForecast(ask: Ask, job: Job, wish: Wish): Promise<string> {
  if (job.state === "closed") {
    await ask("POST", jobPath(job.id, "/_open"), {});
  }
  try {
    const answer = await ask("POST", jobPath(job.id, "/_forecast"), wishBody(wish));
    return String(answer.forecast_id);
  } catch (error) {
    await settle(ask, job);
    throw error;
  }
}

/** Closes the job again that was opened for a forecast. */
export async function settle(ask: Ask, job: Job): Promise<void> {
  if (job.state === "closed") {
    await ask("POST", jobPath(job.id, "/_close"), {});
  }
}

/** Looks at a forecast until it is done, and tells how far it is. */
export async function follow(
  ask: Ask,
  job: string,
  id: string,
  told: (forecast: Forecast) => void,
  pause: () => Promise<void>,
  signal: AbortSignal,
): Promise<Forecast> {
  for (;;) {
    const found = (await readForecasts(ask, job, signal)).find((one) => one.id === id);
    if (found !== undefined) {
      told(found);
      if (found.status === "finished") {
        return found;
      }
      if (found.status === "failed") {
        throw new ServerError(500, found.messages.join("; ") || "the forecast failed, and the server does not say why");
      }
    }
    await pause();
    signal.throwIfAborted();
  }
}
