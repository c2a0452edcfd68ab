/** A file becomes an index: what it holds is shown before, and which rows were rejected after. */

import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { useShared } from "../context";
import { To } from "../marks";
import { READS_ONLY, writesAllowed } from "../writes";
import { createIndex, indexName, loadRows, namesIndex, type Loaded } from "../../rest/files/loading";
import { readable, readStructure, rowsOf, type Structure } from "../../rest/files/structure";
import type { Rejected, Rows } from "../../rest/files/rows";
import { ServerError } from "../../rest/server";
import { brief } from "../../shape/fields";
import { number } from "../../shape/format";

/** Bytes of a file at most: it is held in memory, and the command line reads larger ones in pieces. */
const MOST_BYTES = 100 * 1024 * 1024;
/** Rejected rows that are shown; all of them can be kept as a file. */
const SHOWN = 100;

type State =
  | { readonly step: "none" }
  | { readonly step: "busy"; readonly text: string }
  | { readonly step: "failed"; readonly message: string }
  | { readonly step: "read"; readonly file: string; readonly structure: Structure; readonly rows: Rows }
  | { readonly step: "loaded"; readonly index: string; readonly loaded: Loaded };

/** Where a file is chosen or dropped. */
export function FileDrop(): ComponentChildren {
  const { ask, formats } = useShared();
  const [state, setState] = useState<State>({ step: "none" });
  const [over, setOver] = useState(false);
  const failed = (error: unknown): void => {
    const advice = error instanceof ServerError ? ` ${error.advice}` : "";
    setState({ step: "failed", message: `${error instanceof Error ? error.message : String(error)}${advice}` });
  };
  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined) {
      return;
    }
    setState({ step: "busy", text: `Reading ${file.name} …` });
    try {
      const text = await textOf(file);
      const structure = await readStructure(ask, text);
      const rows = rowsOf(text, structure);
      if (rows === undefined) {
        throw new Error(`The lines are of a kind that only anomalyops ingest takes apart: anomalyops ingest ${file.name}`);
      }
      setState({ step: "read", file: file.name, structure, rows });
    } catch (error) {
      failed(error);
    }
  };
  const load = async (index: string, structure: Structure, rows: Rows): Promise<void> => {
    const all = number(rows.rows.length + rows.rejected.length, formats);
    setState({ step: "busy", text: `Creating ${index} …` });
    try {
      await createIndex(ask, index, structure);
      const loaded = await loadRows(ask, index, structure, rows, (done) =>
        setState({ step: "busy", text: `${number(done, formats)} of ${all} rows …` }),
      );
      setState({ step: "loaded", index, loaded });
    } catch (error) {
      failed(error);
    }
  };
  if (!writesAllowed()) {
    return (
      <section aria-label="A file as an index">
        <h2>A file as an index</h2>
        <p class="aside">{READS_ONLY}</p>
      </section>
    );
  }
  return (
    <section
      aria-label="A file as an index"
      class={over ? "drop over" : "drop"}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        void take(event.dataTransfer?.files[0]);
      }}
    >
      <h2>A file as an index</h2>
      <label>
        CSV, NDJSON, JSON or log lines, dropped here or chosen:{" "}
        <input
          type="file"
          onChange={(event) => {
            void take(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
      </label>
      <div aria-live="polite">
        {state.step === "busy" && <p class="waiting">{state.text}</p>}
        {state.step === "failed" && (
          <p class="problem" role="alert">
            {state.message}
          </p>
        )}
        {state.step === "read" && <Found key={state.file} {...state} onLoad={(index) => void load(index, state.structure, state.rows)} />}
        {state.step === "loaded" && <Came index={state.index} loaded={state.loaded} />}
      </div>
    </section>
  );
}

async function textOf(file: File): Promise<string> {
  if (file.size > MOST_BYTES) {
    throw new Error(`${file.name} has more than 100 MB; anomalyops ingest reads it in pieces.`);
  }
  try {
    return readable(new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer()));
  } catch (error) {
    if (error instanceof TypeError) {
      throw new Error(`${file.name} is no text in UTF-8; anomalyops ingest recognises other encodings and compressed files.`);
    }
    throw error;
  }
}

/** What a file holds, and the question what its index shall be called. */
function Found(props: { file: string; structure: Structure; rows: Rows; onLoad: (index: string) => void }): ComponentChildren {
  const { formats } = useShared();
  const { structure, rows } = props;
  const [name, setName] = useState(indexName(props.file));
  const count = rows.rows.length + rows.rejected.length;
  return (
    <>
      <p>
        <strong>{props.file}</strong>: {number(count, formats)} rows of {structure.format.replaceAll("_", " ")}.{" "}
        {structure.time === undefined
          ? "No field has a time that is known in every row: no job can be made of them."
          : `The time is in ${structure.time}${structure.local ? ", without a zone: it is taken as UTC" : ""}.`}{" "}
        {rows.rejected.length > 0 && `${number(rows.rejected.length, formats)} rows cannot be read and will be rejected. `}
        {structure.looked < count &&
          `Types are those of the first ${number(structure.looked, formats)} rows; a later row that does not fit them is rejected and told.`}
      </p>
      <div class="scrolling">
        <table>
          <caption>Fields of the index, before it is made</caption>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Type</th>
              <th scope="col">Times are written as</th>
              <th scope="col">Such as</th>
            </tr>
          </thead>
          <tbody>
            {structure.fields.map((field) => (
              <tr key={field.name}>
                <th scope="row" class="name">{field.name}</th>
                <td>{field.type}</td>
                <td>{field.format}</td>
                <td class="name">{field.example === "" ? "" : brief(field.example)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <RejectedRows rejected={rows.rejected} />
      <form
        class="tools"
        onSubmit={(event) => {
          event.preventDefault();
          if (namesIndex(name)) {
            props.onLoad(name);
          }
        }}
      >
        <label>
          Name of the index <input value={name} onInput={(event) => setName(event.currentTarget.value.trim())} />
        </label>
        <button type="submit" disabled={!namesIndex(name) || rows.rows.length === 0}>
          Create it and load {number(rows.rows.length, formats)} rows
        </button>
        {!namesIndex(name) && <span class="problem">Small letters, digits, dots, hyphens and underscores, a letter or digit first.</span>}
      </form>
    </>
  );
}

/** What came of the rows. */
function Came(props: { index: string; loaded: Loaded }): ComponentChildren {
  const { formats } = useShared();
  const { index, loaded } = props;
  const unknown = loaded.rows - loaded.indexed - loaded.rejected.length;
  return (
    <>
      <p role="status">
        <strong>
          {number(loaded.indexed, formats)} of {number(loaded.rows, formats)} rows are in {index}.
        </strong>{" "}
        {loaded.rejected.length > 0 && `${number(loaded.rejected.length, formats)} were rejected. `}
        <To place={{ view: "data", params: { index } }}>Look at {index}</To>
      </p>
      {loaded.stopped !== "" && (
        <p class="problem" role="alert">
          Loading ended early: {loaded.stopped}. What became of {number(unknown, formats)} rows is not known, or they were not sent.
        </p>
      )}
      <RejectedRows rejected={loaded.rejected} />
    </>
  );
}

function RejectedRows(props: { rejected: readonly Rejected[] }): ComponentChildren {
  const { formats } = useShared();
  const { rejected } = props;
  if (rejected.length === 0) {
    return null;
  }
  const keep = (): void => {
    const lines = rejected.map((row) => `${JSON.stringify(row)}\n`);
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob(lines, { type: "application/x-ndjson" }));
    link.download = "rejected.ndjson";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  };
  return (
    <>
      <div class="scrolling low" tabIndex={0} role="group" aria-label="Rejected rows">
        <table>
          <caption>
            Rejected rows
            {rejected.length > SHOWN && `: the first ${number(SHOWN, formats)} of ${number(rejected.length, formats)}`}
          </caption>
          <thead>
            <tr>
              <th scope="col" class="figure">Line</th>
              <th scope="col">Reason</th>
              <th scope="col">Text</th>
            </tr>
          </thead>
          <tbody>
            {rejected.slice(0, SHOWN).map((row) => (
              <tr key={row.line}>
                <td class="figure">{number(row.line, formats)}</td>
                <td class="name">{row.reason}</td>
                <td class="name">{brief(row.text)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <button type="button" onClick={keep}>
        Keep all rejected rows as a file
      </button>
    </>
  );
}
