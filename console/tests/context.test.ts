import assert from "node:assert/strict";
import { test } from "node:test";
import { shapeRecord } from "../src/rest/results";
import { shapeEvents } from "../src/rest/series/context";
import { select } from "../src/rest/series/selectors";
import { shapeSource } from "../src/rest/series/source";
import type { Ask } from "../src/rest/server";
import { severalBuckets } from "../src/shape/explanation";
import { zoomed, zooms } from "../src/state/zoom";
import { integer, seeded } from "./generated";

const HOUR = 3_600_000;

test("a stretch of a length lies in the whole, as near to where one looked as it can", () => {
  for (const random of seeded(500)) {
    const whole = { from: integer(random, 0, 1000) * HOUR, to: 0 };
    const all = { from: whole.from, to: whole.from + integer(random, 1, 2000) * HOUR };
    const from = all.from + integer(random, -100, 2000) * HOUR;
    const range = { from, to: from + integer(random, 1, 300) * HOUR };
    const length = integer(random, 1, 900) * HOUR;
    const found = zoomed(range, length, all);
    assert.equal(found.to - found.from, Math.min(length, all.to - all.from));
    assert.ok(found.from >= all.from && found.to <= all.to);
    const middle = (range.from + range.to - length) / 2;
    if (middle >= all.from && middle + length <= all.to) {
      assert.equal(found.from, Math.round(middle));
    }
  }
});

test("lengths are offered that show several buckets and less than everything", () => {
  const texts = (days: number, spanMs: number): string[] => zooms({ from: 0, to: days * 24 * HOUR }, spanMs).map((one) => one.text);
  assert.deepEqual(texts(10, HOUR), ["12 hours", "1 day", "1 week"]);
  assert.deepEqual(texts(400, 60_000), ["1 hour", "12 hours", "1 day", "1 week", "2 weeks", "1 month"]);
  assert.deepEqual(texts(0.01, HOUR), []);
});

test("an event that goes on from bucket to bucket is one, and one that comes again is another", () => {
  for (const random of seeded(200)) {
    const hours = Array.from({ length: integer(random, 1, 40) }, () => ["a", "b"].filter(() => random() < 0.4));
    const buckets = hours.flatMap((events, hour) =>
      events.length === 0 ? [] : [{ timestamp: hour * HOUR, bucket_span: 3600, scheduled_events: events }],
    );
    const found = shapeEvents(buckets);
    for (const text of ["a", "b"]) {
      const own = found.filter((one) => one.text === text);
      hours.forEach((events, hour) => {
        const covering = own.filter((one) => one.range.from <= hour * HOUR && one.range.to > hour * HOUR);
        assert.equal(covering.length, events.includes(text) ? 1 : 0);
      });
      own.forEach((one, place) => assert.ok(place === 0 || one.range.from > (own[place - 1]?.range.to ?? 0)));
    }
  }
});

test("crosses are what several buckets made, by the parts of the score where they are told", () => {
  const of = (several: number | undefined, single: number | undefined, own = -5): boolean =>
    severalBuckets(
      shapeRecord({
        multi_bucket_impact: own,
        anomaly_score_explanation: { multi_bucket_impact: several, single_bucket_impact: single },
      }),
    );
  assert.deepEqual([of(undefined, undefined, 2), of(undefined, undefined, 1.9)], [true, false]);
  assert.deepEqual([of(5, 10, 5), of(5, undefined), of(10, 9), of(20, 10)], [false, true, false, true]);
});

const DETECTOR: any = {
  index: 0,
  function: "count",
  splits: [
    { role: "partition", field: "host" },
    { role: "by", field: "path" },
  ],
};

test("of each split only values are offered that go with the ones before, from the source where results name none", async () => {
  const asked: any[] = [];
  const answer = (values: string[]): any => ({ aggregations: { values: { buckets: values.map((key) => ({ key })) } } });
  const ask: Ask = async (_method, path, body: any) => {
    asked.push([path, body.query.bool.filter, body.aggs.values.terms.field]);
    return answer(path.startsWith(".ml") ? (body.aggs.values.terms.field.startsWith("partition") ? ["b", "a"] : []) : ["/", "/x"]);
  };
  const source = shapeSource({ data_description: { time_field: "t" } }, { indices: ["logs"] });
  const found = await select(ask, { id: "j", source } as any, DETECTOR, {}, { from: 0, to: 1 });
  assert.deepEqual(found.parts.map((part) => part.value), ["b", "/"]);
  assert.deepEqual(found.choices.get("by"), ["/", "/x"]);
  assert.deepEqual(asked.map(([path]) => path), [".ml-anomalies-*/_search", ".ml-anomalies-*/_search", "logs/_search"]);
  assert.deepEqual(asked[1][1].at(-1), { term: { partition_field_value: "b" } });
  assert.deepEqual(asked[2][1].at(-1), { term: { host: "b" } });
  const wanted = await select(ask, { id: "j", source } as any, DETECTOR, { partition: "zz" }, { from: 0, to: 1 });
  assert.deepEqual(wanted.parts[0]?.value, "zz");
});
