/** Long lists are windowed: only the rows about what is looked at are in the page. */

import { useLayoutEffect, useState } from "preact/hooks";
import type { RefObject } from "preact";

/** Lists up to here are shown whole. */
export const WHOLE_UP_TO = 100;
/** Rows before and after those that are seen, so that the keyboard finds the next one. */
const AROUND = 20;
const GUESSED_PX = 40;

/** Rows from `first` up to, and not including, `last`, with the heights of what is left out, in pixels. */
export interface Shown {
  readonly first: number;
  readonly last: number;
  readonly before: number;
  readonly after: number;
}

/**
 * The rows to show.
 *
 * @param count How many there are.
 * @param rowPx How high one is.
 * @param top How far the first row is above the upper edge of what is seen; negative where it is below.
 * @param height How much is seen.
 */
export function rowsIn(count: number, rowPx: number, top: number, height: number): Shown {
  if (count <= WHOLE_UP_TO) {
    return { first: 0, last: count, before: 0, after: 0 };
  }
  const seen = Math.ceil(height / rowPx) + 2 * AROUND;
  const first = Math.min(Math.max(0, Math.floor(top / rowPx) - AROUND), Math.max(0, count - seen));
  const last = Math.min(count, first + seen);
  return { first, last, before: first * rowPx, after: (count - last) * rowPx };
}

/** The rows of a list to show as the page is scrolled; `body` is what has one element a row. */
export function useWindow(body: RefObject<HTMLElement | null>, count: number): Shown {
  const [shown, setShown] = useState<Shown>(() => rowsIn(count, GUESSED_PX, 0, window.innerHeight));
  useLayoutEffect(() => {
    const look = (): void => {
      const element = body.current;
      if (element === null) {
        return;
      }
      const rows = element.querySelectorAll<HTMLElement>(":scope > [data-row]");
      const first = rows[0]?.getBoundingClientRect();
      const last = rows[rows.length - 1]?.getBoundingClientRect();
      const rowPx = first && last && rows.length > 0 ? (last.bottom - first.top) / rows.length : 0;
      const next = rowsIn(count, rowPx || GUESSED_PX, -element.getBoundingClientRect().top, window.innerHeight);
      setShown((old) => (old.first === next.first && old.last === next.last ? old : next));
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [count]);
  return shown.last > count ? rowsIn(count, GUESSED_PX, 0, window.innerHeight) : shown;
}
