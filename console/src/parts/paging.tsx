/** Long tables in pages. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useShared } from "./context";
import { number } from "../shape/format";
import { pageAt } from "../shape/paging";

/** The rows of a page, from the first to before the last, and what a caption says and offers of them. */
export interface Paging {
  readonly first: number;
  readonly last: number;
  /** `101 to 200 of 300`; the number alone where all fit in a page. */
  readonly words: string;
  /** Buttons to turn pages; nothing where there is one. */
  readonly turns: ComponentChildren;
}

/** Turns pages of a table with so many rows. */
export function usePaging(rows: number, size: number): Paging {
  const { formats } = useShared();
  const [wanted, setWanted] = useState(0);
  const { at, of, first, last } = pageAt(rows, wanted, size);
  const all = number(rows, formats);
  return {
    first,
    last,
    words: of === 1 ? all : `${number(first + 1, formats)} to ${number(last, formats)} of ${all}`,
    turns: of > 1 && (
      <>
        <button type="button" disabled={at === 0} onClick={() => setWanted(at - 1)}>
          Before
        </button>{" "}
        <button type="button" disabled={at === of - 1} onClick={() => setWanted(at + 1)}>
          After
        </button>
      </>
    ),
  };
}
