import assert from "node:assert/strict";
import { test } from "node:test";
import { cutTo } from "../src/parts/plotting";
import { influencersQuery, readInfluencers } from "../src/rest/influencers";
import { lanesQuery, namesQuery, type LaneKind } from "../src/rest/laning";
import { recordsQuery } from "../src/rest/results";
import { formatPlace, parsePlace, withParams } from "../src/state/place";
import { parseSelected, selectedParams, selectedRuns, type Selected } from "../src/state/selecting";
import { anyText, integer, seeded, type Random } from "./generated";

const SHOWN = { from: 0, to: 1000 };
const FITS = { kql: { query: "host: a" } };

function anySelected(random: Random): Selected {
  const from = integer(random, 0, 900);
  const values = Array.from({ length: integer(random, 1, 5) }, () => anyText(random));
  return {
    range: random() < 0.3 ? undefined : { from, to: integer(random, from + 1, 1000) },
    picked: random() < 0.3 ? undefined : { field: anyText(random), values },
  };
}

test("a selection comes back from an address as it was, whatever its values hold", () => {
  for (const random of seeded(500)) {
    const selected = anySelected(random);
    const place = withParams({ view: "explorer", params: { select: "1-2", entity: '["x","y"]' } }, selectedParams(selected));
    assert.deepEqual(parseSelected(parsePlace(formatPlace(place)).params, SHOWN), selected);
  }
  for (const broken of ["", "[]", "[1]", '["f"]', '["f",1]', "{", "null", '"f"']) {
    assert.equal(parseSelected({ entity: broken }, SHOWN).picked, undefined);
  }
});

test("an outline goes around the rows that are selected and no others", () => {
  for (const random of seeded(500)) {
    const rows = Array.from({ length: integer(random, 0, 12) }, (_, k) => `v${k}`);
    const values = rows.filter(() => random() < 0.5);
    const field = random() < 0.8 ? "f" : "g";
    const selected: Selected = {
      range: random() < 0.5 ? undefined : SHOWN,
      picked: values.length === 0 ? undefined : { field, values },
    };
    const runs = selectedRuns(rows, "f", selected);
    const inside = rows.filter((_, k) => runs.some(({ first, last }) => first <= k && k <= last));
    const wanted = selected.picked === undefined ? (selected.range === undefined ? [] : rows) : field === "f" ? values : [];
    assert.deepEqual(inside, wanted);
    // No two outlines touch: neighbours have one.
    runs.slice(1).forEach((run, k) => assert.ok(run.first > (runs[k]?.last ?? 0) + 1));
  }
  const lane = { field: "f", values: ["a"] };
  assert.deepEqual(selectedRuns(["Overall"], undefined, { range: SHOWN, picked: lane }), []);
  assert.deepEqual(selectedRuns(["Overall"], undefined, { range: SHOWN, picked: undefined }), [{ first: 0, last: 0 }]);
});

test("with a query all that is shown comes from the records that fit it, without one from the results of each kind", () => {
  const kinds: LaneKind[] = [{ of: "overall" }, { of: "job" }, { of: "influencer", field: "host" }];
  const of = (body: any): readonly [kind: string, fits: boolean, scores: string[]] => [
    body.query.bool.filter[0].term.result_type,
    JSON.stringify(body.query).includes(JSON.stringify(FITS)),
    [...new Set(JSON.stringify([body.aggs, body.sort]).match(/\w+_score/g) ?? [])],
  ];
  const asked = (fits: any): unknown[] => [
    ...kinds.map((kind) => of(lanesQuery(["j"], SHOWN, 10, kind, { least: 3, fits }))),
    ...kinds.slice(1).map((kind) => of(namesQuery(["j"], SHOWN, kind, "worst", { least: 3, fits }))),
    of(influencersQuery(["j"], SHOWN, ["host"], { fits })),
    of(recordsQuery(["j"], SHOWN, { leastScore: 3, fits })),
  ];
  for (const one of asked(FITS)) {
    assert.deepEqual(one, ["record", true, ["record_score"]]);
  }
  const bucket = ["bucket", false, ["anomaly_score"]];
  const influencer = ["influencer", false, ["influencer_score"]];
  assert.deepEqual(asked(undefined), [bucket, bucket, influencer, bucket, influencer, influencer, ["record", false, ["record_score"]]]);
});

test("of records, only the lanes of the page are told apart", () => {
  const body: any = lanesQuery(["j"], SHOWN, 10, { of: "influencer", field: "host" }, { least: 0, fits: FITS, names: ["a", "b"] });
  assert.deepEqual(body.aggs.lanes.terms.include, ["a", "b"]);
  assert.equal(body.aggs.lanes.terms.field, "host");
});

test("influencers of what is selected are read field by field, whatever the fields are called", async () => {
  const fields = ["a.b", "<img>", "aggs"];
  const buckets = [{ key: "x", worst: { value: 9 }, sum: { value: 12 } }, { key: "y", worst: { value: 0 }, sum: { value: 0 } }];
  const ask = async (_method: string, _path: string, body?: any): Promise<any> => ({
    aggregations: Object.fromEntries(Object.keys(body.aggs).map((name) => [name, { buckets }])),
  });
  const found = await readInfluencers(ask, ["j"], SHOWN, fields, { among: { field: "host", values: ["a"] } });
  assert.deepEqual(found.map((one) => [one.field, one.value]), fields.map((field) => [field, "x"]));
  assert.deepEqual(await readInfluencers(ask, [], SHOWN, fields, {}), []);
});

test("a label is cut to its width by whole characters, and says that there is more", () => {
  const pen = { measureText: (text: string) => ({ width: text.length * 7 }) as TextMetrics };
  for (const random of seeded(300)) {
    const text = anyText(random) + anyText(random);
    const width = integer(random, 7, 150);
    const cut = cutTo(pen, text, width);
    const line = text.replace(/\s+/g, " ");
    assert.ok(cut === line || (cut.endsWith("…") && line.startsWith(cut.slice(0, -1))));
    assert.ok(cut.length * 7 <= width);
    assert.doesNotThrow(() => encodeURIComponent(cut));
  }
});
