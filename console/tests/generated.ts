/** Generated cases, the same in every run. */

/** A source of numbers from 0 up to 1. */
export type Random = () => number;

/** As many sources as there are cases (mulberry32). */
export function* seeded(cases: number): Generator<Random> {
  for (let seed = 1; seed <= cases; seed++) {
    let state = seed * 0x9e3779b1;
    yield () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  }
}

/** A whole number, both ends included. */
export function integer(random: Random, least: number, most: number): number {
  return least + Math.floor(random() * (most - least + 1));
}

const PIECES = ["a", "job", "-", "_", ".", "&", "=", "#", "?", "%", "%2F", "+", " ", "/", "\\", '"', "<img onerror=x>", "é", "日", "😀", "*", ",", "0"];

/** Text with whatever means something in an address or in a page. */
export function anyText(random: Random): string {
  return Array.from({ length: integer(random, 0, 6) }, () => PIECES[integer(random, 0, PIECES.length - 1)]).join("");
}
