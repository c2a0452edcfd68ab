/** The parts of a score in words, as the server's `anomaly_score_explanation` tells them. */

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

/** The parts of an anomaly's score; none where the server told none. */
export function factors(anomaly: Anomaly): Factor[] {
  const told = anomaly.explanation;
  if (told === undefined) {
    return [];
  }
  const found: Factor[] = [];
  const impact = (name: string, key: string, text: string): void => {
    const value = told[key];
    if (typeof value === "number" && value > 0) {
      found.push({ name, strength: strength(value), text });
    }
  };
  const kind = told["anomaly_type"];
  const length = told["anomaly_length"];
  if (typeof kind === "string") {
    const buckets = typeof length === "number" && length > 1 ? ` over ${length} buckets` : "";
    found.push({ name: "Shape", strength: undefined, text: `${kind === "dip" ? "Dip" : "Spike"}${buckets}` });
  }
  impact("Anomaly characteristics", "anomaly_characteristics_impact", "its length and size among those before");
  impact("Single bucket", "single_bucket_impact", "how far this bucket's value lies from what was expected");
  impact("Several buckets", "multi_bucket_impact", "how far the last buckets together lie from it");
  const lowered: readonly (readonly [string, string, string])[] = [
    ["High variance", "high_variance_penalty", "lowered the score: the values vary widely"],
    ["Incomplete bucket", "incomplete_bucket_penalty", "lowered the score: fewer samples than usual"],
    ["Several modes", "multimodal_distribution", "the values gather about more than one level"],
  ];
  for (const [name, key, text] of lowered) {
    if (told[key] === true) {
      found.push({ name, strength: undefined, text });
    }
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
