/** Acting on jobs: what each action calls is shown before, and what came of it as the server says it after. */

import type { ComponentChildren } from "preact";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { useAnswer } from "./asking";
import { useShared } from "./context";
import { Copyable } from "./copying";
import { Dialog } from "./dialog";
import { Shown } from "./states";
import { carryOut, type Calls, type Progress } from "../rest/acting";
import { readJobs, type Job } from "../rest/jobs";
import { callLine, judge, plan, PLAIN, type Action, type Begin, type Manner, type Plan } from "../shape/actions";
import { time } from "../shape/format";
import { ownerWords } from "../shape/ownership";
import { parseTime } from "../state/range";

const LOOK_EVERY_MS = 700;

interface Named {
  readonly title: string;
  readonly verb: string;
  readonly tells: string;
}

const NAMED: Readonly<Record<Action, Named>> = {
  start: { title: "Start the datafeed", verb: "Start", tells: "Opens the job where it is closed, and starts its datafeed." },
  stop: { title: "Stop the datafeed", verb: "Stop", tells: "The job stays open and keeps its model." },
  close: { title: "Close", verb: "Close", tells: "The model is kept, and goes on from there when the job is opened again." },
  reset: {
    title: "Reset",
    verb: "Reset",
    tells: "Deletes the model and all results, and keeps the configuration. This cannot be taken back.",
  },
  delete: {
    title: "Delete",
    verb: "Delete",
    tells: "Deletes the configuration, the model and all results. This cannot be taken back.",
  },
};

/** The dialog of an action on jobs: they are read anew for it, for a list may be of some time ago. */
export function Acting(props: {
  action: Action;
  jobs: readonly Job[];
  onClose: () => void;
  /** Jobs have changed on the server. */
  onDone: () => void;
}): ComponentChildren {
  const { ask } = useShared();
  // What is acted on is what was chosen, whatever the list says meanwhile.
  const chosen = useMemo(() => new Set(props.jobs.map((job) => job.id)), []);
  const answer = useAnswer(async () => (await readJobs(ask)).filter((job) => chosen.has(job.id)), "");
  const whom = chosen.size === 1 ? [...chosen][0] : `${chosen.size} jobs`;
  return (
    <Dialog title={`${NAMED[props.action].title}: ${whom}`} onClose={props.onClose}>
      <Shown answer={answer} what="The jobs">
        {(jobs) => <ActingOn {...props} jobs={jobs} />}
      </Shown>
    </Dialog>
  );
}

function ActingOn(props: {
  action: Action;
  jobs: readonly Job[];
  onClose: () => void;
  onDone: () => void;
}): ComponentChildren {
  const { action, jobs } = props;
  const [manner, setManner] = useState<Manner | string>(PLAIN);
  const [confirmed, setConfirmed] = useState("");
  const [progress, setProgress] = useState<ReadonlyMap<string, Progress>>();
  const plans = useMemo(
    () => (typeof manner === "string" ? [] : jobs.map((job) => plan(action, job, manner))),
    [action, jobs, manner],
  );
  const calls = plans.filter((one): one is Calls => one.kind === "calls");
  const carry = useCarrying(action, manner, props.onDone, setProgress);
  const phrase = action !== "delete" ? "" : calls.length === 1 ? (calls[0]?.job.id ?? "") : `${calls.length} jobs`;
  const named = NAMED[action];
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (calls.length > 0 && confirmed === phrase) {
          carry(calls);
        }
      }}
    >
      <p>{named.tells}</p>
      {progress === undefined && (
        <>
          {action === "start" && <StartChoice jobs={jobs} onManner={setManner} />}
          {(action === "reset" || action === "delete") && <AnnotationChoice onManner={setManner} />}
        </>
      )}
      {typeof manner === "string" ? (
        <p class="problem" role="alert">
          {manner}
        </p>
      ) : (
        <ul class="plans">
          {plans.map((one) => (
            <li key={one.job.id}>
              <Planned plan={one} progress={progress?.get(one.job.id)} />
            </li>
          ))}
        </ul>
      )}
      {progress === undefined && phrase !== "" && calls.length > 0 && (
        <label class="search">
          To confirm, write <strong>{phrase}</strong>{" "}
          <input
            value={confirmed}
            autocomplete="off"
            onInput={(event) => setConfirmed(event.currentTarget.value)}
          />
        </label>
      )}
      <p role="status">{progress !== undefined && summary(progress)}</p>
      <div class="tools">
        {progress === undefined && calls.length > 0 && (
          <button type="submit" disabled={confirmed !== phrase}>
            {named.verb} {calls.length === 1 ? (calls[0]?.job.id ?? "") : `${calls.length} jobs`}
          </button>
        )}
        <button type="button" onClick={props.onClose}>
          {progress === undefined ? "Cancel" : "Close this dialog"}
        </button>
      </div>
    </form>
  );
}

function useCarrying(
  action: Action,
  manner: Manner | string,
  onDone: () => void,
  setProgress: (set: (old: ReadonlyMap<string, Progress> | undefined) => ReadonlyMap<string, Progress>) => void,
): (calls: readonly Calls[]) => void {
  const { ask } = useShared();
  const leaving = useRef(new AbortController());
  useEffect(() => () => leaving.current.abort(), []);
  return (calls) => {
    if (typeof manner === "string") {
      return;
    }
    const { signal } = leaving.current;
    setProgress(() => new Map());
    void carryOut(ask, calls, {
      signal,
      judge: (job) => judge(action, job, manner),
      tell: (id, told) => setProgress((old) => new Map(old).set(id, told)),
      pause: async () => await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS)),
    }).then(onDone, onDone);
  };
}

function summary(progress: ReadonlyMap<string, Progress>): string {
  const states = [...progress.values()].map((one) => one.state);
  const count = (state: Progress["state"]): number => states.filter((one) => one === state).length;
  const [done, failed] = [count("done"), count("failed")];
  const under = states.length - done - failed;
  const parts = [`${done} done`, ...(failed > 0 ? [`${failed} failed`] : []), ...(under > 0 ? [`${under} under way`] : [])];
  return states.length > 0 ? `Of ${states.length}: ${parts.join(", ")}.` : "";
}

/** One job of an action: its calls, or why there are none, and how far it is. */
function Planned(props: { plan: Plan; progress: Progress | undefined }): ComponentChildren {
  const { plan: one, progress } = props;
  return (
    <>
      <strong>{one.job.id}</strong>{" "}
      {one.kind === "refused" && <span class="notable">nothing is done: {one.reason}</span>}
      {one.kind === "owned" && (
        <>
          <span class="notable">a manifest has this job, so it is changed there: {ownerWords(one.mark)}</span>
          {one.texts.map((text) => (
            <Copyable key={text.what} what={text.what} text={text.text} />
          ))}
        </>
      )}
      {one.kind === "calls" && <Reached progress={progress} />}
      {one.kind === "calls" && (
        <ol class="calls">
          {one.calls.map((call) => (
            <li key={call.path}>
              {call.words}: <code>{callLine(call)}</code>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

/** How far a job is, in words. */
export function Reached(props: { progress: Progress | undefined }): ComponentChildren {
  const { progress } = props;
  if (progress === undefined) {
    return null;
  }
  const level = { done: "good", failed: "bad", waiting: "", calling: "", watching: "" }[progress.state];
  const under = progress.state === "calling" || progress.state === "watching";
  return (
    <>
      <span class={`condition inline ${level}`}>
        {progress.state === "done" ? "done: " : progress.state === "failed" ? "failed: " : ""}
        {progress.words}
      </span>{" "}
      {under && (
        <progress aria-label="under way" {...(progress.share === undefined ? {} : { value: progress.share, max: 1 })} />
      )}
    </>
  );
}

function AnnotationChoice(props: { onManner: (manner: Manner) => void }): ComponentChildren {
  return (
    <label class="search">
      <input
        type="checkbox"
        onChange={(event) => props.onManner({ ...PLAIN, annotations: event.currentTarget.checked })}
      />{" "}
      also delete the annotations that people made
    </label>
  );
}

/** Where a datafeed begins and ends. */
function StartChoice(props: { jobs: readonly Job[]; onManner: (manner: Manner | string) => void }): ComponentChildren {
  const { now, formats } = useShared();
  const fresh = props.jobs.every((job) => job.latestRecordMs === undefined);
  const [begin, setBegin] = useState<"beginning" | "continue" | "now" | "at">(fresh ? "beginning" : "continue");
  const [end, setEnd] = useState<"never" | "at">("never");
  const [from, setFrom] = useState("");
  const [to, setTo] = useState("");
  useEffect(() => props.onManner(startManner({ begin, end, from, to }, now)), [begin, end, from, to]);
  const only = props.jobs.length === 1 ? props.jobs[0]?.latestRecordMs : undefined;
  return (
    <>
      <fieldset>
        <legend>Begin</legend>
        <Radio name="begin" checked={begin === "beginning"} onChoose={() => setBegin("beginning")}>
          at the first data
        </Radio>
        <Radio name="begin" checked={begin === "continue"} onChoose={() => setBegin("continue")}>
          where it was{only === undefined ? "" : `: after ${time(only, formats)}`}
        </Radio>
        <Radio name="begin" checked={begin === "now"} onChoose={() => setBegin("now")}>
          now
        </Radio>
        <Radio name="begin" checked={begin === "at"} onChoose={() => setBegin("at")}>
          at
        </Radio>{" "}
        <input
          aria-label="Time to begin at"
          placeholder="2026-01-31T12:00Z or now-7d"
          value={from}
          onInput={(event) => {
            setBegin("at");
            setFrom(event.currentTarget.value);
          }}
        />
      </fieldset>
      <fieldset>
        <legend>End</legend>
        <Radio name="end" checked={end === "never"} onChoose={() => setEnd("never")}>
          never: go on in real time
        </Radio>
        <Radio name="end" checked={end === "at"} onChoose={() => setEnd("at")}>
          at
        </Radio>{" "}
        <input
          aria-label="Time to end at"
          placeholder="2026-01-31T12:00Z or now"
          value={to}
          onInput={(event) => {
            setEnd("at");
            setTo(event.currentTarget.value);
          }}
        />
      </fieldset>
    </>
  );
}

function Radio(props: {
  name: string;
  checked: boolean;
  onChoose: () => void;
  children: ComponentChildren;
}): ComponentChildren {
  return (
    <label class="choice">
      <input type="radio" name={props.name} checked={props.checked} onChange={props.onChoose} /> {props.children}
    </label>
  );
}

/** The manner that choices make, or what is wrong with them. */
function startManner(
  chosen: { begin: "beginning" | "continue" | "now" | "at"; end: "never" | "at"; from: string; to: string },
  now: number,
): Manner | string {
  const at = chosen.begin === "at" ? parseTime(chosen.from, now) : undefined;
  const end = chosen.end === "at" ? parseTime(chosen.to, now) : undefined;
  if ((chosen.begin === "at" && at === undefined) || (chosen.end === "at" && end === undefined)) {
    const text = chosen.begin === "at" && at === undefined ? chosen.from : chosen.to;
    return text === "" ? "Write the time." : `“${text}” is no time; write a date such as 2026-01-31T12:00Z, or now-7d.`;
  }
  const begin: Begin = chosen.begin === "at" ? (at ?? now) : chosen.begin === "now" ? now : chosen.begin;
  return { ...PLAIN, begin, end };
}
