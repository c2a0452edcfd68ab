/** What the charts that uPlot draws share: their axes and width, what is dragged over, how they come and go. */

import uPlot from "uplot";
import { number, tick, type Formats } from "../shape/format";
import type { Range } from "../state/range";

/** What tells one chart from another; size, zone and the missing legend are everybody's. */
export type Drawing = Omit<uPlot.Options, "width" | "height" | "tzDate" | "legend">;

const LEAST_WIDTH_PX = 280;
/** A shorter drag is a click. */
const LEAST_DRAG_PX = 3;

/** The colours of the page, by their names. */
export function coloursOf(element: HTMLElement): (name: string) => string {
  const style = getComputedStyle(element);
  return (name) => style.getPropertyValue(name).trim();
}

/** The axes of time, below, and of values, as wide as `left`. */
export function axesOf(colour: (name: string) => string, formats: Formats, left: number): [uPlot.Axis, uPlot.Axis] {
  const lines = { stroke: colour("--ink"), grid: { stroke: colour("--band") } };
  return [
    { ...lines, space: 110, values: (_plot, seconds) => seconds.map((value) => tick(value * 1000, formats)) },
    { ...lines, size: left, values: (_plot, values) => values.map((value) => number(value, formats)) },
  ];
}

/** A column of a chart: nothing where a figure is missing. */
export function columnOf(values: Float64Array): (number | null)[] {
  return Array.from(values, (value) => (Number.isNaN(value) ? null : value));
}

/** A text as a canvas shows it in one line of a width, with an ellipsis where there is more of it. */
export function cutTo(pen: Pick<CanvasRenderingContext2D, "measureText">, text: string, width: number): string {
  const line = text.replace(/\s+/g, " ");
  if (pen.measureText(line).width <= width) {
    return line;
  }
  // Halving needs few measurements however long a value is; a character of two halves stays whole.
  const letters = [...line.slice(0, 1000)];
  let [fits, all] = [0, letters.length];
  while (fits < all) {
    const middle = Math.ceil((fits + all) / 2);
    const short = pen.measureText(`${letters.slice(0, middle).join("")}…`).width <= width;
    [fits, all] = short ? [middle, all] : [fits, middle - 1];
  }
  return `${letters.slice(0, fits).join("")}…`;
}

/** The stretch of time that was dragged over; undefined for a click. */
export function draggedOver(plot: uPlot): Range | undefined {
  const { left, width } = plot.select;
  const at = (px: number): number => Math.round(plot.posToVal(px, "x") * 1000);
  return width > LEAST_DRAG_PX ? { from: at(left), to: at(left + width) } : undefined;
}

/** Draws a chart that keeps to the width of its place; the second of both ends it. */
export function plotIn(
  element: HTMLElement,
  height: number,
  formats: Formats,
  drawing: Drawing,
  data: uPlot.AlignedData,
): readonly [plot: uPlot, end: () => void] {
  const size = (): { width: number; height: number } => ({ width: Math.max(LEAST_WIDTH_PX, element.clientWidth), height });
  const tzDate = (seconds: number): Date => uPlot.tzDate(new Date(seconds * 1000), formats.zone);
  const plot = new uPlot({ ...drawing, ...size(), tzDate, legend: { show: false } }, data, element);
  const observer = new ResizeObserver(() => plot.setSize(size()));
  observer.observe(element);
  return [
    plot,
    () => {
      observer.disconnect();
      plot.destroy();
    },
  ];
}
