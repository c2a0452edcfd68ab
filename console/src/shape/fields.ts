/** Fields and their values in words. */

import type { Field, FieldKind } from "../rest/data/fields";
import { number, time, type Formats } from "./format";

/** Fields of a table at once. */
export const FIELDS_A_PAGE = 25;
/** Letters of a value that are shown. */
const LONGEST = 160;
/** Up to here distinct values are counted, beyond they are estimated. */
const COUNTED = 3000;

const KIND_NAMES: Readonly<Record<FieldKind, string>> = {
  number: "numbers",
  date: "dates",
  words: "words",
  text: "texts",
  point: "places",
  other: "others",
};

/** The kinds of fields there are, with what they are called. */
export function kindsOf(fields: readonly Field[]): { readonly kind: FieldKind; readonly text: string }[] {
  return (Object.keys(KIND_NAMES) as FieldKind[])
    .filter((kind) => fields.some((field) => field.kind === kind))
    .map((kind) => ({ kind, text: KIND_NAMES[kind] }));
}

/** The fields whose names hold a word, and of one kind where one is named. */
export function matchingFields(fields: readonly Field[], word: string, kind: string): Field[] {
  const wanted = word.trim().toLowerCase();
  return fields.filter(
    (field) =>
      (kind === "" || field.kind === kind) &&
      (field.name.toLowerCase().includes(wanted) || field.type.toLowerCase().includes(wanted)),
  );
}

/** A page of fields and how many pages there are; a page that is not there is the nearest one. */
export function pageOf<T>(all: readonly T[], wanted: string | undefined): { page: number; pages: number; rows: T[] } {
  const pages = Math.max(1, Math.ceil(all.length / FIELDS_A_PAGE));
  const asked = /^\d{1,6}$/.test(wanted ?? "") ? Number(wanted) : 1;
  const page = Math.min(pages, Math.max(1, asked));
  return { page, pages, rows: all.slice((page - 1) * FIELDS_A_PAGE, page * FIELDS_A_PAGE) };
}

/** A part of a whole in percent; what is more than nothing is never 0, what is less than all never 100. */
export function share(part: number, whole: number, formats: Formats): string {
  if (whole <= 0) {
    return "–";
  }
  const percent = (100 * part) / whole;
  if (percent > 0 && percent < 0.1) {
    return `< ${number(0.1, formats)}\u00a0%`;
  }
  if (percent < 100 && percent > 99.9) {
    return `> ${number(99.9, formats)}\u00a0%`;
  }
  return `${number(Math.round(percent * 10) / 10, formats)}\u00a0%`;
}

/** A number of distinct values: exact, about, or of a sample at least. */
export function distinct(count: number, sampled: boolean, formats: Formats): string {
  const text = number(count, formats);
  return sampled ? `at least ${text}` : count > COUNTED ? `about ${text}` : text;
}

/** A value of a field whole: a number with all its digits where they are known, a moment to the second. */
export function exact(value: number, field: Field, formats: Formats): string {
  if (field.kind === "date") {
    return time(value, formats);
  }
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) {
    return `about ${number(value, formats)}`;
  }
  const digits = field.type.includes("float") && !field.type.includes("scaled") ? 7 : 15;
  return new Intl.NumberFormat(formats.locale, { maximumSignificantDigits: digits }).format(value);
}

/** Whether a query can name a value as it is: digits beyond 2^53 did not arrive. */
export function namable(figure: number | undefined): boolean {
  return figure === undefined || !Number.isInteger(figure) || Number.isSafeInteger(figure);
}

/** The beginning of a long text; an empty one in words. */
export function brief(text: string, longest = LONGEST): string {
  const letters = [...text.slice(0, 2 * longest + 2)];
  return text === "" ? "(empty)" : letters.length > longest ? `${letters.slice(0, longest).join("")}…` : text;
}
