/** What a datafeed would see, drawn by uPlot: one line a series. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import type { Line, Preview } from "../../rest/wizard";
import { number, time, type Formats } from "../../shape/format";
import { useShared } from "../context";
import { axesOf, coloursOf, plotIn, type Drawing } from "../plotting";

const HEIGHT_PX = 200;
/** Told apart in dark and light, and by their dashes where colours are not. */
const STROKES: readonly (readonly [string, number[]])[] = [
  ["--line", []],
  ["--notable", [8, 3]],
  ["--good", [2, 3]],
  ["--bad", [10, 3, 2, 3]],
];

/** Draws the lines of a preview. */
export function PreviewChart(props: { preview: Preview; label: string }): ComponentChildren {
  const { formats } = useShared();
  const { preview } = props;
  const place = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const element = place.current;
    return element === null ? undefined : draw(element, preview, formats);
  }, [preview, formats]);
  return (
    <figure class="preview">
      <div ref={place} role="img" aria-label={`${props.label}; the table below says the same in figures`} />
      <figcaption class="aside">
        {preview.lines.length > 1 && (
          <>
            The most frequent values: {preview.lines.map((line) => line.label).join(", ")}
            {preview.others > 0 && ` (and about ${number(preview.others, formats)} others that are not drawn)`}.{" "}
          </>
        )}
        Each point is {words(preview.cellMs, formats)}.
      </figcaption>
      <table>
        <caption class="unseen">{props.label}</caption>
        <thead>
          <tr>
            <th scope="col">Series</th>
            <th scope="col" class="figure">Least</th>
            <th scope="col" class="figure">Middle</th>
            <th scope="col" class="figure">Greatest</th>
            <th scope="col">Greatest at</th>
          </tr>
        </thead>
        <tbody>
          {preview.lines.map((line) => (
            <Figures key={line.label} line={line} times={preview.times} />
          ))}
        </tbody>
      </table>
    </figure>
  );
}

function Figures(props: { line: Line; times: readonly number[] }): ComponentChildren {
  const { formats } = useShared();
  const { line, times } = props;
  const there = line.values.flatMap((value, k) => (value === null ? [] : [[value, times[k] ?? 0] as const])).sort((a, b) => a[0] - b[0]);
  const cell = (entry: readonly [number, number] | undefined): string => (entry === undefined ? "–" : number(entry[0], formats));
  const last = there.at(-1);
  return (
    <tr>
      <th scope="row">{line.label}</th>
      <td class="figure">{cell(there[0])}</td>
      <td class="figure">{cell(there[there.length >> 1])}</td>
      <td class="figure">{cell(last)}</td>
      <td>{last === undefined ? "–" : time(last[1], formats)}</td>
    </tr>
  );
}

function words(ms: number, formats: Formats): string {
  const [unit, count] = ms % 86_400_000 === 0 ? ["d", ms / 86_400_000] : ms % 3_600_000 === 0 ? ["h", ms / 3_600_000] : ["min", ms / 60_000];
  return `${number(count, formats)} ${unit}`;
}

function draw(element: HTMLElement, preview: Preview, formats: Formats): () => void {
  const colour = coloursOf(element);
  const drawing: Drawing = {
    cursor: { show: false },
    axes: axesOf(colour, formats, 70),
    series: [
      {},
      ...preview.lines.map((line, k) => {
        const [name, dash] = STROKES[k % STROKES.length] ?? ["--line", []];
        return { label: line.label, stroke: colour(name), width: 1.5, dash, points: { show: preview.times.length < 60 } };
      }),
    ],
  };
  const data: uPlot.AlignedData = [preview.times.map((ms) => ms / 1000), ...preview.lines.map((line) => [...line.values])];
  const [, end] = plotIn(element, HEIGHT_PX, formats, drawing, data);
  return end;
}
