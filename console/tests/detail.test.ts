import assert from "node:assert/strict";
import { test } from "node:test";
import { analysedQuery, heldQuery, messagesQuery, shapeFeedCounts } from "../src/rest/detail";
import { shapeJobs, type Job } from "../src/rest/jobs";
import { cellText, columns, counts, facts, gaps } from "../src/shape/detail";
import { anyText, integer, seeded } from "./generated";

const SPAN = 3_600_000;
const FORMATS = { locale: "en-GB", zone: "UTC" };

function job(first: number | undefined, lastBucket: number | undefined): Job {
  const data_counts = { earliest_record_timestamp: first, latest_bucket_timestamp: lastBucket, latest_record_timestamp: lastBucket };
  const [made] = shapeJobs(
    [{ job_id: "a", analysis_config: { bucket_span: "1h", detectors: [] } }],
    [{ job_id: "a", state: "opened", data_counts }],
    [],
    [],
  );
  return made as Job;
}

test("what is missing is told for finished buckets alone, and nowhere else", () => {
  for (const random of seeded(300)) {
    const buckets = integer(random, 1, 30);
    const [first, last] = [integer(random, 0, buckets), integer(random, 0, buckets)];
    const range = { from: SPAN * 1000, to: SPAN * (1000 + buckets) };
    const cells = Array.from({ length: buckets }, (_none, index) => range.from + index * SPAN);
    const held = cells.map(() => integer(random, 0, 3));
    const seen = held.map((count) => (random() < 0.7 ? count : Math.max(0, count - 1)));
    const answer = (values: readonly number[], make: (value: number) => object): any => ({
      aggregations: {
        cells: { buckets: cells.flatMap((key, index) => ((values[index] ?? 0) > 0 ? [{ key, ...make(values[index] ?? 0) }] : [])) },
      },
    });
    const found = shapeFeedCounts(
      answer(held, (doc_count) => ({ doc_count })),
      answer(seen, (value) => ({ events: { value } })),
      range,
      SPAN,
      job(range.from + first * SPAN + 5, range.from + last * SPAN),
    );
    const expected = cells.flatMap((timeMs, index) =>
      index >= first && index <= last && held[index] !== seen[index]
        ? [{ timeMs, source: held[index], analysed: seen[index] }]
        : [],
    );
    assert.deepEqual(gaps(found), expected.reverse());
  }
});

test("of a job that has seen nothing nothing is missing", () => {
  const held = { aggregations: { cells: { buckets: [{ key: 0, doc_count: 5 }] } } };
  const none = { aggregations: { cells: { buckets: [] } } };
  const found = shapeFeedCounts(held, none, { from: 0, to: SPAN * 3 }, SPAN, job(undefined, undefined));
  assert.deepEqual(gaps(found), []);
  // A server without results has no aggregations at all.
  assert.deepEqual(gaps(shapeFeedCounts(held, {}, { from: 0, to: SPAN * 3 }, SPAN, job(undefined, undefined))), []);
});

test("both counts are asked for the same cells", () => {
  const range = { from: 5 * SPAN, to: 9 * SPAN };
  const source = {
    indices: ["logs"], options: {}, query: { term: { a: 1 } }, runtime: { b: { type: "long" } }, scripted: [], aggregations: undefined,
    timeField: "when", summaryCount: undefined,
  };
  const held = heldQuery(source, range, SPAN * 2) as any;
  const analysed = analysedQuery("a", range, SPAN * 2) as any;
  assert.equal(held.aggs.cells.date_histogram.field, "when");
  assert.deepEqual({ ...held.aggs.cells.date_histogram, field: "" }, { ...analysed.aggs.cells.date_histogram, field: "" });
  assert.deepEqual(held.query.bool.filter[0], { term: { a: 1 } });
  assert.deepEqual(held.runtime_mappings, source.runtime);
});

test("a level of messages is it and what is worse", () => {
  assert.deepEqual((messagesQuery("a", "warning") as any).query.bool.filter[1], { terms: { level: ["warning", "error"] } });
});

test("every value of a configuration is told once, whatever it is called", () => {
  for (const random of seeded(200)) {
    const names = [...new Set(Array.from({ length: 5 }, () => anyText(random).replace(/\./g, "") || "x"))];
    const config = Object.fromEntries(names.map((name, index) => [name, index % 2 === 0 ? index : { inner: name, list: [1, 2] }]));
    const found = facts(config);
    const leaves = names.reduce((sum, _name, index) => sum + (index % 2 === 0 ? 1 : 2), 0);
    assert.equal(found.length, leaves);
    assert.ok(found.every(({ value }) => typeof value === "string"));
  }
  assert.deepEqual(facts({ a: { b: { c: { d: { e: 1 } } } }, left: 1, none: null }, ["left"]), [{ name: "a.b.c", value: '{"d":{"e":1}}' }]);
});

test("counts are figures with what they count", () => {
  const found = counts(
    { job_id: "a", model_bytes: 2048, processed_record_count: 12345, latest_record_timestamp: 1_767_225_600_000, average_bucket_processing_time_ms: 1.5, memory_status: "ok", x: { y: 1 } },
    FORMATS,
  );
  assert.deepEqual(Object.fromEntries(found.map(({ name, value }) => [name, value])), {
    model_bytes: "2 KB",
    processed_record_count: "12,345",
    latest_record_timestamp: "1 Jan 2026, 00:00",
    average_bucket_processing_time_ms: "1.5 ms",
    memory_status: "ok",
  });
});

test("documents of several shapes have all their fields as columns", () => {
  assert.deepEqual(columns([{ a: 1 }, { b: 2, a: 3 }, {}]), ["a", "b"]);
  assert.equal(cellText(undefined), "");
  assert.equal(cellText(["a", "b"]), "a, b");
  assert.equal(cellText({ a: ["<b>"] }), '{"a":["<b>"]}');
});
