/** What is told of one job: settings and counts as rows, and where its source holds more than it has seen. */

import { bytes, number, time, type Formats } from "./format";
import type { FeedCounts } from "../rest/detail";

/** A name with its value in words. */
export interface Fact {
  readonly name: string;
  readonly value: string;
}

/** The values of a configuration by their paths; what is no text or figure is JSON. */
export function facts(config: unknown, leave: readonly string[] = []): Fact[] {
  const found: Fact[] = [];
  const walk = (value: unknown, path: string): void => {
    if (leave.includes(path) || value === null || value === undefined) {
      return;
    }
    if (typeof value === "object" && !Array.isArray(value) && Object.keys(value).length > 0 && depth(path) < 3) {
      for (const [key, inner] of Object.entries(value)) {
        walk(inner, path === "" ? key : `${path}.${key}`);
      }
      return;
    }
    found.push({ name: path, value: valueText(value) });
  };
  walk(config, "");
  return found;
}

function depth(path: string): number {
  return path === "" ? 0 : path.split(".").length;
}

function valueText(value: unknown): string {
  if (Array.isArray(value) && value.every((one) => typeof one === "string" || typeof one === "number")) {
    return value.join(", ");
  }
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Counts by their names, figures as people read them. */
export function counts(stats: Readonly<Record<string, unknown>>, formats: Formats): Fact[] {
  return Object.entries(stats).flatMap(([name, value]) => {
    if (["job_id", "result_type", "datafeed_id"].includes(name) || value === null || typeof value === "object") {
      return [];
    }
    return [{ name, value: countText(name, value, formats) }];
  });
}

function countText(name: string, value: unknown, formats: Formats): string {
  if (typeof value !== "number") {
    return String(value);
  }
  if (/(_timestamp|_time|^timestamp)$/.test(name) && value > 1e11) {
    return time(value, formats);
  }
  if (/(^|_)bytes(_|$)/.test(name)) {
    return bytes(value, formats);
  }
  return /_ms$/.test(name) ? `${number(value, formats)} ms` : number(value, formats);
}

/** A cell in which source and analysis differ. */
export interface Gap {
  readonly timeMs: number;
  readonly source: number;
  readonly analysed: number;
}

/** The cells in which the source holds another number than was analysed, the latest first. */
export function gaps({ times, source, analysed }: FeedCounts): Gap[] {
  const found: Gap[] = [];
  times.forEach((timeMs, index) => {
    const [has, saw] = [source[index] ?? 0, analysed[index] ?? Number.NaN];
    if (!Number.isNaN(saw) && has !== saw) {
      found.push({ timeMs, source: has, analysed: saw });
    }
  });
  return found.reverse();
}

/** The names of all fields of documents, in the order in which they come. */
export function columns(documents: readonly Readonly<Record<string, unknown>>[]): string[] {
  return [...new Set(documents.flatMap((document) => Object.keys(document)))];
}

/** A value of a document as a cell shows it. */
export function cellText(value: unknown): string {
  return value === undefined || value === null ? "" : valueText(value);
}
