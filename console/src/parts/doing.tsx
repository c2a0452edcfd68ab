/** Changes that are carried out one by one and read back: what the server has afterwards counts, and not what it answered. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { ServerError } from "../rest/server";
import type { Change } from "../shape/shared";
import { useShared } from "./context";

/** Does calls one after the other; says what was done where one fails, and what is not so afterwards. */
export function Doing(props: {
  changes: readonly Change[];
  /** What the server, read anew, still lacks of what is wanted. */
  left: () => Promise<readonly Change[]>;
  verb: string;
  fault: string | undefined;
  onDone: () => void;
  onClose: () => void;
}): ComponentChildren {
  const { ask } = useShared();
  const [problem, setProblem] = useState("");
  const [busy, setBusy] = useState(false);
  const act = async (): Promise<void> => {
    setBusy(true);
    let done = 0;
    try {
      for (const { method, path, body } of props.changes) {
        await ask(method, path, body);
        done += 1;
      }
      const left = await props.left();
      if (left.length === 0) {
        props.onDone();
      } else {
        setProblem(`The server said yes, and does not have it: ${left.map((one) => one.words).join(", ")}.`);
      }
    } catch (error) {
      const advice = error instanceof ServerError ? ` ${error.advice}` : "";
      const before = props.changes.slice(0, done).map((one) => one.words).join(", ");
      const failed = props.changes[done]?.words ?? "reading back what came of it";
      setProblem(`Not done: ${failed}. ${(error as Error).message}${advice}${before === "" ? "" : ` Done before: ${before}.`}`);
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {props.fault !== undefined && <p class="problem">{props.fault}</p>}
      {problem !== "" && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <div class="tools">
        <button type="button" disabled={busy || props.fault !== undefined || props.changes.length === 0} onClick={act}>
          {props.verb}
        </button>
        <button type="button" onClick={props.onClose}>
          Close this dialog
        </button>
      </div>
    </>
  );
}
