/** Calendars as files: the events of an iCalendar text (RFC 5545), by the operator's rules. */

import { DAY_MS } from "../../state/range";
import { beginnings, IcsError, readRule, type Rule } from "./rules";
import { localOf, momentOf, zoneOf, type Zone } from "./zones";

/** An event of a file, once or again and again; local times are of its zone. */
export interface IcsEvent {
  readonly summary: string;
  readonly start: number;
  readonly zone: Zone;
  /** How long it lasts: days by the calendar, and milliseconds by the clock after these. */
  readonly days: number;
  readonly lengthMs: number;
  readonly rule: Rule | undefined;
  readonly excluded: readonly number[];
  readonly added: readonly number[];
}

/** What a file holds: events, and what of it cannot be followed, each with why. */
export interface IcsFile {
  readonly events: readonly IcsEvent[];
  readonly skipped: readonly string[];
}

interface Property {
  readonly params: Readonly<Record<string, string>>;
  readonly value: string;
}

interface Component {
  readonly name: string;
  readonly properties: ReadonlyMap<string, readonly Property[]>;
  readonly children: readonly Component[];
}

interface Read {
  readonly uid: string;
  /** The moment of the one event of a series that it stands for. */
  readonly replaces: number | undefined;
  readonly cancelled: boolean;
  readonly event: IcsEvent;
}

/**
 * Reads a file. Cancelled events are left out, and changed ones of a series are as changed.
 *
 * @param zone The time zone of days, and of times that name none.
 * @throws IcsError where it is no calendar or has no events.
 */
export function readIcs(text: string, zone: string): IcsFile {
  const clock = zoneOf(zone);
  if (clock === undefined) {
    throw new IcsError(`'${zone}' is not a time zone: write a name such as Europe/Berlin or UTC`);
  }
  const calendars = parse(text).filter((one) => one.name === "VCALENDAR");
  const found: Read[] = [];
  const skipped: string[] = [];
  let events = 0;
  for (const calendar of calendars) {
    const zones = new Map(calendar.children.filter((one) => one.name === "VTIMEZONE").map((one) => [textOf(one, "TZID"), one]));
    for (const event of calendar.children.filter((one) => one.name === "VEVENT")) {
      events += 1;
      try {
        found.push(readEvent(event, clock, zones));
      } catch (error) {
        if (!(error instanceof IcsError)) {
          throw error;
        }
        skipped.push(error.message);
      }
    }
  }
  if (events === 0) {
    throw new IcsError(calendars.length === 0 ? "not an iCalendar text: it has no BEGIN:VCALENDAR" : "no VEVENT in this text");
  }
  return { events: resolved(found), skipped };
}

/** Each series without the events that others stand for, and these. */
function resolved(found: readonly Read[]): IcsEvent[] {
  return found
    .filter((one) => !one.cancelled)
    .map(({ uid, replaces, event }) => {
      const changed = replaces === undefined ? found.filter((other) => other.replaces !== undefined && other.uid === uid) : [];
      const out = changed.map((other) => localOf(other.replaces ?? 0, event.zone));
      return { ...event, excluded: [...event.excluded, ...out] };
    });
}

/** An event at its times. */
export interface Occurrence {
  readonly description: string;
  readonly from: number;
  readonly to: number;
}

/** The events that touch a window, in their order. */
export function occurrences(event: IcsEvent, window: { readonly from: number; readonly to: number }): Occurrence[] {
  const last = localOf(window.to, event.zone) + DAY_MS;
  const ruled = event.rule === undefined ? [event.start] : beginnings(event.rule, event.start, event.zone, last);
  const starts = new Set([...ruled, ...event.added].filter((start) => !event.excluded.includes(start)));
  return [...starts]
    .map((start) => ({
      description: event.summary,
      from: momentOf(start, event.zone),
      to: momentOf(start + event.days * DAY_MS, event.zone) + event.lengthMs,
    }))
    .filter(({ from, to }) => from < window.to && to > window.from)
    .sort((a, b) => a.from - b.from || a.to - b.to);
}

// -- lines -----------------------------------------------------------------------------------------------------------

function parse(text: string): Component[] {
  const root = { name: "", properties: new Map<string, Property[]>(), children: [] as Component[] };
  const open = [root];
  for (const line of text.replace(/^\ufeff/, "").replace(/\r?\n[ \t]/g, "").split(/\r?\n/)) {
    const read = lineOf(line);
    const here = open.at(-1) ?? root;
    if (read === undefined) {
      continue;
    }
    if (read.name === "BEGIN") {
      const child = { name: read.value.trim().toUpperCase(), properties: new Map<string, Property[]>(), children: [] as Component[] };
      here.children.push(child);
      open.push(child);
    } else if (read.name === "END") {
      if (open.length === 1 || here.name !== read.value.trim().toUpperCase()) {
        throw new IcsError(`not an iCalendar text: END:${read.value.trim()} ends nothing that began`);
      }
      open.pop();
    } else {
      here.properties.set(read.name, [...(here.properties.get(read.name) ?? []), read]);
    }
  }
  if (open.length > 1) {
    throw new IcsError(`not an iCalendar text: it ends before END:${open.at(-1)?.name}`);
  }
  return root.children;
}

function lineOf(line: string): ({ readonly name: string } & Property) | undefined {
  const found = /^([A-Za-z0-9.-]+)((?:;[^=:;]+=(?:"[^"]*"|[^";:,]*)(?:,(?:"[^"]*"|[^";:,]*))*)*):(.*)$/s.exec(line);
  if (!found) {
    if (line.trim() === "") {
      return undefined;
    }
    throw new IcsError(`not an iCalendar text: the line “${line.slice(0, 60)}” cannot be read`);
  }
  const [, name = "", given = "", value = ""] = found;
  const params = [...given.matchAll(/;([^=:;]+)=((?:"[^"]*"|[^";:]*))/g)].map(([, key = "", text = ""]) => [key.toUpperCase(), text.replace(/^"|"$/g, "")]);
  return { name: name.toUpperCase(), params: Object.fromEntries(params), value };
}

function textOf(component: Component, name: string): string {
  const raw = component.properties.get(name)?.[0]?.value ?? "";
  return raw.replace(/\\([\\;,nN])/g, (_, letter: string) => (letter.toLowerCase() === "n" ? "\n" : letter)).trim();
}

// -- events ----------------------------------------------------------------------------------------------------------

/** A day or time of a property: local, and the zone that it names. */
interface Moment {
  readonly local: number;
  readonly day: boolean;
  readonly zone: Zone | undefined;
}

type Zones = ReadonlyMap<string, Component>;

function readEvent(event: Component, clock: Zone, zones: Zones): Read {
  const summary = textOf(event, "SUMMARY");
  const name = `event ${summary || textOf(event, "UID") || "without SUMMARY"}`;
  if (summary === "") {
    throw new IcsError(`${name}: SUMMARY is missing`);
  }
  if (!event.properties.has("DTSTART")) {
    throw new IcsError(`${name}: DTSTART is missing`);
  }
  if (event.properties.has("EXRULE")) {
    throw new IcsError(`${name}: EXRULE cannot be followed; write EXDATE`);
  }
  const start = single(event, "DTSTART", zones, name);
  const zone = start.zone ?? clock;
  const own = { ...start, local: localIn(start, zone) };
  const identity = event.properties.get("RECURRENCE-ID");
  if (identity?.some((one) => "RANGE" in one.params)) {
    throw new IcsError(`${name}: RECURRENCE-ID with RANGE cannot be followed; write each changed event`);
  }
  return {
    uid: textOf(event, "UID"),
    replaces: identity === undefined ? undefined : momentOf(localIn(single(event, "RECURRENCE-ID", zones, name), zone), zone),
    cancelled: textOf(event, "STATUS").toUpperCase() === "CANCELLED",
    event: {
      summary,
      start: own.local,
      zone,
      ...lengthOf(event, own, zone, zones, name),
      rule: ruleOf(event, name),
      excluded: timesOf(event, "EXDATE", own, zone, zones, name),
      added: timesOf(event, "RDATE", own, zone, zones, name),
    },
  };
}

function ruleOf(event: Component, name: string): Rule | undefined {
  const given = event.properties.get("RRULE") ?? [];
  if (given.length > 1) {
    throw new IcsError(`${name}: more than one RRULE`);
  }
  try {
    return given[0] === undefined ? undefined : readRule(given[0].value.trim());
  } catch (error) {
    throw error instanceof IcsError ? new IcsError(`${name}: RRULE ${error.message}`) : error;
  }
}

function lengthOf(event: Component, start: Moment, zone: Zone, zones: Zones, name: string): { days: number; lengthMs: number } {
  const length = event.properties.has("DURATION")
    ? durationOf(event.properties.get("DURATION") ?? [], name)
    : event.properties.has("DTEND")
      ? untilOf(start, single(event, "DTEND", zones, name), zone, name)
      : { days: start.day ? 1 : 0, lengthMs: 0 };
  if (length.days < 0 || length.lengthMs < 0 || length.days + length.lengthMs === 0) {
    throw new IcsError(`${name}: it does not end after it begins; write DTEND or DURATION`);
  }
  return length;
}

function durationOf(given: readonly Property[], name: string): { days: number; lengthMs: number } {
  const found = given.length > 1 ? null : /^([+-]?)P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?$/.exec(given[0]?.value.trim() ?? "");
  if (!found) {
    throw new IcsError(`${name}: DURATION is not a duration`);
  }
  const [weeks = 0, days = 0, hours = 0, minutes = 0, seconds = 0] = found.slice(2).map((one) => Number(one ?? 0));
  const all = (found[1] === "-" ? -1 : 1) * ((weeks * 7 + days) * DAY_MS + ((hours * 60 + minutes) * 60 + seconds) * 1000);
  return { days: Math.floor(all / DAY_MS), lengthMs: all - Math.floor(all / DAY_MS) * DAY_MS };
}

function untilOf(start: Moment, end: Moment, zone: Zone, name: string): { days: number; lengthMs: number } {
  if (start.day !== end.day) {
    throw new IcsError(`${name}: DTSTART and DTEND must both be days or both be times`);
  }
  if (start.day) {
    return { days: (end.local - start.local) / DAY_MS, lengthMs: 0 };
  }
  return { days: 0, lengthMs: momentOf(localIn(end, zone), zone) - momentOf(start.local, zone) };
}

/** The times of EXDATE or RDATE; a day stands for the event of that day. */
function timesOf(event: Component, name: string, start: Moment, zone: Zone, zones: Zones, what: string): number[] {
  return (event.properties.get(name) ?? []).flatMap((property) =>
    property.value.split(",").map((value) => {
      const moment = momentIn({ ...property, value }, zones, `${what}: ${name}`);
      return moment.day ? moment.local + (((start.local % DAY_MS) + DAY_MS) % DAY_MS) : localIn(moment, zone);
    }),
  );
}

function single(event: Component, name: string, zones: Zones, what: string): Moment {
  const given = event.properties.get(name) ?? [];
  if (given.length > 1) {
    throw new IcsError(`${what}: ${name} is not a day or time`);
  }
  return momentIn(given[0] ?? { params: {}, value: "" }, zones, `${what}: ${name}`);
}

function momentIn(property: Property, zones: Zones, what: string): Moment {
  if (property.value.includes("/")) {
    throw new IcsError(`${what} with periods cannot be followed; write times`);
  }
  const found = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(property.value.trim());
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = (found?.slice(1, 7) ?? []).map((one) => Number(one ?? 0));
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  const read = new Date(local);
  if (!found || read.getUTCMonth() !== month - 1 || read.getUTCDate() !== day || hour > 23 || minute > 59 || second > 59) {
    throw new IcsError(`${what} is not a day or time`);
  }
  if (year < 1900 || year > 9000) {
    throw new IcsError(`${what} is of the year ${year}; write one from 1900 to 9000`);
  }
  const named = property.params["TZID"];
  const zone = found[7] === "Z" ? zoneOf("UTC") : named === undefined || found[4] === undefined ? undefined : zoneNamed(named, zones, what);
  return { local, day: found[4] === undefined, zone };
}

/** What the clock of an event shows at a moment that another clock may tell. */
function localIn(moment: Moment, zone: Zone): number {
  return moment.zone === undefined || moment.zone === zone ? moment.local : localOf(momentOf(moment.local, moment.zone), zone);
}

// -- zones of a file's own -------------------------------------------------------------------------------------------

function zoneNamed(name: string, zones: Zones, what: string): Zone {
  const own = zones.get(name);
  // Some programs write a name of the database behind one of their own.
  const known = zoneOf(name) ?? zoneOf(name.split("/").slice(-2).join("/"));
  if (known !== undefined) {
    return known;
  }
  if (own === undefined) {
    throw new IcsError(`${what} is of the time zone ${name}, which nobody knows and the file does not tell`);
  }
  return zoneTold(own, what);
}

const told = new WeakMap<Component, Zone>();

/** The clock that a file tells: when which distance from UTC began. */
function zoneTold(component: Component, what: string): Zone {
  const before = told.get(component);
  if (before !== undefined) {
    return before;
  }
  const changes = component.children
    .flatMap((child) => {
      const [from, to] = [offsetOf(textOf(child, "TZOFFSETFROM"), what), offsetOf(textOf(child, "TZOFFSETTO"), what)];
      const start = single(child, "DTSTART", new Map(), what);
      const flat: Zone = () => from;
      const rule = ruleOf(child, what);
      const last = Date.UTC(LAST_YEAR, 0);
      const onsets = rule === undefined ? [start.local] : beginnings(rule, start.local, flat, last);
      return [...onsets, ...timesOf(child, "RDATE", start, flat, new Map(), what)].map((local) => ({ at: local - from, from, to }));
    })
    .sort((a, b) => a.at - b.at);
  const zone: Zone = (moment) => changes.findLast((one) => one.at <= moment)?.to ?? changes[0]?.from ?? 0;
  told.set(component, zone);
  return zone;
}

/** Clocks that a file tells are followed up to here. */
const LAST_YEAR = 2100;

function offsetOf(text: string, what: string): number {
  const found = /^([+-])(\d\d)(\d\d)(\d\d)?$/.exec(text);
  if (!found) {
    throw new IcsError(`${what}: its time zone has no distance from UTC`);
  }
  const [hours = 0, minutes = 0, seconds = 0] = found.slice(2).map((one) => Number(one ?? 0));
  return (found[1] === "-" ? -1 : 1) * ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
