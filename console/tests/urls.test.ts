import assert from "node:assert/strict";
import { test } from "node:test";
import { shapeRecord } from "../src/rest/results";
import { documentsOf, readDocuments } from "../src/rest/series/documents";
import { shapeSource } from "../src/rest/series/source";
import { linkOf, shapeUrls } from "../src/shape/urls";
import { anyText, seeded } from "./generated";

const BASE = "http://127.0.0.1:9300/_console/";
const HOUR = 3_600_000;

function anomaly(more: object = {}): any {
  return shapeRecord({ job_id: "j", timestamp: 10 * HOUR, bucket_span: 3600, function: "count", ...more });
}

function url(value: string, range?: string): any {
  return shapeUrls({ custom_settings: { custom_urls: [{ url_name: "n", url_value: value, time_range: range }] } })[0];
}

test("a value changes nothing of an address but its own place", () => {
  for (const random of seeded(500)) {
    const value = anyText(random);
    const one = anomaly({ by_field_name: "host", by_field_value: value, host: [value] });
    const link = linkOf(url("https://docs.example/a?host=$host$&end=1#top"), one, BASE);
    assert.equal(link.kind, "address");
    const read = new URL((link as { address: string }).address);
    assert.deepEqual([...read.searchParams], [["host", value], ["end", "1"]]);
    assert.deepEqual([read.origin, read.pathname, read.hash], ["https://docs.example", "/a", "#top"]);
    const within = linkOf(url("/wiki/$host$/page"), one, BASE) as { kind: string; address: string };
    if (value === "." || value === "..") {
      assert.equal(within.kind, "none");
      continue;
    }
    assert.ok(within.address.startsWith("http://127.0.0.1:9300/"), within.address);
    const segments = new URL(within.address).pathname.split("/");
    assert.deepEqual([segments.length, decodeURIComponent(segments[2] ?? "")], [4, value]);
  }
});

test("times are a bucket before and one after, or as far as the link says", () => {
  const read = (range?: string): string => (linkOf(url("/x?f=$earliest$&t=$latest$", range), anomaly(), BASE) as any).address;
  assert.ok(read().endsWith("/x?f=1970-01-01T09:00:00.000Z&t=1970-01-01T12:00:00.000Z"));
  assert.ok(read("auto").endsWith("/x?f=1970-01-01T09:00:00.000Z&t=1970-01-01T12:00:00.000Z"));
  assert.ok(read("3h").endsWith("/x?f=1970-01-01T07:00:00.000Z&t=1970-01-01T14:00:00.000Z"));
});

test("only addresses of the web are followed, and none is made of what a record lacks", () => {
  const record = anomaly({ evil: ["javascript:alert(1)"] });
  for (const value of ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd", "java\nscript:alert(1)"]) {
    assert.equal(linkOf(url(value), record, BASE).kind, "none", value);
  }
  const begun = linkOf(url("$evil$"), record, BASE);
  assert.ok(begun.kind === "address" && begun.address.startsWith(BASE));
  const missing = linkOf(url("https://a/?x=$host$&y=$user.name$"), record, BASE);
  assert.deepEqual(missing, { name: "n", kind: "none", why: "this anomaly has no host and no user.name" });
  assert.equal(shapeUrls({ custom_settings: { custom_urls: [{ url_name: 1 }, null, "x"] } }).length, 0);
  assert.equal(shapeUrls({ custom_settings: { custom_urls: "x" } }).length, 0);
  assert.equal(shapeUrls({}).length, 0);
});

test("inside of a query of Kibana's a value stays one value", () => {
  const value = `a"b\\c'd!e`;
  const link = linkOf(url(`discover#/?_a=(query:'host:"$host$"')`), anomaly({ host: value }), BASE) as { kind: string; address: string };
  assert.equal(link.kind, "kibana");
  const rison = decodeURIComponent(link.address);
  assert.equal(rison, `discover#/?_a=(query:'host:"a\\"b\\\\c!'d!!e"')`);
});

test("an anomaly's documents are those that the datafeed read of its series in its bucket", async () => {
  const source = shapeSource({ data_description: { time_field: "t" } }, { indices: ["a", "b"], query: { term: { x: 1 } }, script_fields: { made: {} } });
  const one = anomaly({ partition_field_name: "host", partition_field_value: "h", by_field_name: "made", by_field_value: "q", field_name: "bytes" });
  const asked = documentsOf({ source } as any, one);
  assert.ok(!("why" in asked));
  assert.equal(asked.path, "a,b/_search");
  assert.deepEqual(asked.columns, ["t", "bytes", "host", "made"]);
  assert.equal(asked.left.length, 1);
  const { filter } = (asked.body["query"] as any).bool;
  assert.deepEqual(filter, [
    { term: { x: 1 } },
    { range: { t: { gte: 10 * HOUR, lt: 11 * HOUR, format: "epoch_millis" } } },
    { term: { host: "h" } },
  ]);
  const answer = { hits: { total: { value: 70 }, hits: [{ _index: "a", _id: "1", fields: { t: ["x"], host: ["h", "i"], bytes: [{ a: 1 }] }, _source: { host: "h" } }] } };
  const found = await readDocuments(async () => answer, asked);
  assert.deepEqual(found.documents[0]?.values, ["x", '{"a":1}', "h, i", ""]);
  assert.equal(found.total, 70);
  assert.match((documentsOf(undefined, one) as { why: string }).why, /no datafeed/);
});
