/** Forecasts of the series that is shown: which one lies over the chart, how it fared, and asking for another. */

import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { useShared } from "../context";
import { shown, type Answer } from "../asking";
import { Shown } from "../states";
import { READS_ONLY, writesAllowed } from "../writes";
import {
  askForecast,
  follow,
  settle,
  unforecast,
  wishFault,
  type Comparison,
  type Forecast,
  type Wish,
} from "../../rest/forecasts/forecasts";
import type { Detector, Job } from "../../rest/jobs";
import { ServerError } from "../../rest/server";
import { number, time } from "../../shape/format";
import { withParams } from "../../state/place";

const LOOK_AGAIN_MS = 500;

/** The choice of a forecast, its comparison with what came, and the form for another one. */
export function Forecasts(props: {
  job: Job;
  detector: Detector;
  forecasts: Answer<readonly Forecast[]>;
  chosen: Forecast | undefined;
  comparison: Answer<Comparison | undefined>;
  onMade: (forecast: Forecast) => void;
}): ComponentChildren {
  const { place, go, formats } = useShared();
  const [asking, setAsking] = useState(false);
  const impossible = unforecast(props.detector);
  return (
    <section aria-label="Forecasts">
      <h2>Forecasts</h2>
      <Shown answer={props.forecasts} what="Forecasts">
        {(all) => (
          <div class="tools">
            {all.length === 0 ? (
              <span class="aside">This job has none.</span>
            ) : (
              <label>
                Over the chart{" "}
                <select
                  value={props.chosen?.id ?? ""}
                  onChange={(event) => go(withParams(place, { forecast: event.currentTarget.value }))}
                >
                  <option value="">none</option>
                  {all.map((one) => (
                    <option value={one.id} key={one.id}>
                      {time(one.range.from, formats)} to {time(one.range.to, formats)}
                      {one.status === "finished" ? "" : ` (${one.status})`}
                    </option>
                  ))}
                </select>
              </label>
            )}
            {impossible !== "" ? (
              <span class="aside">No forecast of this detector: {impossible}.</span>
            ) : writesAllowed() ? (
              <button type="button" aria-expanded={asking} onClick={() => setAsking(!asking)}>
                Forecast …
              </button>
            ) : (
              <span class="aside">{READS_ONLY}</span>
            )}
          </div>
        )}
      </Shown>
      {asking && (
        <Asking
          job={props.job}
          onDone={(made) => {
            setAsking(false);
            if (made !== undefined) {
              props.onMade(made);
            }
          }}
        />
      )}
      {props.chosen && <Fared chosen={props.chosen} comparison={props.comparison} />}
    </section>
  );
}

function Fared(props: { chosen: Forecast; comparison: Answer<Comparison | undefined> }): ComponentChildren {
  const { formats } = useShared();
  const compared = shown(props.comparison);
  const { chosen } = props;
  return (
    <p role="status">
      {chosen.messages.length > 0 && `${chosen.messages.join("; ")}. `}
      {props.comparison.state === "failed" && props.comparison.message}
      {compared && fared(compared, (value) => number(value, formats))}
      {chosen.expiresMs !== undefined && chosen.expiresMs > chosen.createdMs
        ? ` The server keeps the forecast until ${time(chosen.expiresMs, formats)}.`
        : " The server keeps the forecast."}
    </p>
  );
}

function fared({ asked, came, within }: Comparison, figure: (value: number) => string): string {
  if (asked === 0) {
    return "The forecast says nothing of this series.";
  }
  if (came === 0) {
    return `None of its ${figure(asked)} buckets has come since.`;
  }
  const share = Math.round((within / came) * 1000) / 10;
  return `${figure(came)} of ${figure(asked)} buckets have come since: ${figure(share)} % within the forecast's bounds.`;
}

function Asking(props: { job: Job; onDone: (made: Forecast | undefined) => void }): ComponentChildren {
  const { ask } = useShared();
  const { job } = props;
  const [wish, setWish] = useState<Wish>({ duration: "1d", expiresIn: "", memory: "" });
  const [far, setFar] = useState<Forecast | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");
  const first = useRef<HTMLInputElement>(null);
  const leaving = useRef(new AbortController());
  useLayoutEffect(() => {
    first.current?.focus();
    return () => leaving.current.abort();
  }, []);
  const pause = async (): Promise<void> => await new Promise((done) => setTimeout(done, LOOK_AGAIN_MS));
  const make = async (): Promise<Forecast> => {
    const id = await askForecast(ask, job, wish);
    try {
      return await follow(ask, job.id, id, setFar, pause, leaving.current.signal);
    } finally {
      await settle(ask, job);
    }
  };
  const submit = (event: Event): void => {
    event.preventDefault();
    const wrong = wishFault(wish, job.spanMs);
    setProblem(wrong);
    if (wrong !== "") {
      return;
    }
    setBusy(true);
    make().then(props.onDone, (error: unknown) => {
      setBusy(false);
      const advice = error instanceof ServerError && error.advice !== "" ? ` ${error.advice}` : "";
      setProblem(`${error instanceof Error ? error.message : String(error)}${advice}`);
    });
  };
  const field = (name: keyof Wish, text: string, hint: string): ComponentChildren => (
    <label>
      {text}{" "}
      <input
        {...(name === "duration" ? { ref: first } : {})}
        size={12}
        placeholder={hint}
        value={wish[name]}
        onInput={(event) => setWish({ ...wish, [name]: event.currentTarget.value })}
      />
    </label>
  );
  return (
    <form
      class="writing"
      aria-label="New forecast"
      onSubmit={submit}
      onKeyDown={(event) => event.key === "Escape" && !busy && props.onDone(undefined)}
    >
      {field("duration", "How far ahead", "12h, 3d, 1w")}
      {field("expiresIn", "Kept for", "14d; 0 for ever")}
      {field("memory", "Memory at most", "20mb")}
      <button type="submit" disabled={busy}>
        Make the forecast
      </button>
      {!busy && (
        <button type="button" onClick={() => props.onDone(undefined)}>
          Cancel
        </button>
      )}
      {job.state === "closed" && (
        <span class="aside">The job is closed: it is opened for the forecast and closed again.</span>
      )}
      {busy && (
        <span role="status">
          {far === undefined ? "Asked for" : far.status}{" "}
          <progress max={1} value={far?.progress ?? 0} aria-label="Progress of the forecast" />
        </span>
      )}
      {problem && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
    </form>
  );
}
