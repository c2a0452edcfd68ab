/** What a wizard ends in: manifests for the operator, and the calls of the API that they come to. */

import type { Json } from "../../rest/server";
import { yamlDocuments } from "../yaml";
import { feedId, type Bodies } from "./bodies";
import { manifestOf } from "./configuration";

const API_VERSION = "anomalyops.io/v1alpha1";

/** The name in Kubernetes of an id on the server: the id itself wherever that is one. */
export function objectName(id: string): string {
  return id.replaceAll("_", "-").replace(/[-.]*\.[-.]*/g, ".");
}

/** The AnomalyJob and the Datafeed. */
export function manifestsOf(bodies: Bodies): Json[] {
  const { name, job, feed, start, end } = bodies;
  const object = objectName(name);
  const times = Object.entries({ start, end }).filter(([, value]) => value !== "");
  return [
    {
      apiVersion: API_VERSION,
      kind: "AnomalyJob",
      metadata: { name: object },
      spec: { ...(object === name ? {} : { jobId: name }), ...(manifestOf("job", job) as object) },
    },
    {
      apiVersion: API_VERSION,
      kind: "Datafeed",
      metadata: { name: object },
      spec: {
        jobRef: { name: object },
        datafeedId: feedId(name),
        ...(manifestOf("datafeed", feed) as object),
        ...Object.fromEntries(times),
      },
    },
  ];
}

/** The manifests as a file to commit. */
export function manifestText(bodies: Bodies): string {
  return yamlDocuments(manifestsOf(bodies));
}

/** A call of the API. */
export interface Call {
  readonly method: string;
  readonly path: string;
  readonly body?: Json;
}

/** The calls that make the job and start it. */
export function callsOf(bodies: Bodies): { readonly job: Call; readonly feed: Call; readonly open: Call; readonly start: Call } {
  const { name, job, feed, start, end } = bodies;
  const [id, fed] = [encodeURIComponent(name), encodeURIComponent(feedId(name))];
  const times = { ...(start === "" ? {} : { start }), ...(end === "" ? {} : { end }) };
  return {
    job: { method: "PUT", path: `_ml/anomaly_detectors/${id}`, body: job },
    feed: { method: "PUT", path: `_ml/datafeeds/${fed}`, body: { job_id: name, ...feed } },
    open: { method: "POST", path: `_ml/anomaly_detectors/${id}/_open` },
    start: { method: "POST", path: `_ml/datafeeds/${fed}/_start`, ...(Object.keys(times).length > 0 ? { body: times } : {}) },
  };
}

/** Calls as text. */
export function callsText(bodies: Bodies): string {
  return Object.values(callsOf(bodies))
    .map(({ method, path, body }: Call) => `${method} ${path}\n${body === undefined ? "" : `${JSON.stringify(body, null, 2)}\n`}`)
    .join("\n");
}
