/** What a wizard ends in: manifests to commit, calls of the API, and a running job where that is allowed. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { deedsOf, doAll, isUnclear, readCome, takingBack, type Come, type Deed, type Progress } from "../../rest/creating";
import { ServerError } from "../../rest/server";
import { number, time } from "../../shape/format";
import type { Bodies } from "../../shape/wizard/bodies";
import { callsText, manifestText } from "../../shape/wizard/manifest";
import { useShared } from "../context";
import { Copyable } from "../copying";
import { To } from "../marks";
import { READS_ONLY, writesAllowed } from "../writes";
import { Check } from "./inputs";

/** A text to download or copy. */
export function Outcome(props: { label: string; text: string; file: string }): ComponentChildren {
  return (
    <section aria-label={props.label}>
      <Copyable what={props.label} text={props.text} />
      <button type="button" onClick={() => download(props.text, props.file)}>
        Download {props.file}
      </button>
    </section>
  );
}

function download(text: string, name: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  URL.revokeObjectURL(address);
}

/** Manifests, calls, and the way to running jobs. */
export function Ending(props: { made: readonly Bodies[]; /** Of the files, without its ending. */ name: string; stopped: boolean }): ComponentChildren {
  const { made, name } = props;
  const file = `${name}.yaml`;
  return (
    <>
      <Outcome label={made.length === 1 ? "Manifest" : "Manifests"} text={made.map(manifestText).join("---\n")} file={file} />
      <p class="aside">
        Commit it, or try it first: <code>anomalyops plan -f {file} --url …</code> says what would happen,{" "}
        <code>anomalyops backtest -f {file} --url …</code> what the job would have found.
      </p>
      <details>
        <summary>The same as calls of the API</summary>
        <Outcome label="Calls of the API" text={made.map(callsText).join("\n")} file={`${name}.txt`} />
      </details>
      <Making key={JSON.stringify(made)} made={made} stopped={props.stopped} />
    </>
  );
}

type State =
  | { readonly at: "rest" }
  | { readonly at: "making"; readonly done: number }
  | { readonly at: "failed"; readonly progress: Progress }
  | { readonly at: "takenBack"; readonly progress: Progress; readonly back: Progress }
  | { readonly at: "made" };

/** Creates each job, opens it and starts its datafeed; what stands when that fails can be taken back. */
function Making(props: { made: readonly Bodies[]; stopped: boolean }): ComponentChildren {
  const { ask } = useShared();
  const [state, setState] = useState<State>({ at: "rest" });
  const [run, setRun] = useState(true);
  const deeds = props.made.flatMap((bodies) => deedsOf(bodies, run));
  const one = props.made.length === 1;
  const make = async (): Promise<void> => {
    setState({ at: "making", done: 0 });
    const progress = await doAll(ask, deeds.map((one) => one.call), (done) => setState({ at: "making", done }));
    setState(progress.error === undefined ? { at: "made" } : { at: "failed", progress });
  };
  const takeBack = async (progress: Progress): Promise<void> => {
    const back = await doAll(ask, takingBack(deeds, progress.done).map((one) => one.undo), () => undefined);
    setState({ at: "takenBack", progress, back });
  };
  return (
    <section aria-label={one ? "Running job" : "Running jobs"}>
      <h3>{one ? "A running job" : "Running jobs"}</h3>
      {!writesAllowed() && <p>{READS_ONLY}</p>}
      {writesAllowed() && state.at === "rest" && (
        <>
          <p class="aside">Makes the {one ? "job" : "jobs"} on this server at once, without a manifest: created, opened, started.</p>
          <Check label="Start at the first data" value={run} onValue={setRun} />
          <button type="button" disabled={props.stopped} onClick={make}>
            {run ? "Create and start the" : "Create the"} {one ? "job" : `${props.made.length} jobs`}
          </button>
          {props.stopped && <span class="aside"> What is an error above comes first.</span>}
        </>
      )}
      {state.at === "making" && (
        <p role="status">
          {deeds[state.done]?.words ?? "Done"} … ({state.done} of {deeds.length} done)
        </p>
      )}
      {state.at === "failed" && <Failed deeds={deeds} progress={state.progress} onTakeBack={() => takeBack(state.progress)} onAgain={make} />}
      {state.at === "takenBack" && <TakenBack deeds={takingBack(deeds, state.progress.done)} back={state.back} onAgain={() => setState({ at: "rest" })} />}
      {state.at === "made" && props.made.map(({ name }, place) => <Arriving key={name} name={name} runs={run} first={place === 0} />)}
    </section>
  );
}

function Failed(props: { deeds: readonly Deed[]; progress: Progress; onTakeBack: () => void; onAgain: () => void }): ComponentChildren {
  const { deeds, progress } = props;
  const stands = deeds.slice(0, progress.done);
  const error = progress.error ?? new ServerError(0, "");
  return (
    <div role="alert">
      <p class="problem">
        <strong>Not done: {deeds[progress.done]?.words}.</strong> {error.message} {error.advice}
        {isUnclear(error) && " It may have come about all the same: look at the list of jobs."}
      </p>
      {stands.length === 0 ? (
        <>
          <p>Nothing was changed on the server.</p>
          <button type="button" onClick={props.onAgain}>
            Try again
          </button>
        </>
      ) : (
        <>
          <p>What stands on the server:</p>
          <ul>
            {stands.map((one) => (
              <li key={one.words}>{one.words}.</li>
            ))}
          </ul>
          <button type="button" onClick={props.onTakeBack}>
            Take it back
          </button>{" "}
          <span class="aside">
            {takingBack(deeds, progress.done)
              .map((one) => one.undoWords)
              .join("; ")}
            . Or leave it, and go on by hand.
          </span>
        </>
      )}
    </div>
  );
}

function TakenBack(props: { deeds: readonly Deed[]; back: Progress; onAgain: () => void }): ComponentChildren {
  const { deeds, back } = props;
  return back.error === undefined ? (
    <div role="status">
      <p>Taken back: nothing of it is left on the server.</p>
      <button type="button" onClick={props.onAgain}>
        To the beginning
      </button>
    </div>
  ) : (
    <p class="problem" role="alert">
      <strong>Not taken back: {deeds.slice(back.done).map((one) => one.undoWords).join("; ")}.</strong> {back.error.message} {back.error.advice}
    </p>
  );
}

const EVERY_MS = 1000;

/** Results as they arrive. */
function Arriving(props: { name: string; runs: boolean; first: boolean }): ComponentChildren {
  const { ask, formats } = useShared();
  const [come, setCome] = useState<Come | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const title = useRef<HTMLParagraphElement>(null);
  useEffect(() => {
    if (props.first) {
      title.current?.focus();
    }
  }, []);
  useEffect(() => {
    const leaving = new AbortController();
    let timer = 0;
    const look = async (): Promise<void> => {
      let ended = false;
      try {
        const found = await readCome(ask, props.name, leaving.signal);
        setCome(found);
        setProblem("");
        ended = found.feedState === "stopped";
      } catch (error) {
        if (leaving.signal.aborted) {
          return;
        }
        setProblem(error instanceof ServerError ? `${error.message} ${error.advice}` : String(error));
      }
      if (!ended) {
        timer = window.setTimeout(look, EVERY_MS);
      }
    };
    void look();
    return () => {
      leaving.abort();
      window.clearTimeout(timer);
    };
  }, [props.name]);
  return (
    <>
      <p ref={title} tabIndex={-1}>
        The job {props.name} {props.runs ? "runs" : "is there; it reads nothing before it is opened and its datafeed started"}.
      </p>
      <p role="status">
        {come === undefined
          ? "Waiting for its first results …"
          : `Datafeed ${come.feedState}: ${number(come.documents, formats)} documents, ${number(come.buckets, formats)} buckets, ${number(come.anomalies, formats)} ${come.anomalies === 1 ? "anomaly" : "anomalies"}${come.latestMs === undefined ? "" : `, up to ${time(come.latestMs, formats)}`}.`}
      </p>
      {problem !== "" && (
        <p class="problem" role="alert">
          {problem} It is asked again.
        </p>
      )}
      <p>
        <To place={{ view: "explorer", params: { jobs: props.name } }}>Explore its anomalies</To>{" "}
        <To place={{ view: "series", params: { job: props.name } }}>View its series</To>
      </p>
    </>
  );
}
