/** Configurations as the server has them. */

import { feedPath, jobPath } from "../shape/actions";
import type { Job } from "./jobs";
import type { Ask, Json } from "./server";

type Config = { [key: string]: Json };

/** A job with its datafeed, where it has one. */
export interface Configs {
  readonly job: Config;
  readonly feed: Config | undefined;
}

/** The configurations of a job and its datafeed, without what the server made itself where `generated` is false. */
export async function readConfigs(ask: Ask, job: Job, generated: boolean, signal?: AbortSignal): Promise<Configs> {
  const query = generated ? "" : "?exclude_generated=true";
  const [jobs, feeds] = await Promise.all([
    ask("GET", jobPath(job.id, query), undefined, signal),
    job.feed === undefined ? undefined : ask("GET", feedPath(job.feed.id, query), undefined, signal),
  ]);
  return { job: jobs.jobs[0], feed: feeds?.datafeeds[0] };
}
