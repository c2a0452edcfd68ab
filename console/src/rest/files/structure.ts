/** What a text holds, as the server finds it, and the mapping of an index for it. */

import type { Ask, Json } from "../server";
import { arrayLines, delimitedRows, jsonRows, linesOf, patternRows, type Rows } from "./rows";

/** Letters of a sample at most; a console passes on a megabyte. */
const SAMPLE_LETTERS = 250_000;
/** Lines of a sample at most. */
const SAMPLE_LINES = 5000;

/** A field that a text has. */
export interface FileField {
  readonly name: string;
  readonly type: string;
  /** The form of its times. */
  readonly format: string;
  readonly example: string;
}

/** How a text is read, and what it holds. */
export interface Structure {
  readonly format: "delimited" | "ndjson" | "semi_structured_text";
  readonly delimiter: string;
  readonly header: boolean;
  readonly columns: readonly string[];
  readonly pattern: RegExp | undefined;
  readonly fields: readonly FileField[];
  readonly time: string | undefined;
  /** Its times name no zone: they are taken as UTC. */
  readonly local: boolean;
  readonly mappings: Json;
  readonly looked: number;
}

/** The text as the server can be asked for it: an array as lines. */
export function readable(text: string): string {
  const whole = text.replace(/^\ufeff/, "");
  return arrayLines(whole) ?? whole;
}

/** The first lines of a text, whole ones. */
export function sampleOf(text: string): string {
  const lines = linesOf(text.slice(0, SAMPLE_LETTERS));
  const whole = text.length > SAMPLE_LETTERS && lines.length > 1 ? lines.slice(0, -1) : lines;
  return `${whole.slice(0, SAMPLE_LINES).join("\n")}\n`;
}

/** Asks the server what a text holds. */
export async function readStructure(ask: Ask, text: string, signal?: AbortSignal): Promise<Structure> {
  const path = `_text_structure/find_structure?lines_to_sample=${SAMPLE_LINES}`;
  return shapeStructure(await ask("POST", path, sampleOf(text), signal));
}

const MAPPED: Readonly<Record<string, string>> = { ISO8601: "iso8601", UNIX_MS: "epoch_millis", UNIX: "epoch_second" };

/** The structure of the server's answer. */
export function shapeStructure(answer: any): Structure {
  const properties: { [key: string]: any } = { ...answer.mappings?.properties };
  const time = answer.timestamp_field as string | undefined;
  const format = ((answer.java_timestamp_formats ?? []) as string[]).map((one) => MAPPED[one] ?? one).join("||");
  const columns = (answer.column_names ?? []) as string[];
  const pattern = patternOf(answer.grok_pattern);
  // Elasticsearch fills this field by a pipeline, which is not used here: the time field has its format itself.
  if (!columns.includes("@timestamp") && time !== "@timestamp") {
    delete properties["@timestamp"];
  }
  if (time !== undefined && format !== "" && !time.includes(".")) {
    properties[time] = { type: "date", format };
  }
  return {
    format: answer.format,
    delimiter: answer.delimiter ?? ",",
    header: answer.has_header_row === true,
    columns: pattern === undefined ? columns : groupNames(pattern),
    pattern,
    fields: leaves(properties, "", answer.field_stats ?? {}),
    time,
    local: answer.need_client_timezone === true,
    mappings: { properties },
    looked: answer.num_messages_analyzed,
  };
}

/** A pattern as an expression; undefined where it names others that only the server knows. */
function patternOf(grok: string | undefined): RegExp | undefined {
  if (grok === undefined || grok.includes("%{")) {
    return undefined;
  }
  try {
    return new RegExp(`^(?:${grok})$`);
  } catch {
    return undefined;
  }
}

function groupNames(pattern: RegExp): string[] {
  return [...pattern.source.matchAll(/\(\?<(\w+)>/g)].map((found) => found[1] as string);
}

function leaves(properties: { [key: string]: any }, prefix: string, stats: any): FileField[] {
  return Object.entries(properties).flatMap(([key, property]) => {
    const name = prefix + key;
    if (property.properties !== undefined) {
      return leaves(property.properties, `${name}.`, stats);
    }
    const example = stats[name]?.top_hits?.[0]?.value;
    return [{ name, type: property.type, format: property.format ?? "", example: example === undefined ? "" : String(example) }];
  });
}

/** The rows of a text of this structure; undefined where they cannot be taken apart here. */
export function rowsOf(text: string, structure: Structure): Rows | undefined {
  if (structure.format === "delimited") {
    return delimitedRows(text, structure.delimiter, structure.columns, structure.header);
  }
  if (structure.format === "ndjson") {
    return jsonRows(text);
  }
  return structure.pattern && patternRows(text, structure.pattern, structure.columns);
}
