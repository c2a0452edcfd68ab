/** Which series there are of a detector: the values of what splits it, each among those that go with the ones before. */

import type { Detector, Job, Role, Split } from "../jobs";
import { RESULTS, type SeriesPart } from "../results";
import { ServerError, type Ask, type Json } from "../server";
import { aggregated, documentsQuery, sourcePath, type Source } from "./source";
import type { Range } from "../../state/range";

/** Values of one split field that a reader can choose from at most. */
const MOST_CHOICES = 1000;

/** The values that can be chosen, and those that are. */
export interface Selected {
  readonly choices: ReadonlyMap<Role, readonly string[]>;
  readonly parts: readonly SeriesPart[];
}

/** Returns the search for the values of one split that go with those of others, the worst records' first. */
export function choicesQuery(job: string, detector: number, role: Role, before: readonly SeriesPart[]): Json {
  const filter: Json[] = [
    { term: { job_id: job } },
    { terms: { result_type: ["model_plot", "record"] } },
    { term: { detector_index: detector } },
    ...before.map((part) => ({ term: { [`${part.role}_field_value`]: part.value } })),
  ];
  const values = { field: `${role}_field_value`, size: MOST_CHOICES, order: { worst: "desc" } };
  return {
    size: 0,
    query: { bool: { filter } },
    aggs: { values: { terms: values, aggs: { worst: { max: { field: "record_score" } } } } },
  };
}

/** Returns the search for the values of one split in the source, the most frequent first. */
export function sourceChoicesQuery(source: Source, split: Split, before: readonly SeriesPart[], whole: Range): Json {
  const { names } = aggregated(source.aggregations);
  const real = (field: string): string => names.get(field)?.field ?? field;
  const filters = before.map((part) => ({ term: { [real(part.field)]: part.value } }));
  return {
    size: 0,
    track_total_hits: false,
    query: documentsQuery(source, filters, whole),
    ...(source.runtime === undefined ? {} : { runtime_mappings: source.runtime }),
    aggs: { values: { terms: { field: real(split.field), size: MOST_CHOICES } } },
  };
}

/**
 * Selects a series: of each split the value that is wanted, else the worst of those that go with the ones before.
 *
 * @param wanted Values by the role of their fields.
 */
export async function select(
  ask: Ask,
  job: Job,
  detector: Detector,
  wanted: Readonly<Record<string, string>>,
  whole: Range,
  signal?: AbortSignal,
): Promise<Selected> {
  const choices = new Map<Role, string[]>();
  const parts: SeriesPart[] = [];
  for (const split of detector.splits) {
    const found = await valuesOf(ask, job, detector, split, parts, whole, signal);
    choices.set(split.role, found);
    const value = wanted[split.role] ?? found[0];
    if (value !== undefined) {
      parts.push({ ...split, value });
    }
  }
  return { choices, parts };
}

async function valuesOf(
  ask: Ask,
  job: Job,
  detector: Detector,
  split: Split,
  before: readonly SeriesPart[],
  whole: Range,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const body = choicesQuery(job.id, detector.index, split.role, before);
  const answer = await ask("POST", `${RESULTS}/_search`, body, signal);
  const found = keys(answer);
  if (found.length > 0 || job.source === undefined || split.field === "mlcategory") {
    return found;
  }
  // Without a model plot the results name only what was unusual.
  const asked = sourceChoicesQuery(job.source, split, before, whole);
  try {
    return keys(await ask("POST", sourcePath(job.source, "_search"), asked, signal));
  } catch (error) {
    if (error instanceof ServerError && error.status >= 400 && error.status < 500) {
      return []; // the chart says why the source cannot be read
    }
    throw error;
  }
}

function keys(answer: any): string[] {
  const buckets: any[] = answer.aggregations?.values.buckets ?? [];
  return buckets.map((bucket) => String(bucket.key_as_string ?? bucket.key));
}
