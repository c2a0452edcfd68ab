/** Custom rules of a detector: what one does in words, what is wrong with it, and where it is written. */

import type { Detector } from "../rest/jobs";
import type { Anomaly } from "../rest/results";
import { bare } from "../rest/series/source";
import type { Json } from "../rest/server";
import { number, type Formats } from "./format";
import { isOfFiles, shellWord, type Mark } from "./ownership";
import { yamlText } from "./yaml";

export const ACTIONS = ["skip_result", "skip_model_update"] as const;
export type RuleAction = (typeof ACTIONS)[number];
export const APPLIES_TO = ["actual", "typical", "diff_from_typical"] as const;
export type AppliesTo = (typeof APPLIES_TO)[number];
export const OPERATORS = ["lt", "lte", "gt", "gte"] as const;
export type Operator = (typeof OPERATORS)[number];

export const ACTION_WORDS: Readonly<Record<RuleAction, string>> = {
  skip_result: "give no result",
  skip_model_update: "learn nothing",
};
export const APPLIES_WORDS: Readonly<Record<AppliesTo, string>> = {
  actual: "actual",
  typical: "typical",
  diff_from_typical: "the difference from typical",
};
export const OPERATOR_WORDS: Readonly<Record<Operator, string>> = { lt: "<", lte: "≤", gt: ">", gte: "≥" };

/** When a rule applies: a figure compared with a number. */
export interface Condition {
  readonly appliesTo: AppliesTo;
  readonly operator: Operator;
  readonly value: number;
}

/** For which values of a field: those in a list, or those that are not. */
export interface Scope {
  readonly field: string;
  readonly filter: string;
  readonly type: "include" | "exclude";
}

/** A rule that a reader makes. */
export interface Rule {
  readonly actions: readonly RuleAction[];
  readonly condition: Condition | undefined;
  readonly scopes: readonly Scope[];
}

/** Functions whose values no condition is compared with. */
const TIME_ONLY: readonly string[] = ["rare", "freq_rare", "lat_long", "metric"];

/** Whether a detector's rules may have conditions on its values. */
export function comparable(detector: Detector): boolean {
  return !TIME_ONLY.includes(bare(detector.function));
}

/** The rule that would have kept an anomaly from being told, and smaller ones of its kind. */
export function suggestion(anomaly: Anomaly, detector: Detector): Rule {
  const { actual, typical } = anomaly;
  const condition: Condition | undefined =
    actual === undefined || !comparable(detector)
      ? undefined
      : { appliesTo: "actual", operator: typical !== undefined && actual < typical ? "gte" : "lte", value: actual };
  return { actions: ["skip_result"], condition, scopes: [] };
}

/** What is wrong with a rule; empty where nothing is. */
export function ruleFault(rule: Rule): string {
  if (rule.actions.length === 0) {
    return "A rule does something: choose an action.";
  }
  if (rule.condition !== undefined && !Number.isFinite(rule.condition.value)) {
    return "The condition needs a number.";
  }
  return rule.condition === undefined && rule.scopes.length === 0
    ? "A rule that always applies would silence the detector: choose a condition or a list."
    : "";
}

/** A rule as a sentence. */
export function ruleWords(rule: Rule, formats: Formats): string {
  const where = [
    ...(rule.condition === undefined
      ? []
      : [
          `${APPLIES_WORDS[rule.condition.appliesTo]} ${OPERATOR_WORDS[rule.condition.operator]} ${number(rule.condition.value, formats)}`,
        ]),
    ...rule.scopes.map(({ field, filter, type }) => `${field} is ${type === "exclude" ? "not " : ""}in the list ${filter}`),
  ];
  const does = rule.actions.map((action) => ACTION_WORDS[action]).join(" and ");
  return `Where ${where.join(" and ") || "…"}: ${does || "…"}.`;
}

/** A rule as the server's API has it. */
export function ruleBody(rule: Rule): { [key: string]: Json } {
  const { condition, scopes } = rule;
  return {
    actions: [...rule.actions],
    ...(scopes.length === 0
      ? {}
      : {
          scope: Object.fromEntries(
            scopes.map(({ field, filter, type }) => [field, { filter_id: filter, filter_type: type }]),
          ),
        }),
    ...(condition === undefined
      ? {}
      : {
          conditions: [{ applies_to: condition.appliesTo, operator: condition.operator, value: condition.value }],
        }),
  };
}

const CAMEL: Readonly<Record<string, string>> = {
  applies_to: "appliesTo",
  filter_id: "filterId",
  filter_type: "filterType",
  force_time_shift: "forceTimeShift",
  time_shift_amount: "timeShiftAmount",
};

/** Rules of the server's in the names of manifests; names of fields in a scope stay as they are. */
export function inManifest(rules: readonly any[]): Json[] {
  const renamed = (value: any): Json =>
    Array.isArray(value)
      ? value.map(renamed)
      : value !== null && typeof value === "object"
        ? Object.fromEntries(Object.entries(value).map(([name, inner]) => [CAMEL[name] ?? name, renamed(inner)]))
        : value;
  return rules.map(({ scope, ...rest }) => ({
    ...(renamed(rest) as { [key: string]: Json }),
    ...(scope === undefined
      ? {}
      : { scope: Object.fromEntries(Object.entries(scope).map(([field, one]) => [field, renamed(one)])) }),
  }));
}

/** What of the manifest of a job is to be changed, as YAML: all rules of one of its detectors. */
export function rulesChange(mark: Mark, detector: number, rules: readonly Json[]): string {
  return [
    `# AnomalyJob ${yamlText(mark.name)} in the namespace ${yamlText(mark.namespace)}:`,
    `# spec.analysisConfig.detectors[${detector}]`,
    "customRules:",
    // A text of JSON is one of YAML.
    ...rules.map((rule) => `  - ${JSON.stringify(rule)}`),
    "",
  ].join("\n");
}

/** The command that does the same in a cluster; undefined where the manifest is a file. */
export function rulesCommand(mark: Mark, detector: number, rules: readonly Json[]): string | undefined {
  if (isOfFiles(mark)) {
    return undefined;
  }
  const patch = [{ op: "add", path: `/spec/analysisConfig/detectors/${detector}/customRules`, value: [...rules] }];
  const words = ["kubectl", "patch", "anomalyjobs.anomalyops.io", mark.name, "--namespace", mark.namespace];
  return [...words, "--type", "json", "--patch", JSON.stringify(patch)].map(shellWord).join(" ");
}
