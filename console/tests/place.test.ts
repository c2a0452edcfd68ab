import assert from "node:assert/strict";
import { test } from "node:test";
import { formatPlace, parsePlace, VIEWS, withParams } from "../src/state/place";
import { cellWidth, parseRange, parseSpan, parseTime } from "../src/state/range";
import { anyText, integer, seeded } from "./generated";

test("a place comes back from its address, whatever stands in it", () => {
  for (const random of seeded(500)) {
    const view = VIEWS[integer(random, 0, VIEWS.length - 1)] ?? "jobs";
    const params = Object.fromEntries(
      Array.from({ length: integer(random, 0, 5) }, () => [anyText(random), anyText(random)]),
    );
    const place = withParams({ view, params: {} }, params);
    assert.deepEqual(parsePlace(formatPlace(place)), place);
  }
});

test("an address that names no view shows the jobs", () => {
  for (const text of ["", "#", "#/", "#/nothing?x=1", "#/constructor", "#?"]) {
    assert.equal(parsePlace(text).view, "jobs");
  }
});

test("cells are whole buckets, and no more than there may be", () => {
  for (const random of seeded(500)) {
    const span = [1, 7, 60, 300, 900, 3600, 86_400][integer(random, 0, 6)] as number;
    const length = integer(random, 1, 400 * 86_400);
    const most = integer(random, 1, 800);
    const width = cellWidth({ from: 0, to: length * 1000 }, span * 1000, most);
    assert.equal(width % (span * 1000), 0);
    assert.ok(width >= span * 1000);
    assert.ok((length * 1000) / width <= most);
  }
});

test("times are dates, milliseconds, or a distance from now", () => {
  const now = Date.parse("2026-05-01T00:00:00Z");
  assert.equal(parseTime("now", now), now);
  assert.equal(parseTime("now-7d", now), now - 7 * 86_400_000);
  assert.equal(parseTime("now+1h", now), now + 3_600_000);
  assert.equal(parseTime("2026-04-01T12:00Z", now), Date.parse("2026-04-01T12:00:00Z"));
  assert.equal(parseTime("1714521600000", now), 1714521600000);
  for (const text of ["", "soon", "now-", "now-7y", "7d", "2026", "2026-99-99", "1e9"]) {
    assert.equal(parseTime(text, now), undefined, text);
  }
});

test("a range that says nothing is the whole one", () => {
  const whole = { from: 1_000_000, to: 2_000_000 };
  assert.deepEqual(parseRange(undefined, undefined, whole, 0), whole);
  assert.deepEqual(parseRange("1800000", "1200000", whole, 0), whole);
  assert.deepEqual(parseRange("x", "1200000", whole, 0), whole);
  assert.deepEqual(parseRange("1200000", "1800000", whole, 0), { from: 1_200_000, to: 1_800_000 });
});

test("spans are Elasticsearch's durations", () => {
  assert.equal(parseSpan("15m"), 900_000);
  assert.equal(parseSpan("1d"), 86_400_000);
  assert.equal(parseSpan("30s"), 30_000);
  assert.equal(parseSpan("15 minutes"), undefined);
});
