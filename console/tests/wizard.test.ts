import assert from "node:assert/strict";
import { test } from "node:test";
import { deedsOf, doAll, takingBack } from "../src/rest/creating";
import { ServerError } from "../src/rest/server";
import { drawnOf, shapeFields, shapePreview } from "../src/rest/wizard";
import { advisedSpan, asMemory, emptyShare, judgeTexts, limitFor, messagesOf, parseBytes, type Facts } from "../src/shape/wizard/advice";
import { asAdvanced, bodiesOf, faultOf, formOfBodies, same, type Bodies, type Body } from "../src/shape/wizard/bodies";
import { copyOf } from "../src/shape/wizard/cloning";
import { misfits } from "../src/shape/wizard/configuration";
import { suggested, withDefaults } from "../src/shape/wizard/defaults";
import { EMPTY, emptyOf, formOf, paramsOf, type Form } from "../src/shape/wizard/form";
import { objectName } from "../src/shape/wizard/manifest";
import { sentenceOf } from "../src/shape/wizard/words";
import { formatPlace, parsePlace, withParams } from "../src/state/place";
import { anyForm, seeded, wholeForm } from "./forms";
import { integer } from "./generated";

const bodies = (form: Form): Bodies => {
  const made = bodiesOf(form);
  assert.deepEqual(made.problems, []);
  return made.bodies as Bodies;
};

test("a form comes back from its address, whatever stands in it", () => {
  for (const random of seeded(500)) {
    const form = anyForm(random);
    const place = withParams({ view: "new", params: {} }, paramsOf(form));
    assert.deepEqual(formOf(parsePlace(formatPlace(place)).params), form);
  }
});

test("an address that says nothing that can be read is an empty form", () => {
  const params = { kind: "constructor", metrics: "[1]", influencers: "{", groups: '["a",1]', plot: '"yes"', apart: "0" };
  assert.deepEqual(formOf(params), EMPTY);
  assert.deepEqual(formOf({ metrics: "[]" }), EMPTY);
});

test("a job leads back to a form that makes the same job", () => {
  for (const random of seeded(1000)) {
    const asked = bodies(wholeForm(random));
    assert.deepEqual(bodies(formOfBodies(asked)), asked);
  }
});

test("a form of each kind is taken for one of its kind, or of one that is simpler", () => {
  for (const random of seeded(50)) {
    const form = { ...wholeForm(random, "population"), split: "" };
    assert.equal(formOfBodies(bodies(form)).kind, "population");
    assert.equal(formOfBodies(bodies(wholeForm(random, "single"))).kind, "single");
    assert.equal(formOfBodies(bodies(wholeForm(random, "categorization"))).kind, "categorization");
    assert.equal(formOfBodies(bodies(wholeForm(random, "rare"))).kind, "rare");
    assert.equal(formOfBodies(bodies(wholeForm(random, "geo"))).kind, "geo");
  }
});

test("what no other wizard can say is said by the advanced one, and nothing of it is lost", () => {
  for (const random of seeded(200)) {
    const asked = bodies(wholeForm(random));
    const job = { ...asked.job, results_retention_days: 30 };
    const form = formOfBodies({ ...asked, job });
    assert.equal(form.kind, "advanced");
    assert.deepEqual(bodies(form), { ...asked, job });
    assert.deepEqual(bodies(asAdvanced(wholeForm(random), asked)).feed, asked.feed);
  }
});

test("a job that the server has filled in is copied as it was asked for", () => {
  for (const random of seeded(300)) {
    const asked = bodies(wholeForm(random));
    const analysis = asked.job["analysis_config"] as Body;
    const job: Body = {
      ...structuredClone(asked.job),
      job_id: asked.name,
      job_type: "anomaly_detector",
      job_version: "8.19.0",
      create_time: 1,
      model_snapshot_id: "1",
      analysis_config: {
        influencers: [],
        model_prune_window: "30d",
        ...structuredClone(analysis),
        detectors: (analysis["detectors"] as Body[]).map((one, k) => ({ ...one, detector_index: k })),
        ...(analysis["categorization_field_name"] === undefined
          ? {}
          : { categorization_analyzer: { char_filter: ["first_line_with_letters"], tokenizer: "ml_standard", filter: [] } }),
      },
      analysis_limits: { categorization_examples_limit: 4, ...((asked.job["analysis_limits"] as Body | undefined) ?? {}) },
      data_description: { ...(asked.job["data_description"] as Body), time_format: "epoch_ms" },
      ...(asked.job["model_plot_config"] === undefined ? {} : { model_plot_config: { enabled: true, annotations_enabled: true } }),
      custom_settings: { "anomalyops.io/name": "x", anomalyops: { cluster: "y" } },
      model_snapshot_retention_days: 10,
      daily_model_snapshot_retention_after_days: 1,
      results_index_name: "shared",
      allow_lazy_open: false,
    };
    const feed: Body = {
      query: { match_all: {} },
      ...structuredClone(asked.feed),
      datafeed_id: "d",
      job_id: asked.name,
      scroll_size: 1000,
      chunking_config: { mode: "auto" },
      delayed_data_check_config: { enabled: true },
      indices_options: { expand_wildcards: ["open"], ignore_unavailable: false, allow_no_indices: true, ignore_throttled: true },
    };
    const copy = copyOf(job, feed, "copy");
    assert.deepEqual(copy, { name: "copy", job: asked.job, feed: asked.feed, start: "", end: "" });
  }
});

test("a copy has what somebody wrote, and neither the mark nor what the server made", () => {
  const analysis = { bucket_span: "1h", detectors: [{ function: "count" }] };
  const job = {
    job_id: "a", job_version: "9.0.0", create_time: 1, model_snapshot_id: "7", results_index_name: "custom-own",
    custom_settings: { "anomalyops.io/name": "a", anomalyops: {}, mine: "kept" }, analysis_config: analysis, data_description: { time_field: "t" },
  };
  const feed = { datafeed_id: "f", job_id: "a", authorization: {}, indices: ["logs"] };
  const copy = copyOf(job, feed, "b");
  assert.deepEqual(copy.job, {
    results_index_name: "own", custom_settings: { mine: "kept" }, analysis_config: analysis, data_description: { time_field: "t" },
  });
  assert.deepEqual(copy.feed, { indices: ["logs"] });
});

test("what a copy has and no wizard knows is named, and not left out", () => {
  const job = { job_id: "a", analysis_config: { detectors: [{ function: "count" }] }, data_description: { time_field: "t" }, of_tomorrow: true };
  const form = formOfBodies(copyOf(job, { datafeed_id: "f", job_id: "a", indices: ["logs"], of_tomorrow: 1 }, "b"));
  assert.equal(form.kind, "advanced");
  assert.match(form.job, /of_tomorrow/);
  assert.deepEqual(bodiesOf(form).problems.map((one) => one.text.split(":")[0]), ["job.of_tomorrow", "datafeed.of_tomorrow"]);
});

test("a job that is not to run is made, and neither opened nor started", () => {
  const all = deedsOf(bodies({ ...plainForm, name: "a" }));
  assert.deepEqual(deedsOf(bodies({ ...plainForm, name: "a" }), false), all.slice(0, 2));
});

test("what is missing is said of the part of the form where it is", () => {
  const of = (form: Partial<Form>): string[] => bodiesOf({ ...EMPTY, ...form }).problems.map((one) => one.field);
  assert.deepEqual(of({}), ["name", "index", "timeField"]);
  const there = { name: "a", index: "i", timeField: "t" };
  assert.deepEqual(of({ ...there, metrics: [{ function: "mean", field: "" }] }), ["metrics"]);
  assert.deepEqual(of({ ...there, kind: "population" }), ["population"]);
  assert.deepEqual(of({ ...there, kind: "rare", detector: "freq_rare", field: "x" }), ["population"]);
  assert.deepEqual(of({ ...there, kind: "geo" }), ["field"]);
  assert.deepEqual(of({ ...there, kind: "categorization", field: "m", apart: true }), ["split"]);
  assert.deepEqual(of({ ...there, query: "[1]" }), ["query"]);
  assert.deepEqual(of({ ...there, kind: "advanced", job: "{", feed: "" }), ["job", "feed"]);
});

test("a fault in JSON tells the field, or the line", () => {
  const job = { analysis_config: { bucket_spam: "1h", detectors: [{ function: "mean", feild_name: "x" }], influencers: "host" }, groups: [1] };
  assert.deepEqual(misfits("job", job).map((one) => `${one.path}: ${one.text}`), [
    "job.analysis_config.bucket_spam: there is no such field: did you mean bucket_span?",
    "job.analysis_config.detectors[0].feild_name: there is no such field: did you mean field_name?",
    'job.analysis_config.influencers: expected a list of texts, found "host"',
    "job.groups: expected a list of texts, found a list",
  ]);
  assert.deepEqual(misfits("datafeed", { indices: ["a"], query: { constructor: {} }, scroll_size: 1.5, constructor: 1 }).map((one) => one.path), [
    "datafeed.scroll_size",
    "datafeed.constructor",
  ]);
  assert.match(faultOf('{\n "a": 1,\n}'), /line 3/);
  assert.equal(faultOf(""), "it is empty");
});

test("the advised span is the shortest that the data fill", () => {
  const everyMs = (ms: number, count: number, documents: number): Map<number, number> =>
    new Map(Array.from({ length: count }, (_, k) => [Math.floor((k * ms) / 300_000) * 300_000, documents]));
  assert.equal(advisedSpan(everyMs(300_000, 100, 20), 300_000, 1, true), "5m");
  assert.equal(advisedSpan(everyMs(300_000, 100, 20), 300_000, 10, true), "30m");
  assert.equal(advisedSpan(everyMs(300_000, 100, 3), 300_000, 1, false), "5m");
  assert.equal(advisedSpan(everyMs(3_600_000, 100, 12), 300_000, 1, true), "1h");
  assert.equal(advisedSpan(new Map(), 300_000, 1, true), undefined);
  assert.equal(advisedSpan(everyMs(300_000, 10, 1), 300_000, 1_000_000, true), undefined);
  assert.equal(emptyShare(everyMs(3_600_000, 10, 1), 3_600_000), 0);
  assert.ok(Math.abs((emptyShare(everyMs(3_600_000, 1000, 1), 900_000) ?? 0) - 0.75) < 0.01);
});

const facts: Facts = {
  documents: 1000, firstMs: 0, lastMs: 30 * 86_400_000, emptyShare: 0, advisedSpan: "15m", cardinality: new Map(), neededBytes: 11 * 1024 ** 2,
  mostBytes: 1024 ** 3, takenIds: new Set(["there"]), takenGroups: new Set(["web"]), takenFeeds: new Set(["datafeed-fed"]), refusal: undefined, rows: 3,
};
const plainForm: Form = { ...EMPTY, name: "a", index: "logs", timeField: "time" };
const told = (form: Partial<Form>, known: Partial<Facts> = {}): string[] =>
  messagesOf(bodies({ ...plainForm, ...form }), { ...facts, ...known }).map((one) => `${one.level} ${one.field}`);

test("checks say what is wrong, and nothing of what is well", () => {
  assert.deepEqual(told({}), []);
  for (const name of ["A", "-a", "x".repeat(65), "there", "web", "fed"]) {
    assert.deepEqual(told({ name }), ["error name"], name);
  }
  assert.deepEqual(told({ groups: ["a"] }), ["error groups"]);
  assert.deepEqual(told({ groups: ["Ä"] }), ["error groups"]);
  assert.deepEqual(told({ span: "soon" }), ["error span"]);
  assert.deepEqual(told({ span: "1d" }, { lastMs: 90 * 86_400_000 }), ["warning span"]);
  assert.deepEqual(told({}, { advisedSpan: "1h" }), ["warning span"]);
  assert.deepEqual(told({}, { emptyShare: 0.8 }), ["warning span"]);
  assert.deepEqual(told({}, { documents: 0 }), ["error index"]);
  assert.deepEqual(told({}, { lastMs: 3_600_000 }), ["warning from"]);
  assert.deepEqual(told({}, { firstMs: -1 }), ["error from"]);
  assert.deepEqual(told({ from: "2026-01-02T00:00:00Z", to: "2026-01-01T00:00:00Z" }), ["error to"]);
  assert.deepEqual(told({}, { rows: 0 }), ["warning index"]);
  assert.deepEqual(told({ memory: "much" }), ["error memory"]);
  assert.deepEqual(told({ memory: "2gb" }), ["error memory"]);
  assert.deepEqual(told({ memory: "10mb" }), ["warning memory"]);
  assert.deepEqual(told({}, { refusal: "no" }), ["error server"]);
  const split = { kind: "multi" as const, split: "host", plot: false, influencers: ["host"] };
  assert.deepEqual(told(split, { cardinality: new Map([["host", 2000]]) }), ["warning split"]);
  assert.deepEqual(told({ ...split, influencers: [] }), ["warning influencers"]);
  assert.deepEqual(told({ ...split, influencers: ["a", "b", "c", "d"] }), ["note influencers"]);
  assert.deepEqual(told({ ...split, plot: true }, { cardinality: new Map([["host", 200]]) }), ["warning plot"]);
  assert.deepEqual(told({ ...split, metrics: [EMPTY.metrics[0]!, EMPTY.metrics[0]!] }), ["error metrics"]);
  const peers = { kind: "population" as const, population: "who", plot: false, influencers: ["who"] };
  assert.deepEqual(told(peers, { cardinality: new Map([["who", 3]]) }), ["warning population"]);
});

test("sizes are read as the server writes them", () => {
  assert.equal(parseBytes("11mb"), 11 * 1024 ** 2);
  assert.equal(parseBytes("20"), 20 * 1024 ** 2);
  assert.equal(parseBytes("1gb"), 1024 ** 3);
  assert.equal(parseBytes("1.5 TB"), 1.5 * 1024 ** 4);
  assert.equal(parseBytes("x"), undefined);
  assert.equal(asMemory(10 * 1024 ** 2 + 1), "11mb");
  assert.equal(limitFor(1), "10mb");
  assert.equal(limitFor(99.5 * 1024 ** 2), "100mb");
});

test("a field of messages is judged by its words", () => {
  const sentence = "the disk of the host is full";
  assert.equal(judgeTexts(Array(10).fill(sentence)).level, "good");
  assert.equal(judgeTexts([...Array(6).fill(sentence), ...Array(4).fill(undefined)]).level, "warning");
  assert.equal(judgeTexts(Array(10).fill("GET")).level, "error");
  assert.equal(judgeTexts([undefined, ""]).level, "error");
  assert.equal(judgeTexts(Array(10).fill(sentence.repeat(30))).level, "warning");
});

test("fields are those with one type in all indices", () => {
  const caps = {
    a: { long: {} }, b: { long: {}, keyword: {} }, c: { keyword: {}, unmapped: {} }, d: { object: {} }, _id: { _id: { metadata_field: true } }, e: { nested: {} },
  };
  assert.deepEqual(shapeFields(caps), [{ name: "a", type: "long" }, { name: "c", type: "keyword" }]);
});

test("a preview has a value for each cell, and none where nothing was measured", () => {
  for (const random of seeded(100)) {
    const cell = integer(random, 1, 60) * 60_000;
    const range = { from: integer(random, 0, 1000) * 1000, to: 0 };
    range.to = range.from + integer(random, 1, 100) * cell;
    const first = Math.floor(range.from / cell) * cell;
    const buckets = Array.from({ length: integer(random, 0, 20) }, () => ({ key: first + integer(random, -2, 120) * cell, doc_count: 2, value: { value: 7 } }));
    const counted = shapePreview({ cells: { buckets } }, range, cell, "documents", false);
    assert.equal(counted.lines[0]?.values.length, counted.times.length);
    counted.times.forEach((time, k) => assert.equal(counted.lines[0]?.values[k], buckets.some((one) => one.key === time) ? 2 : 0));
    const measured = shapePreview({ cells: { buckets } }, range, cell, "mean", true);
    measured.times.forEach((time, k) => assert.equal(measured.lines[0]?.values[k], buckets.some((one) => one.key === time) ? 7 : null));
  }
  assert.equal(drawnOf({ function: "high_mean", field_name: "x" }), "mean of x");
  assert.equal(drawnOf({ function: "rare", by_field_name: "mlcategory" }), "documents");
});

test("the four ways of rare are four sentences", () => {
  const rare = { ...emptyOf("rare"), field: "user" };
  const sentences = [rare, { ...rare, population: "host" }, { ...rare, split: "site" }, { ...rare, population: "host", split: "site" }].map(sentenceOf);
  assert.equal(new Set(sentences).size, 4);
  sentences.forEach((one) => assert.match(one, /^Finds .*user/));
});

test("an empty form takes what leaves no doubt", () => {
  const fields = [{ name: "@timestamp", type: "date" }, { name: "message", type: "text" }, { name: "place", type: "geo_point" }];
  assert.equal(withDefaults({ ...EMPTY, index: "logs" }, fields).timeField, "@timestamp");
  assert.equal(withDefaults(emptyOf("categorization"), fields).field, "message");
  assert.equal(withDefaults(emptyOf("geo"), fields).field, "place");
  for (const random of seeded(200)) {
    const name = suggested(wholeForm(random));
    assert.ok(name === "" || /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?$/.test(name), name);
    assert.ok(name.length <= 60);
  }
});

test("what was done before a failure is taken back, the last first", async () => {
  const deeds = deedsOf(bodies({ ...plainForm, name: "a b" }));
  for (let failing = 0; failing <= deeds.length; failing++) {
    const asked: string[] = [];
    const ask = async (method: string, path: string): Promise<unknown> => {
      if (asked.length === failing) {
        throw new ServerError(409, "no");
      }
      asked.push(`${method} ${path}`);
      return {};
    };
    const progress = await doAll(ask, deeds.map((one) => one.call), () => undefined);
    assert.equal(progress.done, Math.min(failing, deeds.length));
    assert.equal(progress.error === undefined, failing === deeds.length);
    assert.deepEqual(takingBack(deeds, progress.done).map((one) => one.undo.path.split("/")[2]?.replace("datafeed-", "")), asked.map(() => "a%20b"));
  }
  assert.deepEqual(takingBack(deeds, 2).map((one) => one.undo.method), ["DELETE", "DELETE"]);
});

test("names of objects are those that export gives", () => {
  assert.equal(objectName("web_logs"), "web-logs");
  assert.equal(objectName("a_.b"), "a.b");
  assert.equal(objectName("a-1"), "a-1");
  assert.ok(same({ a: [1, { b: null }] }, { a: [1, { b: null }] }));
  assert.ok(!same({ a: undefined as never }, { b: 1 }));
});
