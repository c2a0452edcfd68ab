/** Ready-made jobs over generated indices beside their manifests, for the catalogue itself to compare. */

import { bodiesOfOffer, FAMILIES, fit, suits } from "../src/shape/wizard/catalog";
import { manifestText } from "../src/shape/wizard/manifest";
import { anyText, integer, seeded, type Random } from "./generated";

const TYPES = { time: ["date", "date_nanos"], number: ["long", "scaled_float"], value: ["keyword", "ip", "boolean", "long"], text: ["text", "match_only_text"] } as const;
const NAMES = ["$&", "$1.x", "anomalyops.field.0.name", "Größe", "a b", "x'y", "host.name"];

function one<T>(random: Random, from: readonly T[]): T {
  return from[integer(random, 0, from.length - 1)] as T;
}

/** Writes cases as JSON: names that were chosen, and the manifests of the page. */
export function offerCases(count: number): string {
  const offers = FAMILIES.flatMap((family) => family.jobs);
  const cases = [...seeded(count)].map((random, place) => {
    const offer = offers[place % offers.length] as (typeof offers)[number];
    const called = Object.fromEntries(
      offer.fields.filter(() => random() < 0.5).map((use, k) => [use.name, `${k}${one(random, NAMES)}${random() < 0.2 ? anyText(random).replace(/\W/g, "") : ""}`]),
    );
    const time = offer.fields.find((use) => use.kind === "time")?.name ?? "";
    const fields = offer.fields.map((use) => ({ name: called[use.name] ?? use.name, type: one(random, TYPES[use.kind]) }));
    const fitted = fit(offer, fields, called, called[time] ?? time);
    if (!suits(fitted)) {
      throw new Error(`${offer.name} does not suit ${JSON.stringify(fields)}`);
    }
    const choices = { indices: one(random, [["logs"], ["logs-*", "metrics-2026.01"]]), prefix: one(random, ["", "a-", "x.y-"]), start: one(random, ["", "2026-01-01T00:00:00Z"]), end: one(random, ["", "2026-02-01T00:00:00Z"]) };
    return { entry: offer.name, called, choices, text: manifestText(bodiesOfOffer(fitted, choices)) };
  });
  return JSON.stringify(cases);
}
