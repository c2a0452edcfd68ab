/** Reports of investigations, from files: on a cluster they are objects of Kubernetes, which no call of Elasticsearch reaches. */

import type { ComponentChildren } from "preact";
import { useId, useState } from "preact/hooks";
import { useShared } from "../parts/context";
import { Score, To } from "../parts/marks";
import { Nothing } from "../parts/states";
import { number, time } from "../shape/format";
import { readReport, type Report } from "../shape/report";

type State = { readonly report: Report; readonly file: string } | { readonly problem: string } | undefined;

/** Shows the report of a file that is chosen, or dropped on the page. */
export function ReportView(): ComponentChildren {
  const [state, setState] = useState<State>(undefined);
  const id = useId();
  const read = async (file: File | undefined): Promise<void> => {
    if (file !== undefined) {
      try {
        setState({ report: readReport(await file.text()), file: file.name });
      } catch (error) {
        setState({ problem: `${file.name}: ${(error as Error).message}` });
      }
    }
  };
  const drop = (event: DragEvent): void => {
    event.preventDefault();
    void read(event.dataTransfer?.files[0]);
  };
  return (
    <main id="main" onDragOver={(event) => event.preventDefault()} onDrop={drop}>
      <h1>Investigations</h1>
      <p class="aside">
        <code>anomalyops investigate --start now-2h --report x.json --url …</code> says what broke; its report is shown here, and goes nowhere. An{" "}
        <code>Investigation</code> of a cluster is an object of Kubernetes: this page speaks to Elasticsearch alone and sees none. Its report is a text in a
        ConfigMap there (<code>kubectl get configmap</code>); to look at it here, let the command write the same window as <code>.json</code>.
      </p>
      <div class="field">
        <label for={id}>Report (.json), also dropped anywhere on this page</label>
        <input id={id} type="file" accept=".json,application/json" onChange={(event) => void read(event.currentTarget.files?.[0])} />
      </div>
      {state === undefined && <Nothing>No report is open.</Nothing>}
      {state !== undefined && "problem" in state && (
        <p class="problem" role="alert">
          {state.problem}
        </p>
      )}
      {state !== undefined && "report" in state && <Shown report={state.report} file={state.file} />}
    </main>
  );
}

function Shown(props: { report: Report; file: string }): ComponentChildren {
  const { formats } = useShared();
  const { report } = props;
  const span = { from: new Date(report.from).toISOString(), to: new Date(report.to).toISOString() };
  return (
    <article aria-label={`Report ${props.file}`}>
      <h2>
        {time(report.from, formats)} to {time(report.to, formats)}
      </h2>
      {report.cause === "" ? (
        <Nothing>{report.empty || "Nothing was found."}</Nothing>
      ) : (
        <p>
          <strong>{report.cause}</strong> is the most likely cause: {report.fault} fault, severity {report.severity}.
        </p>
      )}
      <Bullets title="Recommended actions" items={report.actions} />
      {report.suspects.length > 0 && <Suspects report={report} />}
      <Bullets title="What leads what" items={report.leads} />
      {report.jobs.length > 0 && (
        <p>
          <To place={{ view: "explorer", params: { jobs: report.jobs.join(","), ...span } }}>Explore the {number(report.jobs.length, formats)} affected jobs in this time</To>
        </p>
      )}
      <Bullets title="What limits this" items={report.notes} />
    </article>
  );
}

function Suspects(props: { report: Report }): ComponentChildren {
  const { formats } = useShared();
  return (
    <div class="scrolling" role="region" aria-label="Suspects" tabIndex={0}>
      <table>
        <caption>Suspects, the likeliest first</caption>
        <thead>
          <tr>
            <th scope="col">Entity</th>
            <th scope="col" class="figure">Likely</th>
            <th scope="col">Onset</th>
            <th scope="col" class="figure">Worst score</th>
            <th scope="col">Jobs</th>
          </tr>
        </thead>
        <tbody>
          {props.report.suspects.map((one) => (
            <tr key={one.entity + one.fields.join()}>
              <th scope="row">
                {one.entity}
                {one.fields.length > 0 && <span class="aside"> ({one.fields.join(", ")})</span>}
              </th>
              <td class="figure">{number(Math.round(one.likelihood * 100), formats)} %</td>
              <td>{time(one.onsetMs, formats)}</td>
              <td class="figure">
                <Score value={one.worst} />
              </td>
              <td>{one.jobs.join(", ")}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Bullets(props: { title: string; items: readonly string[] }): ComponentChildren {
  return props.items.length === 0 ? null : (
    <>
      <h3>{props.title}</h3>
      <ul>
        {props.items.map((one) => (
          <li key={one}>{one}</li>
        ))}
      </ul>
    </>
  );
}
