/** Documents over time as bars, drawn by uPlot; the figures stand in a table beside it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useShared } from "./context";
import { axesOf, coloursOf, draggedOver, plotIn, type Drawing } from "./plotting";
import { number, time } from "../shape/format";
import type { Cells } from "../rest/data/overview";
import type { Range } from "../state/range";

const HEIGHT_PX = 170;

/** Draws cells of time; dragging chooses a stretch of them. */
export function Histogram(props: { cells: Cells; onRange: (range: Range) => void }): ComponentChildren {
  const { formats } = useShared();
  const { cells } = props;
  const place = useRef<HTMLDivElement>(null);
  const chosen = useRef(props.onRange);
  chosen.current = props.onRange;
  useEffect(() => {
    const element = place.current;
    if (!element) {
      return undefined;
    }
    const colour = coloursOf(element);
    const [times, counts] = axesOf(colour, formats, 70);
    const drawing: Drawing = {
      scales: {
        x: { min: cells.range.from / 1000, max: cells.range.to / 1000 },
        y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.05)] },
      },
      cursor: { drag: { x: true, y: false, setScale: false } },
      axes: [
        { ...times, grid: { show: false } },
        {
          ...counts,
          incrs: [1, 2, 5, 10, 20, 50].flatMap((step) => [0, 2, 4, 6, 8].map((power) => step * 10 ** power)).sort((a, b) => a - b),
        },
      ],
      series: [
        {},
        {
          label: "documents",
          fill: colour("--line"),
          points: { show: false },
          // A bar stands to the right of where its cell begins.
          ...(uPlot.paths.bars && { paths: uPlot.paths.bars({ size: [0.9, 100], align: 1 }) }),
        },
      ],
      hooks: {
        setSelect: [
          (plot) => {
            const range = draggedOver(plot);
            if (range !== undefined) {
              chosen.current(range);
            }
          },
        ],
      },
    };
    const seconds = cells.counts.map((_count, k) => (cells.range.from + k * cells.cellMs) / 1000);
    const [, end] = plotIn(element, HEIGHT_PX, formats, drawing, [seconds, [...cells.counts]]);
    return end;
  }, [cells, formats]);
  return (
    <figure class="histogram">
      <div ref={place} role="img" aria-label="Documents over time; the table below says the same in figures" />
      <figcaption class="aside">
        Documents in cells of {duration(cells.cellMs)}. Drag over the bars to look closer.
      </figcaption>
      <details>
        <summary>Documents over time as a table</summary>
        <div class="scrolling low" tabIndex={0} role="group" aria-label="Documents over time">
          <table>
            <thead>
              <tr>
                <th scope="col">From</th>
                <th scope="col" class="figure">Documents</th>
              </tr>
            </thead>
            <tbody>
              {cells.counts.map((count, k) => (
                <tr key={k}>
                  <td>{time(cells.range.from + k * cells.cellMs, formats)}</td>
                  <td class="figure">{number(count, formats)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

const UNITS: readonly (readonly [number, string])[] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "minute"],
  [1000, "second"],
];

function duration(ms: number): string {
  const [size, name] = UNITS.find(([unit]) => ms >= unit && ms % unit === 0) ?? [1, "millisecond"];
  const count = ms / size;
  return `${count} ${name}${count === 1 ? "" : "s"}`;
}
