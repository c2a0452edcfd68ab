/** The controls that views share: severity and time. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useShared } from "./context";
import { time } from "../shape/format";
import { BANDS } from "../shape/severity";
import { iso, parseTime, type Range } from "../state/range";
import { withParams } from "../state/place";

/** Chooses the least severity that is shown. */
export function SeverityControl(props: { least: number }): ComponentChildren {
  const { place, go } = useShared();
  return (
    <label>
      Severity{" "}
      <select
        value={String(props.least)}
        onChange={(event) => go(withParams(place, { severity: event.currentTarget.value }))}
      >
        {BANDS.map((band) => (
          <option value={String(band.threshold)} key={band.name}>
            {band.name} ({band.threshold} and more)
          </option>
        ))}
      </select>
    </label>
  );
}

/** Chooses the stretch of time, in words such as `now-7d` or as dates. */
export function TimeControl(props: { range: Range; whole: Range }): ComponentChildren {
  const { place, go, formats, now } = useShared();
  const [from, setFrom] = useState<string | undefined>(undefined);
  const [to, setTo] = useState<string | undefined>(undefined);
  const [problem, setProblem] = useState("");
  const submit = (event: Event): void => {
    event.preventDefault();
    const begin = from ?? iso(props.range.from);
    const end = to ?? iso(props.range.to);
    const [b, e] = [parseTime(begin, now), parseTime(end, now)];
    if (b === undefined || e === undefined) {
      setProblem(`“${b === undefined ? begin : end}” is no time; write a date such as 2026-01-31T12:00Z, or now-7d.`);
    } else if (b >= e) {
      setProblem("The time ends before it begins.");
    } else {
      setProblem("");
      setFrom(undefined);
      setTo(undefined);
      go(withParams(place, { from: begin, to: end }));
    }
  };
  const step = (change: (range: Range) => Range): void => {
    const next = change(props.range);
    setFrom(undefined);
    setTo(undefined);
    go(withParams(place, { from: iso(next.from), to: iso(next.to) }));
  };
  const length = props.range.to - props.range.from;
  return (
    <form class="time" onSubmit={submit} aria-label="Time range">
      <label>
        From <input value={from ?? iso(props.range.from)} onInput={(event) => setFrom(event.currentTarget.value)} />
      </label>
      <label>
        To <input value={to ?? iso(props.range.to)} onInput={(event) => setTo(event.currentTarget.value)} />
      </label>
      <button type="submit">Show</button>
      <button type="button" onClick={() => step((r) => ({ from: r.from - length / 2, to: r.to - length / 2 }))}>
        Earlier
      </button>
      <button type="button" onClick={() => step((r) => ({ from: r.from + length / 2, to: r.to + length / 2 }))}>
        Later
      </button>
      <button type="button" onClick={() => step((r) => ({ from: r.from + length / 4, to: r.to - length / 4 }))}>
        Closer
      </button>
      <button type="button" onClick={() => go(withParams(place, { from: "", to: "" }))}>
        All data
      </button>
      <span class="aside">
        {time(props.range.from, formats)} to {time(props.range.to, formats)}, {formats.zone}
      </span>
      {problem && (
        <span class="problem" role="alert">
          {problem}
        </span>
      )}
    </form>
  );
}
