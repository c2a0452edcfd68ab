/** Rows into an index: each becomes a document as it is written, or is told with the reason why not. */

import { ServerError, type Ask } from "../server";
import type { Rejected, Row, Rows } from "./rows";
import type { FileField, Structure } from "./structure";

/** Letters of a request at most, since a console passes on a megabyte and a letter may be four bytes. */
const BATCH_LETTERS = 240_000;
const BATCH_ROWS = 2000;
const WHOLE = ["long", "unsigned_long", "integer", "short", "byte"];
const FRACTION = ["double", "float", "half_float", "scaled_float"];
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;
/** Decimal digits that every double keeps. */
const KEPT_DIGITS = 15;

/** What came of rows: every one of them is one or the other. */
export interface Loaded {
  readonly rows: number;
  readonly indexed: number;
  readonly rejected: readonly Rejected[];
  /** Why no more rows were sent; empty where all were. */
  readonly stopped: string;
}

/** The document of a row as JSON, or why it has none. */
export function documentOf(row: Row, structure: Structure): { readonly json: string } | { readonly reason: string } {
  const types = new Map(structure.fields.map((field) => [field.name, field]));
  if ("json" in row) {
    const reason = misfit(JSON.parse(row.json), "", types);
    return reason === "" ? { json: row.json } : { reason };
  }
  const parts: string[] = [];
  for (let k = 0; k < structure.columns.length; k++) {
    const [name, cell] = [structure.columns[k] as string, row.cells[k] ?? ""];
    if (cell !== "") {
      const field = types.get(name);
      if (field !== undefined && !fits(cell, field)) {
        return { reason: `${name} is ${field.type} in the index: ${JSON.stringify(cell)}` };
      }
      parts.push(`${JSON.stringify(name)}:${field !== undefined && exactly(cell, field) ? cell : JSON.stringify(cell)}`);
    }
  }
  return { json: `{${parts.join(",")}}` };
}

/** Whether an index takes a cell whole: it would cut the fraction off a whole number without a word. */
function fits(cell: string, field: FileField): boolean {
  if (WHOLE.includes(field.type)) {
    return /^-?\d+$/.test(cell);
  }
  return !FRACTION.includes(field.type) || NUMBER.test(cell);
}

/** Whether a cell can be written as a number and none of its digits is lost; else it is sent as text, which a server reads too. */
function exactly(cell: string, field: FileField): boolean {
  const numeric = WHOLE.includes(field.type) || FRACTION.includes(field.type);
  return numeric && NUMBER.test(cell) && cell.replace(/[eE].*$/, "").replace(/\D/g, "").length <= KEPT_DIGITS;
}

function misfit(value: unknown, name: string, types: ReadonlyMap<string, FileField>): string {
  if (Array.isArray(value)) {
    return value.map((item) => misfit(item, name, types)).find((reason) => reason !== "") ?? "";
  }
  if (typeof value === "object" && value !== null) {
    return (
      Object.entries(value)
        .map(([key, inner]) => misfit(inner, name === "" ? key : `${name}.${key}`, types))
        .find((reason) => reason !== "") ?? ""
    );
  }
  const field = types.get(name);
  const wrong = field !== undefined && WHOLE.includes(field.type) && typeof value === "number" && !Number.isInteger(value);
  return wrong ? `${name} is ${field.type} in the index: ${String(value)}` : "";
}

/** Creates an index, which must not be there yet. */
export async function createIndex(ask: Ask, index: string, structure: Structure): Promise<void> {
  await ask("PUT", encodeURIComponent(index), { mappings: structure.mappings });
}

/** Sends rows to an index; `onProgress` is told how many have been accounted for. */
export async function loadRows(ask: Ask, index: string, structure: Structure, found: Rows, onProgress: (done: number) => void): Promise<Loaded> {
  const rejected: Rejected[] = [...found.rejected];
  const rows = found.rows.length + found.rejected.length;
  let indexed = 0;
  let batch: { row: Row; json: string }[] = [];
  let size = 0;
  const send = async (refresh: boolean): Promise<void> => {
    const body = batch.map(({ json }) => `{"create":{}}\n${json}\n`).join("");
    const sent = batch;
    [batch, size] = [[], 0];
    const answer = sent.length === 0 ? { items: [] } : await ask("POST", `${encodeURIComponent(index)}/_bulk?refresh=${refresh}`, body);
    sent.forEach(({ row }, k) => {
      const error = answer.items[k]?.create?.error;
      if (answer.items[k]?.create === undefined || error !== undefined) {
        rejected.push({ line: row.line, reason: reasonOf(error), text: row.text });
      } else {
        indexed += 1;
      }
    });
    onProgress(indexed + rejected.length);
  };
  let stopped = "";
  try {
    for (const row of found.rows) {
      const made = documentOf(row, structure);
      if ("reason" in made) {
        rejected.push({ line: row.line, reason: made.reason, text: row.text });
        continue;
      }
      if (batch.length === BATCH_ROWS || (batch.length > 0 && size + made.json.length > BATCH_LETTERS)) {
        await send(false);
      }
      batch.push({ row, json: made.json });
      size += made.json.length + 16;
    }
    await send(true);
  } catch (error) {
    if (!(error instanceof ServerError)) {
      throw error;
    }
    stopped = error.message;
  }
  rejected.sort((a, b) => a.line - b.line);
  return { rows, indexed, rejected, stopped };
}

function reasonOf(error: any): string {
  if (error === undefined) {
    return "the server says nothing of this row";
  }
  const cause = error.caused_by?.reason;
  return typeof cause === "string" ? `${error.reason}: ${cause}` : String(error.reason);
}

/** A name for the index of a file: its own, without its ending and what no index may be called. */
export function indexName(file: string): string {
  const name = file.toLowerCase().replace(/[^a-z0-9._-]+/g, "-").replace(/^[^a-z0-9]+/, "").replace(/(\.[a-z0-9]{1,7})+$/, "").replace(/-+$/, "");
  return name.slice(0, 100) || "file";
}

/** What an index may be called here. */
export function namesIndex(name: string): boolean {
  return /^[a-z0-9][a-z0-9._+-]{0,254}$/.test(name);
}
