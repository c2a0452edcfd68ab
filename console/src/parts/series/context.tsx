/** All of a series in small above its chart: what is chosen of it, and where its anomalies lie. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useAnswer, shown } from "../asking";
import { INSET } from "../chart";
import { useShared } from "../context";
import { coloursOf, columnOf, draggedOver, plotIn, type Drawing } from "../plotting";
import type { Detector, Job } from "../../rest/jobs";
import type { SeriesPart } from "../../rest/results";
import { readScores, type Scored } from "../../rest/series/context";
import { nameOf, readDrawn, type Drawn } from "../../rest/series/drawn";
import type { MetricPart } from "../../rest/series/source";
import { time } from "../../shape/format";
import { severity } from "../../shape/severity";
import { withParams } from "../../state/place";
import { cellWidth, type Range } from "../../state/range";
import { zoomed, zooms } from "../../state/zoom";

const HEIGHT_PX = 90;
const STRIP_PX = 10;
const MOST_POINTS = 400;

/** The context of a chart, with lengths to zoom to. */
export function Context(props: {
  job: Job;
  detector: Detector;
  parts: readonly SeriesPart[];
  part: MetricPart | undefined;
  whole: Range;
  range: Range;
}): ComponentChildren {
  const { ask, place, go } = useShared();
  const { job, detector, parts, part, whole, range } = props;
  const name = nameOf(job, detector, parts, part);
  const cell = cellWidth(whole, job.spanMs, MOST_POINTS);
  const answer = useAnswer(
    async (signal) =>
      await Promise.all([
        readDrawn(ask, job, detector, parts, part, whole, cell, signal),
        readScores(ask, name, whole, cell, signal),
      ]),
    JSON.stringify([name, whole, cell]),
  );
  const look = (chosen: Range): void =>
    go(withParams(place, { from: new Date(chosen.from).toISOString(), to: new Date(chosen.to).toISOString() }));
  const found = shown(answer);
  return (
    <div class="context">
      <div class="tools" role="group" aria-label="Length of what is shown">
        {zooms(whole, job.spanMs).map((zoom) => (
          <button
            type="button"
            key={zoom.text}
            aria-pressed={range.to - range.from === zoom.lengthMs}
            onClick={() => look(zoomed(range, zoom.lengthMs, whole))}
          >
            {zoom.text}
          </button>
        ))}
      </div>
      {found === undefined ? (
        // What lies below is not to move when this comes.
        <div class="small" style={{ height: `${HEIGHT_PX}px` }} />
      ) : (
        !("why" in found[0]) && (
          <Small drawn={found[0]} scores={found[1]} whole={whole} range={range} onRange={look} />
        )
      )}
    </div>
  );
}

function Small(props: {
  drawn: Drawn;
  scores: readonly Scored[];
  whole: Range;
  range: Range;
  onRange: (range: Range) => void;
}): ComponentChildren {
  const { formats } = useShared();
  const place = useRef<HTMLDivElement>(null);
  const latest = useRef(props);
  latest.current = props;
  const plotted = useRef<uPlot | undefined>(undefined);
  useEffect(() => {
    const element = place.current;
    if (!element) {
      return undefined;
    }
    const colour = coloursOf(element);
    const { series } = props.drawn;
    const quiet = { stroke: "transparent", points: { show: false } };
    const drawing: Drawing = {
      padding: [4, INSET.right, STRIP_PX + 4, INSET.left],
      scales: { x: { min: props.whole.from / 1000, max: props.whole.to / 1000 } },
      cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false } },
      axes: [{ show: false }, { show: false }],
      series: [{}, quiet, quiet, { stroke: colour("--line"), width: 1, points: { show: false } }],
      bands: [{ series: [2, 1], fill: colour("--band") }],
      hooks: {
        draw: [(plot) => strip(plot, latest.current.scores)],
        ready: [(plot) => brush(plot, latest.current.range)],
        setSize: [(plot) => brush(plot, latest.current.range)],
        setSelect: [
          (plot) => {
            const range = draggedOver(plot);
            if (range !== undefined) {
              latest.current.onRange(range);
            }
          },
        ],
      },
    };
    const data: uPlot.AlignedData = [
      Array.from(series.times),
      columnOf(series.lower),
      columnOf(series.upper),
      columnOf(series.actual),
    ];
    const [plot, end] = plotIn(element, HEIGHT_PX, formats, drawing, data);
    plotted.current = plot;
    return () => {
      plotted.current = undefined;
      end();
    };
  }, [props.drawn, props.scores, props.whole.from, props.whole.to, formats]);
  useEffect(() => {
    if (plotted.current) {
      brush(plotted.current, props.range);
    }
  }, [props.range.from, props.range.to]);
  return (
    <div
      ref={place}
      class="small"
      role="img"
      aria-label={
        `All of the series, ${time(props.whole.from, formats)} to ${time(props.whole.to, formats)}; shown below is ` +
        `${time(props.range.from, formats)} to ${time(props.range.to, formats)}. From, To and the lengths choose it by keyboard.`
      }
    />
  );
}

function brush(plot: uPlot, range: Range): void {
  const left = plot.valToPos(range.from / 1000, "x");
  const width = plot.valToPos(range.to / 1000, "x") - left;
  plot.setSelect({ left, top: 0, width, height: plot.over.clientHeight }, false);
}

function strip(plot: uPlot, scores: readonly Scored[]): void {
  const { ctx, bbox } = plot;
  const ratio = window.devicePixelRatio || 1;
  ctx.save();
  for (const { range, score } of [...scores].sort((a, b) => a.score - b.score)) {
    const left = plot.valToPos(range.from / 1000, "x", true);
    const right = plot.valToPos(range.to / 1000, "x", true);
    ctx.fillStyle = severity(score).colour;
    ctx.fillRect(left, bbox.top + bbox.height + 2 * ratio, Math.max(3 * ratio, right - left), STRIP_PX * ratio);
  }
  ctx.restore();
}
