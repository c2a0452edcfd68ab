/** What stands behind a row of the table of anomalies: what its score is made of, and what can be done next. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useShared } from "../context";
import { To } from "../marks";
import { RawDocuments } from "./documents";
import { RuleOf } from "./rule";
import type { Job } from "../../rest/jobs";
import type { Anomaly } from "../../rest/results";
import { factors } from "../../shape/explanation";
import { probability, score } from "../../shape/format";
import { seriesPlace } from "../../shape/links";
import { linkOf, type Link } from "../../shape/urls";

/** The details of an anomaly. */
export function Details(props: { anomaly: Anomaly; job: Job | undefined }): ComponentChildren {
  const { anomaly } = props;
  const { formats } = useShared();
  const parts = factors(anomaly, formats);
  return (
    <div class="details">
      <dl>
        <dt>Score now, and at first</dt>
        <dd>
          {score(anomaly.score, formats)}, {score(anomaly.initialScore, formats)}
        </dd>
        <dt>Probability</dt>
        <dd>{probability(anomaly.probability, formats)}</dd>
      </dl>
      {parts.length === 0 ? (
        <p>The server tells no explanation of this anomaly.</p>
      ) : (
        <table>
          <caption>What the score is made of</caption>
          <tbody>
            {parts.map((part) => (
              <tr key={part.name}>
                <th scope="row">{part.name}</th>
                <td>
                  {part.strength !== undefined && (
                    <meter min={0} max={5} value={part.strength} aria-label={`${part.name}: ${part.strength} of 5`} />
                  )}
                </td>
                <td>{part.text}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <Next {...props} />
    </div>
  );
}

function Next(props: { anomaly: Anomaly; job: Job | undefined }): ComponentChildren {
  const [raw, setRaw] = useState(false);
  const [ruling, setRuling] = useState(false);
  const { anomaly, job } = props;
  const detector = job?.detectors.find((one) => one.index === anomaly.detector);
  const links = (job?.urls ?? []).map((url) => linkOf(url, anomaly, document.baseURI));
  return (
    <>
      <ul class="next" aria-label="What to look at next">
        <li>
          <To place={seriesPlace(anomaly, job)}>View series</To>
        </li>
        <li>
          <button type="button" aria-expanded={raw} onClick={() => setRaw(!raw)}>
            Raw documents
          </button>
        </li>
        {detector && (
          <li>
            <button type="button" aria-expanded={ruling} onClick={() => setRuling(!ruling)}>
              Rule from this anomaly
            </button>
          </li>
        )}
        {links.map((link, place) => (
          <li key={`${place} ${link.name}`}>
            <Linked link={link} />
          </li>
        ))}
      </ul>
      {raw && <RawDocuments anomaly={anomaly} job={job} />}
      {ruling && job && detector && <RuleOf anomaly={anomaly} job={job} detector={detector} />}
    </>
  );
}

function Linked(props: { link: Link }): ComponentChildren {
  const { link } = props;
  if (link.kind === "address") {
    return (
      <a href={link.address} target="_blank" rel="noopener noreferrer">
        {link.name}
      </a>
    );
  }
  return link.kind === "kibana" ? (
    <span>
      {link.name}, in Kibana: <code>{link.address}</code>
    </span>
  ) : (
    <span class="aside">
      {link.name}: {link.why}
    </span>
  );
}
