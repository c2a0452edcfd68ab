/** A stretch of time, in milliseconds since the epoch: from `from` up to, and not including, `to`. */

export interface Range {
  readonly from: number;
  readonly to: number;
}

export const DAY_MS = 86_400_000;
const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: DAY_MS, w: 7 * DAY_MS };

/**
 * A time as a reader writes it: an ISO date, milliseconds, or `now` with a distance such as `now-7d`.
 *
 * @returns Milliseconds since the epoch, or undefined where it is none of these.
 */
export function parseTime(text: string, now: number): number | undefined {
  const relative = /^now(?:([+-])(\d+)([mhdw]))?$/.exec(text.trim());
  if (relative) {
    const [, sign, count, unit] = relative;
    return sign === undefined ? now : now + (sign === "-" ? -1 : 1) * Number(count) * (UNITS[unit ?? ""] ?? 0);
  }
  // A year alone is none of milliseconds.
  if (/^-?\d{6,}$/.test(text.trim())) {
    return Number(text);
  }
  if (!/^\d{4}-\d{2}-\d{2}/.test(text.trim())) {
    return undefined;
  }
  const parsed = Date.parse(text.trim());
  return Number.isNaN(parsed) ? undefined : parsed;
}

/** A time as it stands in addresses and fields: ISO, as short as it can be. */
export function iso(ms: number): string {
  return new Date(ms).toISOString().replace(/:00\.000Z$/, "Z").replace(/\.000Z$/, "Z");
}

/** The range of two times, the whole one where they say nothing or nothing that can be. */
export function parseRange(from: string | undefined, to: string | undefined, whole: Range, now: number): Range {
  const begin = from === undefined ? whole.from : parseTime(from, now);
  const end = to === undefined ? whole.to : parseTime(to, now);
  return begin === undefined || end === undefined || begin >= end ? whole : { from: begin, to: end };
}

/** The overlap of two ranges; the second one where they do not touch. */
export function clip(range: Range, whole: Range): Range {
  const from = Math.max(range.from, whole.from);
  const to = Math.min(range.to, whole.to);
  return from < to ? { from, to } : whole;
}

/** A range of at least a length about the middle of another one, as far as the whole goes; the range itself where it is longer. */
export function about(range: Range, leastMs: number, whole: Range): Range {
  if (range.to - range.from >= leastMs) {
    return range;
  }
  const middle = (range.from + range.to) / 2;
  const from = Math.min(range.from, Math.max(whole.from, Math.round(middle - leastMs / 2)));
  const to = Math.max(range.to, Math.min(whole.to, Math.round(middle + leastMs / 2)));
  return { from, to };
}

/** Widths of cells that people read easily, in milliseconds. */
const WIDTHS: readonly number[] = [
  60_000, 300_000, 600_000, 900_000, 1_800_000, 3_600_000, 7_200_000, 10_800_000, 14_400_000, 21_600_000, 28_800_000,
  43_200_000, DAY_MS, 2 * DAY_MS, 7 * DAY_MS, 14 * DAY_MS, 28 * DAY_MS,
];

/**
 * The width of a cell, in milliseconds: the smallest readable multiple of the bucket span that needs no more cells.
 *
 * @param range What is shown.
 * @param spanMs The bucket span.
 * @param most How many cells there may be.
 */
export function cellWidth(range: Range, spanMs: number, most: number): number {
  const least = (range.to - range.from) / most;
  const readable = WIDTHS.find((width) => width >= least && width >= spanMs && width % spanMs === 0);
  return readable ?? Math.ceil(Math.max(least, spanMs) / spanMs) * spanMs;
}

/** A duration of Elasticsearch's, such as `15m`, in milliseconds; undefined where it is none. */
export function parseSpan(text: string): number | undefined {
  const found = /^(\d+)(ms|s|m|h|d)$/.exec(text);
  if (!found) {
    return undefined;
  }
  const unit = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: DAY_MS }[found[2] as "ms" | "s" | "m" | "h" | "d"];
  return Number(found[1]) * unit;
}
