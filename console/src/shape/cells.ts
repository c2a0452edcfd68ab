/** Cells of swim lanes as rows. */

/** A cell with a score. */
export interface ScoredCell {
  readonly lane: number;
  readonly cell: number;
  readonly score: number;
}

/** The cells that have a score, the highest first, of equal ones the earliest; those of one time in the order of the lanes. */
export function scoredCells(lanes: readonly { readonly scores: ArrayLike<number> }[]): ScoredCell[] {
  const found: ScoredCell[] = [];
  lanes.forEach(({ scores }, lane) => {
    for (let cell = 0; cell < scores.length; cell++) {
      const score = scores[cell] as number;
      if (score > 0) {
        found.push({ lane, cell, score });
      }
    }
  });
  return found.sort((a, b) => b.score - a.score || a.cell - b.cell || a.lane - b.lane);
}
