/** The links that a job's configuration gives its anomalies: `custom_settings.custom_urls`, as Kibana reads them. */

import type { Anomaly } from "../rest/results";
import { parseSpan } from "../state/range";

/** A link of a job. */
export interface CustomUrl {
  readonly name: string;
  readonly value: string;
  /** How far about the anomaly; undefined for a bucket before and one after. */
  readonly aroundMs: number | undefined;
}

/** A link for one anomaly: to follow, to open in Kibana, or why there is none. */
export type Link =
  | { readonly name: string; readonly kind: "address"; readonly address: string }
  | { readonly name: string; readonly kind: "kibana"; readonly address: string }
  | { readonly name: string; readonly kind: "none"; readonly why: string };

/** The links of a job's configuration; what is no link is left out. */
export function shapeUrls(job: any): CustomUrl[] {
  const found: unknown = job.custom_settings?.custom_urls;
  return (Array.isArray(found) ? found : []).flatMap((one: any) =>
    typeof one?.url_name === "string" && typeof one?.url_value === "string"
      ? [{ name: one.url_name, value: one.url_value, aroundMs: parseSpan(String(one.time_range ?? "")) }]
      : [],
  );
}

/** What begins so lies in Kibana, wherever that is. */
const OF_KIBANA = /^(kibana|discover|dashboards)#?\//;
const TOKEN = /\$([^$?&/\s]+)\$/g;

/**
 * The link of one anomaly.
 *
 * @param base The address of the page, which relative ones begin from.
 */
export function linkOf(url: CustomUrl, anomaly: Anomaly, base: string): Link {
  const around = url.aroundMs ?? anomaly.spanMs;
  const times: Readonly<Record<string, number>> = {
    earliest: anomaly.timeMs - around,
    latest: anomaly.timeMs + anomaly.spanMs + around,
  };
  const missing: string[] = [];
  const kibana = OF_KIBANA.test(url.value);
  const path = url.value.search(/[?#]/);
  let climbs = false;
  const address = url.value.replace(TOKEN, (_token, name: string, at: number) => {
    const moment = times[name];
    if (moment !== undefined) {
      return new Date(moment).toISOString();
    }
    const value = valueOf(anomaly, name);
    if (value === undefined) {
      missing.push(name);
      return "";
    }
    // No escape keeps a browser from taking these as steps in a path.
    climbs ||= /^\.\.?$/.test(value) && (path < 0 || at < path);
    return escaped(kibana ? quoted(value) : value);
  });
  if (missing.length > 0) {
    return { name: url.name, kind: "none", why: `this anomaly has no ${missing.join(" and no ")}` };
  }
  if (climbs) {
    return { name: url.name, kind: "none", why: "a value of dots alone would lead to another path" };
  }
  if (kibana) {
    return { name: url.name, kind: "kibana", address };
  }
  return absolute(url.name, address, base);
}

function absolute(name: string, address: string, base: string): Link {
  let read: URL;
  try {
    read = new URL(address, base);
  } catch {
    return { name, kind: "none", why: "its address is none" };
  }
  return ["http:", "https:"].includes(read.protocol)
    ? { name, kind: "address", address: read.href }
    : { name, kind: "none", why: `addresses that begin with ${read.protocol} are not followed` };
}

/** A field's value as the record has it: its own fields, then entities, then influencers. */
function valueOf(anomaly: Anomaly, name: string): string | undefined {
  const own = [anomaly.source[name]].flat()[0];
  if (typeof own === "string" || typeof own === "number" || typeof own === "boolean") {
    return String(own);
  }
  return [...anomaly.entities, ...anomaly.influencers].find((one) => one.field === name)?.value;
}

/** A value as part of an address: nothing in it means anything there. */
function escaped(value: string): string {
  const whole = value.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd");
  return encodeURIComponent(whole).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** A value inside of quotes in a query (KQL), which itself stands in quotes in Kibana's addresses (rison). */
function quoted(value: string): string {
  return value.replace(/[\\"]/g, "\\$&").replace(/[!']/g, "!$&");
}
