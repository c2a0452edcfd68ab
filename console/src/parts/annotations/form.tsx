/** The form in which an annotation is written or changed. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useShared } from "../context";
import type { Writing } from "./asked";
import { fault, LONGEST_TEXT, writeAnnotation, type Draft } from "../../rest/annotations/annotations";
import type { SeriesPart } from "../../rest/results";
import { ServerError } from "../../rest/server";
import { iso, parseTime } from "../../state/range";

/** What an annotation can be of. */
export interface Subject {
  readonly text: string;
  readonly jobId: string;
  readonly detector: number | undefined;
  readonly parts: readonly SeriesPart[];
}

/** Writes one annotation. */
export function Form(props: {
  writing: Writing;
  subjects: readonly Subject[];
  onDone: (changed: boolean) => void;
}): ComponentChildren {
  const { ask, now } = useShared();
  const { before, range } = props.writing;
  const subjects = before === undefined ? props.subjects : [kept(before), ...props.subjects];
  const [text, setText] = useState(before?.text ?? "");
  const [from, setFrom] = useState(iso(range.from));
  const [to, setTo] = useState(iso(range.to));
  const [of, setOf] = useState(0);
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const area = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => area.current?.focus(), []);
  const submit = (event: Event): void => {
    event.preventDefault();
    const [begin, end] = [parseTime(from, now), parseTime(to, now)];
    const subject = subjects[of];
    if (begin === undefined || end === undefined || subject === undefined) {
      setProblem(`“${begin === undefined ? from : to}” is no time; write a date such as 2026-01-31T12:00Z.`);
      return;
    }
    const draft: Draft = { ...subject, range: { from: begin, to: end }, text };
    const wrong = fault(draft);
    setProblem(wrong);
    if (wrong !== "") {
      return;
    }
    setBusy(true);
    writeAnnotation(ask, draft, Date.now(), before).then(
      () => props.onDone(true),
      (error: unknown) => {
        setBusy(false);
        const advice = error instanceof ServerError ? ` ${error.advice}` : "";
        setProblem(`${error instanceof Error ? error.message : String(error)}.${advice}`);
      },
    );
  };
  return (
    <form
      class="writing"
      aria-label={before === undefined ? "New annotation" : "Change the annotation"}
      onSubmit={submit}
      onKeyDown={(event) => event.key === "Escape" && props.onDone(false)}
    >
      <label class="wide">
        Text{" "}
        <textarea
          ref={area}
          rows={3}
          maxLength={LONGEST_TEXT}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <label>
        Begins <input value={from} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        Ends <input value={to} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <label>
        About{" "}
        <select value={String(of)} onChange={(event) => setOf(Number(event.currentTarget.value))}>
          {subjects.map((subject, index) => (
            <option value={String(index)} key={subject.text}>
              {subject.text}
            </option>
          ))}
        </select>
      </label>
      <button type="submit" disabled={busy}>
        {busy ? "Writing …" : "Save"}
      </button>
      <button type="button" onClick={() => props.onDone(false)}>
        Cancel
      </button>
      {problem && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
    </form>
  );
}

function kept(before: { jobId: string; detector: number | undefined; parts: readonly SeriesPart[] }): Subject {
  return { text: "as before", jobId: before.jobId, detector: before.detector, parts: before.parts };
}
