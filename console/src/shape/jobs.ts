/** What is said of jobs in the list. */

import type { Job } from "../rest/jobs";
import { findings } from "./health";

/** Something about a job's health. */
export interface Condition {
  readonly level: "good" | "notable" | "bad";
  readonly text: string;
}

/**
 * What is wrong with a job, the worst first; that it is well where nothing is.
 *
 * @param delays Documents that each recent annotation of delayed data names.
 */
export function conditions(job: Job, delays: readonly number[] = []): Condition[] {
  const found = findings({ ...job.raw, notes: [], delays }).flatMap(({ level, text }): Condition[] =>
    level === "critical" ? [{ level: "bad", text }] : level === "warning" ? [{ level: "notable", text }] : [],
  );
  return found.length > 0 ? found : [{ level: "good", text: "healthy" }];
}

/** The jobs in whose id, groups, states, owner or description each word of a search stands. */
export function matching(jobs: readonly Job[], search: string): Job[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return jobs.filter((job) => {
    const text = [job.id, job.description, job.state, job.feed?.state ?? "", job.owner ?? "", ...job.groups]
      .join("\n")
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

/** The jobs that a list of ids names; `*` at the end of a name stands for the rest; all where none is named. */
export function chosen(jobs: readonly Job[], names: string): Job[] {
  const patterns = names.split(",").map((name) => name.trim()).filter(Boolean);
  if (patterns.length === 0) {
    return [...jobs];
  }
  return jobs.filter((job) =>
    patterns.some((pattern) =>
      pattern.endsWith("*") ? job.id.startsWith(pattern.slice(0, -1)) : job.id === pattern || job.groups.includes(pattern),
    ),
  );
}
