/** The single metric viewer: one series, what was expected of it, and where it departed. */

import type { ComponentChildren } from "preact";
import { useMemo, useState } from "preact/hooks";
import { Anomalies } from "../parts/anomalies";
import { shown, useAnswer, type Answer } from "../parts/asking";
import { useAnnotations } from "../parts/annotations/asked";
import type { Subject } from "../parts/annotations/form";
import { AnnotationsOf } from "../parts/annotations/strip";
import { INSET, type Shade } from "../parts/chart";
import { useShared } from "../parts/context";
import { SeverityControl, TimeControl } from "../parts/controls";
import { Context } from "../parts/series/context";
import { Charted } from "../parts/series/charted";
import { useForecast } from "../parts/series/forecasted";
import { Forecasts } from "../parts/series/forecasts";
import { Nothing, Shown } from "../parts/states";
import { concerns } from "../rest/annotations/annotations";
import { readForecasts, type Forecast } from "../rest/forecasts/forecasts";
import { readJobs, wholeRange, type Detector, type Job, type Role } from "../rest/jobs";
import { readRecords, type SeriesPart } from "../rest/results";
import { MOST_EVENT_BUCKETS, readEvents, type Scheduled } from "../rest/series/context";
import { partOf, readDrawn } from "../rest/series/drawn";
import { select } from "../rest/series/selectors";
import { METRIC_PARTS } from "../rest/series/source";
import { number, time } from "../shape/format";
import { parseInterval } from "../shape/records";
import { withParams } from "../state/place";
import { cellWidth, parseRange, type Range } from "../state/range";

/** Points of a chart at most; what is longer is drawn in wider cells. */
const MOST_POINTS = 800;

/** The single metric viewer. */
export function SeriesView(): ComponentChildren {
  const { ask, place } = useShared();
  const answer = useAnswer(() => readJobs(ask), "jobs");
  return (
    <main id="main">
      <h1>Single metric viewer</h1>
      <Shown answer={answer} what="Jobs">
        {(jobs) => {
          const job = jobs.find((one) => one.id === place.params["job"]) ?? jobs[0];
          return job === undefined ? (
            <Nothing>This server has no anomaly detection jobs yet, or these credentials see none.</Nothing>
          ) : (
            <OfJob key={job.id} job={job} jobs={jobs} />
          );
        }}
      </Shown>
    </main>
  );
}

function OfJob(props: { job: Job; jobs: readonly Job[] }): ComponentChildren {
  const { ask, place, go, now } = useShared();
  const { job } = props;
  const wanted = Number(place.params["detector"] ?? "0");
  const detector = job.detectors.find((one) => one.index === wanted) ?? job.detectors[0];
  const known = wholeRange([job], now);
  const selected = useAnswer(
    async (signal) => detector && (await select(ask, job, detector, place.params, known, signal)),
    JSON.stringify([job.id, detector?.index, place.params["partition"], place.params["over"], place.params["by"]]),
  );
  const [version, setVersion] = useState(0);
  const forecasts = useAnswer((signal) => readForecasts(ask, job.id, signal), JSON.stringify([job.id, version]));
  if (detector === undefined) {
    return <Nothing>The job {job.id} has no detector.</Nothing>;
  }
  const found = shown(selected);
  const parts = found?.parts ?? [];
  const part = partOf(detector, place.params["part"]);
  const chosen = shown(forecasts)?.find((one) => one.id === place.params["forecast"]);
  const whole = chosen === undefined ? known : { from: known.from, to: Math.max(known.to, chosen.range.to) };
  const range = parseRange(place.params["from"], place.params["to"], whole, now);
  return (
    <>
      <div class="tools">
        <label>
          Job{" "}
          <select
            value={job.id}
            onChange={(event) => go({ view: "series", params: { job: event.currentTarget.value } })}
          >
            {props.jobs.map((one) => (
              <option value={one.id} key={one.id}>
                {one.id}
              </option>
            ))}
          </select>
        </label>
        <label>
          Detector{" "}
          <select
            value={String(detector.index)}
            onChange={(event) =>
              go(withParams(place, { detector: event.currentTarget.value, partition: "", over: "", by: "", part: "" }))
            }
          >
            {job.detectors.map((one) => (
              <option value={String(one.index)} key={one.index}>
                {one.text}
              </option>
            ))}
          </select>
        </label>
        {part !== undefined && (
          <label>
            Function{" "}
            <select value={part} onChange={(event) => go(withParams(place, { part: event.currentTarget.value }))}>
              {METRIC_PARTS.map((name) => (
                <option value={name} key={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        {detector.splits.map(({ role, field }) => (
          <label key={role}>
            {field}{" "}
            <input
              list={`choices-${role}`}
              value={parts.find((part) => part.role === role)?.value ?? ""}
              onChange={(event) => go(withParams(place, { ...after(detector, role), [role]: event.currentTarget.value }))}
            />
            <datalist id={`choices-${role}`}>
              {(found?.choices.get(role) ?? []).map((value) => (
                <option value={value} key={value} />
              ))}
            </datalist>
          </label>
        ))}
        <SeverityControl least={Number(place.params["severity"] ?? "3") || 0} />
      </div>
      <TimeControl range={range} whole={whole} />
      <Shown answer={selected} what="Series">
        {() => (
          <OfSeries
            job={job}
            jobs={props.jobs}
            detector={detector}
            parts={parts}
            range={range}
            whole={whole}
            forecasts={forecasts}
            chosen={chosen}
            onMade={(made) => {
              setVersion(version + 1);
              // What lies ahead is to be seen.
              const beyond = made.range.to > range.to ? { to: new Date(made.range.to).toISOString() } : {};
              go(withParams(place, { forecast: made.id, ...(place.params["to"] === undefined ? {} : beyond) }));
            }}
          />
        )}
      </Shown>
    </>
  );
}

/** What is no longer chosen where the value of one split changes: those that come after it. */
function after(detector: Detector, role: Role): Record<string, string> {
  const at = detector.splits.findIndex((one) => one.role === role);
  return Object.fromEntries(detector.splits.slice(at + 1).map((split) => [split.role, ""]));
}

function OfSeries(props: {
  job: Job;
  jobs: readonly Job[];
  detector: Detector;
  parts: readonly SeriesPart[];
  range: Range;
  whole: Range;
  forecasts: Answer<readonly Forecast[]>;
  chosen: Forecast | undefined;
  onMade: (forecast: Forecast) => void;
}): ComponentChildren {
  const { ask, place, go } = useShared();
  const { job, detector, parts, range, chosen } = props;
  const least = Number(place.params["severity"] ?? "3") || 0;
  const part = partOf(detector, place.params["part"]);
  const narrow = {
    leastScore: least,
    detector: detector.index,
    entities: parts,
    ...(part === undefined ? {} : { described: part }),
  };
  const cell = cellWidth(range, job.spanMs, MOST_POINTS);
  const answer = useAnswer(
    async (signal) =>
      await Promise.all([
        readDrawn(ask, job, detector, parts, part, range, cell, signal),
        readRecords(ask, [job.id], range, narrow, signal),
        readEvents(ask, job.id, range, signal),
      ]),
    JSON.stringify([job.id, detector.index, parts, part, range, cell, least]),
  );
  const annotating = useAnnotations(useMemo(() => [job.id], [job.id]), range);
  const { ahead, comparison } = useForecast(job, detector, parts, part, range, cell, chosen);
  const noted = shown(annotating.answer)?.annotations;
  const scheduled = shown(answer)?.[2];
  const shades = useMemo<Shade[]>(
    () => [
      ...(scheduled ?? []).map((one) => ({ range: one.range, colour: "event" as const })),
      ...(noted ?? [])
        .filter((one) => concerns(one, detector, parts))
        .map((one) => ({ range: one.range, colour: "note" as const })),
    ],
    [noted, scheduled, detector.index, JSON.stringify(parts)],
  );
  return (
    <Shown answer={answer} what="Series">
      {([drawn, found, events]) => (
        <>
          <Context job={job} detector={detector} parts={parts} part={part} whole={props.whole} range={range} />
          <Charted
            job={job}
            drawn={drawn}
            forecast={ahead}
            anomalies={found.anomalies}
            shades={shades}
            range={range}
            label={`${detector.text} of ${job.id}`}
            onAnnotate={(stretch) => annotating.write({ range: stretch, before: undefined })}
          />
          <Events events={events} />
          <AnnotationsOf
            annotating={annotating}
            range={range}
            subjects={subjectsOf(job, detector, parts)}
            keeps={(one) => concerns(one, detector, parts)}
            inset={INSET}
          />
          <Forecasts
            job={job}
            detector={detector}
            forecasts={props.forecasts}
            chosen={chosen}
            comparison={comparison}
            onMade={props.onMade}
          />
          <h2>Anomalies</h2>
          <Anomalies
            found={found}
            jobs={props.jobs}
            interval={parseInterval(place.params["interval"])}
            onInterval={(interval) => go(withParams(place, { interval }))}
          />
        </>
      )}
    </Shown>
  );
}

/** The scheduled events that are shaded in the chart, in words. */
function Events(props: { events: readonly Scheduled[] }): ComponentChildren {
  const { formats } = useShared();
  const { events } = props;
  if (events.length === 0) {
    return null;
  }
  return (
    <details>
      <summary>
        {number(events.length, formats)} scheduled events, shaded grey in the chart
        {events.length >= MOST_EVENT_BUCKETS && ": the first ones"}
      </summary>
      <ul>
        {events.map((one) => (
          <li key={`${one.text} ${one.range.from}`}>
            {time(one.range.from, formats)} to {time(one.range.to, formats)}: {one.text}
          </li>
        ))}
      </ul>
    </details>
  );
}

/** What an annotation of this view can be about. */
function subjectsOf(job: Job, detector: Detector, parts: readonly SeriesPart[]): Subject[] {
  const series = parts.map((part) => `${part.field} ${part.value}`).join(", ");
  return [
    { text: series === "" ? detector.text : `${detector.text}, ${series}`, jobId: job.id, detector: detector.index, parts },
    { text: `the whole job ${job.id}`, jobId: job.id, detector: undefined, parts: [] },
  ];
}
