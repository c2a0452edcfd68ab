/** Annotations: notes that people and jobs leave at a stretch of time, as Kibana reads and writes them. */

import type { Detector, Role } from "../jobs";
import { timeOf, type SeriesPart } from "../results";
import { ServerError, type Ask, type Json } from "../server";
import type { Range } from "../../state/range";

export const READ_ALIAS = ".ml-annotations-read";
export const WRITE_ALIAS = ".ml-annotations-write";
/** Annotations that a view shows at most; beyond, it says so. */
export const MOST_ANNOTATIONS = 500;
/** Characters that Kibana allows at most. */
export const LONGEST_TEXT = 1000;
/** The name that Kibana writes where nobody is known. */
const UNKNOWN_USER = "<user unknown>";

/** A note at a stretch of time. */
export interface Annotation {
  /** Undefined before it is written. */
  readonly id: string | undefined;
  /** The index that holds it: after a roll-over it is not the one that is written to. */
  readonly index: string | undefined;
  readonly jobId: string;
  readonly range: Range;
  readonly text: string;
  /** `user` for those of people; `delayed_data`, `model_change` and so on for a job's own. */
  readonly event: string;
  readonly detector: number | undefined;
  readonly parts: readonly SeriesPart[];
  readonly createdMs: number | undefined;
  readonly createdBy: string;
  readonly modifiedBy: string;
  readonly modifiedMs: number | undefined;
  /** The document as it was read, of which an edit keeps what it does not change. */
  readonly source: { readonly [key: string]: Json };
}

const ROLES: readonly Role[] = ["partition", "over", "by"];

/** Returns the search for annotations of jobs that touch a stretch of time, the latest first. */
export function annotationsQuery(jobs: readonly string[], range: Range): Json {
  const reaches: Json = { range: { end_timestamp: { gte: range.from, format: "epoch_millis" } } };
  const begins: Json = { range: { timestamp: { gte: range.from, format: "epoch_millis" } } };
  return {
    size: MOST_ANNOTATIONS,
    track_total_hits: true,
    query: {
      bool: {
        filter: [
          { terms: { job_id: [...jobs] } },
          { range: { timestamp: { lt: range.to, format: "epoch_millis" } } },
          // A job's own may have no end: then it is of one moment.
          { bool: { should: [reaches, begins], minimum_should_match: 1 } },
        ],
      },
    },
    sort: [{ timestamp: { order: "desc", unmapped_type: "date" } }],
  };
}

/** Annotations, and how many there are. */
export interface Annotations {
  readonly annotations: readonly Annotation[];
  readonly total: number;
}

/** The annotations of jobs that touch a stretch of time; none where the server keeps none. */
export async function readAnnotations(
  ask: Ask,
  jobs: readonly string[],
  range: Range,
  signal?: AbortSignal,
): Promise<Annotations> {
  if (jobs.length === 0) {
    return { annotations: [], total: 0 };
  }
  const path = `${READ_ALIAS}/_search?ignore_unavailable=true&allow_no_indices=true`;
  const answer = await ask("POST", path, annotationsQuery(jobs, range), signal);
  return { annotations: answer.hits.hits.map(shapeAnnotation), total: answer.hits.total?.value ?? 0 };
}

/** The annotation of a document. */
export function shapeAnnotation(hit: any): Annotation {
  const source = hit._source;
  const from = timeOf(source.timestamp);
  return {
    id: hit._id,
    index: hit._index,
    jobId: source.job_id,
    range: { from, to: source.end_timestamp === undefined ? from : timeOf(source.end_timestamp) },
    text: String(source.annotation ?? ""),
    event: String(source.event ?? "user"),
    detector: source.detector_index,
    parts: ROLES.flatMap((role) => {
      const [field, value] = [source[`${role}_field_name`], source[`${role}_field_value`]];
      return field === undefined || value === undefined ? [] : [{ role, field: String(field), value: String(value) }];
    }),
    createdMs: source.create_time === undefined ? undefined : timeOf(source.create_time),
    createdBy: String(source.create_username ?? ""),
    modifiedBy: String(source.modified_username ?? ""),
    modifiedMs: source.modified_time === undefined ? undefined : timeOf(source.modified_time),
    source,
  };
}

/** Whether an annotation is of a series: of the whole job, of its detector, or of it alone. */
export function concerns(annotation: Annotation, detector: Detector, parts: readonly SeriesPart[]): boolean {
  if (annotation.detector !== undefined && annotation.detector !== detector.index) {
    return false;
  }
  return annotation.parts.every((part) =>
    parts.some((one) => one.role === part.role && one.field === part.field && one.value === part.value),
  );
}

/** What a reader writes. */
export interface Draft {
  readonly jobId: string;
  readonly range: Range;
  readonly text: string;
  readonly detector: number | undefined;
  readonly parts: readonly SeriesPart[];
}

/** What is wrong with a draft; empty where nothing is. */
export function fault(draft: Draft): string {
  if (draft.text.trim() === "") {
    return "An annotation needs a text.";
  }
  if (draft.text.length > LONGEST_TEXT) {
    return `The text has ${draft.text.length} characters; ${LONGEST_TEXT} may be written.`;
  }
  return draft.range.to < draft.range.from ? "The time ends before it begins." : "";
}

/** The document that Kibana would write of a new annotation, or of one that is changed. */
export function annotationDocument(
  draft: Draft,
  user: string,
  now: number,
  before: Annotation | undefined,
): { [key: string]: Json } {
  const splits = Object.fromEntries(
    draft.parts.flatMap(({ role, field, value }) => [
      [`${role}_field_name`, field],
      [`${role}_field_value`, value],
    ]),
  );
  const fresh = { create_time: now, create_username: user, type: "annotation", event: "user" };
  const kept: { [key: string]: Json } = { ...(before?.source ?? fresh) };
  // An edit may take a series from an annotation.
  for (const name of ["detector_index", ...ROLES.flatMap((role) => [`${role}_field_name`, `${role}_field_value`])]) {
    delete kept[name];
  }
  return {
    ...kept,
    timestamp: draft.range.from,
    end_timestamp: draft.range.to,
    annotation: draft.text,
    job_id: draft.jobId,
    modified_time: now,
    modified_username: user,
    ...(draft.detector === undefined ? {} : { detector_index: draft.detector }),
    ...splits,
  };
}

/** Who writes: the user that the server knows the console as. */
export async function readUser(ask: Ask): Promise<string> {
  try {
    const answer = await ask("GET", "_security/_authenticate");
    return typeof answer.username === "string" ? answer.username : UNKNOWN_USER;
  } catch (error) {
    if (error instanceof ServerError && error.status !== 0) {
      return UNKNOWN_USER; // a server without security knows nobody
    }
    throw error;
  }
}

/** Writes an annotation, new or changed, and reads it back: what is shown is what the server has. */
export async function writeAnnotation(
  ask: Ask,
  draft: Draft,
  now: number,
  before: Annotation | undefined,
): Promise<Annotation> {
  const body = annotationDocument(draft, await readUser(ask), now, before);
  const written =
    before?.id === undefined
      ? await ask("POST", `${WRITE_ALIAS}/_doc?refresh=wait_for&require_alias=true`, body)
      : await ask("PUT", `${documentPath(before)}?refresh=wait_for`, body);
  return await readBack(ask, written._id);
}

/** Deletes an annotation; it is gone when this comes back. */
export async function deleteAnnotation(ask: Ask, annotation: Annotation): Promise<void> {
  await ask("DELETE", `${documentPath(annotation)}?refresh=wait_for`);
  const left = await find(ask, annotation.id ?? "");
  if (left !== undefined) {
    throw new ServerError(409, "the server still has the annotation after it was deleted");
  }
}

function documentPath(annotation: Annotation): string {
  return `${encodeURIComponent(annotation.index ?? WRITE_ALIAS)}/_doc/${encodeURIComponent(annotation.id ?? "")}`;
}

async function readBack(ask: Ask, id: string): Promise<Annotation> {
  const found = await find(ask, id);
  if (found === undefined) {
    throw new ServerError(404, "the annotation was written, but the server does not show it");
  }
  return found;
}

async function find(ask: Ask, id: string): Promise<Annotation | undefined> {
  const body = { size: 1, query: { ids: { values: [id] } } };
  const answer = await ask("POST", `${READ_ALIAS}/_search?ignore_unavailable=true`, body);
  const [hit] = answer.hits.hits;
  return hit === undefined ? undefined : shapeAnnotation(hit);
}

/** Rows of a strip in which no two annotations overlap: each is given the first row that is free, from the left. */
export function stacked(annotations: readonly Annotation[], leastMs: number): ReadonlyMap<Annotation, number> {
  const rows: number[] = [];
  const found = new Map<Annotation, number>();
  for (const one of [...annotations].sort((a, b) => a.range.from - b.range.from)) {
    const free = rows.findIndex((end) => end <= one.range.from);
    const row = free < 0 ? rows.length : free;
    rows[row] = Math.max(one.range.to, one.range.from + leastMs);
    found.set(one, row);
  }
  return found;
}
