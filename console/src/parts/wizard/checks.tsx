/** What the data look like to a job that is to be made: a chart, estimates, messages, the first rows. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { readMessages, readPreview, sourceOf, type Looked } from "../../rest/wizard";
import { bytes, number } from "../../shape/format";
import { judgeTexts, limitFor, type Message, type TextCheck } from "../../shape/wizard/advice";
import type { Bodies, Body } from "../../shape/wizard/bodies";
import type { Form } from "../../shape/wizard/form";
import { cellWidth, parseSpan, type Range } from "../../state/range";
import { useAnswer } from "../asking";
import { useShared } from "../context";
import { Nothing, Shown } from "../states";
import { PreviewChart } from "./preview";
import type { Change } from "./source";

const MOST_POINTS = 400;

/** A chart of each detector, of as many as one can look at. */
export function Previews(props: { bodies: Bodies; range: Range }): ComponentChildren {
  const detectors = ((props.bodies.job["analysis_config"] as Body | undefined)?.["detectors"] ?? []) as Body[];
  const [chosen, setChosen] = useState(0);
  const index = Math.min(chosen, detectors.length - 1);
  const detector = detectors[index];
  if (detector === undefined) {
    return null;
  }
  return (
    <section aria-label="Preview">
      <h3>What the datafeed will see</h3>
      {detectors.length > 1 && (
        <label>
          Detector{" "}
          <select value={String(index)} onChange={(event) => setChosen(Number(event.currentTarget.value))}>
            {detectors.map((one, k) => (
              <option value={String(k)} key={k}>
                {String(one["function"])} {String(one["field_name"] ?? "")}
              </option>
            ))}
          </select>
        </label>
      )}
      <OfDetector {...props} detector={detector} />
    </section>
  );
}

function OfDetector(props: { bodies: Bodies; range: Range; detector: Body }): ComponentChildren {
  const { ask } = useShared();
  const { bodies, range, detector } = props;
  const source = sourceOf(bodies.job, bodies.feed);
  const span = String((bodies.job["analysis_config"] as Body)["bucket_span"] ?? "5m");
  const cell = cellWidth(range, Math.max(parseSpan(span) ?? 300_000, 1000), MOST_POINTS);
  const answer = useAnswer((signal) => readPreview(ask, source, detector, range, cell, signal), JSON.stringify([source, detector, range, cell]));
  return (
    <Shown answer={answer} what="Preview">
      {(preview) =>
        preview.lines.length === 0 ? (
          <Nothing>No document in this time has a value to split by.</Nothing>
        ) : (
          <PreviewChart preview={preview} label={`What the datafeed will see of ${String(detector["function"])} ${String(detector["field_name"] ?? "")}`} />
        )
      }
    </Shown>
  );
}

/** What the data ask for: bucket span and memory, each to be taken with a button. */
export function Estimates(props: { form: Form; looked: Looked; change: Change }): ComponentChildren {
  const { formats } = useShared();
  const { form, change } = props;
  const { advisedSpan, neededBytes, cardinality, emptyShare } = props.looked.facts;
  return (
    <dl class="estimates">
      <dt>Bucket span</dt>
      <dd>
        {advisedSpan === undefined
          ? "No span up to a day is filled by these documents."
          : `${advisedSpan} is the shortest that nine buckets in ten have documents in, and each series enough of them.`}{" "}
        {advisedSpan !== undefined && advisedSpan !== form.span && form.kind !== "advanced" && (
          <button type="button" onClick={() => change({ span: advisedSpan })}>
            Take {advisedSpan}
          </button>
        )}
      </dd>
      {emptyShare !== undefined && (
        <>
          <dt>Empty buckets</dt>
          <dd>{number(Math.round(emptyShare * 1000) / 10, formats)} % of the most recent ones</dd>
        </>
      )}
      <dt>Memory</dt>
      <dd>
        {neededBytes === undefined
          ? "The server does not estimate it."
          : `The server estimates ${bytes(neededBytes, formats)}${form.memory === "" && form.kind !== "advanced" ? `: the limit is ${limitFor(neededBytes)}, unless you give another one.` : "."}`}
      </dd>
      {[...cardinality].map(([field, values]) => [
        <dt key={`${field} name`}>{field}</dt>,
        <dd key={`${field} values`}>about {number(values, formats)} values</dd>,
      ])}
    </dl>
  );
}

const WORDS: Readonly<Record<Message["level"], string>> = { error: "Error", warning: "Warning", note: "Note" };
const LOOKS: Readonly<Record<Message["level"], string>> = { error: "bad", warning: "notable", note: "good" };

/** Messages, what stops the job first. */
export function Messages(props: { messages: readonly Message[] }): ComponentChildren {
  return (
    <ul class="messages" aria-label="Checks" role="list">
      {props.messages.length === 0 && <li class="condition good">Nothing to complain of.</li>}
      {props.messages.map((one) => (
        <li class={`condition ${LOOKS[one.level]}`} key={one.field + one.text}>
          <strong>{WORDS[one.level]}:</strong> {one.text}
        </li>
      ))}
    </ul>
  );
}

/** The first rows that the datafeed gives to the job. */
export function Rows(props: { looked: Looked }): ComponentChildren {
  return (
    <details>
      <summary>The first rows of the datafeed</summary>
      {props.looked.rows.length === 0 ? <Nothing>The datafeed gives no row yet, or the server does not show it.</Nothing> : <pre tabIndex={0}>{props.looked.rows.map((row) => JSON.stringify(row)).join("\n")}</pre>}
    </details>
  );
}

/** How well the field of messages does, and categories of a sample with an example each. */
export function Categories(props: { bodies: Bodies; field: string; range: Range }): ComponentChildren {
  const { ask, formats } = useShared();
  const { bodies, field, range } = props;
  const source = sourceOf(bodies.job, bodies.feed);
  const answer = useAnswer((signal) => readMessages(ask, source, field, range, signal), JSON.stringify([source, field, range]));
  return (
    <section aria-label="Categories">
      <h3>Kinds of messages in {field}</h3>
      <Shown answer={answer} what="Categories">
        {({ texts, categories }) => (
          <>
            <Judged check={judgeTexts(texts)} />
            {categories.length === 0 ? (
              <Nothing>No text of the sample makes a category.</Nothing>
            ) : (
              <div class="scrolling" role="region" aria-label="Categories of a sample" tabIndex={0}>
                <table>
                  <caption>The most frequent ones in the time of the newest 1,000 documents</caption>
                  <thead>
                    <tr>
                      <th scope="col">Words in common</th>
                      <th scope="col" class="figure">Documents</th>
                      <th scope="col">Example</th>
                    </tr>
                  </thead>
                  <tbody>
                    {categories.map((one) => (
                      <tr key={one.tokens}>
                        <th scope="row">{one.tokens}</th>
                        <td class="figure">{number(one.documents, formats)}</td>
                        <td>{one.example}</td>
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
            )}
          </>
        )}
      </Shown>
    </section>
  );
}

function Judged(props: { check: TextCheck }): ComponentChildren {
  const { level, text } = props.check;
  return <p class={`condition ${level === "good" ? "good" : LOOKS[level]}`}>{text}</p>;
}
