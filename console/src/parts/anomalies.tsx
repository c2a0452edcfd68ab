/** The table of anomalies, the worst first, with what each is made of behind a row's button. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Details } from "./anomalies/details";
import { useShared } from "./context";
import { usePaging } from "./paging";
import { Narrows, Score, To } from "./marks";
import { Nothing } from "./states";
import { severalBuckets } from "../shape/explanation";
import { departureOf, figureOf } from "../shape/figures";
import { number, time } from "../shape/format";
import { seriesPlace } from "../shape/links";
import { byInterval, type Interval, INTERVALS } from "../shape/records";
import type { Job } from "../rest/jobs";
import { MOST_RECORDS, type Anomaly, type Entity, type Found } from "../rest/results";

/** Rows of a page. */
const PAGE = 100;

/** The table of records. */
export function Anomalies(props: {
  found: Found;
  jobs: readonly Job[];
  interval: Interval;
  onInterval: (interval: Interval) => void;
  /** Adds to the query that there is a value, or that there is not. */
  onNarrow?: (entity: Entity, present: boolean) => void;
}): ComponentChildren {
  const { formats } = useShared();
  const { found } = props;
  const rows = byInterval(found.anomalies, props.interval, formats.zone);
  const { first, last, words, turns } = usePaging(rows.length, PAGE);
  if (found.total === 0) {
    return (
      <Nothing>
        No anomaly with this severity in this time. What the models saw lay inside of what they expected, or they have
        not come so far: the list of jobs tells the latest record.
      </Nothing>
    );
  }
  return (
    <section aria-label="Anomalies">
      <p class="tools">
        <label>
          Interval{" "}
          <select
            value={props.interval}
            onChange={(event) => props.onInterval(event.currentTarget.value as Interval)}
          >
            {INTERVALS.map(({ name, text }) => (
              <option value={name} key={name}>
                {text}
              </option>
            ))}
          </select>
        </label>{" "}
        {found.total > MOST_RECORDS &&
          `The worst ${number(MOST_RECORDS, formats)} of ${number(found.total, formats)} records are looked at.`}
      </p>
      <div class="scrolling">
        <table>
          <caption>
            {words} {rows.length === 1 ? "anomaly" : "anomalies"}, the worst first {turns}
          </caption>
          <thead>
            <tr>
              <th scope="col">
                <span class="unseen">Details</span>
              </th>
              <th scope="col">Time</th>
              <th scope="col">Severity</th>
              <th scope="col">Detector</th>
              <th scope="col">Found for</th>
              <th scope="col">Influenced by</th>
              <th scope="col" class="figure">Actual</th>
              <th scope="col" class="figure">Typical</th>
              <th scope="col">Description</th>
              <th scope="col">Job</th>
            </tr>
          </thead>
          <tbody>
            {rows.slice(first, last).map((anomaly) => (
              <Row
                key={`${anomaly.jobId} ${anomaly.timeMs} ${anomaly.detector} ${anomaly.entities.map((e) => e.value).join(" ")}`}
                anomaly={anomaly}
                job={props.jobs.find((job) => job.id === anomaly.jobId)}
                onNarrow={props.onNarrow}
              />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row(props: {
  anomaly: Anomaly;
  job: Job | undefined;
  onNarrow: ((entity: Entity, present: boolean) => void) | undefined;
}): ComponentChildren {
  const { anomaly, job } = props;
  const { formats } = useShared();
  const [open, setOpen] = useState(false);
  return (
    <>
      <tr>
        <td>
          <button
            type="button"
            class="plain"
            aria-expanded={open}
            aria-label={`Details of the anomaly at ${time(anomaly.timeMs, formats)}`}
            onClick={() => setOpen(!open)}
          >
            {open ? "▾" : "▸"}
          </button>
        </td>
        <td class="moment">{time(anomaly.timeMs, formats)}</td>
        <td>
          <Score value={anomaly.score} />
          {severalBuckets(anomaly) && <span title="several buckets together"> ✚</span>}
          {anomaly.interim && <span class="tag">interim</span>}
        </td>
        <td>{job?.detectors.find((one) => one.index === anomaly.detector)?.text ?? anomaly.function}</td>
        <td>
          <Entities of={anomaly.entities} onNarrow={props.onNarrow} />
        </td>
        <td>
          <Entities of={anomaly.influencers} onNarrow={props.onNarrow} />
        </td>
        <td class="figure">{figureOf(anomaly, "actual", formats)}</td>
        <td class="figure">{figureOf(anomaly, "typical", formats)}</td>
        <td>{departureOf(anomaly, formats)}</td>
        <td>
          <To place={seriesPlace(anomaly, job)} label={`View the series of ${anomaly.jobId} at this time`}>
            {anomaly.jobId}
          </To>
        </td>
      </tr>
      {open && (
        <tr>
          <td />
          <td colSpan={9}>
            <Details anomaly={anomaly} job={job} />
          </td>
        </tr>
      )}
    </>
  );
}

function Entities(props: {
  of: readonly Entity[];
  onNarrow: ((entity: Entity, present: boolean) => void) | undefined;
}): ComponentChildren {
  const { onNarrow } = props;
  return (
    <>
      {props.of.map((entity) => (
        <div key={`${entity.field} ${entity.value}`}>
          {entity.field}: {entity.value}
          {onNarrow && <Narrows entity={entity} onNarrow={onNarrow} />}
        </div>
      ))}
    </>
  );
}
