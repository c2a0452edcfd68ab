import assert from "node:assert/strict";
import { test } from "node:test";
import { shapeJobs, type Detector, type Role } from "../src/rest/jobs";
import { plotQuery, recordsQuery, shapeRecord } from "../src/rest/results";
import { nameOf, partOf } from "../src/rest/series/drawn";
import {
  bare,
  chartable,
  measuredSeries,
  METRIC_PARTS,
  shapeSource,
  sourcePath,
  sourceQuery,
  type Measure,
  type Source,
} from "../src/rest/series/source";
import { seriesPlace } from "../src/shape/links";
import { anyText, integer, seeded } from "./generated";

const HOUR = 3_600_000;

function detector(name: string, field?: string, splits: [Role, string][] = []): Detector {
  return { index: 0, text: name, function: name, field, splits: splits.map(([role, of]) => ({ role, field: of })) };
}

function source(feed: Record<string, unknown> = {}, analysis: Record<string, unknown> = {}): Source {
  const job = { data_description: { time_field: "@t" }, analysis_config: analysis };
  return shapeSource(job, { indices: ["logs"], query: { term: { env: "live" } }, ...feed }) as Source;
}

function measureOf(of: Source, one: Detector): Measure {
  const found = chartable(of, one, [], HOUR, "mean");
  assert.equal(found.why, undefined);
  return (found as { measure: Measure }).measure;
}

/** What each function of a detector is drawn as; undefined for those that say why they are not. */
const FUNCTIONS: Readonly<Record<string, string | undefined>> = {
  count: "",
  non_zero_count: "",
  rare: "",
  distinct_count: "cardinality",
  mean: "avg",
  avg: "avg",
  metric: "avg",
  median: "percentiles",
  min: "min",
  max: "max",
  sum: "sum",
  non_null_sum: "sum",
  varp: "extended_stats",
  info_content: undefined,
  lat_long: undefined,
  freq_rare: undefined,
  time_of_day: undefined,
  time_of_week: undefined,
  of_a_later_version: undefined,
};

test("each function is measured by an aggregation, or says why it is not", () => {
  for (const [name, kind] of Object.entries(FUNCTIONS)) {
    for (const side of ["", "low_", "high_"]) {
      const found = chartable(source(), detector(side + name, "bytes"), [], HOUR, "mean");
      if (kind === undefined) {
        assert.ok(found.why !== undefined && found.why.length > 10, name);
      } else {
        const { aggregation } = (found as { measure: Measure }).measure;
        assert.deepEqual(Object.keys((aggregation ?? {}) as object), kind === "" ? [] : [kind], name);
      }
    }
  }
  assert.equal(bare("high_dc"), "distinct_count");
  assert.equal(bare("low_nzc"), "non_zero_count");
});

test("of metric one part is drawn and looked at, never all together", () => {
  const one = detector("metric", "bytes");
  for (const part of METRIC_PARTS) {
    const found = chartable(source(), one, [], HOUR, part) as { measure: Measure };
    assert.deepEqual(found.measure.aggregation, { [part === "mean" ? "avg" : part]: { field: "bytes" } });
    assert.equal(partOf(one, part), part);
  }
  assert.equal(partOf(one, "nonsense"), "mean");
  assert.equal(partOf(detector("mean", "bytes"), "min"), undefined);
  const [job] = shapeJobs([{ job_id: "a", analysis_config: { bucket_span: "1h", detectors: [] } }], [], [], []);
  assert.ok(job);
  const asked = JSON.stringify(plotQuery(nameOf(job, one, [], "min"), { from: 0, to: HOUR }, HOUR));
  assert.ok(asked.includes(`{"prefix":{"model_feature":"'minimum value"}}`));
  const records = recordsQuery(["a"], { from: 0, to: HOUR }, { leastScore: 0, described: "min" });
  assert.ok(JSON.stringify(records).includes(`{"term":{"function_description":"min"}}`));
  const anomaly = shapeRecord({ job_id: "a", timestamp: 0, bucket_span: 3600, function: "metric", function_description: "max" });
  assert.equal(seriesPlace(anomaly, job).params["part"], "max");
});

test("a bucket measures its documents, a wide cell the mean of its buckets, and a gap is zero only where it is one", () => {
  for (const random of seeded(200)) {
    const start = integer(random, 0, 500) * HOUR;
    const hours = integer(random, 1, 60);
    const wide = integer(random, 1, 5);
    const seen = { from: start, to: start + hours * HOUR };
    const counts = Array.from({ length: hours }, () => (random() < 0.4 ? 0 : integer(random, 1, 9)));
    const zero = random() < 0.5;
    const cells = Array.from({ length: Math.ceil(hours / wide) }, (_, place) => ({
      key: start + place * wide * HOUR,
      doc_count: counts.slice(place * wide, (place + 1) * wide).reduce((a, b) => a + b, 0),
    })).filter((cell) => cell.doc_count > 0);
    const measure = { aggregation: undefined, additive: true, zero, words: "" };
    const series = measuredSeries(cells, measure, seen, wide * HOUR, HOUR);
    series.actual.forEach((value, place) => {
      const own = counts.slice(place * wide, (place + 1) * wide);
      const sum = own.reduce((a, b) => a + b, 0);
      assert.equal(series.times[place], (start + place * wide * HOUR) / 1000);
      assert.ok(sum === 0 && !zero ? Number.isNaN(value) : Math.abs(value - sum / own.length) < 1e-9);
    });
    assert.equal(series.times.length, Math.ceil(hours / wide));
  }
});

test("a value is read of each kind of aggregation", () => {
  const read = (value: unknown): number =>
    measuredSeries(
      [{ key: 0, doc_count: 1, value }],
      { aggregation: { any: {} }, additive: false, zero: false, words: "" },
      { from: 0, to: HOUR },
      HOUR,
      HOUR,
    ).actual[0] as number;
  assert.equal(read({ value: 3 }), 3);
  assert.equal(read({ values: { "50.0": 4 } }), 4);
  assert.equal(read({ variance: 5, variance_population: 6 }), 6);
  assert.ok(Number.isNaN(read({ value: null })));
});

test("a series is measured by the datafeed's own query, its entities and the time, whatever they are called", () => {
  for (const random of seeded(100)) {
    const [field, value] = [`f${anyText(random)}`, anyText(random)];
    const of = source({ runtime_mappings: { a: { type: "long" } } });
    const parts = [{ role: "partition" as const, field, value }];
    const found = chartable(of, detector("count", undefined, [["partition", field]]), parts, HOUR, "mean");
    const body: any = sourceQuery(of, found as any, { from: 5 * HOUR, to: 9 * HOUR }, 2 * HOUR);
    const [query, time, entity] = body.query.bool.filter;
    assert.deepEqual(query, { term: { env: "live" } });
    assert.deepEqual(time.range["@t"], { gte: 5 * HOUR, lt: 9 * HOUR, format: "epoch_millis" });
    assert.deepEqual(entity, value === "" ? { bool: { must_not: [{ exists: { field } }] } } : { term: { [field]: value } });
    assert.equal(body.aggs.cells.date_histogram.offset, `${HOUR}ms`);
    assert.deepEqual(body.runtime_mappings, { a: { type: "long" } });
  }
  const far = source({ indices: ["a,b", "far:logs-*"], indices_options: { ignore_unavailable: true } });
  assert.equal(sourcePath(far, "_search"), "a%2Cb,far%3Alogs-*/_search?ignore_unavailable=true");
});

test("what a datafeed aggregates is measured as it does, under the names of the documents", () => {
  const histogram = (aggs: unknown, interval = "1h"): Source =>
    source(
      { aggregations: { buckets: { date_histogram: { field: "@t", fixed_interval: interval }, aggregations: aggs } } },
      { summary_count_field_name: "doc_count" },
    );
  const perHost = { host: { terms: { field: "host.name" }, aggs: { mean_bytes: { avg: { field: "bytes" } } } } };
  const split = detector("mean", "mean_bytes", [["partition", "host"]]);
  const found: any = chartable(histogram(perHost), split, [{ role: "partition", field: "host", value: "a" }], HOUR, "mean");
  assert.deepEqual(found.measure.aggregation, { avg: { field: "bytes" } });
  assert.deepEqual(found.filters, [{ term: { "host.name": "a" } }]);
  assert.deepEqual(measureOf(histogram(perHost), detector("distinct_count", "host")).aggregation, {
    cardinality: { field: "host.name" },
  });
  assert.equal(measureOf(histogram(perHost), detector("count")).aggregation, undefined);
  const most = { most: { max: { field: "bytes" } } };
  assert.deepEqual(measureOf(histogram(most), detector("mean", "most")).aggregation, { max: { field: "bytes" } });
  // Where a bucket is made of several, the mean of its maxima is nothing that an aggregation of one cell tells.
  assert.ok(chartable(histogram(most, "10m"), detector("mean", "most"), [], HOUR, "mean").why);
  assert.ok(chartable(histogram({}), detector("mean", "computed"), [], HOUR, "mean").why);
  const composite = source(
    {
      aggregations: {
        buckets: {
          composite: { sources: [{ t: { date_histogram: { field: "@t", fixed_interval: "1h" } } }, { host: { terms: { field: "h" } } }] },
          aggs: { n: { sum: { field: "docs" } } },
        },
      },
    },
    { summary_count_field_name: "n" },
  );
  const counted: any = chartable(composite, detector("count", undefined, [["by", "host"]]), [{ role: "by", field: "host", value: "x" }], HOUR, "mean");
  assert.deepEqual(counted.measure.aggregation, { sum: { field: "docs" } });
  assert.deepEqual(counted.filters, [{ term: { h: "x" } }]);
});

test("what no aggregation can read is named", () => {
  const scripted = source({ script_fields: { total: {} } });
  assert.match(chartable(scripted, detector("mean", "total"), [], HOUR, "mean").why ?? "", /total is a script field/);
  const categories = detector("count", undefined, [["by", "mlcategory"]]);
  assert.match(chartable(source(), categories, [], HOUR, "mean").why ?? "", /categories/);
  assert.match(chartable(undefined, detector("count"), [], HOUR, "mean").why ?? "", /no datafeed/);
  const summed = source({}, { summary_count_field_name: "n" });
  assert.match(chartable(summed, detector("mean", "x"), [], HOUR, "mean").why ?? "", /stand for several/);
  assert.deepEqual(measureOf(summed, detector("count")).aggregation, { sum: { field: "n" } });
});
