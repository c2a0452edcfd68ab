/** From what a server has to what somebody asked of it: what it filled in by itself is left out. */

import type { Json } from "../../rest/server";
import { isMarkKey } from "../ownership";
import { same, type Bodies, type Body } from "./bodies";

/** What the server fills in, and what a new one is given in its path. */
const OF_THE_JOB = [
  "job_id", "job_type", "job_version", "create_time", "finished_time", "last_data_time", "model_snapshot_id",
  "model_snapshot_min_version", "deleting", "blocked", "datafeed_config",
];
const OF_THE_FEED = ["datafeed_id", "job_id", "authorization"];
/** The server puts this before the name of an index that a job has for itself. */
const CUSTOM = "custom-";

/** The body that makes a job like this one. */
function jobBody(config: Body): Body {
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

/** What a server fills into a job where nothing is said; the same value said by somebody means the same. */
const JOB_DEFAULTS: readonly (readonly [string, Json])[] = [
  ["analysis_config.influencers", []],
  ["analysis_config.model_prune_window", "30d"],
  ["analysis_limits.categorization_examples_limit", 4],
  ["data_description.time_format", "epoch_ms"],
  ["model_snapshot_retention_days", 10],
  ["daily_model_snapshot_retention_after_days", 1],
  ["allow_lazy_open", false],
];
const FEED_DEFAULTS: readonly (readonly [string, Json])[] = [
  ["query", { match_all: {} }],
  ["query", { match_all: { boost: 1 } }],
  ["chunking_config", { mode: "auto" }],
  ["delayed_data_check_config", { enabled: true }],
  ["scroll_size", 1000],
];
const INDICES_OPTIONS: Json = {
  expand_wildcards: ["open"], ignore_unavailable: false, allow_no_indices: true, ignore_throttled: true,
};

/** What would make the same job and datafeed under another name. */
export function copyOf(job: Body, feed: Body, name: string): Bodies {
  const copied = structuredClone(jobBody(job));
  for (const [path, value] of JOB_DEFAULTS) {
    drop(copied, path.split("."), value);
  }
  const analysis = copied["analysis_config"] as Body;
  analysis["detectors"] = (analysis["detectors"] as Body[]).map(detectorOf);
  if (isOwnAnalyzer(analysis["categorization_analyzer"])) {
    delete analysis["categorization_analyzer"];
  }
  if (same(analysis["per_partition_categorization"], { enabled: false })) {
    delete analysis["per_partition_categorization"];
  }
  const plot = copied["model_plot_config"] as Body | undefined;
  if (plot !== undefined && plot["annotations_enabled"] === plot["enabled"]) {
    delete plot["annotations_enabled"];
  }
  if (plot !== undefined && plot["enabled"] === false) {
    delete copied["model_plot_config"];
  }
  const read = structuredClone(without(feed, OF_THE_FEED));
  for (const [path, value] of FEED_DEFAULTS) {
    drop(read, path.split("."), value);
  }
  const options = read["indices_options"] as Body | undefined;
  if (options !== undefined && Object.entries(options).every(([key, value]) => same((INDICES_OPTIONS as Body)[key], value))) {
    delete read["indices_options"];
  }
  return { name, job: copied, feed: read, start: "", end: "" };
}

function without(config: Body, keys: readonly string[]): Body {
  return Object.fromEntries(Object.entries(config).filter(([key]) => !keys.includes(key)));
}

function drop(body: Body, path: readonly string[], value: Json): void {
  const [first = "", ...rest] = path;
  const inner = body[first];
  if (rest.length === 0) {
    if (same(inner, value)) {
      delete body[first];
    }
  } else if (typeof inner === "object" && inner !== null) {
    drop(inner as Body, rest, value);
    if (Object.keys(inner).length === 0) {
      delete body[first];
    }
  }
}

function detectorOf(detector: Body): Body {
  const { detector_index: _, ...said } = detector;
  if (said["detector_description"] === generated(said)) {
    delete said["detector_description"];
  }
  if (same(said["custom_rules"], [])) {
    delete said["custom_rules"];
  }
  return said;
}

/** The description that a server gives a detector without one, such as `mean(bytes) by host partitionfield=site`. */
export function generated(detector: Body): string {
  const name = (key: string): string | undefined => {
    const value = detector[key];
    return typeof value === "string" && value !== "" ? (/^[\w.]+$/.test(value) ? value : `"${value}"`) : undefined;
  };
  const field = name("field_name");
  const parts = [field === undefined ? String(detector["function"]) : `${String(detector["function"])}(${field})`];
  for (const [word, key] of [["by ", "by_field_name"], ["over ", "over_field_name"]] as const) {
    const value = name(key);
    if (value !== undefined) {
      parts.push(word + value);
    }
  }
  if (detector["use_null"] === true) {
    parts.push("usenull=true");
  }
  const partition = name("partition_field_name");
  if (partition !== undefined) {
    parts.push(`partitionfield=${partition}`);
  }
  if (typeof detector["exclude_frequent"] === "string" && detector["exclude_frequent"] !== "none") {
    parts.push(`excludefrequent=${detector["exclude_frequent"]}`);
  }
  return parts.join(" ");
}

/** Whether it is the analyzer that a server gives a job without one. */
function isOwnAnalyzer(analyzer: Json | undefined): boolean {
  if (typeof analyzer !== "object" || analyzer === null || Array.isArray(analyzer)) {
    return false;
  }
  return analyzer["tokenizer"] === "ml_standard" && same(analyzer["char_filter"], ["first_line_with_letters"]);
}
