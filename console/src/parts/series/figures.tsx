/** The figures of a chart as a table, for those who cannot see it or want to copy them. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useShared } from "../context";
import { usePaging } from "../paging";
import { number, time } from "../../shape/format";

/** A column of figures beside the times; NaN where there is none. */
export interface Column {
  readonly name: string;
  readonly values: ArrayLike<number>;
}

/** Points of a page of the table. */
const PAGE = 100;

/** A table of a chart's figures, made once it is opened. */
export function Figures(props: { times: ArrayLike<number>; columns: readonly Column[] }): ComponentChildren {
  const { formats } = useShared();
  const [open, setOpen] = useState(false);
  const { times } = props;
  const { first, last, words, turns } = usePaging(times.length, PAGE);
  const rows = Array.from({ length: last - first }, (_, place) => first + place);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The figures of the chart</summary>
      {open && (
        <div class="scrolling">
          <table>
            <caption>
              {words} points {turns}
            </caption>
            <thead>
              <tr>
                <th scope="col">Time</th>
                {props.columns.map((column) => (
                  <th scope="col" class="figure" key={column.name}>
                    {column.name}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <tr key={row}>
                  <th scope="row">{time((times[row] as number) * 1000, formats)}</th>
                  {props.columns.map((column) => (
                    <td class="figure" key={column.name}>
                      {number(column.values[row] as number, formats)}
                    </td>
                  ))}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </details>
  );
}
