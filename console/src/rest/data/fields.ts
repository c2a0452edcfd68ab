/** The fields of indices, as `_field_caps` tells them. */

import type { Ask } from "../server";

/** What can be said of the values of a field. */
export type FieldKind = "number" | "date" | "words" | "text" | "point" | "other";

/** A field of the documents. */
export interface Field {
  readonly name: string;
  /** Its type; types with commas where indices disagree. */
  readonly type: string;
  readonly kind: FieldKind;
  readonly searchable: boolean;
  /** Whether its values are whole numbers. */
  readonly whole: boolean;
  /** Why its values are not summed up; empty where they are. */
  readonly reason: string;
}

const WHOLE = ["long", "integer", "short", "byte", "unsigned_long"];
const KINDS: readonly (readonly [FieldKind, readonly string[]])[] = [
  ["number", [...WHOLE, "double", "float", "half_float", "scaled_float"]],
  ["date", ["date", "date_nanos"]],
  ["words", ["keyword", "constant_keyword", "wildcard", "ip", "version", "boolean"]],
  ["point", ["geo_point"]],
  ["text", ["text", "match_only_text", "annotated_text", "search_as_you_type"]],
];
/** What holds other fields, and no values of its own. */
const HOLDERS: readonly string[] = ["object", "nested", "passthrough"];

/** The fields of an index, of several, or of those that a pattern fits. */
export async function readFields(ask: Ask, index: string, signal?: AbortSignal): Promise<Field[]> {
  return shapeFields((await ask("GET", `${encodeURIComponent(index)}/_field_caps?fields=*`, undefined, signal)).fields);
}

/** Fields of the server's answer, by their names; what belongs to the server and not to the documents is left out. */
export function shapeFields(caps: Readonly<Record<string, Readonly<Record<string, any>>>>): Field[] {
  return Object.entries(caps)
    .flatMap(([name, types]) => {
      const given = Object.values(types).filter((one) => one.type !== "unmapped");
      const own = given.some((one) => one.metadata_field === true) || name.startsWith("_");
      const leaves = given.filter((one) => !HOLDERS.includes(one.type));
      return own || leaves.length === 0 ? [] : [shapeField(name, leaves)];
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function shapeField(name: string, types: readonly any[]): Field {
  const kinds = new Set(types.map((one) => kindOf(one.type)));
  const [only] = kinds;
  const agreed = kinds.size === 1 && only !== undefined ? only : "other";
  const aggregatable = types.every((one) => one.aggregatable === true);
  const counts = types.some((one) => one.time_series_metric === "counter");
  const reason = reasonOf(agreed, kinds.size, aggregatable, counts);
  return {
    name,
    type: types.map((one) => one.type as string).sort().join(", "),
    kind: reason === "" || agreed === "text" ? agreed : "other",
    searchable: types.every((one) => one.searchable === true),
    whole: types.every((one) => WHOLE.includes(one.type)),
    reason,
  };
}

function kindOf(type: string): FieldKind {
  return KINDS.find(([, types]) => types.includes(type))?.[0] ?? "other";
}

function reasonOf(kind: FieldKind, kinds: number, aggregatable: boolean, counts: boolean): string {
  if (kinds > 1) {
    return "Indices disagree on its type.";
  }
  if (kind === "text") {
    return "The words of texts cannot be counted; a keyword field beside it can.";
  }
  if (kind === "other") {
    return "Values of this type are not summed up here.";
  }
  if (counts) {
    return "A counter only ever grows; its values alone say nothing.";
  }
  return aggregatable ? "" : "Its values are not kept in columns (doc_values), so they cannot be summed up.";
}

/** The field that orders documents in time: the one that is asked for, a usual name, or the first date there is. */
export function timeField(fields: readonly Field[], wanted: string | undefined): string | undefined {
  const dates = fields.filter((field) => field.kind === "date").map((field) => field.name);
  return [wanted, "@timestamp", "timestamp", dates[0]].find((name) => name !== undefined && dates.includes(name));
}
