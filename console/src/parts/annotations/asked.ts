/** The annotations of what is shown, asked again after one was written. */

import { useState } from "preact/hooks";
import { useAnswer, type Answer } from "../asking";
import { useShared } from "../context";
import { readAnnotations, type Annotation, type Annotations } from "../../rest/annotations/annotations";
import type { Range } from "../../state/range";

/** Annotations with what a reader does to them. */
export interface Annotating {
  readonly answer: Answer<Annotations>;
  readonly again: () => void;
  /** What is being written: a new one at a stretch of time, or one that is there. */
  readonly writing: Writing | undefined;
  readonly write: (writing: Writing | undefined) => void;
}

export interface Writing {
  readonly range: Range;
  readonly before: Annotation | undefined;
}

/** Reads the annotations of jobs in a stretch of time, and keeps what is being written of them. */
export function useAnnotations(ids: readonly string[], range: Range): Annotating {
  const { ask } = useShared();
  const [version, setVersion] = useState(0);
  const [writing, write] = useState<Writing | undefined>(undefined);
  const answer = useAnswer(
    (signal) => readAnnotations(ask, ids, range, signal),
    JSON.stringify([ids, range, version]),
  );
  return { answer, again: () => setVersion((old) => old + 1), writing, write };
}
