/** What can be done with chosen jobs, where that is allowed. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Acting } from "./acting";
import { useShared } from "./context";
import { READS_ONLY, writesAllowed } from "./writes";
import type { Job } from "../rest/jobs";
import { ACTIONS, type Action } from "../shape/actions";
import { number } from "../shape/format";

const VERBS: Readonly<Record<Action, string>> = {
  start: "Start…",
  stop: "Stop…",
  close: "Close…",
  reset: "Reset…",
  delete: "Delete…",
};

/** What can be done with the chosen jobs. */
export function JobTools(props: {
  all: readonly Job[];
  chosen: readonly Job[];
  onDone: () => void;
}): ComponentChildren {
  const { formats, go } = useShared();
  const [open, setOpen] = useState<Action>();
  const [said, setSaid] = useState("");
  if (!writesAllowed()) {
    return <p class="aside">{READS_ONLY}</p>;
  }
  const { chosen } = props;
  const begin = (what: Action): void => {
    setSaid(chosen.length === 0 ? "Select jobs first." : "");
    setOpen(chosen.length === 0 ? undefined : what);
  };
  const clone = (): void => {
    const [first, ...others] = chosen;
    if (first === undefined || others.length > 0) {
      setSaid(first === undefined ? "Select jobs first." : "Clone one job at a time.");
    } else {
      go({ view: "new", params: { clone: first.id } });
    }
  };
  return (
    <div class="tools" role="group" aria-label="Actions on the selected jobs">
      <span>{number(chosen.length, formats)} selected</span>
      {ACTIONS.map((action) => (
        <button type="button" key={action} onClick={() => begin(action)}>
          {VERBS[action]}
        </button>
      ))}
      <button type="button" onClick={clone}>
        Clone…
      </button>
      <span role="status">{said}</span>
      {open !== undefined && (
        <Acting action={open} jobs={chosen} onClose={() => setOpen(undefined)} onDone={props.onDone} />
      )}
    </div>
  );
}
