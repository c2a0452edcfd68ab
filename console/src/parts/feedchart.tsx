/** Documents of the source against documents that were analysed, with delayed data and annotations marked. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import { useShared } from "./context";
import { INSET } from "./chart";
import { axesOf, coloursOf, columnOf, draggedOver, plotIn, type Drawing } from "./plotting";
import { Figures } from "./series/figures";
import type { Annotation } from "../rest/annotations/annotations";
import type { FeedCounts } from "../rest/detail";
import type { Range } from "../state/range";

const HEIGHT_PX = 280;

/** Draws both counts; dragging chooses a stretch of time. */
export function FeedChart(props: {
  counts: FeedCounts;
  annotations: readonly Annotation[];
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
    const colour = coloursOf(element);
    const { counts } = props;
    const seconds = Array.from(counts.times, (value) => value / 1000);
    const plain = counts.times.length < 60;
    const drawing: Drawing = {
      padding: [8, INSET.right, 0, 0],
      scales: {
        x: { min: props.range.from / 1000, max: props.range.to / 1000 },
        y: { range: (_plot, _least, most) => [0, Math.max(1, most * 1.05)] },
      },
      cursor: { drag: { x: true, y: false, setScale: false } },
      axes: axesOf(colour, formats, INSET.left),
      series: [
        {},
        { label: "source", stroke: colour("--notable"), width: 3, dash: [6, 4], points: { show: plain } },
        { label: "analysed", stroke: colour("--line"), width: 1.5, points: { show: plain } },
      ],
      hooks: {
        drawClear: [(plot) => stretches(plot, props.annotations, colour("--bad"), colour("--edge"))],
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
    const [, end] = plotIn(element, HEIGHT_PX, formats, drawing, [seconds, columnOf(counts.source), columnOf(counts.analysed)]);
    return end;
  }, [props.counts, props.annotations, props.range.from, props.range.to, formats]);
  return (
    <figure class="chart">
      <div ref={place} role="img" aria-label={`${props.label}; the figures below say the same`} />
      <Figures
        times={props.counts.times.map((value) => value / 1000)}
        columns={[
          { name: "In the source", values: props.counts.source },
          { name: "Analysed", values: props.counts.analysed },
        ]}
      />
      <figcaption class="aside">
        The dashed line is what the source holds now, the other one what the job has counted. Stretches with delayed data
        are red, other annotations grey. Drag over the chart to look closer.
      </figcaption>
    </figure>
  );
}

function stretches(plot: uPlot, annotations: readonly Annotation[], delayed: string, other: string): void {
  const pen = plot.ctx;
  const { left, top, width, height } = plot.bbox;
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, height);
  pen.clip();
  for (const annotation of annotations) {
    const from = plot.valToPos(annotation.range.from / 1000, "x", true);
    const to = plot.valToPos(annotation.range.to / 1000, "x", true);
    pen.globalAlpha = 0.25;
    pen.fillStyle = annotation.event === "delayed_data" ? delayed : other;
    pen.fillRect(from, top, Math.max(2 * (window.devicePixelRatio || 1), to - from), height);
  }
  pen.restore();
}
