/** The forecast that lies over a chart: its path there, and how it compares with what came. */

import { shown, useAnswer, type Answer } from "../asking";
import { useShared } from "../context";
import { compare, readForecast, type Comparison, type Forecast, type Forecasted } from "../../rest/forecasts/forecasts";
import type { Detector, Job } from "../../rest/jobs";
import type { SeriesPart } from "../../rest/results";
import { nameOf, readDrawn } from "../../rest/series/drawn";
import type { MetricPart } from "../../rest/series/source";
import type { Ask } from "../../rest/server";
import type { Range } from "../../state/range";

/** Buckets of a forecast that are compared at most; what lies further ahead is less worth. */
const MOST_COMPARED = 20_000;

/** Reads the forecast that was chosen, of one series. */
export function useForecast(
  job: Job,
  detector: Detector,
  parts: readonly SeriesPart[],
  part: MetricPart | undefined,
  range: Range,
  cellMs: number,
  chosen: Forecast | undefined,
): { ahead: Forecasted | undefined; comparison: Answer<Comparison | undefined> } {
  const { ask } = useShared();
  const name = nameOf(job, detector, parts, part);
  const ahead = useAnswer(
    async (signal) => chosen && (await readForecast(ask, name, chosen.id, range, cellMs, signal)),
    JSON.stringify([name, range, cellMs, chosen?.id]),
  );
  const comparison = useAnswer(
    async (signal) => chosen && (await fared(ask, job, detector, parts, part, chosen, signal)),
    JSON.stringify([name, chosen]),
  );
  return { ahead: chosen && shown(ahead), comparison };
}

async function fared(
  ask: Ask,
  job: Job,
  detector: Detector,
  parts: readonly SeriesPart[],
  part: MetricPart | undefined,
  chosen: Forecast,
  signal: AbortSignal,
): Promise<Comparison> {
  const { from } = chosen.range;
  const range = { from, to: Math.min(chosen.range.to + job.spanMs, from + MOST_COMPARED * job.spanMs) };
  const [forecast, drawn] = await Promise.all([
    readForecast(ask, nameOf(job, detector, parts, part), chosen.id, range, job.spanMs, signal),
    readDrawn(ask, job, detector, parts, part, range, job.spanMs, signal),
  ]);
  return compare(forecast, "why" in drawn ? undefined : drawn.series);
}
