import assert from "node:assert/strict";
import { test } from "node:test";
import type { Job } from "../src/rest/jobs";
import { readReport } from "../src/shape/report";
import { calendarChanges, calendarLeft, filterChanges, filterLeft, readDescription, shapeCalendars, shapeFilters, type CalendarEvent, type Change, type Filter } from "../src/shape/shared";
import { anyText, integer, seeded, type Random } from "./generated";

const mark = '[anomalyops.io {"cluster": "c", "namespace": "n", "name": "x"}]';
const job = (id: string, groups: string[] = []): Job => ({ id, groups }) as unknown as Job;

test("a description ends in the mark of its manifest, or in nothing of the kind", () => {
  const owner = { cluster: "c", namespace: "n", name: "x" };
  assert.deepEqual(readDescription(`known hosts ${mark}`), { text: "known hosts", owner });
  assert.deepEqual(readDescription(mark), { text: "", owner });
  assert.deepEqual(readDescription(`[anomalyops.io later ${mark}`), { text: "[anomalyops.io later", owner });
  for (const text of ["", "plain", "[anomalyops.io ", '[anomalyops.io {"cluster": 1}]', `${mark} and more`, "[anomalyops.io null]"]) {
    assert.deepEqual(readDescription(text), { text, owner: undefined });
  }
  assert.equal(readDescription(mark.replace('"x"', '"x", "retained": true')).owner, undefined);
});

test("a calendar bears on the jobs that it names, on groups and on all", () => {
  const jobs = [job("a", ["web"]), job("b", ["web"]), job("c")];
  const calendar = (id: string, named: string[]): object => ({ calendar_id: id, job_ids: named });
  const events = [
    { calendar_id: "group", event_id: "2", description: "later", start_time: 2000, end_time: 3000 },
    { calendar_id: "group", event_id: "1", description: "sooner", start_time: 1000, end_time: 2000 },
    { calendar_id: "group", event_id: "0", description: mark, start_time: 0, end_time: 1000 },
    { calendar_id: "all", event_id: "3", description: `said of ${mark}`, start_time: 0, end_time: 1000 },
  ];
  const found = shapeCalendars([calendar("none", []), calendar("group", ["web"]), calendar("all", ["_all"])], events, jobs);
  assert.deepEqual(found.map((one) => [one.id, one.jobs, one.events.map((event) => event.id), one.owner?.name]), [
    ["all", ["a", "b", "c"], ["3"], undefined],
    ["group", ["a", "b"], ["1", "2"], "x"],
    ["none", [], [], undefined],
  ]);
});

test("a filter list tells the rules that name it", () => {
  const rule = { scope: { host: { filter_id: "known", filter_type: "exclude" }, user: { filter_id: "staff" } } };
  const config = { job_id: "a", analysis_config: { detectors: [{ function: "count", custom_rules: [rule] }, { function: "mean" }] } };
  const [known, staff] = shapeFilters([{ filter_id: "staff", items: ["x"] }, { filter_id: "known", description: `ours ${mark}` }], [config]);
  assert.deepEqual(known?.uses, [{ job: "a", detector: "count", field: "host", within: false }]);
  assert.deepEqual([known?.description, known?.owner?.name, known?.items], ["ours", "x", []]);
  assert.equal(staff?.uses[0]?.within, true);
});

/** What a server holds of a calendar after calls. */
function played(changes: readonly Change[], named: Set<string>, events: Map<string, string>): void {
  for (const { method, path, body } of changes) {
    const [, , , part, last = ""] = path.split("/").map(decodeURIComponent);
    const given = body as any;
    if (method === "PUT" && part === undefined) {
      given.job_ids.forEach((one: string) => named.add(one));
    } else if (part === "jobs") {
      method === "PUT" ? named.add(last) : assert.ok(named.delete(last));
    } else if (method === "POST") {
      given.events.forEach((event: any) => events.set(`new ${events.size}`, event.description));
    } else {
      assert.ok(events.delete(last));
    }
  }
}

const names = (random: Random): string[] => [...new Set(Array.from({ length: integer(random, 0, 4) }, () => `j${integer(random, 0, 5)}/%`))];

test("what is called makes a calendar what it is wanted to be", () => {
  for (const random of seeded(300)) {
    const event = (k: number): CalendarEvent => ({ id: `e${k}/`, description: `event ${k}`, from: 0, to: 1 });
    const there = random() < 0.3 ? undefined : { id: "a b", description: "", named: names(random), events: [1, 2, 3].slice(integer(random, 0, 3)).map(event), jobs: [], owner: undefined };
    const kept = (there?.events ?? []).filter(() => random() < 0.5);
    const added = Array.from({ length: integer(random, 0, 2) }, (_, k) => ({ id: undefined, description: `new ${k}`, from: 1, to: 2 }));
    const wanted = { id: "a b", description: "x", named: names(random), events: [...kept, ...added] };
    const changes = calendarChanges(there, wanted);
    const [named, events] = [new Set(there?.named), new Map((there?.events ?? []).map((one) => [String(one.id), one.description]))];
    played(changes, named, events);
    assert.deepEqual([...named].sort(), [...wanted.named].sort());
    assert.deepEqual([...events.values()].sort(), wanted.events.map((one) => one.description).sort());
    if (there !== undefined) {
      assert.deepEqual(calendarChanges(there, there), []);
    }
  }
});

test("nothing is left of a calendar that is as it is wanted, and what the server lost is", () => {
  for (const random of seeded(300)) {
    const event = (): CalendarEvent => ({
      id: random() < 0.5 ? undefined : "old", description: `event ${integer(random, 0, 2)}`, from: integer(random, 0, 2), to: 9,
      ...(random() < 0.5 ? {} : { effect: { skipResult: random() < 0.5, skipModelUpdate: random() < 0.5, shiftS: integer(random, -1, 1) * 3600 } }),
    });
    const wanted = { id: "a", description: "", named: names(random), events: Array.from({ length: integer(random, 0, 5) }, event) };
    const there = { id: "a", description: "", named: [...wanted.named].reverse(), events: wanted.events.map((one, k) => ({ ...one, id: `s${k}` })).reverse(), jobs: [], owner: undefined };
    assert.deepEqual(calendarLeft([there], wanted), []);
    assert.equal(calendarLeft([], wanted)[0]?.method, "PUT");
    if (wanted.events.length > 0) {
      assert.equal(calendarLeft([{ ...there, events: there.events.slice(1) }], wanted).length, 1);
    }
    if (wanted.named.length > 0) {
      assert.equal(calendarLeft([{ ...there, named: there.named.slice(1) }], wanted).length, 1);
    }
    assert.equal(calendarLeft([{ ...there, events: [...there.events, { id: "more", description: "other", from: 0, to: 1 }] }], wanted).length, 1);
  }
});

test("an event comes back from the server with the effect that it was sent with, and the usual one is not sent", () => {
  for (const random of seeded(200)) {
    const effect = { skipResult: random() < 0.5, skipModelUpdate: random() < 0.5, shiftS: random() < 0.5 ? 0 : integer(random, 1, 86_400) };
    const event = { id: undefined, description: "a", from: 1, to: 2, effect };
    const [change] = calendarChanges({ id: "a", description: "", named: [], events: [], jobs: [], owner: undefined }, { id: "a", description: "", named: [], events: [event] });
    const [sent] = (change?.body as any).events;
    const [back] = shapeCalendars([{ calendar_id: "a", job_ids: [] }], [{ ...sent, calendar_id: "a", event_id: "1" }], []);
    assert.deepEqual(back?.events, [{ ...event, id: "1" }]);
    if (effect.skipResult && effect.skipModelUpdate && effect.shiftS === 0) {
      assert.deepEqual(Object.keys(sent).sort(), ["description", "end_time", "start_time"]);
    }
  }
});

test("what is called makes a filter list what it is wanted to be", () => {
  for (const random of seeded(300)) {
    const items = (): string[] => [...new Set(Array.from({ length: integer(random, 0, 4) }, () => anyText(random)))];
    const there: Filter = { id: "f", description: "d", items: items(), uses: [], owner: undefined };
    const wanted = { id: "f", description: random() < 0.5 ? "d" : "e", items: items() };
    const [change] = filterChanges(there, wanted);
    const body = (change?.body ?? {}) as { add_items?: string[]; remove_items?: string[]; description?: string };
    const after = [...there.items.filter((one) => !(body.remove_items ?? []).includes(one)), ...(body.add_items ?? [])];
    assert.deepEqual(after.sort(), [...wanted.items].sort());
    assert.equal(body.description ?? there.description, wanted.description);
    assert.deepEqual(filterChanges(there, there), []);
    assert.deepEqual(filterLeft([{ ...there, ...wanted }], wanted), []);
    assert.equal(filterLeft([there], wanted).length, change === undefined ? 0 : 1);
  }
});

test("a file that is no report says what it lacks", () => {
  assert.throws(() => readReport("{"), /no JSON/);
  assert.throws(() => readReport("[]"), /no report/);
  assert.throws(() => readReport('{"window": {"start": "x", "end": "y"}, "suspects": []}'), /window/);
  const report = readReport(
    JSON.stringify({
      window: { start: "2026-01-10T10:00:00+00:00", end: "2026-01-10T12:00:00+00:00" },
      empty: null, rootCause: "db1", faultClass: "resource", severity: "critical", likelihood: 0.77, recommendedActions: ["Look."],
      suspects: [{ entity: "db1", fields: ["host"], likelihood: 0.77, onset: "2026-01-10T10:00:00+00:00", onsetBetween: null, jobs: ["a"], maxScore: 90, parts: {} }],
      affectedJobs: ["a"], notes: ["n"], blastRadius: [], leads: [],
    }),
  );
  assert.equal(report.suspects[0]?.onsetMs, Date.parse("2026-01-10T10:00:00Z"));
  assert.deepEqual([report.cause, report.jobs, report.actions, report.notes], ["db1", ["a"], ["Look."], ["n"]]);
});
