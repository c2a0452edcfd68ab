import assert from "node:assert/strict";
import { test } from "node:test";
import { shapeFields, timeField } from "../src/rest/data/fields";
import { overviewQuery, shapeExtent, shapeOverview, type Subject } from "../src/rest/data/overview";
import { MOST_DOCUMENTS, SAMPLE_DOCUMENTS, SLICES, sampleOf, slicesOf } from "../src/rest/data/sampling";
import { shapeAbilities, shapeSources } from "../src/rest/data/sources";
import {
  distributionQuery,
  distributionSteps,
  MOST_BARS,
  shapeStatistics,
  statisticsQuery,
  withDistributions,
} from "../src/rest/data/statistics";
import { brief, distinct, exact, matchingFields, namable, pageOf, share } from "../src/shape/fields";
import { clauseOf, languageOf, narrowed, type Language } from "../src/state/querying";
import { anyText, integer, seeded } from "./generated";

const FORMATS = { locale: "en-GB", zone: "UTC" };
const HOUR_MS = 3_600_000;

const cap = (type: string, more: object = {}): object => ({
  [type]: { type, searchable: true, aggregatable: true, metadata_field: false, ...more },
});

const one = (type: string, more: object = {}) => {
  const [field] = shapeFields({ f: cap(type, more) as any });
  assert.ok(field);
  return field;
};

test("fields are those of the documents, by name, with what can be said of each", () => {
  const fields = shapeFields({
    "@timestamp": cap("date"),
    _id: cap("_id", { metadata_field: true }),
    _doc_count: cap("long"),
    host: cap("object", { aggregatable: false }),
    "host.name": cap("text", { aggregatable: false }),
    bytes: cap("long"),
    gone: cap("unmapped"),
    mixed: { ...cap("long"), ...cap("keyword") },
    both: { ...cap("long"), ...cap("double") },
    part: { ...cap("keyword"), ...cap("unmapped", { aggregatable: false, searchable: false }) },
    flat: cap("double", { aggregatable: false }),
    total: cap("long", { time_series_metric: "counter" }),
    area: cap("geo_shape"),
  } as any);
  assert.deepEqual(
    fields.map(({ name, type, kind }) => [name, type, kind]),
    [
      ["@timestamp", "date", "date"],
      ["area", "geo_shape", "other"],
      ["both", "double, long", "number"],
      ["bytes", "long", "number"],
      ["flat", "double", "other"],
      ["host.name", "text", "text"],
      ["mixed", "keyword, long", "other"],
      ["part", "keyword", "words"],
      ["total", "long", "other"],
    ],
  );
  for (const field of fields) {
    assert.equal(field.reason === "", ["date", "number", "words"].includes(field.kind), field.name);
  }
});

test("the time field is the one that is asked for, if it is one", () => {
  const fields = shapeFields({ a: cap("date"), timestamp: cap("date"), word: cap("keyword") } as any);
  assert.equal(timeField(fields, "a"), "a");
  assert.equal(timeField(fields, "word"), "timestamp");
  assert.equal(timeField(fields, undefined), "timestamp");
  assert.equal(timeField(shapeFields({ z: cap("date"), b: cap("date") } as any), undefined), "b");
  assert.equal(timeField(shapeFields({ word: cap("keyword") } as any), undefined), undefined);
});

test("sources are what is open and not hidden; a data stream hides what is behind it", () => {
  const found = shapeSources({
    indices: [
      { name: "b", attributes: ["open"] },
      { name: "shut", attributes: ["closed"] },
      { name: "secret", attributes: ["hidden", "open"] },
      { name: ".ds-stream-1", attributes: ["hidden", "open"], data_stream: "stream" },
    ],
    aliases: [{ name: "a", indices: ["b"] }, { name: ".ml-anomalies-x", indices: [] }],
    data_streams: [{ name: "stream" }],
  });
  assert.deepEqual(found.map(({ name, kind }) => `${name} ${kind}`), ["a alias", "b index", "stream data stream"]);
});

test("a release can do what it came with", () => {
  const able = (version: object): string => JSON.stringify(shapeAbilities(version));
  const both = JSON.stringify({ kql: true, randomSampler: true });
  assert.equal(able({ number: "8.19.3" }), both);
  assert.equal(able({ number: "9.0.0" }), both);
  assert.equal(able({ number: "8.11.0", build_flavor: "serverless" }), both);
  assert.equal(able({ number: "8.16.2" }), JSON.stringify({ kql: false, randomSampler: true }));
  assert.equal(able({ number: "7.17.9" }), JSON.stringify({ kql: false, randomSampler: false }));
  assert.equal(able({ number: "8.19.3", build_type: "anomalyops" }), JSON.stringify({ kql: true, randomSampler: false }));
  assert.equal(able({}), JSON.stringify({ kql: false, randomSampler: false }));
});

test("every document of a range is of one cell", () => {
  for (const random of seeded(300)) {
    const from = integer(random, -1e12, 2e12);
    const range = { from, to: from + integer(random, 1, 1e11) };
    const cellMs = integer(random, 1000, 1e9);
    const query = overviewQuery({ index: "i", time: "t", range, question: { text: "", language: "kql" } }, cellMs) as any;
    const offset = Number(query.aggs.cells.date_histogram.offset.replace("ms", ""));
    const times = Array.from({ length: 20 }, () => integer(random, range.from, range.to - 1));
    const buckets = times.map((time) => ({ key: Math.floor((time - offset) / cellMs) * cellMs + offset, doc_count: 1 }));
    const answer = { hits: { total: { value: 20 } }, aggregations: { cells: { buckets } } };
    const { cells, total } = shapeOverview(answer, range, cellMs);
    assert.equal(total, 20);
    assert.equal(cells?.counts.reduce((a, b) => a + b, 0), 20);
    for (const time of times) {
      assert.ok((cells?.counts[Math.floor((time - range.from) / cellMs)] ?? 0) > 0);
    }
  }
});

test("the extent holds the first and the last document", () => {
  assert.equal(shapeExtent({ first: { value: null }, last: { value: null } }), undefined);
  for (const random of seeded(200)) {
    const first = integer(random, -1e12, 2e12) + 0.5;
    const last = first + integer(random, 0, 1e10);
    const extent = shapeExtent({ first: { value: first }, last: { value: last } });
    assert.ok(extent && extent.from <= first && extent.to > last);
  }
});

test("a sample is taken of many documents alone, and slices of time lie apart, and are no more of it than their share", () => {
  for (const random of seeded(300)) {
    const counts = Array.from({ length: integer(random, 1, 200) }, () => integer(random, 0, 3));
    const cellMs = integer(random, 1, 1e9);
    const cells = { range: { from: 1000, to: 1000 + counts.length * cellMs }, cellMs, counts };
    const total = integer(random, 0, 3 * MOST_DOCUMENTS);
    const able = { kql: true, randomSampler: random() < 0.5 };
    const sample = sampleOf(total, able, cells);
    assert.equal(sample.of, total <= MOST_DOCUMENTS ? "all" : able.randomSampler ? "chance" : "slices");
    if (sample.of === "chance") {
      assert.ok(sample.probability > 0 && sample.probability <= 0.5);
    }
    const share = SAMPLE_DOCUMENTS / Math.max(total, 1);
    const slices = slicesOf(cells, share);
    const held = counts.filter((count) => count > 0).length;
    assert.ok(slices.length <= Math.min(SLICES, held) && slices.length > 0 === held > 0);
    let end = cells.range.from;
    for (const slice of slices) {
      assert.ok(slice.from >= end && slice.to > slice.from && slice.to <= cells.range.to);
      end = slice.to;
    }
    const covered = slices.reduce((sum, slice) => sum + slice.to - slice.from, 0);
    assert.ok(covered <= Math.max(SLICES, Math.min(1, share) * counts.length * cellMs));
  }
  assert.equal(sampleOf(2 * MOST_DOCUMENTS, { kql: true, randomSampler: false }, undefined).of, "all");
});

const SUBJECT: Subject = { index: "i", time: undefined, range: undefined, question: { text: "", language: "kql" } };
const FIELDS = [one("long"), one("double"), one("date")].map((field, k) => ({ ...field, name: `f${k}` }));

test("bars hold every document, whole numbers in whole steps", () => {
  for (const random of seeded(300)) {
    const scale = 10 ** integer(random, -6, 12);
    const values = FIELDS.map((field) =>
      Array.from({ length: integer(random, 1, 30) }, () => {
        const value = (random() - 0.3) * scale;
        return field.kind === "number" && !field.whole ? value : Math.round(value);
      }),
    );
    const found = (k: number) => ({
      doc_count: values[k]?.length,
      extremes: { min: Math.min(...(values[k] ?? [])), max: Math.max(...(values[k] ?? [])) },
    });
    const summary = shapeStatistics({ aggregations: { all: { doc_count: 30 }, f0: found(0), f1: found(1), f2: found(2) } }, FIELDS);
    const steps = distributionSteps(FIELDS, summary);
    const query = distributionQuery(SUBJECT, { of: "all" }, FIELDS, steps) as any;
    const aggregations: Record<string, object> = {};
    FIELDS.forEach((_field, k) => {
      const asked = query.aggs[`f${k}`];
      if (asked === undefined) {
        assert.equal(new Set(values[k]).size, 1);
        return;
      }
      const { interval, fixed_interval, offset } = asked.histogram ?? asked.date_histogram;
      const [step, from] = [interval ?? Number(fixed_interval.replace("ms", "")), Number(String(offset).replace("ms", ""))];
      aggregations[`f${k}`] = {
        buckets: values[k]?.map((value) => ({ key: Math.floor((value - from) / step) * step + from, doc_count: 1 })),
      };
    });
    const whole = withDistributions(summary, { aggregations }, FIELDS, steps);
    FIELDS.forEach((field, k) => {
      const bars = whole.of.get(field.name)?.distribution;
      if (bars !== undefined) {
        assert.ok(bars.counts.length <= MOST_BARS);
        assert.equal(bars.counts.reduce((a, b) => a + b, 0), values[k]?.length);
        assert.ok((bars.counts[0] as number) > 0, "the least value is in the first bar");
        assert.ok(!(field.whole || field.kind === "date") || Number.isInteger(bars.step));
      }
    });
  }
});

test("neither equal values nor those without room between them are drawn", () => {
  const extremes = (min: number, max: number) =>
    distributionSteps([FIELDS[1] as any], shapeStatistics({ aggregations: { all: { doc_count: 1 }, f0: { doc_count: 1, extremes: { min, max } } } }, [FIELDS[1] as any])).size;
  assert.equal(extremes(5, 5), 0);
  assert.equal(extremes(1e300, 1e300 * (1 + Number.EPSILON)), 0);
  assert.equal(extremes(-1.7e308, 1.7e308), 0);
  assert.equal(extremes(0, 1), 1);
});

test("what cannot be aggregated is not aggregated, but counted; its examples come along", () => {
  const fields = [one("text", { aggregatable: false }), { ...one("binary", { searchable: false, aggregatable: false }), name: "b" }];
  const query = statisticsQuery(SUBJECT, { of: "all" }, fields) as any;
  assert.deepEqual(query.aggs, { all: { filter: { match_all: {} } }, f0: { filter: { exists: { field: "f" } } } });
  assert.deepEqual([query.size > 0, query.fields], [true, ["f"]]);
  const { of } = shapeStatistics(
    { hits: { hits: [{ fields: { f: ["a", "a"] } }, {}, { fields: { f: [7] } }] }, aggregations: { all: { doc_count: 3 }, f0: { doc_count: 2 } } },
    fields,
  );
  assert.deepEqual(of.get("f")?.examples, ["a", "7"]);
  assert.equal(of.has("b"), false);
});

test("a sample by chance wraps what is asked, and the answer is found inside", () => {
  const query = statisticsQuery(SUBJECT, { of: "chance", probability: 0.1 }, [one("keyword")]) as any;
  assert.equal(query.aggs.sample.random_sampler.probability, 0.1);
  assert.ok(query.aggs.sample.aggs.f0);
  const inside = { all: { doc_count: 10 }, f0: { doc_count: 5, distinct: { value: 2 }, top: { buckets: [{ key: "x", doc_count: 5 }] } } };
  const { documents, of } = shapeStatistics({ aggregations: { sample: { doc_count: 1, ...inside } } }, [one("keyword")]);
  assert.deepEqual([documents, of.get("f")?.top], [10, [{ value: "x", figure: undefined, documents: 5 }]]);
});

/** What stands between the quotation marks of the last term, without its escapes, and its field. */
function term(text: string): [string, string] {
  const found = /(?:^|[ (])((?:[^\s\\":(]|\\.)*):"((?:[^"\\]|\\.)*)"$/su.exec(text);
  assert.ok(found, text);
  return [found[1] as string, found[2] as string].map((part) => part.replace(/\\(.)/gsu, "$1")) as [string, string];
}

test("a term that is added means its value, whatever stands in it", () => {
  for (const random of seeded(500)) {
    const language: Language = random() < 0.5 ? "kql" : "lucene";
    const [field, value] = [`f${anyText(random)}`, anyText(random)];
    const first = narrowed({ text: "", language }, field, value, true);
    assert.deepEqual(term(first.text), [field, value]);
    const second = narrowed(first, "b", "c", false);
    assert.ok(second.text.startsWith(`(${first.text}) `));
    assert.match(second.text, language === "kql" ? / and not b:"c"$/ : / AND NOT b:"c"$/);
  }
});

test("the server is asked in the language of the text", () => {
  assert.equal(clauseOf({ text: "  ", language: "kql" }), undefined);
  assert.deepEqual(clauseOf({ text: "a:1", language: "kql" }), { kql: { query: "a:1" } });
  assert.deepEqual(clauseOf({ text: "a:1", language: "lucene" }), { query_string: { query: "a:1" } });
  assert.deepEqual([languageOf(undefined, true), languageOf(undefined, false)], ["kql", "lucene"]);
  assert.deepEqual([languageOf("lucene", true), languageOf("sql", false)], ["lucene", "lucene"]);
});

test("pages hold each field once, and a page that is not there is the nearest one", () => {
  for (const random of seeded(100)) {
    const all = Array.from({ length: integer(random, 0, 1000) }, (_, k) => k);
    const { pages } = pageOf(all, undefined);
    const seen = Array.from({ length: pages }, (_, k) => pageOf(all, String(k + 1)).rows).flat();
    assert.deepEqual(seen, all);
    assert.equal(pageOf(all, "999999").page, pages);
    for (const wrong of ["0", "-1", "x", "1e9", undefined]) {
      assert.equal(pageOf(all, wrong).page, 1);
    }
  }
});

test("fields are found by name, type and kind", () => {
  const fields = shapeFields({ "Host.Name": cap("keyword"), bytes: cap("long") } as any);
  assert.deepEqual(matchingFields(fields, "host", "").map((field) => field.name), ["Host.Name"]);
  assert.deepEqual(matchingFields(fields, "LONG", "").map((field) => field.name), ["bytes"]);
  assert.deepEqual(matchingFields(fields, "", "words").map((field) => field.name), ["Host.Name"]);
  assert.equal(matchingFields(fields, "host", "number").length, 0);
});

test("shares are never rounded to none or all", () => {
  for (const random of seeded(500)) {
    const whole = integer(random, 1, 1e9);
    const part = integer(random, 0, whole);
    const text = share(part, whole, FORMATS);
    assert.equal(text === "0\u00a0%", part === 0);
    assert.equal(text === "100\u00a0%", part === whole);
  }
  assert.equal(share(0, 0, FORMATS), "–");
  assert.equal(share(1, 3, { locale: "de-DE", zone: "UTC" }), "33,3\u00a0%");
});

test("digits are shown as far as they are known", () => {
  assert.equal(exact(404, one("long"), FORMATS), "404");
  assert.equal(exact(2 ** 40, one("long"), FORMATS), "1,099,511,627,776");
  assert.match(exact(2 ** 60, one("long"), FORMATS), /^about /);
  assert.equal(exact(Math.fround(0.1), one("float"), FORMATS), "0.1");
  assert.equal(exact(0.1234567891, one("double"), FORMATS), "0.1234567891");
  assert.deepEqual([namable(2 ** 60), namable(404), namable(0.5), namable(undefined)], [false, true, true, true]);
  assert.deepEqual([distinct(3, false, FORMATS), distinct(4000, false, FORMATS)], ["3", "about 4,000"]);
  assert.equal(distinct(3, true, FORMATS), "at least 3");
  assert.equal(exact(HOUR_MS, one("date"), FORMATS), "1 Jan 1970, 01:00");
});

test("long texts are cut between letters, and empty ones said", () => {
  assert.equal(brief(""), "(empty)");
  assert.equal(brief("short"), "short");
  assert.equal(brief("😀".repeat(200), 10), `${"😀".repeat(10)}…`);
});
