import assert from "node:assert/strict";
import { test } from "node:test";
import {
  askForecast,
  compare,
  durationOf,
  follow,
  settle,
  unforecast,
  wishBody,
  wishFault,
  type Forecast,
} from "../src/rest/forecasts/forecasts";
import { ServerError, type Ask } from "../src/rest/server";
import { integer, seeded } from "./generated";

const HOUR = 3_600_000;
const JOB: any = { id: "a/b", state: "closed", spanMs: HOUR };
const WISH = { duration: "1d", expiresIn: "", memory: "" };

test("what came is counted bucket by bucket, and gaps count for nothing", () => {
  for (const random of seeded(300)) {
    const asked = integer(random, 0, 40);
    const times = Float64Array.from({ length: asked }, (_, k) => k * 3600);
    const lower = times.map(() => random() * 10);
    const upper = lower.map((value) => value + random() * 10);
    const forecast = { times, lower, upper, prediction: lower };
    const [first, count] = [integer(random, -20, 40), integer(random, 0, 60)];
    const actual = Float64Array.from({ length: count }, () => (random() < 0.2 ? Number.NaN : random() * 20));
    const own = Float64Array.from({ length: count }, (_, k) => (first + k) * 3600);
    const found = compare(forecast, { cellMs: HOUR, times: own, actual, lower: actual, upper: actual });
    let [came, within] = [0, 0];
    for (let k = 0; k < asked; k++) {
      const value = k - first >= 0 && k - first < count ? (actual[k - first] as number) : Number.NaN;
      came += Number.isNaN(value) ? 0 : 1;
      within += value >= (lower[k] as number) && value <= (upper[k] as number) ? 1 : 0;
    }
    assert.deepEqual(found, { asked, came, within });
  }
});

test("a wish that the server would refuse is told before, and a week is seven days", () => {
  const fault = (changes: object): string => wishFault({ ...WISH, ...changes }, HOUR);
  assert.equal(fault({}), "");
  assert.equal(fault({ duration: "1w", expiresIn: "0", memory: "20MB" }), "");
  assert.match(fault({ duration: "soon" }), /“soon” is no duration/);
  assert.match(fault({ duration: "30m" }), /at least one bucket/);
  assert.match(fault({ duration: "3651d" }), /at most 3650 days/);
  assert.match(fault({ expiresIn: "never" }), /“never” is no duration/);
  assert.match(fault({ memory: "much" }), /“much” is no size/);
  assert.equal(durationOf(" 2w "), "14d");
  assert.deepEqual(wishBody({ duration: "1w", expiresIn: "0", memory: " 20mb " }), {
    duration: "7d",
    expires_in: "0",
    max_model_memory: "20mb",
  });
  assert.deepEqual(wishBody(WISH), { duration: "1d" });
});

test("a closed job is opened for its forecast and closed again, also where it is refused; another is left alone", async () => {
  for (const state of ["closed", "opened"]) {
    for (const refused of [false, true]) {
      const asked: string[] = [];
      const ask: Ask = async (_method, path) => {
        asked.push(path.replace(/^.*\//, ""));
        if (refused && path.endsWith("_forecast")) {
          throw new ServerError(400, "no");
        }
        return { forecast_id: "f" };
      };
      const job = { ...JOB, state };
      const made = askForecast(ask, job, WISH);
      if (refused) {
        await assert.rejects(made, /no/);
      } else {
        assert.equal(await made, "f");
        await settle(ask, job);
      }
      assert.deepEqual(asked, state === "closed" ? ["_open", "_forecast", "_close"] : ["_forecast"]);
    }
  }
});

function answers(states: readonly (Record<string, unknown> | undefined)[]): Ask {
  const left = [...states];
  return async () => {
    const next = left.shift();
    const own = { forecast_id: "f", timestamp: 0, forecast_create_timestamp: 0, ...next };
    return { hits: { hits: next === undefined ? [] : [{ _source: own }] } };
  };
}

test("a forecast is followed until it is done, and one that fails says why", async () => {
  const signal = new AbortController().signal;
  const pause = async (): Promise<void> => undefined;
  const told: Forecast[] = [];
  const states = [undefined, { forecast_status: "started", forecast_progress: 0.4 }, { forecast_status: "finished", forecast_progress: 1 }];
  const done = await follow(answers(states), "a", "f", (one) => told.push(one), pause, signal);
  assert.equal(done.status, "finished");
  assert.deepEqual(told.map((one) => one.progress), [0.4, 1]);
  const failing = answers([{ forecast_status: "failed", forecast_messages: ["too little memory"] }]);
  await assert.rejects(follow(failing, "a", "f", () => undefined, pause, signal), /too little memory/);
  const left = new AbortController();
  const leave = async (): Promise<void> => left.abort();
  await assert.rejects(follow(answers([undefined]), "a", "f", () => undefined, leave, left.signal));
});

test("populations, and what has no value that goes on, have no forecast", () => {
  const of = (name: string, role?: "over" | "by"): any => ({ function: name, splits: role ? [{ role, field: "x" }] : [] });
  assert.equal(unforecast(of("low_count", "by")), "");
  for (const one of [of("count", "over"), of("rare", "by"), of("lat_long"), of("time_of_day"), of("high_info_content")]) {
    assert.notEqual(unforecast(one), "");
  }
});
