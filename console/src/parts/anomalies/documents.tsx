/** The documents behind an anomaly: how they are asked for, and what they say. */

import type { ComponentChildren } from "preact";
import { useAnswer } from "../asking";
import { useShared } from "../context";
import { Copyable } from "../copying";
import { Nothing, Shown } from "../states";
import type { Job } from "../../rest/jobs";
import type { Anomaly } from "../../rest/results";
import { documentsOf, MOST_DOCUMENTS, readDocuments, type Asked, type Documents } from "../../rest/series/documents";
import { number } from "../../shape/format";

/** The raw documents of an anomaly. */
export function RawDocuments(props: { anomaly: Anomaly; job: Job | undefined }): ComponentChildren {
  const asked = documentsOf(props.job, props.anomaly);
  return "why" in asked ? <Nothing>No documents: {asked.why}.</Nothing> : <Found asked={asked} />;
}

function Found(props: { asked: Asked }): ComponentChildren {
  const { ask } = useShared();
  const { asked } = props;
  const answer = useAnswer((signal) => readDocuments(ask, asked, signal), JSON.stringify([asked.path, asked.body]));
  const text = `POST ${asked.path}\n${JSON.stringify(asked.body, undefined, 2)}`;
  return (
    <div class="documents">
      {asked.left.map((words) => (
        <p key={words}>{words}</p>
      ))}
      <details>
        <summary>How they are asked for</summary>
        <Copyable what="The query" text={text} />
      </details>
      <Shown answer={answer} what="Documents">
        {(found) => <Table asked={asked} found={found} />}
      </Shown>
    </div>
  );
}

function Table(props: { asked: Asked; found: Documents }): ComponentChildren {
  const { formats } = useShared();
  const { documents, total } = props.found;
  if (documents.length === 0) {
    return <Nothing>No document of this series lies in its bucket: it is unusual for being absent, or gone since.</Nothing>;
  }
  return (
    <div class="scrolling">
      <table>
        <caption>
          {total > documents.length
            ? `The first ${number(MOST_DOCUMENTS, formats)} of ${number(total, formats)} documents`
            : `${number(total, formats)} documents`}
        </caption>
        <thead>
          <tr>
            {props.asked.columns.map((column) => (
              <th scope="col" key={column}>
                {column}
              </th>
            ))}
            <th scope="col">All of it</th>
          </tr>
        </thead>
        <tbody>
          {documents.map((one) => (
            <tr key={`${one.index} ${one.id}`}>
              {one.values.map((value, place) => (
                <td class="written" key={props.asked.columns[place]}>
                  {value}
                </td>
              ))}
              <td>
                <details>
                  <summary>{one.id}</summary>
                  <pre tabIndex={0} role="group" aria-label={`The document ${one.id}`}>
                    {one.source}
                  </pre>
                </details>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
