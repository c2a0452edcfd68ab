/** What is done to jobs: which calls it takes, what a manifest would say instead, and whether it came about. */

import type { Job } from "../rest/jobs";
import type { Json } from "../rest/server";
import { feedChange, feedCommand, isOfFiles, jobChange, jobCommand, requestOf, type Mark, type Spec } from "./ownership";

export const ACTIONS = ["start", "stop", "close", "reset", "delete"] as const;
export type Action = (typeof ACTIONS)[number];

/** Where a datafeed begins: the first data, after the last data that the job has seen, or a moment. */
export type Begin = "beginning" | "continue" | number;

/** How an action is done. */
export interface Manner {
  readonly begin: Begin;
  /** Where the datafeed ends, milliseconds; undefined to go on in real time. */
  readonly end: number | undefined;
  /** Whether annotations that people made go, too. */
  readonly annotations: boolean;
}

export const PLAIN: Manner = { begin: "continue", end: undefined, annotations: false };

/** A call to the server, with what it is for. */
export interface Call {
  readonly words: string;
  readonly method: string;
  readonly path: string;
  readonly body?: Json;
}

/** What an action does to one job: calls, nothing for a reason, or a change of the manifest that has the job. */
export type Plan =
  | { readonly kind: "calls"; readonly job: Job; readonly calls: readonly Call[] }
  | { readonly kind: "refused"; readonly job: Job; readonly reason: string }
  | { readonly kind: "owned"; readonly job: Job; readonly mark: Mark; readonly texts: readonly Text[] };

/** A text to copy. */
export interface Text {
  readonly what: string;
  readonly text: string;
}

/** The path of a job's calls. */
export function jobPath(id: string, more = ""): string {
  return `_ml/anomaly_detectors/${encodeURIComponent(id)}${more}`;
}

/** The path of a datafeed's calls. */
export function feedPath(id: string, more = ""): string {
  return `_ml/datafeeds/${encodeURIComponent(id)}${more}`;
}

/** The call that deletes a forecast. */
export function forecastDeletion(job: string, forecast: string): Call {
  const path = jobPath(job, `/_forecast/${encodeURIComponent(forecast)}`);
  return { words: "delete the forecast", method: "DELETE", path };
}

/** A call in one line. */
export function callLine(call: Call): string {
  return `${call.method} ${call.path}${call.body === undefined ? "" : ` ${JSON.stringify(call.body)}`}`;
}

/** What an action would do to a job as it is now. */
export function plan(action: Action, job: Job, manner: Manner): Plan {
  if (job.mark !== undefined) {
    return { kind: "owned", job, mark: job.mark, texts: manifestTexts(action, job.mark, manner) };
  }
  if (job.blocked !== undefined) {
    return { kind: "refused", job, reason: `the server is busy with it: ${job.blocked.reason}` };
  }
  const reason = nothingToDo(action, job, manner);
  return reason === undefined
    ? { kind: "calls", job, calls: callsOf(action, job, manner) }
    : { kind: "refused", job, reason };
}

function runs(job: Job): boolean {
  return job.feed !== undefined && job.feed.state !== "stopped";
}

function nothingToDo(action: Action, job: Job, manner: Manner): string | undefined {
  if (action === "start") {
    return notStartable(job, manner);
  }
  if (action === "stop" && job.feed === undefined) {
    return "it has no datafeed";
  }
  if (action === "stop" && !runs(job)) {
    return "its datafeed is stopped";
  }
  if (action === "close" && job.state === "closed" && !runs(job)) {
    return "it is closed";
  }
  return undefined;
}

function notStartable(job: Job, { begin, end }: Manner): string | undefined {
  if (job.feed === undefined) {
    return "it has no datafeed: data are posted to it";
  }
  if (runs(job)) {
    return `its datafeed is ${job.feed.state}`;
  }
  if (job.state === "failed") {
    return "it has failed; close it first";
  }
  if (begin === "beginning" && job.latestRecordMs !== undefined) {
    return `it has seen data up to ${iso(job.latestRecordMs)}, and each is seen once; reset it first, which deletes its model and results`;
  }
  if (typeof begin === "number" && job.latestRecordMs !== undefined && begin <= job.latestRecordMs) {
    return `it has seen data up to ${iso(job.latestRecordMs)}; begin after that, or reset it first`;
  }
  if (end !== undefined && typeof begin === "number" && end <= begin) {
    return "the end is not after the beginning";
  }
  if (end !== undefined && job.latestRecordMs !== undefined && end <= job.latestRecordMs) {
    return `it has seen data up to ${iso(job.latestRecordMs)}; end after that`;
  }
  return undefined;
}

function callsOf(action: Action, job: Job, manner: Manner): Call[] {
  if (action === "start") {
    return starting(job, manner);
  }
  if (action === "stop") {
    return halting(job);
  }
  const down = stopping(job);
  if (action === "close") {
    return down;
  }
  const query = `?wait_for_completion=false${manner.annotations ? "&delete_user_annotations=true" : ""}`;
  return action === "reset"
    ? [...down, { words: "forget model, results and counts", method: "POST", path: jobPath(job.id, `/_reset${query}`) }]
    : [
        ...down,
        {
          words: `delete the job with its model and results${job.feed === undefined ? "" : `, and its datafeed ${job.feed.id}`}`,
          method: "DELETE",
          path: jobPath(job.id, query),
        },
      ];
}

/** The calls that start the datafeed of a job, opening the job where it is not. */
export function starting(job: Job, { begin, end }: Manner): Call[] {
  const body: Record<string, string> = {};
  // Without a start a job that has seen nothing begins at the first data, and another one goes on.
  if (typeof begin === "number") {
    body["start"] = iso(begin);
  }
  if (end !== undefined) {
    body["end"] = iso(end);
  }
  const opening: Call = { words: "open the job", method: "POST", path: jobPath(job.id, "/_open") };
  return [
    ...(job.state === "opened" ? [] : [opening]),
    { words: "start the datafeed", method: "POST", path: feedPath(job.feed?.id ?? "", "/_start"), body },
  ];
}

/** What has failed is only let go of by force. */
function force(job: Job): { body?: Json } {
  return job.state === "failed" ? { body: { force: true } } : {};
}

/** The calls after which a job is closed and its datafeed stopped. */
export function stopping(job: Job): Call[] {
  return [...halting(job), ...(job.state === "closed" ? [] : [closing(job)])];
}

function halting(job: Job): Call[] {
  return job.feed === undefined || !runs(job)
    ? []
    : [{ words: "stop the datafeed", method: "POST", path: feedPath(job.feed.id, "/_stop"), ...force(job) }];
}

function closing(job: Job): Call {
  return { words: "close the job, which keeps its model", method: "POST", path: jobPath(job.id, "/_close"), ...force(job) };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

// -- what a manifest says instead ----------------------------------------------------------------------------------

function manifestTexts(action: Action, mark: Mark, manner: Manner): Text[] {
  switch (action) {
    case "start":
      return changed(mark, [["state", "Opened"]], startSpec(manner));
    case "stop":
      return changed(mark, undefined, [["state", "Stopped"]]);
    case "close":
      return changed(mark, [["state", "Closed"]], [["state", "Stopped"]]);
    case "reset":
      return requested(mark, requestOf("ModelSnapshotRevert", mark, `${mark.name}-anew`, [["snapshotId", "empty"]]));
    case "delete":
      return deleted(mark);
  }
}

function startSpec({ begin, end }: Manner): Spec {
  return [
    ["state", "Started"],
    ...(typeof begin === "number" ? [["start", iso(begin)] as const] : []),
    ...(end === undefined ? [] : [["end", iso(end)] as const]),
  ];
}

/** The change of fields of the manifests; of a job without a datafeed of a manifest only its own. */
function changed(mark: Mark, jobSpec: Spec | undefined, feedSpec: Spec): Text[] {
  const hasFeed = mark.datafeed !== "";
  const yaml = [...(hasFeed ? [feedChange(mark, feedSpec)] : []), ...(jobSpec ? [jobChange(mark, jobSpec)] : [])];
  const commands = [
    ...(hasFeed ? [feedCommand("patch", mark, feedSpec)] : []),
    ...(jobSpec ? [jobCommand("patch", mark, jobSpec)] : []),
  ];
  if (yaml.length === 0) {
    return [];
  }
  return [
    { what: "The fields to change in the manifests", text: yaml.join("---\n") },
    isOfFiles(mark)
      ? { what: "Then, in the folder of the files", text: "anomalyops plan -f .\nanomalyops apply -f .\n" }
      : { what: "Or at once, in the cluster", text: lines(commands) },
  ];
}

/** A manifest that is added beside the others. */
export function requested(mark: Mark, text: string): Text[] {
  const apply = isOfFiles(mark) ? "anomalyops apply -f ." : "kubectl apply -f FILE";
  return [
    { what: "The manifest to add", text },
    { what: "Then", text: lines([apply]) },
  ];
}

function deleted(mark: Mark): Text[] {
  const spec: Spec = [["deletionPolicy", "Delete"]];
  const hasFeed = mark.datafeed !== "";
  const yaml = [...(hasFeed ? [feedChange(mark, spec)] : []), jobChange(mark, spec)];
  const commands = [...(hasFeed ? [feedCommand("delete", mark)] : []), jobCommand("delete", mark)];
  return [
    { what: "First let the manifests say that what they made goes with them", text: yaml.join("---\n") },
    isOfFiles(mark)
      ? {
          what: "Then, with the file that holds these manifests alone",
          text: lines(["anomalyops apply -f FILE", "anomalyops delete -f FILE"]),
        }
      : { what: "When that is applied", text: lines(commands) },
  ];
}

function lines(commands: readonly string[]): string {
  return commands.map((line) => `${line}\n`).join("");
}

// -- whether it came about ------------------------------------------------------------------------------------------

/** What a job is found to be after the calls of an action: there, not yet, or something else that stays so. */
export interface Judged {
  readonly verdict: "reached" | "not yet" | "otherwise";
  readonly words: string;
}

/**
 * Compares what an action was for with what the server says now.
 *
 * @param job As read after the calls; undefined where the server has it no more.
 * @param manner How the action was done.
 */
export function judge(action: Action, job: Job | undefined, manner: Manner): Judged {
  if (job === undefined) {
    return action === "delete"
      ? { verdict: "reached", words: "the server has it no more" }
      : { verdict: "otherwise", words: "the server has it no more" };
  }
  const words = stateWords(job);
  if (job.blocked !== undefined || ["opening", "closing"].includes(job.state) || inBetween(job)) {
    return { verdict: "not yet", words };
  }
  return { verdict: isReached(action, job, manner) ? "reached" : "otherwise", words };
}

function inBetween(job: Job): boolean {
  return job.feed !== undefined && ["starting", "stopping"].includes(job.feed.state);
}

function isReached(action: Action, job: Job, manner: Manner): boolean {
  switch (action) {
    case "start":
      // A stretch that ends may be over by the time that somebody looks.
      return job.feed?.state === "started" || (manner.end !== undefined && job.feed?.state === "stopped");
    case "stop":
      return job.feed?.state === "stopped";
    case "close":
      return job.state === "closed";
    case "reset":
      return job.state === "closed" && job.records === 0 && job.buckets === 0;
    case "delete":
      return false;
  }
}

/** What a job is, as the server says it. */
export function stateWords(job: Job): string {
  const feed = job.feed === undefined ? "" : `, its datafeed ${job.feed.state}`;
  const blocked = job.blocked === undefined ? "" : `, the server busy with it: ${job.blocked.reason}`;
  return `the job is ${job.state}${feed}${blocked}`;
}
