/** Custom rules as the server has them, and adding one. */

import { jobPath } from "../shape/actions";
import { ServerError, type Ask, type Json } from "./server";

type Body = { readonly [key: string]: Json };

/** The rules of a detector, and the filter lists that a rule can name. */
export interface Rules {
  readonly rules: readonly Body[];
  readonly filters: readonly string[];
}

/** Filter lists that a reader can choose among at most. */
const MOST_FILTERS = 1000;

/** The rules of one detector, and the filter lists of the server. */
export async function readRules(ask: Ask, job: string, detector: number, signal?: AbortSignal): Promise<Rules> {
  const [jobs, filters] = await Promise.all([
    ask("GET", jobPath(job), undefined, signal),
    ask("GET", `_ml/filters?size=${MOST_FILTERS}`, undefined, signal),
  ]);
  return {
    rules: rulesOf(jobs.jobs[0], detector),
    filters: (filters.filters ?? []).map((one: any) => String(one.filter_id)),
  };
}

function rulesOf(job: any, detector: number): Body[] {
  const found = (job?.analysis_config?.detectors ?? []).find((one: any, place: number) => {
    return (one.detector_index ?? place) === detector;
  });
  return found?.custom_rules ?? [];
}

/** The call that gives a detector rules; it replaces those that it has. */
export function rulesCall(job: string, detector: number, rules: readonly Body[]): { path: string; body: Body } {
  const detectors = [{ detector_index: detector, custom_rules: [...rules] }];
  return { path: jobPath(job, "/_update"), body: { detectors } };
}

/** Adds a rule to those that a detector has at that moment, and reads back what it has then. */
export async function addRule(ask: Ask, job: string, detector: number, rule: Body): Promise<readonly Body[]> {
  const before = rulesOf((await ask("GET", jobPath(job))).jobs[0], detector);
  if (before.some((one) => same(one, rule))) {
    throw new ServerError(409, "the detector has this rule already");
  }
  const { path, body } = rulesCall(job, detector, [...before, rule]);
  await ask("POST", path, body);
  const after = rulesOf((await ask("GET", jobPath(job))).jobs[0], detector);
  if (!after.some((one) => same(one, rule))) {
    throw new ServerError(409, "the server answered, and has no such rule");
  }
  return after;
}

/** Whether two values of JSON say the same, whatever the order of their names. */
export function same(one: Json, other: Json): boolean {
  return JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) {
    return value.map(sorted);
  }
  if (value === null || typeof value !== "object") {
    return value;
  }
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((name) => [name, sorted(value[name] as Json)]),
  );
}
