import assert from "node:assert/strict";
import { test } from "node:test";
import { lanesQuery, namesQuery, pageOf, readLanes } from "../src/rest/laning";
import { shapeRecord } from "../src/rest/results";
import { chartsOf, distributionOf, MOST_CHARTS, readDistribution } from "../src/rest/series/distribution";
import { shapeSource } from "../src/rest/series/source";
import { about } from "../src/state/range";
import { integer, seeded } from "./generated";

const HOUR = 3_600_000;

test("pages hold everything once and in order, whatever number is asked for", () => {
  for (const random of seeded(200)) {
    const all = Array.from({ length: integer(random, 0, 60) }, (_, k) => k);
    const size = integer(random, 1, 20);
    const { of } = pageOf(all, undefined, size);
    const pages = Array.from({ length: of }, (_, k) => pageOf(all, String(k + 1), size));
    assert.deepEqual(pages.flatMap((page) => page.items), all);
    for (const wanted of ["0", "-3", "x", "1.9", "", "99999", undefined]) {
      const page = pageOf(all, wanted, size);
      assert.ok(page.at >= 1 && page.at <= of);
    }
  }
});

test("lanes come in the order of their page, and no score below the severity is asked for", async () => {
  const range = { from: 0, to: 4 * HOUR };
  const lane = (key: string): any => ({ key, cells: { buckets: [] } });
  const ask = async (): Promise<any> => ({ aggregations: { lanes: { buckets: [lane("c"), lane("a"), lane("b")] } } });
  const kind = { of: "influencer", field: "f" } as const;
  const found = await readLanes(ask, ["j"], range, HOUR, kind, { least: 25, names: ["b", "c", "a"] });
  assert.deepEqual(found.lanes.map((one) => one.label), ["b", "c", "a"]);
  const asked = JSON.stringify(lanesQuery(["j"], range, HOUR, kind, { least: 25, names: ["b"] }));
  assert.ok(asked.includes(`{"range":{"influencer_score":{"gte":25}}}`));
  assert.ok(asked.includes(`{"terms":{"influencer_field_value":["b"]}}`));
});

test("lanes and their names are found by the same scores, with one bound", () => {
  for (const random of seeded(100)) {
    const least = random() < 0.3 ? 0 : integer(random, 1, 99);
    const kind = random() < 0.5 ? ({ of: "job" } as const) : ({ of: "influencer", field: "f" } as const);
    const range = { from: 0, to: HOUR };
    const bounds = [namesQuery(["j"], range, kind, "worst", { least }), lanesQuery(["j"], range, HOUR, kind, { least })].map(
      (query: any) => query.query.bool.filter.map((one: any) => Object.entries(one.range ?? {})[0]).filter((one: any) => one?.[0].endsWith("_score")),
    );
    const score = kind.of === "job" ? "anomaly_score" : "influencer_score";
    const bound = least > 0 ? { gte: least } : { gt: 0 };
    assert.deepEqual(bounds, [[[score, bound]], [[score, bound]]]);
  }
});

test("a short stretch is shown with what lies about it, as far as there is anything", () => {
  for (const random of seeded(300)) {
    const whole = { from: integer(random, 0, 50), to: integer(random, 60, 200) };
    const from = integer(random, 0, 190);
    const range = { from, to: from + integer(random, 1, 60) };
    const least = integer(random, 1, 120);
    const found = about(range, least, whole);
    assert.ok(found.from <= range.from && found.to >= range.to);
    assert.ok(found.from >= Math.min(range.from, whole.from) && found.to <= Math.max(range.to, whole.to));
    assert.ok(range.to - range.from < least || found.from === range.from);
  }
});

const SOURCE = shapeSource({ data_description: { time_field: "t" } }, { indices: ["logs"] });
const DETECTORS = [
  { index: 0, text: "count", function: "count", field: undefined, splits: [{ role: "partition", field: "host" }] },
  { index: 1, text: "high", function: "high_distinct_count", field: "url", splits: [{ role: "over", field: "ip" }] },
  { index: 2, text: "rare", function: "rare", field: undefined, splits: [{ role: "by", field: "page" }] },
];
const JOB: any = { id: "j", spanMs: HOUR, detectors: DETECTORS, source: SOURCE };

function anomaly(detector: number, role: string, value: string): any {
  const fields = { partition: "host", over: "ip", by: "page" } as Record<string, string>;
  return shapeRecord({ job_id: "j", timestamp: HOUR, bucket_span: 3600, detector_index: detector, [`${role}_field_name`]: fields[role], [`${role}_field_value`]: value });
}

test("each series has its chart, a population and what is rare one for all of its members, and no more than there may be", () => {
  const all = [anomaly(0, "partition", "a"), anomaly(1, "over", "1"), anomaly(0, "partition", "a"), anomaly(1, "over", "2"), anomaly(2, "by", "/x")];
  const charts = chartsOf(all, [JOB]);
  assert.deepEqual(charts.map((one) => [one.kind, one.parts.map((part) => part.value), one.anomalies.length]), [
    ["series", ["a"], 2],
    ["population", [], 2],
    ["rare", [], 1],
  ]);
  const many = Array.from({ length: 20 }, (_, k) => anomaly(0, "partition", String(k)));
  assert.equal(chartsOf(many, [JOB]).length, MOST_CHARTS);
  assert.deepEqual(chartsOf(many, []), []);
});

test("the members of a population are drawn with those that are unusual, each once", async () => {
  const [chosen] = chartsOf([anomaly(1, "over", "9.9.9.9")], [JOB]);
  assert.ok(chosen);
  const asked = distributionOf(chosen, { from: 0, to: 9 * HOUR }, HOUR);
  assert.ok(!("why" in asked));
  const body = asked.body as any;
  assert.deepEqual(body.aggs.unusual.filter, { terms: { ip: ["9.9.9.9"] } });
  assert.deepEqual(body.aggs.others.aggs.cells.aggs.value, { cardinality: { field: "url" } });
  const member = (key: string, value: number): any => ({ key, cells: { buckets: [{ key: HOUR, doc_count: 5, value: { value } }] } });
  const ask = async (): Promise<any> => ({
    aggregations: { unusual: { members: { buckets: [member("9.9.9.9", 80)] } }, others: { buckets: [member("1.1.1.1", 2), member("9.9.9.9", 80)] } },
  });
  assert.deepEqual(await readDistribution(ask, asked), [
    { timeMs: HOUR, name: "9.9.9.9", value: 80 },
    { timeMs: HOUR, name: "1.1.1.1", value: 2 },
  ]);
  const [rare] = chartsOf([anomaly(2, "by", "/x")], [JOB]);
  assert.ok(rare);
  const counted = distributionOf(rare, { from: 0, to: 9 * HOUR }, HOUR);
  assert.ok(!("why" in counted) && counted.measure.aggregation === undefined);
  const without = distributionOf({ ...rare, job: { ...JOB, source: undefined } }, { from: 0, to: HOUR }, HOUR);
  assert.ok("why" in without);
});
