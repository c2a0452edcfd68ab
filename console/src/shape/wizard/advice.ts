/** What the data say about a form: a bucket span that fits, and what to look at before the job is made. */

import { parseSpan } from "../../state/range";
import type { Bodies, Body } from "./bodies";
import { counts } from "./functions";

/** How much is to be said of something. */
export type Level = "error" | "warning" | "note";

/** A message about a form. */
export interface Message {
  readonly level: Level;
  /** Of the form. */
  readonly field: string;
  readonly text: string;
}

/** What is known of the data and of the server; undefined where it could not be found out. */
export interface Facts {
  readonly documents: number | undefined;
  readonly firstMs: number | undefined;
  readonly lastMs: number | undefined;
  /** The share of buckets, of the most recent ones, that have no document. */
  readonly emptyShare: number | undefined;
  readonly advisedSpan: string | undefined;
  /** How many values each field has that splits or influences. */
  readonly cardinality: ReadonlyMap<string, number>;
  /** What the server says that the job needs, bytes. */
  readonly neededBytes: number | undefined;
  /** What the server allows at most, bytes. */
  readonly mostBytes: number | undefined;
  readonly takenIds: ReadonlySet<string>;
  readonly takenGroups: ReadonlySet<string>;
  readonly takenFeeds: ReadonlySet<string>;
  /** Why the server would not take the job. */
  readonly refusal: string | undefined;
  /** Rows that the datafeed would give first. */
  readonly rows: number | undefined;
}

/** The spans that are advised: all divide a day. */
export const SPANS: readonly string[] = ["5m", "10m", "15m", "30m", "1h", "2h", "3h", "6h", "12h", "1d"];
const FILLED = 0.9;
/** Documents in a bucket of a series: a count of ten scatters by a third, a mean needs a few. */
const COUNTED = 10;
const MEASURED = 3;

/**
 * The shortest bucket span at which nine buckets in ten have documents, and a series enough of them.
 *
 * @param cells Documents of intervals, by the start of the interval in milliseconds; those without any may be left out.
 * @param baseMs The interval.
 * @param series How many series the documents are divided among.
 * @param counting Whether documents are counted, which needs more of them than a mean.
 */
export function advisedSpan(cells: ReadonlyMap<number, number>, baseMs: number, series: number, counting: boolean): string | undefined {
  const wanted = counting ? COUNTED : MEASURED;
  return SPANS.find((span) => {
    const spanMs = parseSpan(span) ?? 0;
    if (spanMs % baseMs !== 0) {
      return false;
    }
    const filled = new Map<number, number>();
    for (const [start, documents] of cells) {
      if (documents > 0) {
        const bucket = Math.floor(start / spanMs);
        filled.set(bucket, (filled.get(bucket) ?? 0) + documents);
      }
    }
    if (filled.size === 0) {
      return false;
    }
    const numbers = [...filled.keys()];
    const possible = Math.max(...numbers) - Math.min(...numbers) + 1;
    return filled.size / possible >= FILLED && median([...filled.values()]) / Math.max(1, series) >= wanted;
  });
}

function median(values: number[]): number {
  const ordered = values.sort((a, b) => a - b);
  const middle = ordered.length >> 1;
  return ordered.length % 2 === 1 ? (ordered[middle] as number) : ((ordered[middle - 1] as number) + (ordered[middle] as number)) / 2;
}

/** The share of buckets between the first and the last document that have none. */
export function emptyShare(cells: ReadonlyMap<number, number>, spanMs: number): number | undefined {
  const filled = new Set([...cells].filter(([, documents]) => documents > 0).map(([start]) => Math.floor(start / spanMs)));
  if (filled.size === 0) {
    return undefined;
  }
  return 1 - filled.size / (Math.max(...filled) - Math.min(...filled) + 1);
}

/** The fields of a job of which the number of values is to be known. */
export function fieldsOf(job: Body): { splitting: string[]; influencing: string[] } {
  const analysis = (job["analysis_config"] ?? {}) as { detectors?: Body[]; influencers?: string[] };
  const named = (analysis.detectors ?? []).flatMap((one) => ["by", "over", "partition"].map((role) => one[`${role}_field_name`]));
  const splitting = [...new Set(named.filter((one): one is string => typeof one === "string" && one !== "mlcategory"))];
  const influencing = (analysis.influencers ?? []).filter((one) => !splitting.includes(one) && one !== "mlcategory");
  return { splitting, influencing };
}

/** How many series the detector has that splits most, and whether documents are counted. */
export function densityOf(job: Body, cardinality: ReadonlyMap<string, number>): { series: number; counting: boolean } {
  const { detectors = [] } = (job["analysis_config"] ?? {}) as { detectors?: Body[] };
  const series = detectors.map((one) =>
    ["by", "over", "partition"].reduce((product, role) => product * (cardinality.get(String(one[`${role}_field_name`])) ?? 1), 1),
  );
  return { series: Math.max(1, ...series), counting: detectors.some((one) => counts(String(one["function"]))) };
}

const ID = /^[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?$/;
const MOST_SERIES = 1000;
const MOST_PLOTTED = 100;
const [LEAST_MEMBERS, MOST_MEMBERS] = [10, 1_000_000];
const MOST_INFLUENCERS = 3;
const DAY_MS = 86_400_000;
const LEAST_BUCKETS = 25;
const EMPTY_SHARE = 0.5;

/** What is to be said of a job before it is made, what stops it first. */
export function messagesOf(bodies: Bodies, facts: Facts): Message[] {
  const found = [...ofName(bodies, facts), ...ofTime(bodies, facts), ...ofFields(bodies, facts), ...ofMemory(bodies, facts)];
  if (facts.refusal !== undefined) {
    found.push({ level: "error", field: "server", text: `The server would not take this job: ${facts.refusal}` });
  }
  const order: readonly Level[] = ["error", "warning", "note"];
  return found.sort((a, b) => order.indexOf(a.level) - order.indexOf(b.level));
}

function* ofName({ name, job }: Bodies, facts: Facts): Generator<Message> {
  if (!ID.test(name)) {
    yield { level: "error", field: "name", text: "An id has small letters, digits, hyphens, underscores and dots, and begins and ends with a letter or a digit." };
  } else if (name.length > 64) {
    yield { level: "error", field: "name", text: `An id has at most 64 characters; this one has ${name.length}.` };
  } else if (facts.takenIds.has(name)) {
    yield { level: "error", field: "name", text: `The server has a job ${name} already.` };
  } else if (facts.takenGroups.has(name)) {
    yield { level: "error", field: "name", text: `The server has a group of jobs called ${name}.` };
  } else if (facts.takenFeeds.has(`datafeed-${name}`)) {
    yield { level: "error", field: "name", text: `The server has a datafeed datafeed-${name} already.` };
  }
  for (const group of Array.isArray(job["groups"]) ? job["groups"] : []) {
    if (typeof group !== "string" || !ID.test(group)) {
      yield { level: "error", field: "groups", text: `${String(group)} is no name of a group: small letters, digits, hyphens, underscores and dots.` };
    } else if (group === name || facts.takenIds.has(group)) {
      yield { level: "error", field: "groups", text: `${group} is the id of a job, and so cannot be a group.` };
    }
  }
}

function* ofTime({ job, start, end }: Bodies, facts: Facts): Generator<Message> {
  const span = String((job["analysis_config"] as Body | undefined)?.["bucket_span"] ?? "5m");
  const spanMs = parseSpan(span);
  if (spanMs === undefined || spanMs < 1000) {
    yield { level: "error", field: "span", text: `${span} is no bucket span; write 15m, 1h or 1d.` };
    return;
  }
  if (spanMs >= DAY_MS) {
    yield { level: "warning", field: "span", text: "With buckets of a day or more, what happens within a day is not seen." };
  }
  const advisedMs = facts.advisedSpan === undefined ? undefined : parseSpan(facts.advisedSpan);
  if (advisedMs !== undefined && advisedMs > spanMs) {
    yield { level: "warning", field: "span", text: `The data fill buckets of ${facts.advisedSpan}; in shorter ones there is often too little to tell.` };
  }
  if (facts.emptyShare !== undefined && facts.emptyShare > EMPTY_SHARE) {
    yield { level: "warning", field: "span", text: `${Math.round(facts.emptyShare * 100)} % of the buckets have no document. Take a longer span, or functions that leave empty buckets out (non_zero_count, non_null_sum).` };
  }
  if (facts.documents === 0) {
    yield { level: "error", field: "index", text: "No document is in this time, with this query." };
  } else if (facts.firstMs !== undefined && facts.lastMs !== undefined) {
    const length = facts.lastMs - facts.firstMs;
    if (length < Math.max(LEAST_BUCKETS * spanMs, 2 * 3_600_000)) {
      yield { level: "warning", field: "from", text: `The data reach over ${Math.floor(length / spanMs)} buckets; a model needs at least ${LEAST_BUCKETS}, and two hours, to learn what is ordinary.` };
    }
    if (facts.firstMs < 0) {
      yield { level: "error", field: "from", text: "There are documents of before 1970, which cannot be analysed: let the datafeed begin later." };
    }
  }
  if (facts.rows === 0 && facts.documents !== 0) {
    yield { level: "warning", field: "index", text: "The datafeed gives no document to begin with." };
  }
  if (start !== "" && end !== "" && Date.parse(start) >= Date.parse(end)) {
    yield { level: "error", field: "to", text: "The time ends before it begins." };
  }
}

function* ofFields({ job }: Bodies, facts: Facts): Generator<Message> {
  const analysis = (job["analysis_config"] ?? {}) as { detectors?: Body[]; influencers?: string[] };
  const detectors = analysis.detectors ?? [];
  if (new Set(detectors.map((one) => JSON.stringify(one))).size < detectors.length) {
    yield { level: "error", field: "metrics", text: "Two detectors are the same: take one away." };
  }
  const roles = (role: string): string[] => [...new Set(detectors.flatMap((one) => {
    const name = one[`${role}_field_name`];
    return typeof name === "string" ? [name] : [];
  }))];
  for (const field of new Set([...roles("by"), ...roles("partition")])) {
    const values = facts.cardinality.get(field) ?? 0;
    if (values > MOST_SERIES) {
      yield { level: "warning", field: "split", text: `${field} has about ${values} values: each is a series of its own, and more than ${MOST_SERIES} need much memory.` };
    }
  }
  for (const field of roles("over")) {
    const values = facts.cardinality.get(field);
    if (values !== undefined && (values < LEAST_MEMBERS || values > MOST_MEMBERS)) {
      yield { level: "warning", field: "population", text: `${field} has about ${values} values; a population has between ${LEAST_MEMBERS} and ${MOST_MEMBERS} members.` };
    }
  }
  if ((job["model_plot_config"] as Body | undefined)?.["enabled"] === true) {
    const { series } = densityOf(job, facts.cardinality);
    if (series > MOST_PLOTTED) {
      yield { level: "warning", field: "plot", text: `The bounds of about ${series} series are kept for every bucket: results take much room.` };
    }
  }
  const influencers = analysis.influencers ?? [];
  const splits = [...roles("by"), ...roles("over"), ...roles("partition")];
  if (influencers.length === 0 && splits.length > 0) {
    yield { level: "warning", field: "influencers", text: `Without influencers an anomaly does not tell who it was of. Take ${splits[0]}.` };
  } else if (influencers.length > MOST_INFLUENCERS) {
    yield { level: "note", field: "influencers", text: `${influencers.length} influencers; more than ${MOST_INFLUENCERS} make results hard to read.` };
  }
}

function* ofMemory({ job }: Bodies, facts: Facts): Generator<Message> {
  const limit = (job["analysis_limits"] as Body | undefined)?.["model_memory_limit"];
  const bytes = limit === undefined ? undefined : parseBytes(String(limit));
  if (limit !== undefined && (bytes === undefined || bytes < MEGABYTE)) {
    yield { level: "error", field: "memory", text: `${String(limit)} is no memory limit; write 20mb or 1gb.` };
  } else if (bytes !== undefined && facts.mostBytes !== undefined && bytes > facts.mostBytes) {
    yield { level: "error", field: "memory", text: `The server allows at most ${asMemory(facts.mostBytes)}.` };
  } else if (bytes !== undefined && facts.neededBytes !== undefined && bytes < facts.neededBytes) {
    yield { level: "warning", field: "memory", text: `The server estimates that the job needs ${asMemory(facts.neededBytes)}.` };
  }
}

const MEGABYTE = 1024 * 1024;
const UNITS: Readonly<Record<string, number>> = { b: 1, kb: 1024, mb: MEGABYTE, gb: 1024 * MEGABYTE, tb: MEGABYTE * MEGABYTE };

/** A size such as `20mb` in bytes; undefined where it is none. A number alone means megabytes, as in a memory limit. */
export function parseBytes(text: string): number | undefined {
  const found = /^(\d+(?:\.\d+)?)\s*(b|kb|mb|gb|tb)?$/i.exec(text.trim());
  return found ? Number(found[1]) * (UNITS[(found[2] ?? "mb").toLowerCase()] as number) : undefined;
}

/** Less than this leaves no room for what comes later, whatever is estimated now. */
const LEAST_LIMIT = 10 * MEGABYTE;

/** The memory limit for what a server estimates. */
export function limitFor(neededBytes: number): string {
  return asMemory(Math.max(LEAST_LIMIT, neededBytes));
}

/** A size as a memory limit is written, whole megabytes. */
export function asMemory(bytes: number): string {
  return `${Math.max(1, Math.ceil(bytes / MEGABYTE))}mb`;
}

/** How well a field does for categorization. */
export interface TextCheck {
  readonly level: "good" | Level;
  readonly text: string;
}

/** Judges the field of messages by a sample of it: values that are absent, too long, or no sentences. */
export function judgeTexts(sample: readonly (string | undefined)[]): TextCheck {
  const there = sample.filter((one): one is string => one !== undefined && one !== "");
  if (there.length === 0) {
    return { level: "error", text: "No document of the sample has a text there." };
  }
  const share = (part: number): string => `${Math.round((100 * part) / sample.length)} %`;
  const worded = there.filter((one) => (one.match(/[A-Za-z\u00c0-\u024f]{2,}/g) ?? []).length >= 3).length;
  const lengthy = median(there.map((one) => one.length));
  if (worded / sample.length < 0.2) {
    return { level: "error", text: `Only ${share(worded)} of ${sample.length} documents have a text of at least three words there: this is no field of messages.` };
  }
  if (worded / sample.length < 0.75) {
    return { level: "warning", text: `${share(worded)} of ${sample.length} documents have a text of at least three words there; what is shorter makes poor categories.` };
  }
  if (lengthy > 400) {
    return { level: "warning", text: `The texts are long (half of them over ${Math.round(lengthy)} characters): categories are of the first words.` };
  }
  return { level: "good", text: `${share(worded)} of ${sample.length} documents have a text of at least three words there.` };
}
