/** Annotations under a timeline: a strip for the eye, a table for everybody, and a form to write one. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { useShared } from "../context";
import { Nothing, Shown } from "../states";
import { READS_ONLY, writesAllowed } from "../writes";
import { Form, type Subject } from "./form";
import type { Annotating } from "./asked";
import {
  deleteAnnotation,
  MOST_ANNOTATIONS,
  stacked,
  type Annotation,
  type Annotations as Found,
} from "../../rest/annotations/annotations";
import { number, time } from "../../shape/format";
import { withParams } from "../../state/place";
import type { Range } from "../../state/range";

/** Rows of a strip at most; what is more stands in the table. */
const MOST_ROWS = 5;
/** A mark is at least as wide as a finger needs. */
const LEAST_PX = 26;

/** Whose annotations are shown. */
export type Whose = "all" | "people" | "jobs";
const WHOSE: readonly { readonly name: Whose; readonly text: string }[] = [
  { name: "all", text: "all" },
  { name: "people", text: "people's" },
  { name: "jobs", text: "jobs' own" },
];

/** The annotations that a choice leaves. */
export function of(annotations: readonly Annotation[], whose: Whose): Annotation[] {
  return annotations.filter((one) => whose === "all" || (one.event === "user") === (whose === "people"));
}

/** The annotations of what is shown. */
export function AnnotationsOf(props: {
  annotating: Annotating;
  range: Range;
  /** The stretch that a new annotation begins with, where one is chosen. */
  selected?: Range | undefined;
  subjects: readonly Subject[];
  keeps?: (annotation: Annotation) => boolean;
  /** How far the timeline above is set in, in pixels. */
  inset: { readonly left: number; readonly right: number };
}): ComponentChildren {
  const { place, go } = useShared();
  const { annotating, range } = props;
  const whose = WHOSE.find(({ name }) => name === place.params["annotations"])?.name ?? "all";
  return (
    <section class="annotations" aria-label="Annotations">
      <h2>Annotations</h2>
      <div class="tools">
        <label>
          Shown{" "}
          <select value={whose} onChange={(event) => go(withParams(place, { annotations: event.currentTarget.value }))}>
            {WHOSE.map(({ name, text }) => (
              <option value={name} key={name}>
                {text}
              </option>
            ))}
          </select>
        </label>
        {writesAllowed() ? (
          <button type="button" onClick={() => annotating.write({ range: props.selected ?? range, before: undefined })}>
            Annotate this time
          </button>
        ) : (
          <span class="aside">{READS_ONLY}</span>
        )}
      </div>
      {annotating.writing && (
        <Form
          key={annotating.writing.before?.id ?? `${annotating.writing.range.from}-${annotating.writing.range.to}`}
          writing={annotating.writing}
          subjects={props.subjects}
          onDone={(changed) => {
            annotating.write(undefined);
            if (changed) {
              annotating.again();
            }
          }}
        />
      )}
      <Shown answer={annotating.answer} what="Annotations">
        {(found) => <Listed {...props} found={found} whose={whose} />}
      </Shown>
    </section>
  );
}

function Listed(props: {
  annotating: Annotating;
  range: Range;
  inset: { readonly left: number; readonly right: number };
  keeps?: (annotation: Annotation) => boolean;
  found: Found;
  whose: Whose;
}): ComponentChildren {
  const { formats } = useShared();
  const { found } = props;
  const shown = of(found.annotations, props.whose).filter(props.keeps ?? (() => true));
  if (shown.length === 0) {
    return <Nothing>None in this time.</Nothing>;
  }
  return (
    <>
      <Strip annotations={shown} range={props.range} inset={props.inset} />
      <details>
        <summary>
          {number(shown.length, formats)} annotations as a table
          {found.total > MOST_ANNOTATIONS &&
            `, of the latest ${number(MOST_ANNOTATIONS, formats)} of ${number(found.total, formats)}`}
        </summary>
        <Listing annotations={shown} annotating={props.annotating} />
      </details>
    </>
  );
}

function Strip(props: {
  annotations: readonly Annotation[];
  range: Range;
  inset: { readonly left: number; readonly right: number };
}): ComponentChildren {
  const { formats } = useShared();
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(800);
  const [opened, setOpened] = useState<Annotation | undefined>(undefined);
  useEffect(() => {
    if (!element.current) {
      return undefined;
    }
    const observer = new ResizeObserver(([entry]) => setWidth(Math.max(100, entry?.contentRect.width ?? 800)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  const { range } = props;
  const scale = width / (range.to - range.from);
  const rows = stacked(props.annotations, LEAST_PX / scale);
  const drawn = [...rows].filter(([, row]) => row < MOST_ROWS);
  const high = Math.max(...drawn.map(([, row]) => row)) + 1;
  return (
    <>
      <div class="strip" style={{ paddingLeft: `${props.inset.left}px`, paddingRight: `${props.inset.right}px` }}>
        <div ref={element} style={{ position: "relative", height: `${high * LEAST_PX}px` }}>
          {drawn.map(([one, row]) => {
            const left = Math.min(Math.max(0, (one.range.from - range.from) * scale), width - LEAST_PX);
            const right = Math.min(width, Math.max(left + LEAST_PX - 2, (one.range.to - range.from) * scale));
            return (
              <button
                key={one.id}
                type="button"
                class={one.event === "user" ? "mark" : "mark own"}
                aria-expanded={opened?.id === one.id}
                title={one.text}
                aria-label={`${one.text}, ${time(one.range.from, formats)} to ${time(one.range.to, formats)}`}
                style={{ left: `${left}px`, width: `${right - left}px`, top: `${row * LEAST_PX}px` }}
                onClick={() => setOpened(opened?.id === one.id ? undefined : one)}
              >
                {one.text}
              </button>
            );
          })}
        </div>
      </div>
      {drawn.length < rows.size && (
        <p class="aside">{number(rows.size - drawn.length, formats)} more lie under these; the table has them.</p>
      )}
      {opened && (
        <p role="status">
          {time(opened.range.from, formats)} to {time(opened.range.to, formats)}, {opened.jobId}, {author(opened)}:{" "}
          {opened.text}
        </p>
      )}
    </>
  );
}

function author(annotation: Annotation): string {
  return annotation.event === "user" ? annotation.createdBy || "somebody" : annotation.event.replace(/_/g, " ");
}

function Listing(props: { annotations: readonly Annotation[]; annotating: Annotating }): ComponentChildren {
  const { formats } = useShared();
  return (
    <div class="scrolling">
      <table>
        <caption>Annotations, the latest first</caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Text</th>
            <th scope="col">By</th>
            <th scope="col">Job</th>
            <th scope="col">Series</th>
            {writesAllowed() && <th scope="col">Actions</th>}
          </tr>
        </thead>
        <tbody>
          {props.annotations.map((one) => (
            <tr key={one.id}>
              <td class="moment">{time(one.range.from, formats)}</td>
              <td class="moment">{time(one.range.to, formats)}</td>
              <td class="written">{one.text}</td>
              <td>{author(one)}</td>
              <td>{one.jobId}</td>
              <td>
                {one.parts.length === 0
                  ? one.detector === undefined
                    ? "all"
                    : `detector ${one.detector}`
                  : one.parts.map((part) => `${part.field}: ${part.value}`).join(", ")}
              </td>
              {writesAllowed() && <td>{one.event === "user" && <Actions of={one} annotating={props.annotating} />}</td>}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Actions(props: { of: Annotation; annotating: Annotating }): ComponentChildren {
  const { ask, formats } = useShared();
  const { annotating } = props;
  const [asked, setAsked] = useState(false);
  const [problem, setProblem] = useState("");
  const name = `the annotation of ${time(props.of.range.from, formats)}`;
  const remove = (): void => {
    deleteAnnotation(ask, props.of).then(annotating.again, (error: Error) => setProblem(error.message));
  };
  return (
    <>
      <button
        type="button"
        aria-label={`Edit ${name}`}
        onClick={() => annotating.write({ range: props.of.range, before: props.of })}
      >
        Edit
      </button>{" "}
      {asked ? (
        <>
          <button type="button" aria-label={`Really delete ${name}`} onClick={remove}>
            Really delete
          </button>{" "}
          <button type="button" aria-label={`Keep ${name}`} onClick={() => setAsked(false)}>
            Keep
          </button>
        </>
      ) : (
        <button type="button" aria-label={`Delete ${name}`} onClick={() => setAsked(true)}>
          Delete
        </button>
      )}
      {problem && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
    </>
  );
}
