/** Asks for calendars, filter lists and the jobs that they bear on. */

import { shapeCalendars, shapeFilters, type Calendar, type Filter } from "../shape/shared";
import { readJobs } from "./jobs";
import type { Ask } from "./server";

/** What jobs share. */
export interface SharedThings {
  readonly calendars: readonly Calendar[];
  readonly filters: readonly Filter[];
}

/** As many of a kind as a server tells in one answer. */
const MOST = 10_000;

/** All calendars and filter lists, in a few calls however many there are. */
export async function readShared(ask: Ask, signal?: AbortSignal): Promise<SharedThings> {
  const page = `?from=0&size=${MOST}`;
  const [calendars, events, filters, configs, jobs] = await Promise.all([
    ask("GET", `_ml/calendars${page}`, undefined, signal),
    ask("GET", `_ml/calendars/_all/events${page}`, undefined, signal),
    ask("GET", `_ml/filters${page}`, undefined, signal),
    ask("GET", "_ml/anomaly_detectors", undefined, signal),
    readJobs(ask),
  ]);
  return { calendars: shapeCalendars(calendars.calendars, events.events, jobs), filters: shapeFilters(filters.filters, configs.jobs) };
}
