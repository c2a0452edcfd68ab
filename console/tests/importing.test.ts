import assert from "node:assert/strict";
import { test } from "node:test";
import { importOf, windowAbout } from "../src/shape/ics/importing";
import { calendarChanges } from "../src/shape/shared";
import { integer, seeded } from "./generated";

const NOW = Date.UTC(2026, 0, 10, 12);
const file = (rule: string): string =>
  `BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Backup\r\nDTSTART:20260101T020000Z\r\nDURATION:PT1H\r\n${rule}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`;

test("a file adds each of its events once, however often it is taken over, and every event is in a call", () => {
  for (const random of seeded(50)) {
    const ahead = integer(random, 0, 1200);
    const window = windowAbout(NOW, integer(random, 0, 30), ahead);
    const once = importOf(file("RRULE:FREQ=DAILY"), "UTC", window, []);
    assert.equal(importOf(file("RRULE:FREQ=DAILY"), "UTC", window, once.events).events.length, 0);
    const changes = calendarChanges(undefined, { id: "c", description: "", named: [], events: once.events });
    const sent = changes.slice(1).flatMap((change) => (change.body as any).events);
    assert.deepEqual(sent.map((event: any) => event.start_time), once.events.map((event) => event.from));
    assert.ok(changes.every((change) => JSON.stringify(change.body ?? "").length < 1_000_000));
  }
});

test("what does not fit or cannot be followed is said and not taken", () => {
  assert.match(importOf(file("RRULE:FREQ=DAILY"), "UTC", windowAbout(NOW, 0, 3000), []).fault ?? "", /at most 2000 fit/);
  assert.match(importOf(file("EXRULE:FREQ=DAILY"), "UTC", windowAbout(NOW, 30, 90), []).skipped[0] ?? "", /^event Backup: EXRULE/);
  assert.equal(importOf(file("X:1"), "UTC", windowAbout(NOW, 0, 3), []).outside, 1);
  assert.throws(() => importOf("hello", "UTC", windowAbout(NOW, 0, 3), []), /not an iCalendar text/);
});
