/** Swim lanes: a canvas for the eye, with the keyboard and a table for everybody else. */

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Lane, Lanes } from "../rest/laning";
import type { Range } from "../state/range";
import { selectedRuns, type Run, type Selected } from "../state/selecting";
import { severity } from "../shape/severity";
import { score as scoreText, time } from "../shape/format";
import { CellTable } from "./cells";
import { useShared } from "./context";
import { cutTo } from "./plotting";

const LANE_PX = 26;
/** How far cells are set in, in pixels, so that what lies under them can be, too. */
export const LABEL_PX = 150;

/** What a reader selected: lanes by their labels, and a stretch of time. */
export interface Selection {
  readonly range: Range;
  readonly lanes: readonly Lane[];
}

/** Draws lanes; cells are chosen by dragging, or with the arrow keys (with Shift several) and Enter. */
export function SwimLanes(props: {
  title: string;
  lanes: Lanes;
  selected: Selected;
  onSelect: (selection: Selection) => void;
}): ComponentChildren {
  const { lanes, selected } = props;
  const field = lanes.lanes[0]?.entity?.field;
  const runs = useMemo(() => selectedRuns(lanes.lanes.map((lane) => lane.label), field, selected), [lanes, field, selected]);
  const { formats } = useShared();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [width, setWidth] = useState(800);
  const [at, setAt] = useState<Cell>({ lane: 0, cell: 0 });
  const [pressed, setPressed] = useState<Cell | undefined>(undefined);
  /** Where a selection with the keyboard began, while Shift extends it. */
  const [anchor, setAnchor] = useState<Cell | undefined>(undefined);
  const [focused, setFocused] = useState(false);
  const cells = lanes.lanes[0]?.scores.length ?? 0;

  useEffect(() => {
    const element = canvas.current?.parentElement;
    if (!element) {
      return undefined;
    }
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(200, entry?.contentRect.width ?? 800)));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);

  useEffect(() => {
    if (canvas.current) {
      const range = selected.range ?? lanes.range;
      draw(canvas.current, lanes, width, { range, runs, at: focused || pressed ? at : undefined, from: pressed ?? anchor });
    }
  }, [lanes, width, selected, runs, at, pressed, anchor, focused]);

  const cellAt = (event: PointerEvent): Cell => {
    const box = canvas.current?.getBoundingClientRect();
    const x = event.clientX - (box?.left ?? 0) - LABEL_PX;
    const y = event.clientY - (box?.top ?? 0);
    const cell = Math.floor((x / Math.max(1, width - LABEL_PX)) * cells);
    return {
      lane: clamp(Math.floor(y / LANE_PX), lanes.lanes.length - 1),
      cell: clamp(cell, cells - 1),
    };
  };
  const choose = (one: Cell, other: Cell): void => {
    const [first, last] = [Math.min(one.cell, other.cell), Math.max(one.cell, other.cell)];
    const [top, bottom] = [Math.min(one.lane, other.lane), Math.max(one.lane, other.lane)];
    props.onSelect({
      range: {
        from: lanes.range.from + first * lanes.cellMs,
        to: Math.min(lanes.range.to, lanes.range.from + (last + 1) * lanes.cellMs),
      },
      lanes: lanes.lanes.slice(top, bottom + 1),
    });
  };
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (step) {
      event.preventDefault();
      setAnchor(event.shiftKey ? (anchor ?? at) : undefined);
      setAt({
        lane: clamp(at.lane + (step[0] ?? 0), lanes.lanes.length - 1),
        cell: clamp(at.cell + (step[1] ?? 0), cells - 1),
      });
    } else if (event.key === "Enter" || event.key === " ") {
      event.preventDefault();
      choose(anchor ?? at, at);
      setAnchor(undefined);
    } else if (event.key === "Escape" && anchor !== undefined) {
      setAnchor(undefined);
    }
  };
  const lane = lanes.lanes[at.lane];
  const value = lane?.scores[at.cell];
  const score = value === undefined || Number.isNaN(value) ? "nothing" : `${scoreText(value, formats)} ${severity(value).name}`;
  const several =
    anchor === undefined
      ? ""
      : `; ${Math.abs(at.lane - anchor.lane) + 1} by ${Math.abs(at.cell - anchor.cell) + 1} cells chosen`;
  const said =
    lane === undefined ? "" : `${lane.label}, ${time(lanes.range.from + at.cell * lanes.cellMs, formats)}: ${score}${several}`;
  return (
    <figure class="lanes">
      <figcaption>{props.title}</figcaption>
      <div>
        <canvas
          ref={canvas}
          tabIndex={0}
          role="application"
          aria-label={`${props.title}: arrow keys move, with Shift over several cells, Enter selects. ${said}`}
          style={{ height: `${lanes.lanes.length * LANE_PX}px`, width: "100%" }}
          onKeyDown={move}
          onFocus={() => setFocused(true)}
          onBlur={() => {
            setFocused(false);
            setAnchor(undefined);
          }}
          onPointerDown={(event) => {
            setPressed(cellAt(event));
            setAt(cellAt(event));
            event.currentTarget.setPointerCapture(event.pointerId);
          }}
          onPointerMove={(event) => setAt(cellAt(event))}
          onPointerCancel={() => setPressed(undefined)}
          onPointerUp={(event) => {
            if (pressed) {
              choose(pressed, cellAt(event));
            }
            setPressed(undefined);
          }}
        />
      </div>
      <p class="said" aria-live="polite">
        {said}
      </p>
      <CellTable title={props.title} lanes={lanes} onChoose={(row, cell) => choose({ lane: row, cell }, { lane: row, cell })} />
    </figure>
  );
}

interface Cell {
  readonly lane: number;
  readonly cell: number;
}

function clamp(value: number, most: number): number {
  return Math.max(0, Math.min(value, most));
}

function draw(
  canvas: HTMLCanvasElement,
  lanes: Lanes,
  width: number,
  marks: { range: Range; runs: readonly Run[]; at: Cell | undefined; from: Cell | undefined },
): void {
  const ratio = window.devicePixelRatio || 1;
  const height = lanes.lanes.length * LANE_PX;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const pen = canvas.getContext("2d");
  if (!pen) {
    return;
  }
  pen.scale(ratio, ratio);
  const style = getComputedStyle(canvas);
  const ink = style.getPropertyValue("--ink").trim() || "#222";
  const quiet = style.getPropertyValue("--quiet").trim() || "#eee";
  pen.font = style.font;
  pen.textBaseline = "middle";
  const cells = lanes.lanes[0]?.scores.length ?? 0;
  const wide = (width - LABEL_PX) / Math.max(1, cells);
  lanes.lanes.forEach((lane, row) => {
    const top = row * LANE_PX;
    pen.fillStyle = ink;
    pen.fillText(cutTo(pen, lane.label, LABEL_PX - 10), 0, top + LANE_PX / 2);
    pen.fillStyle = quiet;
    pen.fillRect(LABEL_PX, top + 2, width - LABEL_PX, LANE_PX - 4);
    for (let k = 0; k < cells; k++) {
      const value = lane.scores[k] as number;
      if (value > 0) {
        pen.fillStyle = severity(value).colour;
        pen.fillRect(LABEL_PX + k * wide, top + 2, Math.max(1, wide - (wide > 4 ? 1 : 0)), LANE_PX - 4);
      }
    }
  });
  pen.strokeStyle = ink;
  pen.lineWidth = 2;
  const scale = (width - LABEL_PX) / (lanes.range.to - lanes.range.from);
  for (const { first, last } of marks.runs) {
    const left = LABEL_PX + (marks.range.from - lanes.range.from) * scale;
    const wide = Math.max(2, (marks.range.to - marks.range.from) * scale);
    pen.strokeRect(left, first * LANE_PX + 1, wide, (last - first + 1) * LANE_PX - 2);
  }
  if (marks.at) {
    const other = marks.from ?? marks.at;
    const [first, last] = [Math.min(marks.at.cell, other.cell), Math.max(marks.at.cell, other.cell)];
    const [top, bottom] = [Math.min(marks.at.lane, other.lane), Math.max(marks.at.lane, other.lane)];
    pen.strokeRect(LABEL_PX + first * wide, top * LANE_PX + 1, (last - first + 1) * wide, (bottom - top + 1) * LANE_PX - 2);
  }
}
