/** The return of a job to a model snapshot: what is lost and what is called stands there before anything is done. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { shown, useAnswer } from "../asking";
import { useShared } from "../context";
import { Copyable } from "../copying";
import { Dialog } from "../dialog";
import { Reached } from "../acting";
import { carryOut, type Progress } from "../../rest/acting";
import type { Job } from "../../rest/jobs";
import { readLost, type Snapshot } from "../../rest/snapshots/snapshots";
import { callLine, judge, PLAIN, type Call } from "../../shape/actions";
import { number, time } from "../../shape/format";
import { ownerWords } from "../../shape/ownership";
import { fault, judgeBack, manifestTexts, steps, type Manner, type Skip } from "../../shape/reverting";
import { iso, parseTime } from "../../state/range";

const LOOK_EVERY_MS = 700;

/** The dialog. */
export function Reverting(props: {
  job: Job;
  snapshot: Snapshot;
  onClose: () => void;
  onDone: () => void;
}): ComponentChildren {
  const { formats } = useShared();
  const { snapshot } = props;
  // What is gone back from is the job as it was when the dialog opened.
  const [job] = useState(props.job);
  const [manner, setManner] = useState<Manner>(() => ({
    deletes: true,
    replays: job.feed !== undefined,
    goesOn: job.feed !== undefined && job.feed.state === "started",
    skip: undefined,
  }));
  const [wrongTime, setWrongTime] = useState("");
  const [progress, carry] = useReverting(job, snapshot, manner, props.onDone);
  const wrong = wrongTime || fault(job, manner);
  const { back, on } = steps(job, snapshot, manner);
  const started = progress !== undefined;
  return (
    <Dialog title={`Back to a model snapshot: ${job.id}`} onClose={props.onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (!started && wrong === "" && job.mark === undefined) {
            void carry();
          }
        }}
      >
        <p>
          The job forgets what it has learnt since {snapshot.latestRecordMs === undefined ? "the beginning" : time(snapshot.latestRecordMs, formats)}
          {snapshot.description && ` (${snapshot.description})`}.
        </p>
        {!started && <Choices job={job} manner={manner} onManner={setManner} onWrong={setWrongTime} snapshot={snapshot} />}
        <WhatIsLost job={job} snapshot={snapshot} deletes={manner.deletes} />
        {job.mark !== undefined ? (
          <>
            <p class="notable">A manifest has this job, so a manifest asks for this, too: {ownerWords(job.mark)}</p>
            {wrong === "" &&
              manifestTexts(job.mark, snapshot, manner).map((text) => (
                <Copyable key={text.what} what={text.what} text={text.text} />
              ))}
          </>
        ) : (
          <>
            <h3>What is called</h3>
            <CallList calls={[...back, ...on]} />
          </>
        )}
        {wrong !== "" && (
          <p class="problem" role="alert">
            {wrong}
          </p>
        )}
        <p role="status">
          <Reached progress={progress} />
        </p>
        <div class="tools">
          {!started && job.mark === undefined && (
            <button type="submit" disabled={wrong !== ""}>
              Go back to {snapshot.id}
            </button>
          )}
          <button type="button" onClick={props.onClose}>
            {started ? "Close this dialog" : "Cancel"}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

/** Carries out both parts: what the second does to the model would hide whether the first came about. */
function useReverting(
  job: Job,
  snapshot: Snapshot,
  manner: Manner,
  onDone: () => void,
): [Progress | undefined, () => Promise<void>] {
  const { ask } = useShared();
  const [progress, setProgress] = useState<Progress>();
  const leaving = useRef(new AbortController());
  useEffect(() => () => leaving.current.abort(), []);
  const carry = async (): Promise<void> => {
    const { back, on } = steps(job, snapshot, manner);
    const carrying = {
      signal: leaving.current.signal,
      pause: async () => await new Promise<void>((resolve) => setTimeout(resolve, LOOK_EVERY_MS)),
    };
    const last: { told: Progress | undefined } = { told: undefined };
    const tell = (_id: string, told: Progress): void => {
      last.told = told;
      setProgress(told.state === "done" && on.length > 0 ? { state: "watching", words: `gone back: ${told.words}` } : told);
    };
    await carryOut(ask, [{ kind: "calls", job, calls: back }], {
      ...carrying,
      tell,
      judge: (now) => judgeBack(now, snapshot),
    });
    if (last.told?.state === "done" && on.length > 0) {
      const start = { ...PLAIN, end: manner.goesOn ? undefined : 0 };
      await carryOut(ask, [{ kind: "calls", job, calls: on }], {
        ...carrying,
        tell: (_id, told) =>
          setProgress(told.state === "failed" ? { ...told, words: `the job went back; then ${told.words}` } : told),
        judge: (now) => judge("start", now, start),
      });
    }
    onDone();
  };
  return [progress, carry];
}

function CallList(props: { calls: readonly Call[] }): ComponentChildren {
  return (
    <ol class="calls">
      {props.calls.map((call) => (
        <li key={call.path}>
          {call.words}: <code>{callLine(call)}</code>
        </li>
      ))}
    </ol>
  );
}

function WhatIsLost(props: { job: Job; snapshot: Snapshot; deletes: boolean }): ComponentChildren {
  const { ask, formats } = useShared();
  const after = props.snapshot.latestResultMs ?? 0;
  const answer = useAnswer((signal) => readLost(ask, props.job.id, after, signal), `${props.job.id} ${after}`);
  const lost = shown(answer);
  if (!props.deletes) {
    return <p>No result is deleted; the job goes on after the last data that it has seen, with the older model.</p>;
  }
  if (answer.state === "failed") {
    return <p class="notable">How many results are deleted is not known: {answer.message}</p>;
  }
  return (
    <p class="notable" role="status">
      {lost === undefined
        ? "Counting the results that are deleted …"
        : `Deleted are the results after ${after === 0 ? "the beginning" : time(after, formats)}: ${number(lost.buckets, formats)} buckets and ${number(lost.records, formats)} anomaly records, with the job's own annotations of that time. This cannot be taken back.`}
    </p>
  );
}

function Choices(props: {
  job: Job;
  snapshot: Snapshot;
  manner: Manner;
  onManner: (manner: Manner) => void;
  onWrong: (problem: string) => void;
}): ComponentChildren {
  const { manner, job } = props;
  const set = (change: Partial<Manner>): void => props.onManner({ ...manner, ...change });
  // The operator starts again what ran; what else is done afterwards is the manifests' to say.
  const owned = job.mark !== undefined;
  return (
    <fieldset>
      <legend>How</legend>
      <Box
        checked={manner.deletes}
        onCheck={(deletes) => props.onManner(deletes ? { ...manner, deletes } : { ...manner, deletes, replays: false, skip: undefined })}
      >
        delete the results since then
      </Box>
      {!owned && job.feed !== undefined && (
        <Box
          checked={manner.replays}
          disabled={!manner.deletes}
          onCheck={(replays) => set(replays ? { replays } : { replays, skip: undefined })}
        >
          read again what came since (starts the datafeed)
        </Box>
      )}
      {!owned && job.feed !== undefined && (
        <Box checked={manner.goesOn} disabled={!manner.replays} onCheck={(goesOn) => set({ goesOn })}>
          and go on in real time
        </Box>
      )}
      <SkipChoice {...props} disabled={!(owned ? manner.deletes : manner.replays)} />
    </fieldset>
  );
}

function SkipChoice(props: {
  job: Job;
  snapshot: Snapshot;
  manner: Manner;
  disabled: boolean;
  onManner: (manner: Manner) => void;
  onWrong: (problem: string) => void;
}): ComponentChildren {
  const { now } = useShared();
  const { manner, onManner, onWrong, snapshot, job } = props;
  const [from, setFrom] = useState(iso(snapshot.latestRecordMs ?? job.earliestRecordMs ?? now));
  const [to, setTo] = useState(iso(job.latestRecordMs ?? now));
  const [description, setDescription] = useState("");
  const skips = manner.skip !== undefined;
  const change = (next: { from: string; to: string; description: string }): void => {
    const [begin, end] = [parseTime(next.from, now), parseTime(next.to, now)];
    onWrong(
      begin === undefined || end === undefined
        ? `“${begin === undefined ? next.from : next.to}” is no time; write a date such as 2026-01-31T12:00Z.`
        : "",
    );
    const skip: Skip = { from: begin ?? 0, to: end ?? 0, description: next.description };
    onManner({ ...manner, skip });
  };
  return (
    <>
      <Box
        checked={skips}
        disabled={props.disabled}
        onCheck={(on) => {
          if (on) {
            change({ from, to, description });
          } else {
            onWrong("");
            onManner({ ...manner, skip: undefined });
          }
        }}
      >
        do not learn a bad stretch of it (a calendar event)
      </Box>
      {skips && (
        <div class="tools">
          <Field label="Skip from" value={from} onValue={(value) => (setFrom(value), change({ from: value, to, description }))} />
          <Field label="Skip to" value={to} onValue={(value) => (setTo(value), change({ from, to: value, description }))} />
          <Field
            label="What happened"
            value={description}
            onValue={(value) => (setDescription(value), change({ from, to, description: value }))}
          />
        </div>
      )}
    </>
  );
}

function Field(props: { label: string; value: string; onValue: (value: string) => void }): ComponentChildren {
  return (
    <label>
      {props.label} <input value={props.value} onInput={(event) => props.onValue(event.currentTarget.value)} />
    </label>
  );
}

function Box(props: {
  checked: boolean;
  disabled?: boolean;
  onCheck: (checked: boolean) => void;
  children: ComponentChildren;
}): ComponentChildren {
  return (
    <div>
      <label class="choice">
        <input
          type="checkbox"
          checked={props.checked}
          disabled={props.disabled ?? false}
          onChange={(event) => props.onCheck(event.currentTarget.checked)}
        />{" "}
        {props.children}
      </label>
    </div>
  );
}
