/** The catalogue of ready-made jobs: which of them an index has the fields for, and what they come to there. */

import type { Body, Bodies } from "./bodies";
import catalog from "./catalog.json";
import type { Typed } from "./defaults";

/** What a job needs a field for. */
export type FieldKind = "time" | "number" | "value" | "text";

/** A field that a job reads; in its bodies a word stands for it. */
export interface FieldUse {
  readonly name: string;
  readonly kind: FieldKind;
  readonly about: string;
  readonly word: string;
}

/** One ready-made job. */
export interface Offer {
  readonly name: string;
  readonly title: string;
  readonly finds: string;
  readonly fields: readonly FieldUse[];
  readonly job: Body;
  readonly feed: Body;
}

/** Jobs that read the same kind of documents. */
export interface Family {
  readonly name: string;
  readonly title: string;
  readonly about: string;
  readonly jobs: readonly Offer[];
}

const READ = catalog as unknown as { readonly index_word: string; readonly accepted: Readonly<Record<FieldKind, readonly string[]>>; readonly families: readonly Family[] };

/** The whole catalogue. */
export const FAMILIES = READ.families;

/** What fields are called in somebody's data, by their names in the catalogue. */
export type Called = Readonly<Record<string, string>>;

/** The fields that could be what a job needs. */
export function candidates(kind: FieldKind, fields: readonly Typed[]): string[] {
  return fields.filter((one) => READ.accepted[kind].includes(one.type)).map((one) => one.name);
}

/** The field of the indices for one of a job: as somebody says, as in the catalogue, or the keyword beside a text of that name. */
export function fieldFor(use: FieldUse, fields: readonly Typed[], called: Called, timeField: string): string | undefined {
  const said = Object.hasOwn(called, use.name) ? called[use.name] : use.kind === "time" ? timeField : undefined;
  const names = said !== undefined ? [said] : [use.name, `${use.name}.keyword`];
  const there = candidates(use.kind, fields);
  return names.find((name) => there.includes(name));
}

/** A job of the catalogue over somebody's indices. */
export interface Fitted {
  readonly offer: Offer;
  /** By the names of the catalogue; those that the indices lack are left out. */
  readonly names: Called;
  readonly lacking: readonly FieldUse[];
  /** Two fields of the job that would be one. */
  readonly twice: boolean;
}

/** What the indices have of what a job needs. */
export function fit(offer: Offer, fields: readonly Typed[], called: Called, timeField: string): Fitted {
  const found = offer.fields.map((use) => [use, fieldFor(use, fields, called, timeField)] as const);
  const there = found.flatMap(([use, name]) => (name === undefined ? [] : [[use.name, name] as const]));
  return {
    offer,
    names: Object.fromEntries(there),
    lacking: found.flatMap(([use, name]) => (name === undefined ? [use] : [])),
    twice: new Set(there.map(([, name]) => name)).size < there.length,
  };
}

/** Whether a job can be made. */
export function suits(fitted: Fitted): boolean {
  return fitted.lacking.length === 0 && !fitted.twice;
}

/** A family over somebody's indices. */
export interface FittedFamily {
  readonly family: Family;
  readonly jobs: readonly Fitted[];
  /** Whether the indices hold such documents: a time alone, which all have, says nothing. */
  readonly recognised: boolean;
}

/** The catalogue over somebody's indices, what is recognised first. */
export function fitFamilies(fields: readonly Typed[], called: Called, timeField: string): FittedFamily[] {
  const fitted = FAMILIES.map((family) => {
    const jobs = family.jobs.map((offer) => fit(offer, fields, called, timeField));
    return { family, jobs, recognised: jobs.some((one) => suits(one) && one.offer.fields.length > 1) };
  });
  return [...fitted.filter((one) => one.recognised), ...fitted.filter((one) => !one.recognised)];
}

/** Where and how a ready-made job is to run. */
export interface Choices {
  readonly indices: readonly string[];
  readonly prefix: string;
  readonly start: string;
  readonly end: string;
}

/** What stands for names in bodies of the catalogue; replaced in one go, so that no name is taken for a word. */
const WORDS = /anomalyops-index|anomalyops\.field\.\d+\.name/g;

/** Signs that cannot stand in the link of an anomaly to its documents. */
const NOT_IN_LINKS = /['!"&#]/;

/** The bodies of a job of the catalogue that suits. */
export function bodiesOfOffer({ offer, names }: Fitted, choices: Choices): Bodies {
  const index = choices.indices.join(",");
  const words = new Map([[READ.index_word, index], ...offer.fields.map((use) => [use.word, names[use.name] ?? use.name] as const)]);
  const named = (text: string): string => text.replace(WORDS, (word) => words.get(word) ?? word);
  const job = renamed(offer.job, named) as Body;
  if (NOT_IN_LINKS.test(index)) {
    delete job["custom_settings"];
  }
  const feed = { ...(renamed(offer.feed, named) as Body), indices: [...choices.indices] };
  return { name: `${choices.prefix}${offer.name}`, job, feed, start: choices.start, end: choices.end };
}

function renamed(value: Body[string], named: (text: string) => string): Body[string] {
  if (typeof value === "string") {
    return named(value);
  }
  if (Array.isArray(value)) {
    return value.map((one) => renamed(one, named));
  }
  return typeof value === "object" && value !== null
    ? Object.fromEntries(Object.entries(value).map(([key, one]) => [named(key), renamed(one as Body[string], named)]))
    : value;
}

/** What the page for ready-made jobs holds; all of it stands in the address. */
export interface ReadyForm {
  readonly index: string;
  readonly timeField: string;
  readonly from: string;
  readonly to: string;
  readonly prefix: string;
  /** Names of those that are chosen. */
  readonly jobs: readonly string[];
  readonly called: Called;
}

/** The value of the parameter `kind` that leads to ready-made jobs. */
export const READY = "ready";

/** The parameters of the address that say what the page holds. */
export function readyParams(form: ReadyForm): Record<string, string> {
  const { jobs, called, ...texts } = form;
  return {
    kind: READY,
    ...texts,
    jobs: jobs.length === 0 ? "" : JSON.stringify(jobs),
    called: Object.keys(called).length === 0 ? "" : JSON.stringify(called),
  };
}

/** The page that parameters say; what cannot be read is as if it were not there. */
export function readyForm(params: Readonly<Record<string, string>>): ReadyForm {
  const text = (name: string): string => params[name] ?? "";
  const jobs = parsed(text("jobs"));
  const called = parsed(text("called"));
  const known = FAMILIES.flatMap((family) => family.jobs.map((offer) => offer.name));
  return {
    index: text("index"),
    timeField: text("timeField"),
    from: text("from"),
    to: text("to"),
    prefix: text("prefix"),
    jobs: Array.isArray(jobs) ? known.filter((name) => jobs.includes(name)) : [],
    called: typeof called === "object" && called !== null && !Array.isArray(called)
      ? Object.fromEntries(Object.entries(called).filter((pair): pair is [string, string] => typeof pair[1] === "string"))
      : {},
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
