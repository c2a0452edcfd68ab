/** Pages of long lists. */

/** One page: its place among all from 0, how many there are, and its rows from the first to before the last. */
export interface PagePlace {
  readonly at: number;
  readonly of: number;
  readonly first: number;
  readonly last: number;
}

/** The page that is wanted, or the last one where there are fewer. */
export function pageAt(rows: number, wanted: number, size: number): PagePlace {
  const of = Math.max(1, Math.ceil(rows / size));
  const at = Math.min(of - 1, Math.max(0, wanted));
  return { at, of, first: at * size, last: Math.min(rows, (at + 1) * size) };
}
