/** Stretches of time of a usual length. */

import { DAY_MS, type Range } from "./range";

/** A length that can be chosen. */
export interface Zoom {
  readonly text: string;
  readonly lengthMs: number;
}

const ZOOMS: readonly Zoom[] = [
  { text: "1 hour", lengthMs: 3_600_000 },
  { text: "12 hours", lengthMs: 43_200_000 },
  { text: "1 day", lengthMs: DAY_MS },
  { text: "1 week", lengthMs: 7 * DAY_MS },
  { text: "2 weeks", lengthMs: 14 * DAY_MS },
  { text: "1 month", lengthMs: 30 * DAY_MS },
];
/** Buckets below which there is nothing to see. */
const LEAST_BUCKETS = 5;

/** The lengths that show several buckets and less than everything. */
export function zooms(whole: Range, spanMs: number): Zoom[] {
  return ZOOMS.filter(({ lengthMs }) => lengthMs >= LEAST_BUCKETS * spanMs && lengthMs < whole.to - whole.from);
}

/** A stretch of a length about the middle of another one, moved so that it lies in the whole. */
export function zoomed(range: Range, lengthMs: number, whole: Range): Range {
  const length = Math.min(lengthMs, whole.to - whole.from);
  const middle = (range.from + range.to) / 2;
  const from = Math.min(Math.max(Math.round(middle - length / 2), whole.from), whole.to - length);
  return { from, to: from + length };
}
