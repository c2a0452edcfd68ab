/** What stands in a form before somebody chooses: the likeliest of what the indices have. */

import { DATES, PLACES, TEXTS, VALUES } from "./functions";
import { indicesOf, type Form } from "./form";

/** A field of the indices. */
export interface Typed {
  readonly name: string;
  readonly type: string;
}

const MESSAGES = ["message", "log.original", "event.original", "msg", "log"];

/** The form with what its indices leave no doubt about. */
export function withDefaults(form: Form, fields: readonly Typed[]): Form {
  const of = (types: ReadonlySet<string>): string[] => fields.filter((one) => types.has(one.type)).map((one) => one.name);
  const dates = of(DATES);
  const timeField = form.timeField !== "" ? form.timeField : (["@timestamp", "timestamp", "time"].find((one) => dates.includes(one)) ?? dates[0] ?? "");
  return { ...form, timeField, field: fieldOf(form, of), name: form.name === "" && form.kind !== "advanced" ? suggested(form) : form.name };
}

function fieldOf(form: Form, of: (types: ReadonlySet<string>) => string[]): string {
  if (form.field !== "") {
    return form.field;
  }
  if (form.kind === "geo") {
    return of(PLACES)[0] ?? "";
  }
  if (form.kind === "categorization") {
    const texts = [...of(TEXTS), ...of(VALUES)];
    return MESSAGES.find((one) => texts.includes(one)) ?? of(TEXTS)[0] ?? "";
  }
  return "";
}

/** An id made of what the job looks at. */
export function suggested(form: Form): string {
  const index = indicesOf(form)[0] ?? "";
  const [metric] = form.metrics;
  const what: Readonly<Record<Form["kind"], readonly string[]>> = {
    single: [metric?.function ?? "", metric?.field ?? ""],
    multi: [metric?.function ?? "", metric?.field ?? "", form.split],
    population: [metric?.function ?? "", metric?.field ?? "", form.population],
    categorization: [form.detector, "categories"],
    rare: [form.detector, form.field, form.population, form.split],
    geo: ["places", form.population, form.split],
    advanced: [],
  };
  const words = [index, ...what[form.kind]].map((one) => one.toLowerCase().replace(/\.keyword$/, "").replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, ""));
  return words.filter(Boolean).join("-").slice(0, 60).replace(/-+$/, "");
}
