/** A series with what was expected of it, drawn by uPlot. */

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { useShared } from "./context";
import { axesOf, coloursOf, columnOf, draggedOver, plotIn, type Drawing } from "./plotting";
import { Figures, type Column } from "./series/figures";
import { severalBuckets } from "../shape/explanation";
import { departure, number, score, time, type Formats } from "../shape/format";
import { severity } from "../shape/severity";
import type { Anomaly } from "../rest/results";
import type { Forecasted } from "../rest/forecasts/forecasts";
import type { Drawn } from "../rest/series/drawn";
import type { Range } from "../state/range";

const HEIGHT_PX = 320;
/** How far the chart's field is set in, in pixels, so that what lies under it can be, too. */
export const INSET = { left: 70, right: 24 } as const;

/** A stretch of time that is shaded. */
export interface Shade {
  readonly range: Range;
  readonly colour: "note" | "event";
}

/** Draws a series, its bounds and its anomalies; dragging chooses a stretch of time. */
export function Chart(props: {
  drawn: Drawn;
  forecast: Forecasted | undefined;
  anomalies: readonly Anomaly[];
  shades: readonly Shade[];
  range: Range;
  label: string;
  /** In pixels. */
  height?: number;
  dragging: string;
  onDrag: (range: Range) => void;
}): ComponentChildren {
  const { formats } = useShared();
  const data = useMemo(() => joined(props.drawn, props.forecast), [props.drawn, props.forecast]);
  const place = useRef<HTMLDivElement>(null);
  const plotted = useRef<uPlot | undefined>(undefined);
  const [at, setAt] = useState<Anomaly | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  useEffect(() => {
    const element = place.current;
    if (!element) {
      return undefined;
    }
    const colour = coloursOf(element);
    const { series } = props.drawn;
    const height = props.height ?? HEIGHT_PX;
    const drawing: Drawing = {
      padding: [8, INSET.right, 0, 0],
      scales: { x: { min: props.range.from / 1000, max: props.range.to / 1000 } },
      cursor: { drag: { x: true, y: false, setScale: false } },
      axes: axesOf(colour, formats, INSET.left),
      series: [
        {},
        { label: "lower", stroke: "transparent", points: { show: false } },
        { label: "upper", stroke: "transparent", points: { show: false } },
        { label: "actual", stroke: colour("--line"), width: 1.5, points: { show: series.times.length < 60 } },
        { label: "forecast lower", stroke: "transparent", points: { show: false } },
        { label: "forecast upper", stroke: "transparent", points: { show: false } },
        { label: "forecast", stroke: colour("--forecast"), width: 1.5, dash: [6, 4], points: { show: false } },
      ],
      bands: [
        { series: [2, 1], fill: colour("--band") },
        { series: [5, 4], fill: colour("--forecast-band") },
      ],
      hooks: {
        drawClear: [(plot) => shade(plot, latest.current.shades, { note: colour("--note"), event: colour("--event") })],
        setCursor: [(plot) => setAt(anomalyAt(plot, latest.current.anomalies))],
        draw: [(plot) => marks(plot, latest.current.anomalies)],
        setSelect: [
          (plot) => {
            const range = draggedOver(plot);
            if (range !== undefined) {
              plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              latest.current.onDrag(range);
            }
          },
        ],
      },
    };
    const [plot, end] = plotIn(element, height, formats, drawing, data);
    plotted.current = plot;
    return () => {
      plotted.current = undefined;
      end();
    };
  }, [props.drawn, props.forecast, props.anomalies, props.range.from, props.range.to, formats]);
  useEffect(() => plotted.current?.redraw(false), [props.shades]);
  return (
    <figure class="chart">
      <div ref={place} role="img" aria-label={`${props.label}; the figures below say the same`} />
      <p class="said">{at && saidOf(at, formats)}</p>
      <Figures times={data[0]} columns={columns(props.drawn, props.forecast, data)} />
      <figcaption class="aside">
        {props.drawn.from === "model"
          ? "The line is what was measured, the band what the model expected"
          : `The line is ${props.drawn.words}, counted in the source, for the job keeps no model plot of it; so there are no bounds`}
        {props.forecast && ", the dashed line and its band the forecast"} ({time(props.range.from, formats)} to {time(props.range.to, formats)}). {props.dragging}
      </figcaption>
    </figure>
  );
}

function shade(plot: uPlot, shades: readonly Shade[], colours: Readonly<Record<Shade["colour"], string>>): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { range, colour } of shades) {
    const left = plot.valToPos(range.from / 1000, "x", true);
    const right = plot.valToPos(range.to / 1000, "x", true);
    ctx.fillStyle = colours[colour];
    ctx.fillRect(left, bbox.top, Math.max(2, right - left), bbox.height);
  }
  ctx.restore();
}

/** The series and the forecast over the times of both: time, lower, upper, actual, and the forecast's lower, upper, path. */
function joined(drawn: Drawn, forecast: Forecasted | undefined): uPlot.AlignedData {
  const { times, lower, upper, actual } = drawn.series;
  const own = table(times, [lower, upper, actual]);
  const nothing = new Float64Array(0);
  const ahead = forecast ?? { times: nothing, lower: nothing, upper: nothing, prediction: nothing };
  return uPlot.join([own, table(ahead.times, [ahead.lower, ahead.upper, ahead.prediction])]);
}

function table(times: Float64Array, columns: readonly Float64Array[]): uPlot.AlignedData {
  return [Array.from(times), ...columns.map(columnOf)];
}

/** The figures that are drawn; bounds only where there are any. */
function columns(drawn: Drawn, forecast: Forecasted | undefined, data: uPlot.AlignedData): Column[] {
  const names = [
    ...(drawn.from === "source" ? [] : [{ name: "Lower bound", at: 1 }, { name: "Upper bound", at: 2 }]),
    ...(forecast === undefined
      ? []
      : [{ name: "Forecast", at: 6 }, { name: "Its lower bound", at: 4 }, { name: "Its upper bound", at: 5 }]),
  ];
  return [{ name: "Measured", at: 3 }, ...names].map(({ name, at }) => ({
    name,
    values: Array.from(data[at] ?? [], (value) => value ?? Number.NaN),
  }));
}

/** How near to an anomaly a pointer is taken to be at it, in pixels. */
const NEAR_PX = 12;

/** The worst anomaly at the pointer; the table tells the same of each. */
function anomalyAt(plot: uPlot, anomalies: readonly Anomaly[]): Anomaly | undefined {
  const { left = -1, top = -1 } = plot.cursor;
  return anomalies.find(
    (one) =>
      one.actual !== undefined &&
      Math.abs(plot.valToPos(one.timeMs / 1000, "x") - left) <= NEAR_PX &&
      Math.abs(plot.valToPos(one.actual, "y") - top) <= NEAR_PX,
  );
}

function saidOf(anomaly: Anomaly, formats: Formats): string {
  const { actual, typical } = anomaly;
  const band = severity(anomaly.score).name;
  const values =
    actual === undefined || typical === undefined
      ? ""
      : `: actual ${number(actual, formats)}, typical ${number(typical, formats)}, ${departure(actual, typical, formats)}`;
  const several = severalBuckets(anomaly) ? ", several buckets together" : "";
  return `${time(anomaly.timeMs, formats)}, ${score(anomaly.score, formats)} ${band}${several}${values}`;
}

function marks(plot: uPlot, anomalies: readonly Anomaly[]): void {
  const pen = plot.ctx;
  const ratio = window.devicePixelRatio || 1;
  pen.save();
  for (const anomaly of [...anomalies].reverse()) {
    if (anomaly.actual === undefined) {
      continue;
    }
    const x = plot.valToPos(anomaly.timeMs / 1000, "x", true);
    const y = plot.valToPos(anomaly.actual, "y", true);
    if (x < plot.bbox.left || x > plot.bbox.left + plot.bbox.width) {
      continue;
    }
    pen.fillStyle = severity(anomaly.score).colour;
    pen.strokeStyle = "#333";
    pen.lineWidth = ratio;
    pen.beginPath();
    if (severalBuckets(anomaly)) {
      const arm = 6 * ratio;
      pen.rect(x - arm, y - arm / 3, 2 * arm, (2 * arm) / 3);
      pen.rect(x - arm / 3, y - arm, (2 * arm) / 3, 2 * arm);
    } else {
      pen.arc(x, y, 5 * ratio, 0, 2 * Math.PI);
    }
    pen.fill();
    pen.stroke();
  }
  pen.restore();
}
