/** Whose a job is: the mark that the operator keeps in its `custom_settings`, and what its manifest is to say instead. */

import { yamlText } from "./yaml";

const PREFIX = "anomalyops.io/";
/** The nested object of earlier versions. */
const OLD = "anomalyops";
/** The cluster of owners that are files on disk. */
const LOCAL = "local";

/** Whether a key of `custom_settings` is the operator's own. */
export function isMarkKey(key: string): boolean {
  return key.startsWith(PREFIX) || key === OLD;
}

/** Who manages a job. */
export interface Mark {
  /** The uid of a cluster's kube-system namespace, or `local` for files on disk. */
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  /** The manifest's; of files, what tells them from others with the same names. */
  readonly uid: string;
  readonly since: string;
  /** The id of the datafeed that a manifest manages; empty for none. */
  readonly datafeed: string;
}

/** The mark on a job; undefined where nobody manages it, or where its manifest is gone and left the job behind. */
export function markOf(config: any): Mark | undefined {
  const settings = config.custom_settings ?? {};
  const old = settings[OLD];
  const read = (name: string): string => {
    const value = settings[PREFIX + name] ?? (old !== null && typeof old === "object" ? old[name] : undefined);
    return typeof value === "string" || value === true ? String(value) : "";
  };
  if (read("cluster") === "" || read("name") === "" || read("retained") === "true") {
    return undefined;
  }
  return {
    cluster: read("cluster"),
    namespace: read("namespace"),
    name: read("name"),
    uid: read("uid"),
    since: read("since"),
    datafeed: read("datafeed"),
  };
}

/** The owner in one line of a table. */
export function ownerLine(mark: Mark): string {
  return [mark.cluster, mark.namespace, mark.name].filter(Boolean).join("/");
}

/** Which manifest it is, and where. */
export function ownerWords(mark: Mark): string {
  const where =
    mark.cluster !== LOCAL
      ? `cluster ${mark.cluster}`
      : mark.uid === ""
        ? "files that an earlier version applied"
        : `the files ${mark.uid}`;
  return `AnomalyJob ${mark.namespace}/${mark.name} of ${where}`;
}

/** Whether the owner is files on disk. */
export function isOfFiles(mark: Mark): boolean {
  return mark.cluster === LOCAL;
}

/** A manifest's name, with a remark beside it where it is only likely. */
interface Name {
  readonly text: string;
  readonly remark: string;
}

/** The Datafeed of a marked job: the mark has its id on the server, which is its name wherever that can be one. */
function feedName(mark: Mark): Name {
  const isName = /^[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?$/.test(mark.datafeed);
  return {
    text: isName ? mark.datafeed : mark.name,
    remark: `  # the Datafeed whose spec.jobRef.name is ${yamlText(mark.name)}`,
  };
}

/** Fields of a spec, in order. */
export type Spec = readonly (readonly [string, string | boolean | Spec])[];

function written(kind: string, mark: Mark, name: Name, spec: Spec, more: readonly string[] = []): string {
  return [
    "apiVersion: anomalyops.io/v1alpha1",
    `kind: ${kind}`,
    "metadata:",
    `  name: ${yamlText(name.text)}${name.remark}`,
    `  namespace: ${yamlText(mark.namespace)}`,
    "spec:",
    ...more,
    ...fieldLines(spec, "  "),
    "",
  ].join("\n");
}

function fieldLines(spec: Spec, before: string): string[] {
  return spec.flatMap(([field, value]) => {
    if (typeof value === "object") {
      return [`${before}${field}:`, ...fieldLines(value, `${before}  `)];
    }
    return [`${before}${field}: ${typeof value === "string" ? yamlText(value) : value}`];
  });
}

/** What of the manifest of a job is to be changed, as YAML. */
export function jobChange(mark: Mark, spec: Spec): string {
  return written("AnomalyJob", mark, { text: mark.name, remark: "" }, spec);
}

/** What the manifest of a job says for a model snapshot to be kept, as YAML. */
export function retainedChange(mark: Mark, snapshot: string, description: string): string {
  const lines = ["  retainedSnapshots:", `    - snapshotId: ${yamlText(snapshot)}`, ...(description === "" ? [] : [`      description: ${yamlText(description)}`])];
  return written("AnomalyJob", mark, { text: mark.name, remark: "" }, [], lines);
}

/** The same of the manifest of its datafeed. */
export function feedChange(mark: Mark, spec: Spec): string {
  return written("Datafeed", mark, feedName(mark), spec);
}

/** A request that is done once to a job, as YAML. */
export function requestOf(kind: string, mark: Mark, name: string, spec: Spec): string {
  return written(kind, mark, { text: name, remark: "" }, spec, ["  jobRef:", `    name: ${yamlText(mark.name)}`]);
}

/** A text as one word of a shell. */
export function shellWord(value: string): string {
  return /^[A-Za-z0-9_./:@-]+$/.test(value) ? value : `'${value.replace(/'/g, "'\\''")}'`;
}

const JOBS = "anomalyjobs.anomalyops.io";
const FEEDS = "datafeeds.anomalyops.io";

/** A command about the manifest of a job in a cluster. */
export function jobCommand(verb: string, mark: Mark, spec?: Spec): string {
  return command([verb, JOBS, shellWord(mark.name)], mark, spec);
}

/** The same about the Datafeed of the job, which is looked for: a job has one at most. */
export function feedCommand(verb: string, mark: Mark, spec?: Spec): string {
  const path = shellWord(`jsonpath={.items[?(@.spec.jobRef.name==${JSON.stringify(mark.name)})].metadata.name}`);
  const found = `"$(${command(["get", FEEDS], mark)} -o ${path})"`;
  return command([verb, FEEDS, found], mark, spec);
}

function command(words: readonly string[], mark: Mark, spec?: Spec): string {
  const patch = spec === undefined ? [] : ["--type merge --patch", shellWord(JSON.stringify({ spec: Object.fromEntries(spec) }))];
  return ["kubectl", ...words, "--namespace", shellWord(mark.namespace), ...patch].join(" ");
}

/** The command that writes a job as manifests. */
export function exportCommand(id: string): string {
  return `anomalyops export --url URL --job ${shellWord(id)}\n`;
}
