import assert from "node:assert/strict";
import { test } from "node:test";
import {
  annotationDocument,
  annotationsQuery,
  concerns,
  deleteAnnotation,
  fault,
  LONGEST_TEXT,
  shapeAnnotation,
  stacked,
  writeAnnotation,
  type Annotation,
  type Draft,
} from "../src/rest/annotations/annotations";
import { ServerError, type Ask } from "../src/rest/server";
import { anyText, integer, seeded, type Random } from "./generated";

const DETECTOR = { index: 1, text: "count", function: "count", field: undefined, splits: [] };

function draft(random: Random): Draft {
  const from = integer(random, 0, 1_000_000);
  const parts = (["partition", "over", "by"] as const)
    .filter(() => random() < 0.4)
    .map((role) => ({ role, field: `f${anyText(random)}`, value: anyText(random) }));
  return {
    jobId: `j${anyText(random)}`,
    range: { from, to: from + integer(random, 0, 1000) },
    text: `t${anyText(random)}`,
    detector: random() < 0.5 ? undefined : integer(random, 0, 3),
    parts,
  };
}

function hit(source: unknown, id = "x"): Annotation {
  return shapeAnnotation({ _id: id, _index: ".ml-annotations-000001", _source: JSON.parse(JSON.stringify(source)) });
}

test("what is written is read back as it was meant, and an edit keeps who made it and takes what it takes", () => {
  for (const random of seeded(300)) {
    const [first, second] = [draft(random), draft(random)];
    const made = hit(annotationDocument(first, "ann", 5, undefined));
    assert.deepEqual(
      { ...made, id: 0, index: 0, source: 0 },
      {
        ...{ id: 0, index: 0, source: 0, jobId: first.jobId, range: first.range, text: first.text, event: "user" },
        ...{ detector: first.detector, parts: first.parts, createdBy: "ann", createdMs: 5, modifiedBy: "ann", modifiedMs: 5 },
      },
    );
    const changed = hit(annotationDocument(second, "bob", 9, made));
    assert.deepEqual([changed.createdBy, changed.createdMs, changed.modifiedBy, changed.modifiedMs], ["ann", 5, "bob", 9]);
    assert.deepEqual([changed.range, changed.text, changed.detector, changed.parts], [second.range, second.text, second.detector, second.parts]);
  }
});

test("a new annotation has every field that Kibana writes", () => {
  const one = { jobId: "a", range: { from: 1, to: 2 }, text: "t", detector: 0, parts: [{ role: "by" as const, field: "f", value: "v" }] };
  assert.deepEqual(annotationDocument(one, "u", 7, undefined), {
    timestamp: 1,
    end_timestamp: 2,
    annotation: "t",
    job_id: "a",
    type: "annotation",
    event: "user",
    create_time: 7,
    create_username: "u",
    modified_time: 7,
    modified_username: "u",
    detector_index: 0,
    by_field_name: "f",
    by_field_value: "v",
  });
});

test("a text that is empty or too long, and a time that ends before it begins, are told", () => {
  const one = { jobId: "a", range: { from: 1, to: 2 }, text: "t", detector: undefined, parts: [] };
  assert.equal(fault(one), "");
  assert.match(fault({ ...one, text: " \n" }), /needs a text/);
  assert.match(fault({ ...one, text: "x".repeat(LONGEST_TEXT + 1) }), /1001 characters/);
  assert.match(fault({ ...one, range: { from: 2, to: 1 } }), /ends before/);
});

test("no two annotations of a row overlap, and none is left out", () => {
  for (const random of seeded(200)) {
    const least = integer(random, 1, 50);
    const all = Array.from({ length: integer(random, 0, 30) }, (_, id) => hit(annotationDocument(draft(random), "u", 0, undefined), String(id)));
    const rows = stacked(all, least);
    assert.equal(rows.size, all.length);
    for (const [one, row] of rows) {
      for (const [other, same] of rows) {
        if (one !== other && row === same) {
          const [early, late] = one.range.from <= other.range.from ? [one, other] : [other, one];
          assert.ok(Math.max(early.range.to, early.range.from + least) <= late.range.from);
        }
      }
    }
  }
});

test("an annotation is of a series where neither its detector nor a part of it is another's", () => {
  const parts = [{ role: "partition" as const, field: "host", value: "a" }];
  const of = (more: object): Annotation => hit({ job_id: "j", timestamp: 0, annotation: "t", ...more });
  assert.ok(concerns(of({}), DETECTOR, parts));
  assert.ok(concerns(of({ detector_index: 1, partition_field_name: "host", partition_field_value: "a" }), DETECTOR, parts));
  assert.ok(!concerns(of({ detector_index: 0 }), DETECTOR, parts));
  assert.ok(!concerns(of({ detector_index: 1, partition_field_name: "host", partition_field_value: "b" }), DETECTOR, parts));
  assert.deepEqual(of({}).range, { from: 0, to: 0 });
});

test("a new one goes through the write alias, a changed one to the index that holds it, and only what came back is shown", async () => {
  const asked: string[] = [];
  let stored: any;
  const ask: Ask = async (method, path, body) => {
    asked.push(`${method} ${path}`);
    if (path === "_security/_authenticate") {
      throw new ServerError(400, "no security here");
    }
    if (path.includes("_search")) {
      return { hits: { hits: stored === undefined ? [] : [{ _id: "1", _index: ".ml-annotations-000007", _source: stored }] } };
    }
    stored = method === "DELETE" ? undefined : body;
    return { _id: "1" };
  };
  const one = { jobId: "a", range: { from: 1, to: 2 }, text: "t", detector: undefined, parts: [] };
  const made = await writeAnnotation(ask, one, 5, undefined);
  assert.equal(made.createdBy, "<user unknown>");
  const changed = await writeAnnotation(ask, { ...one, text: "u" }, 6, made);
  assert.equal(changed.text, "u");
  await deleteAnnotation(ask, changed);
  const writes = asked.filter((line) => line.includes("_doc"));
  assert.deepEqual(writes, [
    "POST .ml-annotations-write/_doc?refresh=wait_for&require_alias=true",
    "PUT .ml-annotations-000007/_doc/1?refresh=wait_for",
    "DELETE .ml-annotations-000007/_doc/1?refresh=wait_for",
  ]);
  const lost: Ask = async (_method, path) => (path.includes("_search") ? { hits: { hits: [] } } : { _id: "1" });
  await assert.rejects(writeAnnotation(lost, one, 5, undefined), /does not show it/);
});

test("annotations that reach into a stretch of time are asked for, with those that have no end", () => {
  const asked = JSON.stringify(annotationsQuery(["a"], { from: 5, to: 9 }));
  assert.ok(asked.includes(`{"range":{"timestamp":{"lt":9,"format":"epoch_millis"}}}`));
  assert.ok(asked.includes(`{"range":{"end_timestamp":{"gte":5,"format":"epoch_millis"}}}`));
});
