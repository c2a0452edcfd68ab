import assert from "node:assert/strict";
import { test } from "node:test";
import { runTrial } from "../src/rest/trial";
import { ServerError, type Ask } from "../src/rest/server";
import { bodiesOf, type Bodies } from "../src/shape/wizard/bodies";
import { isTrial, trialOf } from "../src/shape/wizard/trial";
import { seeded, wholeForm } from "./forms";
import { integer } from "./generated";

const made = (random: () => number): Bodies => trialOf(bodiesOf(wholeForm(random)).bodies as Bodies, { from: 0, to: 86_400_000 }, "x1");

test("a trial has an id that servers take, its mark, no group, and an end", () => {
  for (const random of seeded(300)) {
    const trial = made(random);
    assert.match(trial.name, /^[a-z0-9](?:[a-z0-9_.-]{0,62}[a-z0-9])?$/);
    assert.ok(isTrial({ job_id: trial.name, ...trial.job }));
    assert.equal(trial.job["groups"], undefined);
    assert.deepEqual([trial.start, trial.end], ["1970-01-01T00:00:00.000Z", "1970-01-02T00:00:00.000Z"]);
  }
  assert.ok(!isTrial({ job_id: "trial-of-mine" }));
});

test("a trial is taken away whatever fails, and whenever nobody waits any more", async () => {
  for (const random of seeded(200)) {
    const jobs = new Set<string>();
    const leaving = new AbortController();
    const worst = integer(random, 0, 12);
    const leave = random() < 0.5;
    let asked = 0;
    const ask: Ask = async (method, path) => {
      if (method === "DELETE") {
        if (!jobs.delete(path.split("/")[2]?.split("?")[0] ?? "")) {
          throw new ServerError(404, "gone");
        }
        return {};
      }
      asked += 1;
      if (asked === worst) {
        if (leave) {
          leaving.abort();
        } else {
          throw new ServerError([400, 409, 429, 500][integer(random, 0, 3)] as number, "refused");
        }
      }
      if (method === "PUT" && path.startsWith("_ml/anomaly_detectors/")) {
        jobs.add(path.split("/")[2] ?? "");
      }
      if (path.endsWith("_search")) {
        return { hits: { hits: [] } };
      }
      if (path.includes("/results/")) {
        return { records: [], count: 0 };
      }
      return path.includes("datafeeds") ? { datafeeds: [{ state: "stopped" }] } : { jobs: [{ state: "closed", data_counts: {} }] };
    };
    await runTrial(ask, made(random), () => undefined, leaving.signal).catch(() => undefined);
    assert.equal(jobs.size, 0, `call ${worst}`);
  }
});
