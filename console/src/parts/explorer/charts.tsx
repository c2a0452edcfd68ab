/** Charts of the anomalies that are selected: series as lines, populations and rare values as what is spread about them, places on a map. */

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useAnswer } from "../asking";
import { Chart } from "../chart";
import { useShared } from "../context";
import { To } from "../marks";
import { cutTo } from "../plotting";
import { Nothing, Shown } from "../states";
import { PlacesOf } from "./places";
import { wholeRange, type Job } from "../../rest/jobs";
import type { Found } from "../../rest/results";
import { partOf, readDrawn } from "../../rest/series/drawn";
import {
  chartsOf,
  distributionOf,
  MOST_CHARTS,
  readDistribution,
  spreadField,
  type Chosen,
  type Dot,
} from "../../rest/series/distribution";
import { number, tick, time } from "../../shape/format";
import { seriesPlace } from "../../shape/links";
import { severity } from "../../shape/severity";
import { about, cellWidth, type Range } from "../../state/range";

const MOST_POINTS = 500;
/** Cells of a distribution, of which each holds as many dots as there are members. */
const MOST_CELLS = 150;
/** A selection of a few buckets is shown with what lies about it. */
const LEAST_BUCKETS = 100;
const HEIGHT_PX = 200;
const ROW_PX = 18;
const LEFT_PX = 120;
const BOTTOM_PX = 20;
const MOST_ROWS = 20;

/** Charts of the worst anomalies. */
export function Charts(props: { found: Found; jobs: readonly Job[]; range: Range }): ComponentChildren {
  const { formats } = useShared();
  const chosen = useMemo(() => chartsOf(props.found.anomalies, props.jobs), [props.found, props.jobs]);
  if (chosen.length === 0) {
    return null;
  }
  return (
    <section class="charts" aria-label="Charts of the anomalies">
      <h2>Charts</h2>
      {chosen.length === MOST_CHARTS && (
        <p class="aside">The {number(MOST_CHARTS, formats)} worst series; choose a cell or an influencer for others.</p>
      )}
      {chosen.map((one) => (
        <One key={JSON.stringify([one.job.id, one.detector.index, one.parts])} chosen={one} range={props.range} />
      ))}
    </section>
  );
}

function One(props: { chosen: Chosen; range: Range }): ComponentChildren {
  const { now } = useShared();
  const { chosen } = props;
  const range = about(props.range, LEAST_BUCKETS * chosen.job.spanMs, wholeRange([chosen.job], now));
  const worst = chosen.anomalies[0];
  const series = chosen.parts.map((part) => `${part.field} ${part.value}`).join(", ");
  const title = `${chosen.detector.text}${series === "" ? "" : `, ${series}`}`;
  return (
    <div>
      <h3>
        {title} <span class="aside">{chosen.job.id}</span>{" "}
        {worst && chosen.kind !== "places" && <To place={seriesPlace(worst, chosen.job)} label={`View series: ${title}`}>View series</To>}
      </h3>
      {chosen.kind === "series" && <Line chosen={chosen} range={range} title={title} />}
      {chosen.kind === "places" && <PlacesOf chosen={chosen} title={title} />}
      {(chosen.kind === "population" || chosen.kind === "rare") && <Spread chosen={chosen} range={range} title={title} />}
    </div>
  );
}

function Line(props: { chosen: Chosen; range: Range; title: string }): ComponentChildren {
  const { ask, go } = useShared();
  const { chosen, range } = props;
  const { job, detector, parts, anomalies } = chosen;
  const part = partOf(detector, anomalies[0]?.described);
  const cell = cellWidth(range, job.spanMs, MOST_POINTS);
  const answer = useAnswer(
    (signal) => readDrawn(ask, job, detector, parts, part, range, cell, signal),
    JSON.stringify([job.id, detector.index, parts, part, range, cell]),
  );
  return (
    <Shown answer={answer} what="Series">
      {(drawn) =>
        "why" in drawn ? (
          <Nothing>No chart of this series: {drawn.why}.</Nothing>
        ) : (
          <Chart
            drawn={drawn}
            forecast={undefined}
            anomalies={anomalies}
            shades={NO_SHADES}
            range={range}
            height={HEIGHT_PX}
            label={`${props.title} of ${job.id}`}
            dragging="Drag to look closer in the viewer."
            onDrag={(closer) => {
              const worst = anomalies[0];
              if (worst !== undefined) {
                const place = seriesPlace(worst, job);
                const times = { from: new Date(closer.from).toISOString(), to: new Date(closer.to).toISOString() };
                go({ ...place, params: { ...place.params, ...times } });
              }
            }}
          />
        )
      }
    </Shown>
  );
}

const NO_SHADES: readonly never[] = [];

function Spread(props: { chosen: Chosen; range: Range; title: string }): ComponentChildren {
  const { chosen, range } = props;
  const cell = cellWidth(range, chosen.job.spanMs, MOST_CELLS);
  const floor = Math.floor(range.from / chosen.job.spanMs) * chosen.job.spanMs;
  const asked = distributionOf(chosen, { from: floor, to: range.to }, cell);
  return "why" in asked ? (
    <Nothing>No chart of what is about it: {asked.why}.</Nothing>
  ) : (
    <Asked {...props} asked={asked} cellMs={cell} />
  );
}

function Asked(props: {
  chosen: Chosen;
  range: Range;
  title: string;
  cellMs: number;
  asked: Exclude<ReturnType<typeof distributionOf>, { why: string }>;
}): ComponentChildren {
  const { ask } = useShared();
  const { asked } = props;
  const answer = useAnswer(
    (signal) => readDistribution(ask, asked, signal),
    JSON.stringify([asked.path, asked.body]),
  );
  return (
    <Shown answer={answer} what="What is about it">
      {(dots) => (dots.length === 0 ? <Nothing>No documents in this time.</Nothing> : <Dots {...props} dots={dots} />)}
    </Shown>
  );
}

function Dots(props: {
  chosen: Chosen;
  range: Range;
  title: string;
  cellMs: number;
  dots: readonly Dot[];
}): ComponentChildren {
  const { formats } = useShared();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(600);
  const { chosen, range, dots, cellMs } = props;
  const rare = chosen.kind === "rare";
  const field = spreadField(chosen) ?? "";
  const names = useMemo(() => [...new Set(dots.map((dot) => dot.name))].slice(0, MOST_ROWS), [dots]);
  const height = rare ? names.length * ROW_PX + BOTTOM_PX : HEIGHT_PX;
  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (!element) {
      return undefined;
    }
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(240, entry?.contentRect.width ?? 600)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  useEffect(() => {
    const element = canvas.current;
    const pen = element?.getContext("2d");
    if (!element || !pen) {
      return;
    }
    const ratio = window.devicePixelRatio || 1;
    element.width = Math.round(width * ratio);
    element.height = Math.round(height * ratio);
    pen.scale(ratio, ratio);
    const style = getComputedStyle(element);
    const colour = (name: string): string => style.getPropertyValue(name).trim();
    pen.font = style.font;
    pen.textBaseline = "middle";
    const most = Math.max(1e-9, ...dots.map((dot) => dot.value));
    const x = (ms: number): number => LEFT_PX + ((ms - range.from) / (range.to - range.from)) * (width - LEFT_PX - 10);
    const y = (dot: Dot): number =>
      rare ? (names.indexOf(dot.name) + 0.5) * ROW_PX : (1 - dot.value / most) * (height - BOTTOM_PX - 12) + 6;
    pen.fillStyle = colour("--ink");
    if (rare) {
      names.forEach((name, row) => pen.fillText(cutTo(pen, name, LEFT_PX - 8), 0, (row + 0.5) * ROW_PX));
    } else {
      pen.fillText(number(most, formats), 0, 8, LEFT_PX - 8);
      pen.fillText(number(0, formats), 0, height - BOTTOM_PX - 6, LEFT_PX - 8);
    }
    for (const share of [0, 0.33, 0.66]) {
      const ms = range.from + share * (range.to - range.from);
      pen.fillText(tick(ms, formats), x(ms), height - 8);
    }
    pen.fillStyle = colour("--line");
    for (const dot of dots) {
      if (!rare || names.includes(dot.name)) {
        circle(pen, x(dot.timeMs + cellMs / 2), y(dot), 2);
      }
    }
    for (const anomaly of [...chosen.anomalies].reverse()) {
      const name = anomaly.entities.find((one) => one.field === field)?.value;
      const dot = dots.find(
        (one) => one.name === name && one.timeMs <= anomaly.timeMs && anomaly.timeMs < one.timeMs + cellMs,
      );
      if (dot !== undefined) {
        pen.fillStyle = severity(anomaly.score).colour;
        pen.strokeStyle = "#333";
        circle(pen, x(dot.timeMs + cellMs / 2), y(dot), 5);
        pen.stroke();
      }
    }
  }, [dots, width, height, range.from, range.to, cellMs, formats, chosen]);
  const unusual = [...new Set(chosen.anomalies.flatMap((one) => one.entities.filter((entity) => entity.field === field).map((entity) => entity.value)))];
  return (
    <figure class="spread">
      <canvas
        ref={canvas}
        role="img"
        aria-label={`${props.title}: ${unusual.join(", ")} among ${number(names.length, formats)} values of ${field}; the table says when`}
        style={{ width: "100%", height: `${height}px` }}
      />
      <figcaption class="aside">
        {rare ? `Each row is a value of ${field}, each dot a time with documents of it` : `Each dot is a value of ${field} in a stretch of time`}
        ; what is unusual is marked: {unusual.join(", ")} ({time(range.from, formats)} to {time(range.to, formats)}).
      </figcaption>
    </figure>
  );
}

function circle(pen: CanvasRenderingContext2D, x: number, y: number, radius: number): void {
  pen.beginPath();
  pen.arc(x, y, radius, 0, 2 * Math.PI);
  pen.fill();
}
