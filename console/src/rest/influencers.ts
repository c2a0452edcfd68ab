/** Which influencers there were, field by field. */

import type { Ask, Json } from "./server";
import { chosenBy, filtered, RESULTS, type Narrowing } from "./results";
import type { Range } from "../state/range";

/** An influencer with its worst and its summed score. */
export interface Influence {
  readonly field: string;
  readonly value: string;
  readonly worst: number;
  readonly sum: number;
}

const MOST_FIELDS = 20;
const MOST_VALUES = 10;

/** What a reader chose among records: then those influencers count that these had. */
export type Choice = Pick<Narrowing, "among" | "fits">;

/** Returns the search for the worst influencers of jobs, or of the records that somebody chose among. */
export function influencersQuery(jobs: readonly string[], range: Range, fields: readonly string[], choice: Choice): Json {
  const chosen = chosenBy(choice);
  const values = (field: string, score: string): Json => ({
    terms: { field, size: MOST_VALUES, order: { worst: "desc" } },
    aggs: { worst: { max: { field: score } }, sum: { sum: { field: score } } },
  });
  if (chosen.length === 0) {
    return {
      size: 0,
      query: filtered("influencer", jobs, range),
      aggs: {
        fields: {
          terms: { field: "influencer_field_name", size: MOST_FIELDS },
          aggs: { values: values("influencer_field_value", "influencer_score") },
        },
      },
    };
  }
  const named = fields.slice(0, MOST_FIELDS).map((field, place) => [`field_${place}`, values(field, "record_score")] as const);
  return { size: 0, query: filtered("record", jobs, range, chosen), aggs: Object.fromEntries(named) };
}

/** The influencers of jobs, field by field, the worst first. */
export async function readInfluencers(
  ask: Ask,
  jobs: readonly string[],
  range: Range,
  fields: readonly string[],
  choice: Choice,
  signal?: AbortSignal,
): Promise<Influence[]> {
  const chosen = chosenBy(choice).length > 0;
  if (jobs.length === 0 || (chosen && fields.length === 0)) {
    return [];
  }
  const { aggregations } = await ask("POST", `${RESULTS}/_search`, influencersQuery(jobs, range, fields, choice), signal);
  if (chosen) {
    return fields.slice(0, MOST_FIELDS).flatMap((field, place) => influences(field, aggregations[`field_${place}`].buckets));
  }
  return aggregations.fields.buckets.flatMap((field: any) => influences(String(field.key), field.values.buckets));
}

function influences(field: string, buckets: any[]): Influence[] {
  return buckets
    .filter((value) => value.sum.value > 0)
    .map((value) => ({ field, value: String(value.key), worst: value.worst.value, sum: value.sum.value }));
}
