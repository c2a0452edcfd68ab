/** What the charts of a selection draw: series, and how the members of a population or rare values are spread. */

import type { Detector, Job } from "../jobs";
import type { Anomaly, SeriesPart } from "../results";
import type { Ask, Json } from "../server";
import { bare, chartable, documentsQuery, sourcePath, type Measure } from "./source";
import type { Range } from "../../state/range";

/** Charts of a selection at most. */
export const MOST_CHARTS = 6;
/** Members of a population that are drawn at most, beside those that are unusual. */
const MOST_MEMBERS = 40;

/** One chart of a selection: a series with the anomalies that are selected of it. */
export interface Chosen {
  readonly job: Job;
  readonly detector: Detector;
  readonly parts: readonly SeriesPart[];
  readonly anomalies: readonly Anomaly[];
  readonly kind: "series" | "population" | "rare" | "places";
}

/** The charts of anomalies, the worst first: those of one series (or of one population) lie in one chart. */
export function chartsOf(anomalies: readonly Anomaly[], jobs: readonly Job[]): Chosen[] {
  const found = new Map<string, Chosen & { anomalies: Anomaly[] }>();
  for (const anomaly of anomalies) {
    const job = jobs.find((one) => one.id === anomaly.jobId);
    const detector = job?.detectors.find((one) => one.index === anomaly.detector);
    if (job === undefined || detector === undefined) {
      continue;
    }
    const kind = kindOf(detector);
    const parts = partsOf(anomaly, detector, kind);
    const key = JSON.stringify([job.id, detector.index, parts, bare(detector.function) === "metric" ? anomaly.described : ""]);
    const known = found.get(key);
    if (known !== undefined) {
      known.anomalies.push(anomaly);
    } else if (found.size < MOST_CHARTS) {
      found.set(key, { job, detector, parts, anomalies: [anomaly], kind });
    }
  }
  return [...found.values()];
}

function kindOf(detector: Detector): Chosen["kind"] {
  if (bare(detector.function) === "rare" || bare(detector.function) === "freq_rare") {
    return "rare";
  }
  if (bare(detector.function) === "lat_long") {
    return "places";
  }
  return detector.splits.some(({ role }) => role === "over") ? "population" : "series";
}

/** What tells the chart from others: of a population all but the member, of rare values all but the value, of a map the partition. */
function partsOf(anomaly: Anomaly, detector: Detector, kind: Chosen["kind"]): SeriesPart[] {
  const own = detector.splits.filter(({ role }) => kind === "series" || role === "partition" || (kind === "population" && role === "by"));
  return own.flatMap(({ role, field }) => {
    const value = anomaly.entities.find((one) => one.field === field)?.value;
    return value === undefined ? [] : [{ role, field, value }];
  });
}

/** A dot of a distribution. */
export interface Dot {
  readonly timeMs: number;
  /** Which member or value; one row each where rare values are drawn. */
  readonly name: string;
  readonly value: number;
}

/** The field whose values are spread: the population's, or what is rare. */
export function spreadField(chosen: Chosen): string | undefined {
  const role = chosen.kind === "rare" ? "by" : "over";
  return chosen.detector.splits.find((one) => one.role === role)?.field;
}

/** How a distribution is asked for, or why it cannot be. */
export function distributionOf(
  chosen: Chosen,
  range: Range,
  cellMs: number,
): { readonly path: string; readonly body: Json; readonly measure: Measure } | { readonly why: string } {
  const { job, detector, parts } = chosen;
  const field = spreadField(chosen);
  const counted = chosen.kind === "rare" ? { ...detector, function: "rare" } : detector;
  const chart = chartable(job.source, counted, parts, job.spanMs, "mean");
  if (chart.why !== undefined || job.source === undefined || field === undefined) {
    return { why: chart.why ?? "nothing tells its members apart" };
  }
  const { source } = job;
  const unusual = [...new Set(chosen.anomalies.flatMap((one) => one.entities.filter((entity) => entity.field === field)))];
  const cells: Json = {
    cells: {
      date_histogram: {
        field: source.timeField,
        fixed_interval: `${cellMs}ms`,
        offset: `${((range.from % cellMs) + cellMs) % cellMs}ms`,
        min_doc_count: 1,
      },
      ...(chart.measure.aggregation === undefined ? {} : { aggs: { value: chart.measure.aggregation } }),
    },
  };
  const body: Json = {
    size: 0,
    track_total_hits: false,
    query: documentsQuery(source, chart.filters, range),
    ...(source.runtime === undefined ? {} : { runtime_mappings: source.runtime }),
    aggs: {
      // Those that are unusual are drawn, however few documents they have.
      unusual: {
        filter: { terms: { [field]: unusual.map((one) => one.value) } },
        aggs: { members: { terms: { field, size: Math.max(1, unusual.length) }, aggs: cells } },
      },
      others: { terms: { field, size: MOST_MEMBERS }, aggs: cells },
    },
  };
  return { path: sourcePath(source, "_search"), body, measure: chart.measure };
}

/** The dots of a distribution. */
export async function readDistribution(
  ask: Ask,
  asked: { readonly path: string; readonly body: Json; readonly measure: Measure },
  signal?: AbortSignal,
): Promise<Dot[]> {
  const answer = await ask("POST", asked.path, asked.body, signal);
  const members: any[] = [
    ...(answer.aggregations?.unusual.members.buckets ?? []),
    ...(answer.aggregations?.others.buckets ?? []),
  ];
  const seen = new Set<string>();
  return members.flatMap((member) => {
    const name = String(member.key_as_string ?? member.key);
    if (seen.has(name)) {
      return [];
    }
    seen.add(name);
    return member.cells.buckets.map((cell: any) => ({
      timeMs: cell.key,
      name,
      value: asked.measure.aggregation === undefined ? cell.doc_count : (cell.value?.value ?? Number.NaN),
    }));
  });
}
