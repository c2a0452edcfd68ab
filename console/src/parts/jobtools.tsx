/** What can be done with chosen jobs, where that is allowed. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Acting } from "./acting";
import { Cloning } from "./cloning";
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
  const { formats } = useShared();
  const [open, setOpen] = useState<Action | "clone">();
  const [said, setSaid] = useState("");
  if (!writesAllowed()) {
    return <p class="aside">{READS_ONLY}</p>;
  }
  const { chosen } = props;
  const begin = (what: Action | "clone"): void => {
    const problem =
      chosen.length === 0 ? "Select jobs first." : what === "clone" && chosen.length > 1 ? "Clone one job at a time." : "";
    setSaid(problem);
    setOpen(problem === "" ? what : undefined);
  };
  const first = chosen[0];
  return (
    <div class="tools" role="group" aria-label="Actions on the selected jobs">
      <span>{number(chosen.length, formats)} selected</span>
      {ACTIONS.map((action) => (
        <button type="button" key={action} onClick={() => begin(action)}>
          {VERBS[action]}
        </button>
      ))}
      <button type="button" onClick={() => begin("clone")}>
        Clone…
      </button>
      <span role="status">{said}</span>
      {open === "clone" && first !== undefined && (
        <Cloning job={first} jobs={props.all} onClose={() => setOpen(undefined)} onDone={props.onDone} />
      )}
      {open !== undefined && open !== "clone" && (
        <Acting action={open} jobs={chosen} onClose={() => setOpen(undefined)} onDone={props.onDone} />
      )}
    </div>
  );
}
