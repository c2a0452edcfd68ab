/** Which documents the statistics of fields come from, where there are too many to look at all. */

import type { Abilities } from "./sources";
import type { Cells } from "./overview";
import type { Json } from "../server";
import type { Range } from "../../state/range";

/** Documents that are looked at whole; of more, a sample. */
export const MOST_DOCUMENTS = 1_000_000;
/** Documents of a sample, about. */
export const SAMPLE_DOCUMENTS = 200_000;
/** Slices of time at most: each is a condition of its own, and many of them cost more than all documents would. */
export const SLICES = 16;
/** How far each slice begins after the one before, as a share of its stretch: the golden ratio falls together with no cycle. */
const STRIDE = 0.6180339887498949;

/** All documents, each with a probability, or those of slices of time. */
export type Sample =
  | { readonly of: "all" }
  | { readonly of: "chance"; readonly probability: number }
  | { readonly of: "slices"; readonly slices: readonly Range[] };

/**
 * The sample for a number of documents.
 *
 * @param total Documents that the question finds.
 * @param abilities Whether the server can choose by chance.
 * @param cells When they are; without, slices of time cannot be cut.
 */
export function sampleOf(total: number, abilities: Abilities, cells: Cells | undefined): Sample {
  if (total <= MOST_DOCUMENTS) {
    return { of: "all" };
  }
  const share = SAMPLE_DOCUMENTS / total;
  if (abilities.randomSampler) {
    // More than a half is not allowed, and would save nothing.
    return { of: "chance", probability: Math.min(0.5, share) };
  }
  return cells === undefined ? { of: "all" } : { of: "slices", slices: slicesOf(cells, share) };
}

/** One slice of each of a few stretches that hold about as many documents, as long as the share of its stretch. */
export function slicesOf(cells: Cells, share: number): Range[] {
  return stretchesOf(cells).map((stretch, k) => {
    const length = stretch.to - stretch.from;
    const width = Math.max(1, Math.floor(length * Math.min(1, share)));
    const from = stretch.from + Math.floor(((k * STRIDE) % 1) * (length - width));
    return { from, to: from + width };
  });
}

/** Neighbouring cells together, until they hold their part of all documents; empty ones at the ends are left out. */
function stretchesOf(cells: Cells): Range[] {
  const part = cells.counts.reduce((sum, count) => sum + count, 0) / SLICES;
  const stretches: Range[] = [];
  let [held, first] = [0, -1];
  let last = -1;
  cells.counts.forEach((count, k) => {
    if (count > 0) {
      first = first < 0 ? k : first;
      last = k;
      held += count;
    }
    if (held > 0 && (held >= part || k === cells.counts.length - 1)) {
      const start = cells.range.from;
      stretches.push({ from: start + first * cells.cellMs, to: start + (last + 1) * cells.cellMs });
      [held, first] = [0, -1];
    }
  });
  return stretches;
}

/** The conditions that a sample adds to a search. */
export function sampleFilter(sample: Sample, time: string | undefined): Json[] {
  if (sample.of !== "slices" || time === undefined) {
    return [];
  }
  const should = sample.slices.map((slice): Json => during(time, slice));
  return [{ bool: { should, minimum_should_match: 1 } }];
}

/** The condition that a document is of a stretch of time. */
export function during(time: string, range: Range): Json {
  return { range: { [time]: { gte: range.from, lt: range.to, format: "epoch_millis" } } };
}
