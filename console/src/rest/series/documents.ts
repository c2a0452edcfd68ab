/** The source documents of an anomaly: those that the datafeed read of its series in its bucket. */

import type { Job } from "../jobs";
import type { Anomaly, Entity } from "../results";
import type { Ask, Json } from "../server";
import { aggregated, documentsQuery, sourcePath, type Source } from "./source";

/** Documents that are shown at most. */
export const MOST_DOCUMENTS = 50;

/** The search for an anomaly's documents, with the fields to show. */
export interface Asked {
  readonly path: string;
  readonly body: { readonly [key: string]: Json };
  readonly columns: readonly string[];
  /** Entities that no document can be found by, and why. */
  readonly left: readonly string[];
}

/** How the documents of an anomaly are asked for, or why they cannot be. */
export function documentsOf(job: Job | undefined, anomaly: Anomaly): Asked | { readonly why: string } {
  const source: Source | undefined = job?.source;
  if (source === undefined) {
    return { why: "no datafeed of this job says where its documents are" };
  }
  const { names } = aggregated(source.aggregations);
  const real = (field: string): string => names.get(field)?.field ?? field;
  const left: string[] = [];
  const filters: Json[] = [];
  for (const { field, value } of anomaly.entities) {
    if (field === "mlcategory" || source.scripted.includes(field)) {
      left.push(`${field} is computed, so that all documents of the bucket are shown`);
    } else {
      filters.push(
        value === "" ? { bool: { must_not: [{ exists: { field: real(field) } }] } } : { term: { [real(field)]: value } },
      );
    }
  }
  const range = { from: anomaly.timeMs, to: anomaly.timeMs + anomaly.spanMs };
  const fields = [...anomaly.entities, ...anomaly.influencers].map((one: Entity) => real(one.field));
  const measured = anomaly.field === undefined ? [] : [real(anomaly.field)];
  const columns = [...new Set([source.timeField, ...measured, ...fields])].filter((one) => one !== "mlcategory");
  const body = {
    size: MOST_DOCUMENTS,
    track_total_hits: true,
    query: documentsQuery(source, filters, range),
    ...(source.runtime === undefined ? {} : { runtime_mappings: source.runtime }),
    sort: [{ [source.timeField]: { order: "asc", unmapped_type: "date" } }],
    fields: columns.map((field) => ({ field })),
  };
  return { path: sourcePath(source, "_search"), body, columns, left };
}

/** A document: the values of the columns, and all of it. */
export interface Document {
  readonly index: string;
  readonly id: string;
  readonly values: readonly string[];
  readonly source: string;
}

/** Documents, and how many there are. */
export interface Documents {
  readonly documents: readonly Document[];
  readonly total: number;
}

/** The documents that a search finds. */
export async function readDocuments(ask: Ask, asked: Asked, signal?: AbortSignal): Promise<Documents> {
  const answer = await ask("POST", asked.path, asked.body, signal);
  const documents = answer.hits.hits.map((hit: any) => ({
    index: hit._index,
    id: hit._id,
    values: asked.columns.map((field) => [hit.fields?.[field] ?? []].flat().map(textOf).join(", ")),
    source: JSON.stringify(hit._source, undefined, 2),
  }));
  return { documents, total: answer.hits.total?.value ?? documents.length };
}

function textOf(value: unknown): string {
  return typeof value === "object" && value !== null ? JSON.stringify(value) : String(value);
}
