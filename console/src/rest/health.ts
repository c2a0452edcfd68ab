/** What servers noted lately about the health of jobs: delayed data, warnings and errors. */

import { READ_ALIAS } from "./annotations/annotations";
import { timeOf } from "./results";
import type { Ask, Json } from "./server";
import { missedDocuments, type Note } from "../shape/health";
import { DAY_MS } from "../state/range";

/** How far back is looked. */
const RECENT_MS = 7 * DAY_MS;
const MOST_NOTES = 1000;

/** The documents that each recent annotation of delayed data names, by job; at most the newest thousand are looked at. */
export async function readDelays(ask: Ask, now: number, job?: string, signal?: AbortSignal): Promise<Map<string, number[]>> {
  const path = `${READ_ALIAS}/_search?ignore_unavailable=true&allow_no_indices=true`;
  const answer = await ask("POST", path, delaysQuery(now - RECENT_MS, job), signal);
  const found = new Map<string, number[]>();
  for (const { _source: source } of answer.hits.hits) {
    found.set(source.job_id, [...(found.get(source.job_id) ?? []), missedDocuments(String(source.annotation ?? ""))]);
  }
  return found;
}

/** Returns the search for annotations of delayed data that reach into the time since. */
export function delaysQuery(since: number, job?: string): Json {
  const reaching = ["timestamp", "end_timestamp"].map((field) => ({ range: { [field]: { gte: since, format: "epoch_millis" } } }));
  return {
    size: MOST_NOTES,
    _source: ["job_id", "annotation"],
    query: {
      bool: {
        filter: [
          { term: { event: "delayed_data" } },
          ...(job === undefined ? [] : [{ term: { job_id: job } }]),
          { bool: { should: reaching, minimum_should_match: 1 } },
        ],
      },
    },
    sort: [{ timestamp: { order: "desc", unmapped_type: "date" } }],
  };
}

/** The recent warnings and errors of a job, the newest first. */
export async function readNotes(ask: Ask, job: string, now: number, signal?: AbortSignal): Promise<Note[]> {
  const path = ".ml-notifications-*/_search?ignore_unavailable=true&allow_no_indices=true";
  const answer = await ask("POST", path, notesQuery(job, now - RECENT_MS), signal);
  return answer.hits.hits.map(({ _source: source }: any) => ({
    timeMs: timeOf(source.timestamp),
    level: source.level,
    text: String(source.message),
  }));
}

/** Returns the search for warnings and errors since. */
export function notesQuery(job: string, since: number): Json {
  const recent = { range: { timestamp: { gte: since, format: "epoch_millis" } } };
  return {
    size: MOST_NOTES,
    query: { bool: { filter: [{ term: { job_id: job } }, { terms: { level: ["warning", "error"] } }, recent] } },
    sort: [{ timestamp: { order: "desc", unmapped_type: "date" } }],
  };
}
