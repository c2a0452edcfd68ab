/** The parts of a score in words, as the server's `anomaly_score_explanation` tells them. */

import { number, score, type Formats } from "./format";
import type { Anomaly } from "../rest/results";

/** A part of a score. */
export interface Factor {
  readonly name: string;
  /** How much it counted, 1 to 5; undefined where it is not a matter of size. */
  readonly strength: number | undefined;
  readonly text: string;
}

/** Steps of an impact in which a bar grows. */
const STEPS: readonly number[] = [3, 10, 20, 40, 80];

/** What makes a score, in the words of `anomalyops explain`. */
const IMPACTS: readonly (readonly [string, string])[] = [
  ["single_bucket_impact", "improbability in this bucket"],
  ["multi_bucket_impact", "improbability over the last buckets"],
  ["anomaly_characteristics_impact", "length and size compared with earlier anomalies"],
];
/** What lowers it. */
const LOWERED: readonly (readonly [string, string, string])[] = [
  ["High variance", "high_variance_penalty", "high_variance_penalty: the data are noisy, the bounds wide"],
  [
    "Incomplete bucket",
    "incomplete_bucket_penalty",
    "incomplete_bucket_penalty: the bucket has fewer samples than usual",
  ],
  ["Several modes", "multimodal_distribution", "multimodal_distribution: the values gather about more than one level"],
];
/** A drop of the score from which on it is worth a word. */
const NOTABLE_DRIFT = 10;

/** The parts of an anomaly's score; none where the server told none. */
export function factors(anomaly: Anomaly, formats: Formats): Factor[] {
  const told = anomaly.explanation;
  if (told === undefined) {
    return [];
  }
  return [...shape(told), ...impacts(told), ...bounds(anomaly, told, formats), ...lowered(anomaly, told, formats)];
}

type Told = NonNullable<Anomaly["explanation"]>;

function figure(told: Told, key: string): number | undefined {
  const value = told[key];
  return typeof value === "number" ? value : undefined;
}

function shape(told: Told): Factor[] {
  const kind = told["anomaly_type"];
  const length = figure(told, "anomaly_length") ?? 0;
  if (typeof kind !== "string") {
    return [];
  }
  const text = `${kind === "dip" ? "Dip" : "Spike"}${length > 1 ? ` over ${length} buckets` : ""}`;
  return [{ name: "Shape", strength: undefined, text }];
}

function impacts(told: Told): Factor[] {
  const found = IMPACTS.map(([key, words]) => ({ key, words, value: figure(told, key) ?? 0 }));
  const total = found.reduce((sum, { value }) => sum + value, 0);
  const named: Readonly<Record<string, string>> = {
    single_bucket_impact: "Single bucket",
    multi_bucket_impact: "Several buckets",
    anomaly_characteristics_impact: "Anomaly characteristics",
  };
  return found
    .filter(({ value }) => value > 0)
    .map(({ key, words, value }) => ({
      name: named[key] ?? key,
      strength: strength(value),
      text: `${Math.round((100 * value) / total)}% ${words} (${key})`,
    }));
}

function bounds(anomaly: Anomaly, told: Told, formats: Formats): Factor[] {
  const [lower, upper] = [figure(told, "lower_confidence_bound"), figure(told, "upper_confidence_bound")];
  const { actual } = anomaly;
  if (actual === undefined || lower === undefined || upper === undefined) {
    return [];
  }
  const where = actual > upper ? "above" : actual < lower ? "below" : "inside";
  const [value, from, to] = [actual, lower, upper].map((one) => number(one, formats));
  const owed = where === "inside" ? "; inside the bounds a record is owed to the last buckets together" : "";
  return [
    { name: "Bounds", strength: undefined, text: `the value ${value} is ${where} the bounds ${from} to ${to} (95 %)${owed}` },
  ];
}

function lowered(anomaly: Anomaly, told: Told, formats: Formats): Factor[] {
  const found: Factor[] = LOWERED.filter(([, key]) => told[key] === true).map(([name, , text]) => ({
    name,
    strength: undefined,
    text,
  }));
  const drop = anomaly.initialScore - anomaly.score;
  if (drop > NOTABLE_DRIFT) {
    const [now, first] = [anomaly.score, anomaly.initialScore].map((one) => score(one, formats));
    found.push({ name: "Renormalisation", strength: undefined, text: `has lowered it much, from ${first} to ${now}` });
  }
  return found;
}

function strength(impact: number): number {
  return Math.max(1, STEPS.filter((step) => impact >= step).length);
}

/** From where on a record's own figure says that several buckets made it. */
const SEVERAL = 2;

/**
 * Whether an anomaly is one of several buckets together rather than of its own: it is drawn as a cross.
 *
 * Kibana's rule (`isMultiBucketAnomaly`): by the parts of the score where they are told, else by `multi_bucket_impact`.
 */
export function severalBuckets(anomaly: Anomaly): boolean {
  const told = (key: string): number => {
    const value = anomaly.explanation?.[key];
    return typeof value === "number" ? value : 0;
  };
  const [single, several] = [told("single_bucket_impact"), told("multi_bucket_impact")];
  if (single === 0 && several === 0) {
    return anomaly.multiBucket >= SEVERAL;
  }
  if (single > several) {
    return false;
  }
  return single === 0 || (1.7 * (several - single) * several) / single >= SEVERAL;
}
