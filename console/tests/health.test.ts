import assert from "node:assert/strict";
import { test } from "node:test";
import recorded from "./recorded/diagnoses.json";
import { findings, missedDocuments, verdict, type Known } from "../src/shape/health";

test("what is found is what `anomalyops troubleshoot` finds, word for word", () => {
  assert.ok(recorded.length > 100);
  for (const { known, findings: expected, verdict: sentence } of recorded as any[]) {
    const none = (value: unknown): unknown => value ?? undefined;
    const found = findings({ ...known, feed: none(known.feed), feedStats: none(known.feedStats) } as Known);
    assert.deepEqual(found, expected);
    assert.equal(verdict(found), sentence);
  }
});

test("of a job whose stats may not be read little is said, and nothing breaks", () => {
  const known = { config: {}, feed: undefined, stats: undefined, feedStats: undefined, notes: [], delays: [] };
  assert.equal(verdict(findings(known)), "healthy");
});

test("a message names its missed documents in any notation", () => {
  assert.equal(missedDocuments("Datafeed has missed 1,234 documents due to ingest latency"), 1234);
  assert.equal(missedDocuments("nothing"), 0);
});
