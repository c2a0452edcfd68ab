/** Generated forms of wizards: whatever can be filled in, and more. */

import { EMPTY, emptyOf, KINDS, type Form, type Kind } from "../src/shape/wizard/form";
import { offered } from "../src/shape/wizard/functions";
import { anyText, integer, seeded, type Random } from "./generated";

const FIELDS = ["bytes", "host.name", "url.keyword", "@timestamp2", "a,b", "Größe", "x y", "true", "12"];

function one<T>(random: Random, from: readonly T[]): T {
  return from[integer(random, 0, from.length - 1)] as T;
}

function some(random: Random, from: readonly string[]): string[] {
  return [...new Set(Array.from({ length: integer(random, 0, 3) }, () => one(random, from)))];
}

/** A form that says all that its kind needs, and nothing that its kind does not show. */
export function wholeForm(random: Random, kind: Kind = one(random, KINDS.filter((each) => each !== "advanced"))): Form {
  // The server takes no field for two purposes of a detector.
  const left = [...FIELDS];
  const field = (): string => left.splice(integer(random, 0, left.length - 1), 1)[0] as string;
  const may = (): string => (random() < 0.5 ? field() : "");
  const figures = (most: number): Form["metrics"] =>
    Array.from({ length: integer(random, 1, most) }, (_, k) => {
      const { name, needs } = one(random, offered(kind === "population").filter((each) => k === 0 || each.needs !== "nothing"));
      return { function: name, field: needs === "nothing" ? "" : field() };
    });
  const common: Form = {
    ...emptyOf(kind),
    index: one(random, ["logs", "logs-*", "a,b-2026.01", "weblogs"]),
    query: one(random, ["", '{"term":{"event.dataset":"nginx"}}', '{"range":{"bytes":{"gte":1e21,"lt":0.5}}}']),
    timeField: one(random, ["@timestamp", "time", "t s"]),
    from: one(random, ["", "2026-01-01T00:00:00Z"]),
    to: one(random, ["", "2026-02-01T00:00:00Z"]),
    influencers: some(random, FIELDS),
    span: one(random, ["5m", "15m", "1h", "1d", "90s"]),
    delay: one(random, ["60s", "", "2m"]),
    memory: one(random, ["", "20mb", "1gb"]),
    plot: random() < 0.5,
    name: one(random, ["a", "web_logs-1", "x.y", "no", "a_.b", "1h", "2026-01-01", "true"]),
    description: one(random, ["", anyText(random), "yes", "a: b # c", "- x", " lines\nof text ", "\u2028\u0085\u007f"]),
    groups: some(random, ["web", "kibana_sample", "on", "0.1"]),
  };
  switch (kind) {
    case "single":
      return { ...common, metrics: figures(1) };
    case "multi":
      return { ...common, metrics: figures(3), split: may() };
    case "population":
      return { ...common, metrics: figures(3), population: field(), split: may() };
    case "categorization": {
      const split = may();
      return { ...common, field: field(), detector: one(random, ["count", "high_count", "rare"]), split, apart: split !== "" && random() < 0.5 };
    }
    case "rare": {
      const population = may();
      return { ...common, field: field(), population, split: may(), detector: population === "" ? "rare" : one(random, ["rare", "freq_rare"]) };
    }
    default:
      return { ...common, field: field(), population: may(), split: may() };
  }
}

/** A form with anything in any part. */
export function anyForm(random: Random): Form {
  const form: Record<string, unknown> = { ...EMPTY, kind: one(random, KINDS) };
  for (const [name, value] of Object.entries(EMPTY)) {
    if (name !== "kind" && random() < 0.7) {
      form[name] =
        typeof value === "boolean"
          ? random() < 0.5
          : typeof value === "string"
            ? one(random, ["", "=", "==", "=x", anyText(random)])
            : name === "metrics"
              ? [{ function: anyText(random), field: anyText(random) }]
              : [anyText(random), anyText(random)];
    }
  }
  return form as unknown as Form;
}

export { seeded };
