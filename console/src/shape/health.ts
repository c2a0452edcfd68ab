/** Whether a job is well, in the words of `anomalyops troubleshoot`, of what the server tells without comparing the source. */

import { timeOf } from "../rest/results";
import { DAY_MS } from "../state/range";

export const LEVELS = ["ok", "info", "warning", "critical"] as const;
export type Level = (typeof LEVELS)[number];
const TREES = ["state", "memory", "missing documents", "score"] as const;
export type Tree = (typeof TREES)[number];

/** One thing that was found. */
export interface Finding {
  readonly tree: Tree;
  readonly level: Level;
  readonly text: string;
  /** What says so; empty for nothing. */
  readonly evidence: string;
}

/** A message of a job, of those that are warnings or errors. */
export interface Note {
  readonly timeMs: number;
  readonly level: string;
  readonly text: string;
}

/** What is known about a job: the server's own objects, and what it noted lately. */
export interface Known {
  readonly config: any;
  readonly feed: any;
  readonly stats: any;
  readonly feedStats: any;
  /** Warnings and errors of the last week, the newest first. */
  readonly notes: readonly Note[];
  /** Documents that each annotation of delayed data of the last week names. */
  readonly delays: readonly number[];
}

const NEAR_LIMIT = 0.8;
const WEEKLY_MS = 21 * DAY_MS;
const DAY_SECONDS = 86_400;
/** What drives the size of a model, with the number from which on it does. */
const DRIVERS: readonly (readonly [string, number, string])[] = [
  ["total_by_field_count", 100_000, "by field values"],
  ["total_partition_field_count", 10_000, "partitions"],
  ["total_category_count", 10_000, "log categories"],
];

/** What was found, the worst first; of each tree at least one. */
export function findings(known: Known): Finding[] {
  const found = [...states(known), ...memory(known), ...missing(known), ...scores(known)];
  const rank = (one: Finding): number => LEVELS.indexOf(one.level);
  return found.sort((a, b) => rank(b) - rank(a) || TREES.indexOf(a.tree) - TREES.indexOf(b.tree));
}

/** The findings in one sentence. */
export function verdict(found: readonly Finding[]): string {
  const bad = found.filter((one) => one.level === "warning" || one.level === "critical");
  const [first] = bad;
  if (first === undefined) {
    return "healthy";
  }
  return bad.length > 1 ? `${first.text} (and ${bad.length - 1} more)` : first.text;
}

function states({ stats, feed, feedStats, notes }: Known): Finding[] {
  const state = String(stats?.state ?? "unknown");
  const feedState = feedStats?.state;
  const explained = String(stats?.assignment_explanation || feedStats?.assignment_explanation || "");
  const error = notes.find((note) => note.level === "error");
  const evidence = error === undefined ? explained : `${minute(error.timeMs)} ${error.text}`;
  const found: Finding[] = [];
  const add = (level: Level, text: string, says = ""): unknown => found.push({ tree: "state", level, text, evidence: says });
  if (state === "failed") {
    add("critical", "the job has failed", evidence || "state is failed");
  } else if (state === "opening" && explained !== "") {
    add("warning", "the job finds no node to run on", explained);
  } else if (state === "opened" && feed !== undefined && feedState === "stopped") {
    add("warning", "the job is open and its datafeed is stopped", evidence);
  } else if (state === "closed" && !stats?.data_counts?.processed_record_count) {
    add("info", "the job has never run", "processed_record_count is 0");
  } else {
    add("ok", `the job is ${state}${feed === undefined ? "" : `, its datafeed ${feedState ?? "unknown"}`}`);
  }
  if (feed === undefined) {
    add("info", "the job has no datafeed: data must be posted to it");
  }
  const silent = notes.find(({ text }) => text.includes("retrieving no data") || text.includes("encountering errors"));
  if (silent !== undefined && feedState === "started") {
    add("warning", "the datafeed runs and gets no data", silent.text);
  }
  return found;
}

function minute(ms: number): string {
  return new Date(ms).toISOString().slice(0, 16).replace("T", " ");
}

function memory({ stats }: Known): Finding[] {
  const size = stats?.model_size_stats ?? {};
  const [used, limit] = [size.model_bytes || 0, size.model_bytes_memory_limit || 0];
  const driver = DRIVERS.find(([name, most]) => (size[name] ?? 0) > most);
  const evidence =
    `model_bytes ${used}, peak ${size.peak_model_bytes ?? used}, limit ${limit || "unknown"}` +
    (driver === undefined ? "" : `; driven by ${size[driver[0]]} ${driver[2]}, more than ${driver[1]}`);
  const found: Finding[] = [];
  const add = (level: Level, text: string, says: string): unknown =>
    found.push({ tree: "memory", level, text, evidence: says });
  if (size.memory_status === "hard_limit") {
    const text = "the model is at its memory limit: new entities are not modelled, results are incomplete";
    add("critical", text, evidence);
  } else if (size.memory_status === "soft_limit") {
    add("warning", "the model is near its memory limit: old entities are pruned", evidence);
  } else if (limit > 0 && used >= NEAR_LIMIT * limit) {
    add("info", `the model uses ${((used / limit) * 100).toFixed(0)}% of its memory limit`, evidence);
  } else {
    add("ok", "the model's memory is within its limit", used > 0 ? evidence : "");
  }
  if (size.bucket_allocation_failures_count > 0) {
    add("warning", `${size.bucket_allocation_failures_count} buckets had entities that were not modelled`, evidence);
  }
  if (size.categorization_status === "warn") {
    add("warning", "categorization does not fit these messages", "categorization_status is warn");
  }
  return found;
}

function missing({ stats, feed, delays }: Known): Finding[] {
  const counts = stats?.data_counts ?? {};
  const found: Finding[] = [];
  const add = (level: Level, text: string, evidence: string): unknown =>
    found.push({ tree: "missing documents", level, text, evidence });
  if (delays.length > 0) {
    const full = stats?.model_size_stats?.memory_status === "hard_limit";
    const cause = full ? "; at its memory limit a job skips documents: mend that first" : "";
    const missed = delays.reduce((sum, count) => sum + count, 0);
    const evidence = `${delays.length} annotations of delayed data, ${missed} documents`;
    add("warning", `documents came too late for the datafeed${cause}`, evidence);
  } else {
    add("ok", "no sign of missing documents", `query_delay ${feed?.query_delay ?? "default"}`);
  }
  const [order, dates] = [counts.out_of_order_timestamp_count || 0, counts.invalid_date_count || 0];
  if (order > 0) {
    add("warning", `${order} documents were dropped: out of order`, "data_counts");
  }
  if (dates > 0) {
    add("warning", `${dates} documents were dropped: their time cannot be read`, "data_counts");
  }
  const [seen, lack] = [counts.processed_record_count || 0, counts.missing_field_count || 0];
  if (seen > 0 && lack > seen / 2) {
    add("info", `fields are missing in many documents (${lack} times)`, "data_counts");
  }
  return found;
}

function scores({ stats, config }: Known): Finding[] {
  const counts = stats?.data_counts ?? {};
  const found: Finding[] = [];
  const add = (text: string, evidence: string): unknown => found.push({ tree: "score", level: "info", text, evidence });
  const [first, last] = [counts.earliest_record_timestamp, counts.latest_record_timestamp];
  if (first !== undefined && last !== undefined && timeOf(last) - timeOf(first) < WEEKLY_MS) {
    const days = ((timeOf(last) - timeOf(first)) / DAY_MS).toFixed(1);
    add(`the job has seen ${days} days: a weekly season needs three weeks`, "data_counts");
  }
  const detectors: any[] = config.analysis_config?.detectors ?? [];
  detectors.forEach((detector, position) => {
    if (detector.use_null) {
      add(`detector ${position} has use_null: a sparse field makes high scores`, "analysis_config");
    }
    const rules = detector.custom_rules?.length ?? 0;
    if (rules > 0) {
      add(`detector ${position} has ${rules} custom rules that may skip results`, "analysis_config");
    }
  });
  const span = config.analysis_config?.bucket_span ?? "5m";
  const seconds = spanSeconds(span);
  if (seconds !== undefined && (seconds > DAY_SECONDS || DAY_SECONDS % seconds !== 0)) {
    add(`bucket_span ${span} does not divide a day: seasons are hard to learn`, "analysis_config");
  }
  if (found.length === 0) {
    found.push({ tree: "score", level: "ok", text: "nothing speaks against its scores", evidence: "" });
  }
  return found;
}

function spanSeconds(span: string): number | undefined {
  const read = /^(\d{1,6})\s*([smhdw])$/.exec(span.trim());
  const seconds = Number(read?.[1] ?? 0) * ({ s: 1, m: 60, h: 3600, d: DAY_SECONDS, w: 7 * DAY_SECONDS }[read?.[2] ?? "s"] ?? 0);
  return seconds > 0 ? seconds : undefined;
}

/** How many documents a message about delayed data names; zero where it names no number. */
export function missedDocuments(text: string): number {
  const found = /missed (\d[\d,.]*) documents/.exec(text);
  return found?.[1] === undefined ? 0 : Number(found[1].replace(/\D/g, ""));
}
