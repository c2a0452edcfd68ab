import assert from "node:assert/strict";
import { test } from "node:test";
import { wholeRange, shapeJobs } from "../src/rest/jobs";
import { shapeLanes } from "../src/rest/laning";
import { shapeRecord, shapeSeries } from "../src/rest/results";
import { reasonOf, server, ServerError } from "../src/rest/server";
import { factors } from "../src/shape/explanation";
import { bytes, departure, number, score } from "../src/shape/format";
import { chosen, conditions, matching } from "../src/shape/jobs";
import { byInterval } from "../src/shape/records";
import { severity } from "../src/shape/severity";
import { integer, seeded } from "./generated";

const formats = { locale: "en-GB", zone: "UTC" };
const german = { locale: "de-DE", zone: "Europe/Berlin" };

function record(changes: Record<string, unknown> = {}): any {
  return {
    job_id: "a",
    timestamp: 1_700_000_000_000,
    bucket_span: 900,
    record_score: 80,
    initial_record_score: 90,
    detector_index: 0,
    function: "mean",
    probability: 1e-9,
    actual: [3],
    typical: [1],
    ...changes,
  };
}

test("the cells of a lane hold what came in their time, and nothing else", () => {
  for (const random of seeded(200)) {
    const cell = integer(random, 1, 100) * 1000;
    const range = { from: integer(random, 0, 1000) * 1000, to: 0 };
    const wide = { from: range.from, to: range.from + integer(random, 1, 50) * cell };
    const buckets = Array.from({ length: integer(random, 0, 20) }, () => ({
      key: wide.from + integer(random, -3, 60) * cell,
      worst: { value: random() < 0.1 ? null : random() * 100 },
    }));
    const answer = { aggregations: { cells: { buckets } } };
    const { lanes } = shapeLanes(answer, wide, cell, { of: "overall" });
    const scores = [...(lanes[0]?.scores ?? [])];
    assert.equal(scores.length, (wide.to - wide.from) / cell);
    scores.forEach((value, k) => {
      const here = buckets.filter((bucket) => bucket.key === wide.from + k * cell && bucket.worst.value !== null);
      assert.ok(here.length === 0 ? Number.isNaN(value) : here.some((bucket) => bucket.worst.value === value));
    });
  }
});

test("a record tells its entities, of a population what its worst member measured", () => {
  const read = shapeRecord(
    record({
      actual: undefined,
      typical: undefined,
      causes: [{ actual: [88], typical: [1] }],
      over_field_name: "clientip",
      over_field_value: "1.2.3.4",
      influencers: [{ influencer_field_name: "clientip", influencer_field_values: ["1.2.3.4"] }],
    }),
  );
  assert.deepEqual(read.entities, [{ field: "clientip", value: "1.2.3.4" }]);
  assert.deepEqual(read.influencers, read.entities);
  assert.equal(read.actual, 88);
});

test("of each interval the worst record of a detector and entity is shown", () => {
  for (const random of seeded(100)) {
    const all = Array.from({ length: integer(random, 0, 60) }, () =>
      shapeRecord(
        record({
          timestamp: 1_700_000_000_000 + integer(random, 0, 400) * 900_000,
          record_score: random() * 100,
          by_field_name: "x",
          by_field_value: String(integer(random, 0, 2)),
        }),
      ),
    );
    for (const interval of ["auto", "hour", "day"] as const) {
      const rows = byInterval(all, interval, "Europe/Berlin");
      assert.ok(rows.length <= all.length);
      const worst = Math.max(-1, ...all.map((one) => one.score));
      assert.equal(rows[0]?.score ?? -1, worst);
      assert.ok(rows.every((row, k) => k === 0 || (rows[k - 1]?.score ?? 0) >= row.score));
    }
    assert.equal(new Set(byInterval(all, "all", "UTC")).size, new Set(all.map((a) => `${a.timeMs} ${a.entities[0]?.value}`)).size);
  }
});

test("jobs of four answers, with what runs of them and who declares them", () => {
  const [job] = shapeJobs(
    [
      {
        job_id: "a",
        analysis_config: { bucket_span: "15m", detectors: [{ function: "count", by_field_name: "x" }] },
        custom_settings: { "anomalyops.io/cluster": "c", "anomalyops.io/namespace": "n", "anomalyops.io/name": "a" },
      },
    ],
    [
      {
        job_id: "a",
        state: "opened",
        data_counts: { processed_record_count: 5, earliest_record_timestamp: 950_000, latest_record_timestamp: 1_000_000 },
        model_size_stats: { memory_status: "hard_limit", model_bytes: 2048 },
      },
    ],
    [{ job_id: "a", datafeed_id: "d", indices: ["i"] }],
    [{ datafeed_id: "d", state: "stopped" }],
  );
  assert.ok(job);
  assert.equal(job.owner, "c/n/a");
  assert.deepEqual(job.detectors[0]?.splits, [{ role: "by", field: "x" }]);
  assert.deepEqual(conditions(job).map((one) => one.text), [
    "the model is at its memory limit: new entities are not modelled, results are incomplete",
    "the job is open and its datafeed is stopped",
  ]);
  assert.deepEqual(wholeRange([job], 0), { from: 900_000, to: 1_800_000 });
  assert.deepEqual(wholeRange([], 100_000_000), { from: 13_600_000, to: 100_000_000 });
  assert.equal(matching([job], "OPENED a").length, 1);
  assert.equal(matching([job], "opened b").length, 0);
  assert.equal(chosen([job], "b, a").length, 1);
  assert.equal(chosen([job], "a*").length, 1);
  assert.equal(chosen([job], "b").length, 0);
});

test("a series keeps gaps as gaps", () => {
  const cells = [
    { key: 1000, actual: { value: 1 }, lower: { value: 0 }, upper: { value: 2 } },
    { key: 2000, actual: { value: null }, lower: { value: 0 }, upper: { value: 2 } },
  ];
  const series = shapeSeries(cells, 1000);
  assert.deepEqual([...series.times], [1, 2]);
  assert.deepEqual([...series.actual], [1, Number.NaN]);
});

test("figures are written as the reader's language has them", () => {
  assert.equal(number(1234567, formats), "1,234,567");
  assert.equal(number(1234567, german), "1.234.567");
  assert.equal(number(0.000012, formats), "1.2E-5");
  assert.equal(number(1.68, german), "1,68");
  assert.equal(bytes(1536, formats), "1.5 KB");
  assert.equal(score(0.4, formats), "< 1");
  assert.equal(severity(74.9).name, "major");
  assert.equal(severity(75).name, "critical");
});

test("a departure is told in words, whatever the figures", () => {
  assert.equal(departure(6, 2, formats), "3x higher");
  assert.equal(departure(2, 6, formats), "3x lower");
  assert.equal(departure(0, 6, formats), "unexpected zero value");
  assert.equal(departure(6, 0, formats), "unexpected non-zero value");
  assert.equal(departure(11, 10, formats), "10 % higher");
  assert.equal(departure(1e9, 1, formats), "more than 100x higher");
  for (const random of seeded(300)) {
    const [actual, typical] = [(random() - 0.3) * 1e3, (random() - 0.3) * 1e3];
    const text = departure(actual, typical, formats);
    assert.match(text, actual > typical ? /higher/ : /lower/);
    assert.doesNotMatch(text, /NaN|Infinity|undefined/);
  }
});

test("the parts of a score are told as far as the server told them", () => {
  assert.deepEqual(factors(shapeRecord(record()), formats), []);
  const told = { single_bucket_impact: 60, multi_bucket_impact: 0, high_variance_penalty: true, anomaly_type: "dip", anomaly_length: 3 };
  assert.deepEqual(
    factors(shapeRecord(record({ anomaly_score_explanation: told })), formats).map((part) => [part.name, part.strength]),
    [["Shape", undefined], ["Single bucket", 4], ["High variance", undefined]],
  );
  const drifted = record({ record_score: 20, initial_record_score: 90, anomaly_score_explanation: told });
  assert.equal(factors(shapeRecord(drifted), formats).at(-1)?.text, "has lowered it much, from 90 to 20");
  const bound = { lower_confidence_bound: 1, upper_confidence_bound: 2, single_bucket_impact: 3, multi_bucket_impact: 1 };
  const texts = factors(shapeRecord(record({ actual: [3], anomaly_score_explanation: bound })), formats).map((part) => part.text);
  assert.deepEqual(texts, [
    "75% improbability in this bucket (single_bucket_impact)",
    "25% improbability over the last buckets (multi_bucket_impact)",
    "the value 3 is above the bounds 1 to 2 (95 %)",
  ]);
});

test("what a server refuses is a sentence, and silence is no answer", async () => {
  const answering = (status: number, body: string) => server("http://x/", async () => new Response(body, { status }));
  await assert.rejects(answering(403, '{"error":{"reason":"no right"}}')("GET", "a"), /no right/);
  await assert.rejects(answering(500, "<html>")("GET", "a"), /answered 500/);
  await assert.rejects(answering(200, "<html>")("GET", "a"), /no JSON/);
  const gone = server("http://x/", async () => {
    throw new TypeError("fetch failed");
  });
  await assert.rejects(gone("GET", "a"), (error: ServerError) => error.status === 0 && error.advice !== "");
  assert.equal(reasonOf(404, { error: "plain" }), "plain");
  const cause = { reason: "failed to parse [b]", caused_by: { reason: "unknown function 'raer'" } };
  assert.equal(reasonOf(400, { error: { reason: "failed to parse [a]", caused_by: cause } }), "failed to parse [a]: unknown function 'raer'");
});
