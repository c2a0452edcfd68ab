/** A job and its datafeed under another id: what the server takes to make them. */

import type { Json } from "../rest/server";
import { feedPath, jobPath, type Call } from "./actions";
import { isMarkKey, shellWord } from "./ownership";

type Config = { [key: string]: Json };

/** What the server fills in, and what a new one is given in its path. */
const OF_THE_JOB = [
  "job_id", "job_type", "job_version", "create_time", "finished_time", "last_data_time", "model_snapshot_id",
  "model_snapshot_min_version", "deleting", "blocked", "datafeed_config",
];
const OF_THE_FEED = ["datafeed_id", "job_id", "authorization"];
/** The server puts this before the name of an index that a job has for itself. */
const CUSTOM = "custom-";

/** The body that makes a job like this one. */
export function jobBody(config: Config): Config {
  const body = without(config, OF_THE_JOB);
  const index = body["results_index_name"];
  if (typeof index === "string") {
    delete body["results_index_name"];
    if (index.startsWith(CUSTOM)) {
      body["results_index_name"] = index.slice(CUSTOM.length);
    }
  }
  const settings = body["custom_settings"];
  if (settings !== null && typeof settings === "object" && !Array.isArray(settings)) {
    // Nobody manages the new one yet.
    const own = Object.fromEntries(Object.entries(settings).filter(([key]) => !isMarkKey(key)));
    delete body["custom_settings"];
    if (Object.keys(own).length > 0) {
      body["custom_settings"] = own;
    }
  }
  return body;
}

/** The body that makes a datafeed like this one, for another job. */
export function feedBody(config: Config, jobId: string): Config {
  return { ...without(config, OF_THE_FEED), job_id: jobId };
}

/** The calls that make a copy. */
export function cloneCalls(job: Config, feed: Config | undefined, id: string): Call[] {
  const made: Call = { words: "make the job", method: "PUT", path: jobPath(id), body: jobBody(job) };
  return feed === undefined
    ? [made]
    : [made, { words: "make its datafeed", method: "PUT", path: feedPath(`datafeed-${id}`), body: feedBody(feed, id) }];
}

/** What is wrong with an id, or nothing. */
export function idFault(id: string, taken: readonly string[]): string | undefined {
  if (!/^[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?$/.test(id)) {
    return "An id has small letters, digits, - and _, and begins and ends with a letter or digit.";
  }
  if (id.length > 64) {
    return "An id has 64 signs at most.";
  }
  return taken.includes(id) ? `There is a job or group ${id} already.` : undefined;
}

/** The command that writes a job as manifests. */
export function exportCommand(id: string): string {
  return `anomalyops export --url URL --job ${shellWord(id)}\n`;
}

function without(config: Config, keys: readonly string[]): Config {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !keys.includes(key)));
}
