/** What a job would have found: a trial over the past, on the server, and gone afterwards. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isUnclear, type Come } from "../../rest/creating";
import { ServerError } from "../../rest/server";
import { readTrials, runTrial, takeAway, type Found } from "../../rest/trial";
import { figureOf } from "../../shape/figures";
import { bytes, number, time } from "../../shape/format";
import type { Bodies, Body } from "../../shape/wizard/bodies";
import { ALARM_FROM, alarmsAWeek, alarmsByWeek, alarmsOf, trialOf } from "../../shape/wizard/trial";
import { parseSpan, type Range } from "../../state/range";
import { useAnswer } from "../asking";
import { useShared } from "../context";
import { Facts } from "../facts";
import { Score } from "../marks";
import { Nothing, Shown } from "../states";
import { READS_ONLY, writesAllowed } from "../writes";

type State =
  | { readonly at: "rest" }
  | { readonly at: "running"; readonly come: Come | undefined }
  | { readonly at: "found"; readonly found: Found }
  | { readonly at: "failed"; readonly text: string };

/** A button that tries the job, and what came of it. */
export function Trying(props: { bodies: Bodies; range: Range; stopped: boolean }): ComponentChildren {
  const { ask, formats } = useShared();
  const [state, setState] = useState<State>({ at: "rest" });
  const running = useRef<{ readonly leaving: AbortController; readonly name: string } | undefined>(undefined);
  useEffect(() => {
    // A page that closes waits for nothing: the call is sent, and goes on without it.
    const closing = (): void => {
      if (running.current !== undefined) {
        void takeAway(ask, running.current.name);
      }
    };
    window.addEventListener("pagehide", closing);
    return () => {
      window.removeEventListener("pagehide", closing);
      running.current?.leaving.abort();
    };
  }, []);
  const run = async (): Promise<void> => {
    const leaving = new AbortController();
    const made = trialOf(props.bodies, props.range, crypto.getRandomValues(new Uint32Array(1))[0]?.toString(36) ?? "0");
    running.current = { leaving, name: made.name };
    setState({ at: "running", come: undefined });
    try {
      setState({ at: "found", found: await runTrial(ask, made, (come) => setState({ at: "running", come }), leaving.signal) });
    } catch (error) {
      setState(leaving.signal.aborted ? { at: "rest" } : { at: "failed", text: wordsOf(error, made.name) });
    } finally {
      running.current = undefined;
    }
  };
  return (
    <section aria-label="Trial">
      <h3>What it would have found</h3>
      {writesAllowed() ? (
        <>
          <p class="aside">
            A trial reads {time(props.range.from, formats)} to {time(props.range.to, formats)} once more with a job of its own on this server, named trial-…, in none of
            your groups. It takes the job's memory while it runs; job, datafeed and results are deleted at the end, and when you leave. Only notifications of it stay.
          </p>
          <button type="button" disabled={props.stopped || state.at === "running"} onClick={run}>
            Try it
          </button>{" "}
          {state.at === "running" && (
            <button type="button" onClick={() => running.current?.leaving.abort()}>
              Stop the trial
            </button>
          )}
          <LeftBehind key={state.at} own={running.current?.name} />
        </>
      ) : (
        <p>
          {READS_ONLY} Without it, <code>anomalyops backtest</code> tries the manifest on your own machine.
        </p>
      )}
      {state.at === "running" && (
        <p role="status">
          {state.come === undefined
            ? "Making the trial's job …"
            : `${number(state.come.documents, formats)} documents, ${number(state.come.buckets, formats)} buckets, ${number(state.come.anomalies, formats)} records …`}
        </p>
      )}
      {state.at === "failed" && (
        <p class="problem" role="alert">
          <strong>The trial did not come to its end.</strong> {state.text}
        </p>
      )}
      {state.at === "found" && <Findings found={state.found} bodies={props.bodies} range={props.range} />}
    </section>
  );
}

function wordsOf(error: unknown, name: string): string {
  if (!(error instanceof ServerError)) {
    return String(error);
  }
  return `${error.message} ${error.advice}${isUnclear(error) ? ` Look whether the job ${name} is still there: it is told above once the server answers.` : ""}`;
}

/** Trials that nobody looks at any more, or that somebody else looks at. */
function LeftBehind(props: { own: string | undefined }): ComponentChildren {
  const { ask } = useShared();
  const [round, setRound] = useState(0);
  const answer = useAnswer((signal) => readTrials(ask, signal), String(round));
  const clear = async (names: readonly string[]): Promise<void> => {
    try {
      await Promise.all(names.map((name) => takeAway(ask, name)));
    } finally {
      setRound(round + 1); // what is there now is read, whatever the calls said
    }
  };
  return (
    <Shown answer={answer} what="Trials">
      {(all) => {
        const names = all.filter((name) => name !== props.own);
        return names.length === 0 ? null : (
          <p class="condition notable">
            On the server are trials of pages that were cut off, or that others look at: {names.join(", ")}.{" "}
            <button type="button" onClick={() => clear(names)}>
              Delete {names.length === 1 ? "it" : "them"}
            </button>
          </p>
        );
      }}
    </Shown>
  );
}

function Findings(props: { found: Found; bodies: Bodies; range: Range }): ComponentChildren {
  const { formats } = useShared();
  const { found, bodies, range } = props;
  const span = parseSpan(String((bodies.job["analysis_config"] as Body | undefined)?.["bucket_span"] ?? "5m")) ?? 300_000;
  const alarms = alarmsOf(found.buckets, span);
  const facts = [
    { name: "Documents", value: number(found.come.documents, formats) },
    { name: "Buckets", value: number(found.come.buckets, formats) },
    { name: `Alarms from ${ALARM_FROM}`, value: number(alarms.length, formats) },
    { name: "Alarms a week", value: number(Math.round(alarmsAWeek(alarms, range) * 10) / 10, formats) },
    { name: "Alarms by week", value: alarmsByWeek(alarms, range).map((one) => number(one, formats)).join(" ") },
    { name: "Memory used", value: `${bytes(found.peakBytes, formats)} (${found.memoryStatus})` },
  ];
  return (
    <>
      <Facts title="Figures" facts={facts} level={4} />
      {found.records.length === 0 ? (
        <Nothing>It would have found nothing.</Nothing>
      ) : (
        <div class="scrolling">
          <table>
            <caption>The worst {number(found.records.length, formats)} of its records</caption>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Severity</th>
                <th scope="col">Found for</th>
                <th scope="col">Function</th>
                <th scope="col" class="figure">Actual</th>
                <th scope="col" class="figure">Typical</th>
              </tr>
            </thead>
            <tbody>
              {found.records.map((one, place) => (
                <tr key={place}>
                  <td>{time(one.timeMs, formats)}</td>
                  <td>
                    <Score value={one.score} />
                  </td>
                  <td>{one.entities.map((entity) => entity.value).join(", ")}</td>
                  <td>{one.field === undefined ? one.function : `${one.function} of ${one.field}`}</td>
                  <td class="figure">{figureOf(one, "actual", formats)}</td>
                  <td class="figure">{figureOf(one, "typical", formats)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <p role="status">The trial is over; nothing of it but notifications is left on the server.</p>
    </>
  );
}
