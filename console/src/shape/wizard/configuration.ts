/** Which fields jobs and datafeeds have, and of which types: what a text of JSON is checked with and manifests are made by. */

import type { Json } from "../../rest/server";
import fields from "./fields.json";

/** A type by its name, an object with named fields, a list of such, or one under keys that the user names. */
export type Type = string | { readonly [field: string]: Type } | readonly ["list" | "map", Type];

/** The fields of bodies by the names of the server. */
export const FIELDS = fields as unknown as { readonly job: Type; readonly datafeed: Type };

/** What does not fit the table, with the path of the field. */
export interface Misfit {
  readonly path: string;
  readonly text: string;
}

/** What of a body the server would not know, or not take. */
export function misfits(table: "job" | "datafeed", body: Json): Misfit[] {
  const found: Misfit[] = [];
  compare(FIELDS[table], body, table, found);
  return found;
}

function compare(type: Type, value: Json, path: string, found: Misfit[]): void {
  if (typeof type === "string") {
    if (!holds(type, value)) {
      found.push({ path, text: `expected ${WORDS[type] ?? type}, found ${kindOf(value)}` });
    }
  } else if (isPair(type)) {
    const [kind, inner] = type;
    if (kind === "list" && Array.isArray(value)) {
      value.forEach((one, index) => compare(inner, one, `${path}[${index}]`, found));
    } else if (kind === "map" && isObject(value)) {
      Object.entries(value).forEach(([key, one]) => compare(inner, one, `${path}.${key}`, found));
    } else {
      found.push({ path, text: `expected ${kind === "list" ? "a list" : "an object"}, found ${kindOf(value)}` });
    }
  } else if (!isObject(value)) {
    found.push({ path, text: `expected an object, found ${kindOf(value)}` });
  } else {
    for (const [key, one] of Object.entries(value)) {
      const inner = Object.hasOwn(type, key) ? type[key] : undefined;
      if (inner === undefined) {
        found.push({ path: `${path}.${key}`, text: `there is no such field${meant(key, Object.keys(type))}` });
      } else {
        compare(inner, one, `${path}.${key}`, found);
      }
    }
  }
}

const WORDS: Readonly<Record<string, string>> = {
  text: "a text", number: "a number", integer: "a whole number", boolean: "true or false", texts: "a list of texts", object: "an object",
};

function holds(type: string, value: Json): boolean {
  switch (type) {
    case "text":
      return typeof value === "string";
    case "number":
      return typeof value === "number";
    case "integer":
      return Number.isInteger(value);
    case "boolean":
      return typeof value === "boolean";
    case "texts":
      return Array.isArray(value) && value.every((one) => typeof one === "string");
    case "object":
      return isObject(value);
    default:
      return true;
  }
}

function kindOf(value: Json): string {
  return value === null ? "null" : Array.isArray(value) ? "a list" : isObject(value) ? "an object" : JSON.stringify(value);
}

function isObject(value: Json): value is { [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isPair(type: Type): type is readonly ["list" | "map", Type] {
  return Array.isArray(type);
}

/** The field that a wrong name is nearest to, as a question; nothing where none is near. */
function meant(name: string, known: readonly string[]): string {
  const near = known.map((one) => [distance(name, one), one] as const).sort((a, b) => a[0] - b[0])[0];
  return near !== undefined && near[0] <= Math.max(2, name.length / 4) ? `: did you mean ${near[1]}?` : "";
}

/** How many letters have to be changed, added or taken away (Levenshtein). */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, k) => k);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const changed = (row[j - 1] as number) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[j] as number) + 1, (next[j - 1] as number) + 1));
    }
    row = next;
  }
  return row[b.length] as number;
}

/** A body as a manifest says it: the same with names in camelCase; what is free stays as it is. */
export function manifestOf(table: "job" | "datafeed", body: Json): Json {
  return renamed(FIELDS[table], body);
}

function renamed(type: Type, value: Json): Json {
  if (typeof type === "string") {
    return value;
  }
  if (isPair(type)) {
    const [kind, inner] = type;
    if (kind === "list" && Array.isArray(value)) {
      return value.map((one) => renamed(inner, one));
    }
    return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, one]) => [key, renamed(inner, one)])) : value;
  }
  if (!isObject(value)) {
    return value;
  }
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [camel(key), Object.hasOwn(type, key) ? renamed(type[key] as Type, one) : one]),
  );
}

function camel(name: string): string {
  return name.replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}
