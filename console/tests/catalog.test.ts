import assert from "node:assert/strict";
import { test } from "node:test";
import { bodiesOfOffer, FAMILIES, fit, fitFamilies, readyForm, readyParams, suits, type ReadyForm } from "../src/shape/wizard/catalog";
import { formatPlace, parsePlace, withParams } from "../src/state/place";
import { anyText, integer, seeded } from "./generated";

const OFFERS = FAMILIES.flatMap((family) => family.jobs);
const named = (name: string) => OFFERS.find((offer) => offer.name === name) as (typeof OFFERS)[number];

test("no word of the catalogue is left in a body, and names that look like words or patterns stay what they are", () => {
  for (const offer of OFFERS) {
    const called = Object.fromEntries(offer.fields.map((use, k) => [use.name, `$&${k}$1`]));
    const names = Object.values(called);
    const fitted = fit(offer, offer.fields.map((use) => ({ name: called[use.name] ?? "", type: { time: "date", number: "long", value: "keyword", text: "text" }[use.kind] })), called, called[offer.fields[0]?.name ?? ""] ?? "");
    assert.ok(suits(fitted), offer.name);
    const text = JSON.stringify(bodiesOfOffer(fitted, { indices: ["logs"], prefix: "", start: "", end: "" }));
    assert.ok(!/anomalyops[-.](index|field)/.test(text), text);
    for (const name of names) {
      assert.ok(text.includes(name), `${offer.name} reads ${name}`);
    }
  }
});

test("a keyword beside a text stands in for a value, and for nothing else", () => {
  const fields = [
    { name: "@timestamp", type: "date" }, { name: "http.response.status_code", type: "text" }, { name: "http.response.status_code.keyword", type: "keyword" },
    { name: "source.ip", type: "ip" },
  ];
  assert.equal(fit(named("web-status-code-rate"), fields, {}, "@timestamp").names["http.response.status_code"], "http.response.status_code.keyword");
  const number = fit(named("system-cpu"), [...fields, { name: "system.cpu.total.norm.pct", type: "keyword" }], {}, "@timestamp");
  assert.ok(number.lacking.some((use) => use.name === "system.cpu.total.norm.pct"));
});

test("what somebody says goes before what is found, and one field is not two", () => {
  const fields = [{ name: "t", type: "date" }, { name: "code", type: "long" }, { name: "source.ip", type: "ip" }, { name: "http.response.status_code", type: "long" }];
  const said = fit(named("web-status-code-rate"), fields, { "http.response.status_code": "code" }, "t");
  assert.equal(said.names["http.response.status_code"], "code");
  assert.equal(said.names["@timestamp"], "t");
  assert.ok(!suits(fit(named("web-status-code-rate"), fields, { "http.response.status_code": "source.ip" }, "t")));
  assert.ok(!suits(fit(named("web-status-code-rate"), fields, { "http.response.status_code": "gone" }, "t")));
});

test("a time alone is no data of any kind", () => {
  assert.deepEqual(fitFamilies([{ name: "@timestamp", type: "date" }], {}, "@timestamp").filter((one) => one.recognised), []);
});

test("the page comes back from its address, whatever stands in it", () => {
  for (const random of seeded(300)) {
    const form: ReadyForm = {
      index: anyText(random), timeField: anyText(random), from: "", to: "now", prefix: anyText(random),
      jobs: OFFERS.map((offer) => offer.name).filter(() => random() < 0.2),
      called: Object.fromEntries(Array.from({ length: integer(random, 0, 3) }, () => [anyText(random), anyText(random)])),
    };
    const place = withParams({ view: "new", params: {} }, readyParams(form));
    assert.deepEqual(readyForm(parsePlace(formatPlace(place)).params), form);
  }
  assert.deepEqual(readyForm({ jobs: "{", called: "[1]" }), readyForm({}));
  assert.deepEqual(readyForm({ jobs: '["web-scanning-clients", "no such", 3]', called: '{"a": 1}' }).jobs, ["web-scanning-clients"]);
});
