/** What somebody fills into a wizard, whole in the parameters of the address. */

export const KINDS = ["single", "multi", "population", "categorization", "rare", "geo", "advanced"] as const;
export type Kind = (typeof KINDS)[number];

/** What a wizard of each kind is for. */
export const KIND_WORDS: Readonly<Record<Kind, { readonly name: string; readonly words: string }>> = {
  single: { name: "Single metric", words: "one series: a count of documents, or one figure of a field" },
  multi: { name: "Multi-metric", words: "several figures at once, and the same ones for each value of a field" },
  population: { name: "Population", words: "members of a population that behave unlike the others" },
  categorization: { name: "Categorization", words: "kinds of log messages that come too often, or that are new" },
  rare: { name: "Rare", words: "values that are seen rarely" },
  geo: { name: "Geo", words: "places where something is not expected" },
  advanced: { name: "Advanced", words: "any detectors and settings, as JSON" },
};

/** A figure that is looked at. */
export interface Metric {
  readonly function: string;
  /** Empty where the function takes none. */
  readonly field: string;
}

/** A wizard's form; an empty text is what has not been filled in. */
export interface Form {
  readonly kind: Kind;
  /** Indices, patterns, aliases or data streams, with commas between them. */
  readonly index: string;
  /** Which documents, Query DSL as JSON. */
  readonly query: string;
  readonly timeField: string;
  /** From when on the datafeed reads; empty for the first document. */
  readonly from: string;
  /** Until when; empty to go on. */
  readonly to: string;
  readonly metrics: readonly Metric[];
  /** Each value of this field is a series of its own. */
  readonly split: string;
  /** The members of the population. */
  readonly population: string;
  /** What is rare, the text of messages, the place. */
  readonly field: string;
  /** `count`, `high_count` or `rare` of categories; `rare` or `freq_rare` of values. */
  readonly detector: string;
  /** Whether categories are found for each value of the split field apart, and given up where they do not work. */
  readonly apart: boolean;
  readonly influencers: readonly string[];
  readonly span: string;
  readonly delay: string;
  readonly memory: string;
  readonly plot: boolean;
  readonly name: string;
  readonly description: string;
  readonly groups: readonly string[];
  /** Of the advanced kind: bodies as JSON. */
  readonly job: string;
  readonly feed: string;
}

export const EMPTY: Form = {
  kind: "single",
  index: "",
  query: "",
  timeField: "",
  from: "",
  to: "",
  metrics: [{ function: "count", field: "" }],
  split: "",
  population: "",
  field: "",
  detector: "",
  apart: false,
  influencers: [],
  span: "15m",
  delay: "60s",
  memory: "",
  plot: true,
  name: "",
  description: "",
  groups: [],
  job: "",
  feed: "",
};

/** What stands in a form of a kind that nobody has filled in: advice for new jobs, not what a job without it has. */
export function emptyOf(kind: Kind): Form {
  const detector = kind === "categorization" ? "count" : kind === "rare" ? "rare" : "";
  return { ...EMPTY, kind, detector, plot: kind === "single", span: kind === "rare" ? "1h" : EMPTY.span };
}

type Params = Readonly<Record<string, string>>;

/** The parameters of the address that say what a form holds; what is as in an empty one is left out. */
export function paramsOf(form: Form): Record<string, string> {
  const empty = emptyOf(form.kind);
  const params: Record<string, string> = { kind: form.kind };
  for (const name of Object.keys(EMPTY) as (keyof Form)[]) {
    const written = write(form[name]);
    if (written !== write(empty[name])) {
      params[name] = written;
    }
  }
  return params;
}

/** The form that parameters say; what they do not say, or not in a way that can be read, is as in an empty one. */
export function formOf(params: Params): Form {
  const kind = KINDS.find((one) => one === params["kind"]) ?? "single";
  const empty = emptyOf(kind);
  const found: Record<string, unknown> = { ...empty };
  for (const name of Object.keys(EMPTY) as (keyof Form)[]) {
    const text = params[name];
    if (text !== undefined && name !== "kind") {
      found[name] = read(name, text, empty[name]);
    }
  }
  return found as unknown as Form;
}

/** A text begins with `=`, since an address does not keep an empty one. */
function write(value: Form[keyof Form]): string {
  return typeof value === "string" ? `=${value}`.replace(/^=(?=[^=])/, "") : JSON.stringify(value);
}

function read(name: keyof Form, text: string, otherwise: Form[keyof Form]): unknown {
  if (typeof otherwise === "string") {
    return text.replace(/^=/, "");
  }
  try {
    const value: unknown = JSON.parse(text);
    return fits(name, value) ? value : otherwise;
  } catch {
    return otherwise;
  }
}

function fits(name: keyof Form, value: unknown): boolean {
  if (name === "plot" || name === "apart") {
    return typeof value === "boolean";
  }
  if (!Array.isArray(value)) {
    return false;
  }
  return name === "metrics"
    ? value.length > 0 && value.every((one) => typeof one?.function === "string" && typeof one.field === "string")
    : value.every((one) => typeof one === "string");
}

/** The indices that a form names. */
export function indicesOf(form: Pick<Form, "index">): string[] {
  return form.index.split(",").map((one) => one.trim()).filter(Boolean);
}
