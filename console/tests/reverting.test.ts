import assert from "node:assert/strict";
import { test } from "node:test";
import { shapeJobs, type Job } from "../src/rest/jobs";
import { shapeSnapshot } from "../src/rest/snapshots/snapshots";
import { calendarId, fault, judgeBack, manifestTexts, steps, type Manner } from "../src/shape/reverting";
import { anyText, integer, seeded } from "./generated";

const HOUR = 3_600_000;
const SNAPSHOT = shapeSnapshot({ snapshot_id: "177", timestamp: 5, latest_record_time_stamp: 10 * HOUR });

function job(state: string, feed: string | undefined, more: object = {}): Job {
  const [made] = shapeJobs(
    [{ job_id: "a", analysis_config: { bucket_span: "1h", detectors: [] }, ...more }],
    [{ job_id: "a", state, data_counts: { latest_record_timestamp: 20 * HOUR + 5 } }],
    feed === undefined ? [] : [{ job_id: "a", datafeed_id: "f", indices: [] }],
    [{ datafeed_id: "f", state: feed }],
  );
  return made as Job;
}

const MANNER: Manner = { deletes: true, replays: true, goesOn: false, skip: undefined };

test("a job is closed before it goes back, and what it had seen is read again, and no more", () => {
  const { back, on } = steps(job("opened", "started"), SNAPSHOT, {
    ...MANNER,
    skip: { from: 12 * HOUR, to: 13 * HOUR, description: "outage" },
  });
  assert.deepEqual(back.map(({ method, path }) => `${method} ${path.replace(/calendars\/[^/]+/, "calendars/ID")}`), [
    "POST _ml/datafeeds/f/_stop",
    "POST _ml/anomaly_detectors/a/_close",
    "PUT _ml/calendars/ID",
    "POST _ml/calendars/ID/events",
    "POST _ml/anomaly_detectors/a/model_snapshots/177/_revert",
  ]);
  assert.deepEqual(back.at(-1)?.body, { delete_intervening_results: true });
  assert.deepEqual(on.map(({ path, body }) => [path, body]), [
    ["_ml/anomaly_detectors/a/_open", undefined],
    ["_ml/datafeeds/f/_start", { end: new Date(21 * HOUR).toISOString() }],
  ]);
});

test("what is closed is not closed again, and without a replay nothing is started", () => {
  const { back, on } = steps(job("closed", "stopped"), SNAPSHOT, { ...MANNER, replays: false, deletes: false });
  assert.deepEqual(back.map(({ path, body }) => [path, body]), [
    ["_ml/anomaly_detectors/a/model_snapshots/177/_revert", { delete_intervening_results: false }],
  ]);
  assert.deepEqual(on, []);
  assert.deepEqual(steps(job("closed", "stopped"), SNAPSHOT, { ...MANNER, goesOn: true }).on.at(-1)?.body, {});
});

test("a job went back where the server says so, and nowhere else", () => {
  assert.equal(judgeBack(job("closed", "stopped", { model_snapshot_id: "177" }), SNAPSHOT).verdict, "reached");
  assert.equal(judgeBack(job("closed", "stopped", { model_snapshot_id: "178" }), SNAPSHOT).verdict, "otherwise");
  assert.equal(judgeBack(job("opened", "stopped", { model_snapshot_id: "177" }), SNAPSHOT).verdict, "otherwise");
  const busy = { model_snapshot_id: "177", blocked: { reason: "revert" } };
  assert.equal(judgeBack(job("closed", "stopped", busy), SNAPSHOT).verdict, "not yet");
  assert.equal(judgeBack(undefined, SNAPSHOT).verdict, "otherwise");
});

test("the calendar of a skipped time has an id that the server takes, and another for another time", () => {
  const ids = new Set<string>();
  for (const random of seeded(300)) {
    const skip = { from: integer(random, 0, 2_000_000_000_000), to: integer(random, 0, 2_000_000_000_000), description: "x" };
    const id = calendarId(anyText(random).repeat(integer(random, 1, 20)) || "a", skip);
    assert.match(id, /^[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?$/);
    assert.ok(id.length <= 64);
    ids.add(id);
  }
  assert.equal(ids.size, 300);
});

test("what cannot be is said before", () => {
  assert.equal(fault(job("opened", "started"), MANNER), "");
  assert.match(fault(job("opened", undefined), MANNER), /no datafeed/);
  const skip = { from: 2, to: 1, description: "x" };
  assert.match(fault(job("opened", "started"), { ...MANNER, skip }), /ends before/);
  assert.match(fault(job("opened", "started"), { ...MANNER, skip: { from: 1, to: 2, description: " " } }), /what happened/);
  assert.match(fault(job("closed", "stopped", { blocked: { reason: "resetting" } }), MANNER), /resetting/);
});

test("a manifest asks for the same, with a name that can be one", () => {
  const mark = { cluster: "c", namespace: "n", name: "requests", uid: "", since: "", datafeed: "f" };
  const skip = { from: 0, to: HOUR, description: 'a "quoted" # thing' };
  const [text] = manifestTexts(mark, { ...SNAPSHOT, id: "A_1." }, { ...MANNER, skip });
  assert.equal(
    text?.text,
    [
      "apiVersion: anomalyops.io/v1alpha1",
      "kind: ModelSnapshotRevert",
      "metadata:",
      '  name: "requests-to-a-1"',
      '  namespace: "n"',
      "spec:",
      "  jobRef:",
      '    name: "requests"',
      '  snapshotId: "A_1."',
      "  deleteInterveningResults: true",
      "  skipPeriod:",
      '    start: "1970-01-01T00:00:00.000Z"',
      '    end: "1970-01-01T01:00:00.000Z"',
      '    description: "a \\"quoted\\" # thing"',
      "",
    ].join("\n"),
  );
});
