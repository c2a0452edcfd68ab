/** The cells of swim lanes as a table, for those who see no canvas or want to copy them. */

import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import type { Lanes } from "../rest/laning";
import { scoredCells } from "../shape/cells";
import { time } from "../shape/format";
import { useShared } from "./context";
import { Score } from "./marks";
import { usePaging } from "./paging";

/** Rows of a page of the table. */
const PAGE = 100;

/** A table of the cells with a score, made once it is opened; each can be selected. */
export function CellTable(props: { title: string; lanes: Lanes; onChoose: (lane: number, cell: number) => void }): ComponentChildren {
  const [open, setOpen] = useState(false);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The cells as a table</summary>
      {open && <Rows {...props} />}
    </details>
  );
}

function Rows(props: { title: string; lanes: Lanes; onChoose: (lane: number, cell: number) => void }): ComponentChildren {
  const { formats } = useShared();
  const { lanes } = props;
  const cells = useMemo(() => scoredCells(lanes.lanes), [lanes]);
  const { first, last, words, turns } = usePaging(cells.length, PAGE);
  return (
    <div class="scrolling" tabIndex={0} role="region" aria-label={`Cells: ${props.title}`}>
      <table>
        <caption>
          {words} {cells.length === 1 ? "cell" : "cells"} with a score, the highest first {turns}
        </caption>
        <thead>
          <tr>
            <th scope="col">Lane</th>
            <th scope="col">From</th>
            <th scope="col">Severity</th>
            <th scope="col">Select</th>
          </tr>
        </thead>
        <tbody>
          {cells.slice(first, last).map(({ lane, cell, score }) => {
            const label = lanes.lanes[lane]?.label ?? "";
            const from = time(lanes.range.from + cell * lanes.cellMs, formats);
            return (
              <tr key={`${lane} ${cell}`}>
                <th scope="row">{label}</th>
                <td class="moment">{from}</td>
                <td>
                  <Score value={score} />
                </td>
                <td>
                  <button type="button" aria-label={`Select ${label}, ${from}`} onClick={() => props.onChoose(lane, cell)}>
                    Select
                  </button>
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
