/** From a form to the bodies of job and datafeed, and back from a job to the form that makes the same one. */

import type { Json } from "../../rest/server";
import { misfits } from "./configuration";
import { emptyOf, indicesOf, KINDS, type Form, type Kind, type Metric } from "./form";
import { functionOf } from "./functions";

export type Body = { [key: string]: Json };

/** What is asked of the server: the bodies of `PUT _ml/anomaly_detectors/NAME` and `PUT _ml/datafeeds/datafeed-NAME`. */
export interface Bodies {
  readonly name: string;
  readonly job: Body;
  /** Without the job's id. */
  readonly feed: Body;
  /** From when on, and until when, the datafeed reads. */
  readonly start: string;
  readonly end: string;
}

/** Something that is missing or wrong in a form. */
export interface Problem {
  /** Of the form, or a path in the JSON of the advanced kind. */
  readonly field: string;
  readonly text: string;
}

export type Made = { readonly bodies: Bodies; readonly problems: readonly [] } | { readonly bodies: undefined; readonly problems: readonly Problem[] };

const CATEGORY = "mlcategory";

/** The id of the datafeed of a job that a wizard makes. */
export function feedId(name: string): string {
  return `datafeed-${name}`;
}

/** What a form asks of the server, or what is missing in it. */
export function bodiesOf(form: Form): Made {
  const problems: Problem[] = [];
  const missing = (field: keyof Form, text: string): void => {
    problems.push({ field, text });
  };
  if (form.name === "") {
    missing("name", "Give the job an id.");
  }
  const made = form.kind === "advanced" ? written(form, problems) : filledIn(form, missing);
  return problems.length > 0 || made === undefined
    ? { bodies: undefined, problems }
    : { bodies: { name: form.name, ...made, start: form.from, end: form.to }, problems: [] };
}

function filledIn(form: Form, missing: (field: keyof Form, text: string) => void): Pick<Bodies, "job" | "feed"> | undefined {
  const indices = indicesOf(form);
  if (indices.length === 0) {
    missing("index", "Say which index is to be read.");
  }
  if (form.timeField === "") {
    missing("timeField", "Choose the field with the time.");
  }
  if (form.span === "") {
    missing("span", "Give a bucket span, such as 15m.");
  }
  const query = form.query === "" ? undefined : objectOf(form.query);
  if (form.query !== "" && query === undefined) {
    missing("query", `The query is no JSON object: ${faultOf(form.query)}`);
  }
  const detectors = detectorsOf(form, missing);
  const analysis: Body = { bucket_span: form.span, detectors };
  if (form.influencers.length > 0) {
    analysis["influencers"] = [...form.influencers];
  }
  if (form.kind === "categorization") {
    analysis["categorization_field_name"] = form.field;
    if (form.apart) {
      analysis["per_partition_categorization"] = { enabled: true, stop_on_warn: true };
    }
  }
  const job: Body = {
    ...(form.description === "" ? {} : { description: form.description }),
    ...(form.groups.length === 0 ? {} : { groups: [...form.groups] }),
    analysis_config: analysis,
    ...(form.memory === "" ? {} : { analysis_limits: { model_memory_limit: form.memory } }),
    data_description: { time_field: form.timeField },
    ...(form.plot ? { model_plot_config: { enabled: true } } : {}),
  };
  const feed: Body = {
    indices,
    ...(query === undefined ? {} : { query }),
    ...(form.delay === "" ? {} : { query_delay: form.delay }),
  };
  return { job, feed };
}

function detectorsOf(form: Form, missing: (field: keyof Form, text: string) => void): Body[] {
  const split = (role: string): Body => (form.split === "" ? {} : { [`${role}_field_name`]: form.split });
  const over: Body = form.population === "" ? {} : { over_field_name: form.population };
  switch (form.kind) {
    case "single":
    case "multi":
      return figures(form, missing).map((figure) => ({ ...figure, ...(form.kind === "multi" ? split("partition") : {}) }));
    case "population":
      if (form.population === "") {
        missing("population", "Choose the field whose values are the members of the population.");
      }
      return figures(form, missing).map((figure) => ({ ...figure, ...split("by"), ...over }));
    case "categorization":
      if (form.field === "") {
        missing("field", "Choose the field with the messages.");
      }
      if (form.apart && form.split === "") {
        missing("split", "Choose for which values categories are found apart.");
      }
      return [{ function: form.detector, by_field_name: CATEGORY, ...split("partition") }];
    case "rare":
      if (form.field === "") {
        missing("field", "Choose the field whose values may be rare.");
      }
      if (form.detector === "freq_rare" && form.population === "") {
        missing("population", "Only in a population can something be done often by few: choose its field.");
      }
      return [{ function: form.detector, by_field_name: form.field, ...over, ...split("partition") }];
    default:
      if (form.field === "") {
        missing("field", "Choose the field with the place.");
      }
      return [{ function: "lat_long", field_name: form.field, ...over, ...split("partition") }];
  }
}

function figures(form: Form, missing: (field: keyof Form, text: string) => void): Body[] {
  return form.metrics.map((metric) => {
    const needs = functionOf(metric.function)?.needs ?? "number";
    if (needs === "nothing") {
      return { function: metric.function };
    }
    if (metric.field === "") {
      missing("metrics", `Choose the field whose ${functionOf(metric.function)?.words ?? metric.function} is looked at.`);
    }
    return { function: metric.function, field_name: metric.field };
  });
}

function written(form: Form, problems: Problem[]): Pick<Bodies, "job" | "feed"> | undefined {
  const read = (field: "job" | "feed", table: "job" | "datafeed"): Body | undefined => {
    const body = objectOf(form[field]);
    if (body === undefined) {
      problems.push({ field, text: `${table}: no JSON object: ${faultOf(form[field])}` });
      return undefined;
    }
    problems.push(...misfits(table, body).map(({ path, text }) => ({ field, text: `${path}: ${text}` })));
    return body;
  };
  const [job, feed] = [read("job", "job"), read("feed", "datafeed")];
  return job && feed ? { job, feed } : undefined;
}

/** The object that a text of JSON holds; undefined where it holds none. */
export function objectOf(text: string): Body | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Body) : undefined;
  } catch {
    return undefined;
  }
}

/** What is wrong with a text that is to be a JSON object, with the line where it is. */
export function faultOf(text: string): string {
  if (text.trim() === "") {
    return "it is empty";
  }
  try {
    JSON.parse(text);
    return "write { and } around it";
  } catch (error) {
    const message = (error as Error).message;
    const at = /position (\d+)/.exec(message);
    if (at === null || /line \d+/.test(message)) {
      return message;
    }
    const before = text.slice(0, Number(at[1])).split("\n");
    return `${message} (line ${before.length} column ${(before.at(-1)?.length ?? 0) + 1})`;
  }
}

/** The advanced form that asks the same of the server. */
export function asAdvanced(form: Form, bodies: Pick<Bodies, "job" | "feed">): Form {
  return {
    ...emptyOf("advanced"),
    index: form.index,
    timeField: form.timeField,
    from: form.from,
    to: form.to,
    name: form.name,
    job: JSON.stringify(bodies.job, null, 2),
    feed: JSON.stringify(bodies.feed, null, 2),
  };
}

/** The form that makes such a job and datafeed: of the first kind that can say all of it, else the advanced one. */
export function formOfBodies(bodies: Bodies): Form {
  const { name, job, feed, start, end } = bodies;
  for (const kind of KINDS) {
    const form = { ...guess(kind, job, feed), name, from: start, to: end };
    const made = offers(form) ? bodiesOf(form).bodies : undefined;
    if (made !== undefined && same(made.job, job) && same(made.feed, feed)) {
      return form;
    }
  }
  const indices = texts(feed["indices"]).join(",");
  const time = text((job["data_description"] as Body | undefined)?.["time_field"]);
  return asAdvanced({ ...emptyOf("advanced"), name, index: indices, timeField: time, from: start, to: end }, { job, feed });
}

/** Whether a wizard of the form's kind has the functions that the form names. */
function offers(form: Form): boolean {
  return !["single", "multi", "population"].includes(form.kind) || form.metrics.every((one) => functionOf(one.function) !== undefined);
}

function guess(kind: Kind, job: Body, feed: Body): Form {
  const analysis = (job["analysis_config"] ?? {}) as Body;
  const detectors = (Array.isArray(analysis["detectors"]) ? analysis["detectors"] : []) as Body[];
  const first = detectors[0] ?? {};
  const metrics: Metric[] = detectors.map((one) => ({ function: text(one["function"]), field: text(one["field_name"]) }));
  return {
    ...emptyOf(kind),
    index: texts(feed["indices"]).join(","),
    query: feed["query"] === undefined ? "" : JSON.stringify(feed["query"]),
    delay: text(feed["query_delay"]),
    timeField: text((job["data_description"] as Body | undefined)?.["time_field"]),
    metrics: metrics.length > 0 ? metrics : emptyOf(kind).metrics,
    split: text(first[kind === "population" ? "by_field_name" : "partition_field_name"]),
    population: text(first["over_field_name"]),
    field: text(kind === "categorization" ? analysis["categorization_field_name"] : first[kind === "geo" ? "field_name" : "by_field_name"]),
    detector: text(first["function"]),
    apart: analysis["per_partition_categorization"] !== undefined,
    influencers: texts(analysis["influencers"]),
    span: text(analysis["bucket_span"]),
    memory: text((job["analysis_limits"] as Body | undefined)?.["model_memory_limit"]),
    plot: job["model_plot_config"] !== undefined,
    description: text(job["description"]),
    groups: texts(job["groups"]),
  };
}

function text(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function texts(value: Json | undefined): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : [];
}

/** Whether two values of JSON are equal; the order of keys does not count. */
export function same(a: Json | undefined, b: Json | undefined): boolean {
  if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) {
    return a === b;
  }
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((one, k) => same(one, b[k]));
  }
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && same(a[key], b[key]));
}
