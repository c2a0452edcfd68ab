/** The figures of a chart as a table, for those who cannot see it or want to copy them. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useShared } from "../context";
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
  const [page, setPage] = useState(0);
  const { times } = props;
  const first = Math.min(page * PAGE, Math.max(0, Math.floor((times.length - 1) / PAGE) * PAGE));
  const last = Math.min(times.length, first + PAGE);
  const rows = Array.from({ length: last - first }, (_, place) => first + place);
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The figures of the chart</summary>
      {open && (
        <div class="scrolling">
          <table>
            <caption>
              {number(first + 1, formats)} to {number(last, formats)} of {number(times.length, formats)} points{" "}
              <button type="button" disabled={first === 0} onClick={() => setPage(first / PAGE - 1)}>
                Before
              </button>{" "}
              <button type="button" disabled={last === times.length} onClick={() => setPage(first / PAGE + 1)}>
                After
              </button>
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
