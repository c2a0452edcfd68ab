/** Records as a table shows them. */

import type { Anomaly } from "../rest/results";
import { DAY_MS } from "../state/range";

export type Interval = "auto" | "hour" | "day" | "all";

export const INTERVALS: readonly { readonly name: Interval; readonly text: string }[] = [
  { name: "auto", text: "automatic" },
  { name: "hour", text: "1 hour" },
  { name: "day", text: "1 day" },
  { name: "all", text: "show all" },
];

const HOUR_MS = 3_600_000;
/** Stretches of time up to which an automatic interval is an hour. */
const HOURLY_UP_TO_MS = 2 * DAY_MS;

/** The interval that a name stands for; `auto` where it is none. */
export function parseInterval(text: string | undefined): Interval {
  return INTERVALS.find(({ name }) => name === text)?.name ?? "auto";
}

/**
 * The records that a table shows, the worst first: of each detector and entity, the worst of each interval.
 *
 * @param zone The time zone in which days begin.
 */
export function byInterval(anomalies: readonly Anomaly[], interval: Interval, zone: string): Anomaly[] {
  const worst = new Map<string, Anomaly>();
  const real = interval === "auto" ? automatic(anomalies) : interval;
  for (const anomaly of anomalies) {
    const cell = cellOf(anomaly.timeMs, real, zone);
    const key = JSON.stringify([cell, anomaly.jobId, anomaly.detector, anomaly.entities]);
    const other = worst.get(key);
    if (other === undefined || anomaly.score > other.score) {
      worst.set(key, anomaly);
    }
  }
  return [...worst.values()].sort((a, b) => b.score - a.score || a.timeMs - b.timeMs);
}

function automatic(anomalies: readonly Anomaly[]): Interval {
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const { timeMs } of anomalies) {
    first = Math.min(first, timeMs);
    last = Math.max(last, timeMs);
  }
  return last - first <= HOURLY_UP_TO_MS ? "hour" : "day";
}

function cellOf(ms: number, interval: Interval, zone: string): string {
  if (interval === "all") {
    return String(ms);
  }
  if (interval === "hour") {
    return String(Math.floor(ms / HOUR_MS));
  }
  return new Intl.DateTimeFormat("en-CA", { timeZone: zone }).format(new Date(ms));
}
