/** Which influencers there were, field by field. */

import type { Ask, Json } from "./server";
import { filtered, RESULTS } from "./results";
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

/** The influencers of jobs, field by field, the worst first. */
export async function readInfluencers(
  ask: Ask,
  jobs: readonly string[],
  range: Range,
  signal?: AbortSignal,
): Promise<Influence[]> {
  if (jobs.length === 0) {
    return [];
  }
  const body: Json = {
    size: 0,
    query: filtered("influencer", jobs, range),
    aggs: {
      fields: {
        terms: { field: "influencer_field_name", size: MOST_FIELDS },
        aggs: {
          values: {
            terms: { field: "influencer_field_value", size: MOST_VALUES, order: { worst: "desc" } },
            aggs: { worst: { max: { field: "influencer_score" } }, sum: { sum: { field: "influencer_score" } } },
          },
        },
      },
    },
  };
  const answer = await ask("POST", `${RESULTS}/_search`, body, signal);
  return answer.aggregations.fields.buckets.flatMap((field: any) =>
    field.values.buckets
      .filter((value: any) => value.sum.value > 0)
      .map((value: any) => ({
        field: String(field.key),
        value: String(value.key),
        worst: value.worst.value,
        sum: value.sum.value,
      })),
  );
}
