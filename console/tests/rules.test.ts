import assert from "node:assert/strict";
import { test } from "node:test";
import { shapeRecord } from "../src/rest/results";
import { addRule, same } from "../src/rest/rules";
import type { Ask } from "../src/rest/server";
import { inManifest, ruleBody, ruleFault, rulesChange, rulesCommand, ruleWords, suggestion, type Rule } from "../src/shape/rules";
import { anyText, integer, seeded } from "./generated";

const formats = { locale: "en-GB", zone: "UTC" };
const DETECTOR: any = { index: 2, function: "mean", splits: [{ role: "partition", field: "host" }] };

function rule(changes: Partial<Rule> = {}): Rule {
  return {
    actions: ["skip_result"],
    condition: { appliesTo: "actual", operator: "lte", value: 5 },
    scopes: [{ field: "host", filter: "safe", type: "exclude" }],
    ...changes,
  };
}

test("a rule covers the anomaly that it is made of, and is told in words", () => {
  const of = (actual: number, typical: number, name = "mean"): Rule =>
    suggestion(shapeRecord({ actual: [actual], typical: [typical] }), { ...DETECTOR, function: name });
  assert.deepEqual(of(9, 3).condition, { appliesTo: "actual", operator: "lte", value: 9 });
  assert.deepEqual(of(1, 3).condition, { appliesTo: "actual", operator: "gte", value: 1 });
  assert.equal(of(9, 3, "rare").condition, undefined);
  assert.equal(ruleWords(rule(), formats), "Where actual ≤ 5 and host is not in the list safe: give no result.");
});

test("a rule that does nothing, or always applies, is none", () => {
  assert.equal(ruleFault(rule()), "");
  assert.match(ruleFault(rule({ actions: [] })), /choose an action/);
  assert.match(ruleFault(rule({ condition: undefined, scopes: [] })), /always applies/);
  assert.match(ruleFault(rule({ condition: { appliesTo: "actual", operator: "lt", value: Number.NaN } })), /needs a number/);
});

function server(rules: any[], keeps = true): { ask: Ask; asked: any[] } {
  const detectors: any[] = [{ detector_index: 0 }, { detector_index: 2, custom_rules: rules }];
  const asked: any[] = [];
  const ask: Ask = async (method, path, body: any) => {
    if (method === "POST") {
      asked.push([path, body]);
      if (keeps) {
        detectors[1] = { detector_index: 2, custom_rules: body.detectors[0].custom_rules };
      }
    }
    return { jobs: [{ analysis_config: { detectors } }] };
  };
  return { ask, asked };
}

test("a rule is added to those that are there, which stay as they are, and read back", async () => {
  const old = { actions: ["skip_model_update"], conditions: [{ applies_to: "time", operator: "gte", value: 1 }] };
  const { ask, asked } = server([old]);
  const after = await addRule(ask, "a/b", 2, ruleBody(rule()));
  assert.deepEqual(after, [old, ruleBody(rule())]);
  assert.deepEqual(asked, [
    ["_ml/anomaly_detectors/a%2Fb/_update", { detectors: [{ detector_index: 2, custom_rules: [old, ruleBody(rule())] }] }],
  ]);
  await assert.rejects(addRule(ask, "a/b", 2, ruleBody(rule())), /has this rule already/);
  await assert.rejects(addRule(server([], false).ask, "a", 2, ruleBody(rule())), /has no such rule/);
});

test("two rules are the same whatever the order of their names", () => {
  assert.ok(same({ a: 1, b: [{ c: 2, d: 3 }] }, { b: [{ d: 3, c: 2 }], a: 1 }));
  assert.ok(!same({ a: [1, 2] }, { a: [2, 1] }));
});

test("in a manifest a rule has its names, and fields and lists keep theirs, whatever they are", () => {
  for (const random of seeded(200)) {
    const scopes = Array.from({ length: integer(random, 0, 3) }, (_, k) => ({
      field: `${["applies_to", "filter_id", "x"][k]}${anyText(random)}`,
      filter: anyText(random),
      type: "include" as const,
    }));
    const [written] = inManifest([ruleBody(rule({ scopes }))]) as any[];
    assert.deepEqual(Object.keys(written.scope ?? {}), scopes.map((one) => one.field));
    assert.deepEqual(Object.values(written.scope ?? {}), scopes.map((one) => ({ filterId: one.filter, filterType: "include" })));
    assert.deepEqual(written.conditions, [{ appliesTo: "actual", operator: "lte", value: 5 }]);
    const mark: any = { cluster: "c", namespace: "ns", name: "it's", uid: "" };
    const change = rulesChange(mark, 1, [written]);
    assert.deepEqual(JSON.parse(change.split("\n")[3]?.slice(4) ?? ""), written);
    const command = rulesCommand(mark, 1, [written]) ?? "";
    assert.ok(command.startsWith("kubectl patch anomalyjobs.anomalyops.io 'it'\\''s' --namespace ns --type json --patch '"));
    assert.equal(rulesCommand({ ...mark, cluster: "local" }, 1, [written]), undefined);
  }
});
