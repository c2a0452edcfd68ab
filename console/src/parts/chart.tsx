/** A series with what was expected of it, drawn by uPlot. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useShared } from "./context";
import { Figures, type Column } from "./series/figures";
import { number, tick, time } from "../shape/format";
import { severity } from "../shape/severity";
import type { Anomaly } from "../rest/results";
import type { Drawn } from "../rest/series/drawn";
import type { Range } from "../state/range";

const HEIGHT_PX = 320;

/** Draws a series, its bounds and its anomalies; dragging chooses a stretch of time. */
export function Chart(props: {
  drawn: Drawn;
  anomalies: readonly Anomaly[];
  range: Range;
  label: string;
  onRange: (range: Range) => void;
}): ComponentChildren {
  const { formats } = useShared();
  const place = useRef<HTMLDivElement>(null);
  const chosen = useRef(props.onRange);
  chosen.current = props.onRange;
  useEffect(() => {
    const element = place.current;
    if (!element) {
      return undefined;
    }
    const style = getComputedStyle(element);
    const [ink, line, band] = ["--ink", "--line", "--band"].map((name) => style.getPropertyValue(name).trim());
    const { series } = props.drawn;
    const options: uPlot.Options = {
      width: Math.max(280, element.clientWidth),
      height: HEIGHT_PX,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), formats.zone),
      scales: { x: { min: props.range.from / 1000, max: props.range.to / 1000 } },
      legend: { show: false },
      cursor: { drag: { x: true, y: false, setScale: false } },
      axes: [
        {
          stroke: ink ?? "",
          grid: { stroke: band ?? "" },
          space: 110,
          values: (_plot, seconds) => seconds.map((value) => tick(value * 1000, formats)),
        },
        {
          stroke: ink ?? "",
          grid: { stroke: band ?? "" },
          size: 70,
          values: (_plot, values) => values.map((value) => number(value, formats)),
        },
      ],
      series: [
        {},
        { label: "lower", stroke: "transparent", points: { show: false } },
        { label: "upper", stroke: "transparent", points: { show: false } },
        { label: "actual", stroke: line ?? "", width: 1.5, points: { show: series.times.length < 60 } },
      ],
      bands: [{ series: [2, 1], fill: band ?? "" }],
      hooks: {
        draw: [(plot) => marks(plot, props.anomalies)],
        setSelect: [
          (plot) => {
            if (plot.select.width > 3) {
              const from = plot.posToVal(plot.select.left, "x") * 1000;
              const to = plot.posToVal(plot.select.left + plot.select.width, "x") * 1000;
              chosen.current({ from: Math.round(from), to: Math.round(to) });
            }
          },
        ],
      },
    };
    const column = (values: Float64Array): (number | null)[] =>
      Array.from(values, (value) => (Number.isNaN(value) ? null : value));
    const data: uPlot.AlignedData = [
      Array.from(series.times),
      column(series.lower),
      column(series.upper),
      column(series.actual),
    ];
    const plot = new uPlot(options, data, element);
    const observer = new ResizeObserver(() => {
      plot.setSize({ width: Math.max(280, element.clientWidth), height: HEIGHT_PX });
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.destroy();
    };
  }, [props.drawn, props.anomalies, props.range.from, props.range.to, formats]);
  return (
    <figure class="chart">
      <div ref={place} role="img" aria-label={`${props.label}; the figures below say the same`} />
      <Figures times={props.drawn.series.times} columns={columns(props.drawn)} />
      <figcaption class="aside">
        {props.drawn.from === "model"
          ? "The line is what was measured, the band what the model expected"
          : `The line is ${props.drawn.words}, counted in the source, for the job keeps no model plot of it; so there are no bounds`}{" "}
        ({time(props.range.from, formats)} to {time(props.range.to, formats)}). Drag over the chart to look closer.
      </figcaption>
    </figure>
  );
}

/** The figures that are drawn; bounds only where there are any. */
function columns(drawn: Drawn): Column[] {
  const { actual, lower, upper } = drawn.series;
  const measured = { name: "Measured", values: actual };
  return drawn.from === "source"
    ? [measured]
    : [measured, { name: "Lower bound", values: lower }, { name: "Upper bound", values: upper }];
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
    if (anomaly.multiBucket >= 2) {
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
