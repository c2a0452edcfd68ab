/** What is being asked of the server: pending, failed with a sentence, or there. */

import { useEffect, useState } from "preact/hooks";
import { ServerError } from "../rest/server";

export type Answer<T> =
  | { readonly state: "pending"; readonly before: T | undefined }
  | { readonly state: "failed"; readonly message: string; readonly advice: string }
  | { readonly state: "there"; readonly value: T };

/**
 * Asks when what it depends on changes; an older question that is still on its way is given up.
 *
 * @param ask Asks; gets the signal that says that nobody waits any more.
 * @param depends What the question is made of, as one text.
 */
export function useAnswer<T>(ask: (signal: AbortSignal) => Promise<T>, depends: string): Answer<T> {
  const [answer, setAnswer] = useState<Answer<T>>({ state: "pending", before: undefined });
  useEffect(() => {
    const leaving = new AbortController();
    setAnswer((old) => ({ state: "pending", before: shown(old) }));
    ask(leaving.signal).then(
      (value) => {
        if (!leaving.signal.aborted) {
          setAnswer({ state: "there", value });
        }
      },
      (error: unknown) => {
        if (!leaving.signal.aborted) {
          setAnswer(failure(error));
        }
      },
    );
    return () => leaving.abort();
  }, [depends]);
  return answer;
}

function failure(error: unknown): Answer<never> {
  if (error instanceof ServerError) {
    return { state: "failed", message: error.message, advice: error.advice };
  }
  return { state: "failed", message: String(error), advice: "" };
}

/** The value to show: the present one, or the one before while the next is on its way. */
export function shown<T>(answer: Answer<T>): T | undefined {
  return answer.state === "there" ? answer.value : answer.state === "pending" ? answer.before : undefined;
}
