/** Clocks of time zones. A local time is written as the milliseconds that it would be in UTC. */

import { DAY_MS } from "../../state/range";

/** A clock: how far it is before UTC at a moment, in milliseconds. */
export type Zone = (moment: number) => number;

const formats = new Map<string, Intl.DateTimeFormat | undefined>();

function formatOf(name: string): Intl.DateTimeFormat | undefined {
  if (!formats.has(name)) {
    try {
      formats.set(
        name,
        new Intl.DateTimeFormat("en-US", {
          timeZone: name, hourCycle: "h23", era: "short",
          year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
        }),
      );
    } catch {
      formats.set(name, undefined);
    }
  }
  return formats.get(name);
}

/** The clock of a zone of the IANA database; undefined where there is none of this name. */
export function zoneOf(name: string): Zone | undefined {
  const format = formatOf(name);
  if (format === undefined) {
    return undefined;
  }
  return (moment) => {
    const parts = Object.fromEntries(format.formatToParts(new Date(moment)).map(({ type, value }) => [type, value]));
    const [year, month, day, hour, minute, second] = ["year", "month", "day", "hour", "minute", "second"].map((one) => Number(parts[one]));
    return Date.UTC(year ?? 0, (month ?? 1) - 1, day, hour, minute, second) - Math.floor(moment / 1000) * 1000;
  };
}

/** What a clock shows at a moment. */
export function localOf(moment: number, zone: Zone): number {
  return moment + zone(moment);
}

/** The moment of a local time: one that the clock leaves out is what it would have been without the change, one that it shows twice the first of both. */
export function momentOf(local: number, zone: Zone): number {
  const before = zone(local - DAY_MS);
  const first = local - before;
  if (zone(first) === before) {
    return first;
  }
  const after = zone(first);
  const second = local - after;
  return zone(second) === after ? second : first;
}
