/** Recurrence rules of RFC 5545, as the operator follows them (dateutil's reading), in local times. */

import { DAY_MS } from "../../state/range";
import { localOf, type Zone } from "./zones";

/** What cannot be followed; the message says why. */
export class IcsError extends Error {}

const FREQUENCIES: readonly string[] = ["DAILY", "WEEKLY", "MONTHLY", "YEARLY"];
const PARTS: readonly string[] = [
  "BYDAY", "BYHOUR", "BYMINUTE", "BYMONTH", "BYMONTHDAY", "BYSECOND", "BYSETPOS", "BYWEEKNO", "BYYEARDAY", "COUNT", "FREQ", "INTERVAL",
  "UNTIL", "WKST",
];
const NOT_WITH: Readonly<Record<string, readonly string[]>> = {
  BYWEEKNO: ["DAILY", "WEEKLY", "MONTHLY"],
  BYYEARDAY: ["DAILY", "WEEKLY", "MONTHLY"],
  BYMONTHDAY: ["WEEKLY"],
};
const WEEKDAYS: readonly string[] = ["MO", "TU", "WE", "TH", "FR", "SA", "SU"];
/** Events of a rule from its first one to the end of the window. */
const MOST_EVENTS = 500_000;
const LIMITS: Readonly<Record<string, readonly [number, number]>> = { BYHOUR: [0, 23], BYMINUTE: [0, 59], BYSECOND: [0, 59] };

/** A day of the week, of a month or year the how-manieth; 0 for each. */
interface Weekday {
  readonly day: number;
  readonly nth: number;
}

/** A rule, read. */
export interface Rule {
  readonly text: string;
  readonly frequency: string;
  readonly interval: number;
  readonly count: number | undefined;
  readonly until: string | undefined;
  readonly weekStart: number;
  readonly weekdays: readonly Weekday[];
  readonly by: Readonly<Record<string, readonly number[] | undefined>>;
}

/** A rule that can be followed; throws what is wrong with it. */
export function readRule(given: string): Rule {
  const text = given.toUpperCase().replace(/^RRULE:/, "");
  if (!/^[A-Z]+=[^;=]+(;[A-Z]+=[^;=]+)*$/.test(text)) {
    throw new IcsError(`'${given}' is not a recurrence rule: write one as FREQ=WEEKLY;BYDAY=MO,FR`);
  }
  const pairs = text.split(";").map((part) => part.split("=") as [string, string]);
  const parts = Object.fromEntries(pairs);
  const twice = pairs.find(([name], place) => pairs.findIndex(([other]) => other === name) !== place);
  if (twice) {
    throw new IcsError(`'${given}' has ${twice[0]} twice: keep one`);
  }
  const unknown = pairs.find(([name]) => !PARTS.includes(name));
  if (unknown) {
    throw new IcsError(`'${given}' has ${unknown[0]}, which no rule has: write some of ${PARTS.join(", ")}`);
  }
  const frequency = parts["FREQ"] ?? "";
  if (!FREQUENCIES.includes(frequency)) {
    throw new IcsError(`'${given}' needs FREQ, which is one of ${FREQUENCIES.join(", ")}`);
  }
  check(given, parts, frequency);
  const numbered = PARTS.filter((name) => name.startsWith("BY") && name !== "BYDAY");
  return {
    text,
    frequency,
    interval: Number(parts["INTERVAL"] ?? "1"),
    count: parts["COUNT"] === undefined ? undefined : Number(parts["COUNT"]),
    until: parts["UNTIL"],
    weekStart: weekdayOf(parts["WKST"] ?? "MO", given).day,
    weekdays: (parts["BYDAY"]?.split(",") ?? []).map((one) => weekdayOf(one, given)),
    by: Object.fromEntries(numbered.map((name) => [name, numbersOf(name, parts[name], given)])),
  };
}

function check(given: string, parts: Readonly<Record<string, string>>, frequency: string): void {
  for (const name of ["INTERVAL", "COUNT"]) {
    if (parts[name] !== undefined && !/^[1-9][0-9]{0,5}$/.test(parts[name])) {
      throw new IcsError(`'${given}': ${name} must be a number from 1 to 999999`);
    }
  }
  if (parts["COUNT"] !== undefined && parts["UNTIL"] !== undefined) {
    throw new IcsError(`'${given}' has COUNT and UNTIL: keep one`);
  }
  if (parts["UNTIL"] !== undefined && untilOf(parts["UNTIL"]) === undefined) {
    throw new IcsError(`'${given}': write UNTIL as 20261231, 20261231T180000 or 20261231T180000Z`);
  }
  for (const [name, frequencies] of Object.entries(NOT_WITH)) {
    if (parts[name] !== undefined && frequencies.includes(frequency)) {
      throw new IcsError(`'${given}': ${name} cannot be used with FREQ=${frequency}`);
    }
  }
  if (!["MONTHLY", "YEARLY"].includes(frequency) && /[0-9]/.test(parts["BYDAY"] ?? "")) {
    throw new IcsError(`'${given}': BYDAY has numbers with FREQ=MONTHLY and YEARLY only`);
  }
}

function weekdayOf(text: string, given: string): Weekday {
  const found = /^([+-]?\d{1,2})?(MO|TU|WE|TH|FR|SA|SU)$/.exec(text);
  const nth = Number(found?.[1] ?? "0");
  if (!found || (found[1] !== undefined && nth === 0)) {
    throw new IcsError(`'${given}' is not a recurrence rule: ${text} is no weekday`);
  }
  return { day: WEEKDAYS.indexOf(found[2] ?? ""), nth };
}

function numbersOf(name: string, text: string | undefined, given: string): readonly number[] | undefined {
  const [least, most] = LIMITS[name] ?? [-366, 366];
  const numbers = text?.split(",").map((one) => (/^[+-]?\d{1,3}$/.test(one) ? Number(one) : Number.NaN));
  if (numbers?.some((one) => !(one >= least && one <= most) || (name === "BYSETPOS" && one === 0))) {
    throw new IcsError(`'${given}' is not a recurrence rule: ${name} cannot be ${text}`);
  }
  return numbers;
}

interface Until {
  readonly local: number;
  readonly utc: boolean;
}

function untilOf(text: string): Until | undefined {
  const found = /^(\d{4})(\d\d)(\d\d)(?:T(\d\d)(\d\d)(\d\d)(Z?))?$/.exec(text);
  if (!found) {
    return undefined;
  }
  const [year = 0, month = 0, day = 0, hour = 23, minute = 59, second = 59] = found.slice(1, 7).filter((one) => one !== undefined).map(Number);
  const local = Date.UTC(year, month - 1, day, hour, minute, second);
  const read = new Date(local);
  const isReal = read.getUTCMonth() === month - 1 && read.getUTCDate() === day && hour < 24 && minute < 60 && second < 60;
  return isReal ? { local, utc: found[7] === "Z" } : undefined;
}

/** The local times at which a rule gives events, from its start up to a last one, in their order. */
export function beginnings(rule: Rule, start: number, zone: Zone, last: number): number[] {
  const until = rule.until === undefined ? undefined : untilOf(rule.until);
  const end = until === undefined ? last : Math.min(last, until.utc ? localOf(until.local, zone) : until.local);
  const found: number[] = [];
  const timeless = Math.floor(start / DAY_MS) * DAY_MS;
  const times = timesOf(rule, start - timeless);
  const fits = fitting(rule, timeless);
  for (let k = 0; ; k++) {
    const days = period(rule, timeless, k);
    if ((days[0] ?? Infinity) > end) {
      return found;
    }
    for (const local of placed(rule, days.filter(fits), times)) {
      if (local > end || found.length === rule.count) {
        return found;
      }
      if (local >= start) {
        found.push(local);
      }
    }
    if (found.length > MOST_EVENTS) {
      throw new IcsError(`${rule.text} gives too many events: write a later start or fewer times`);
    }
  }
}

/** The times of the day at which a rule gives events. */
function timesOf(rule: Rule, ofStart: number): number[] {
  const of = (name: string, unit: number, size: number): readonly number[] => [...new Set(rule.by[name] ?? [Math.floor(ofStart / unit) % size])];
  const times = of("BYHOUR", 3_600_000, 24).flatMap((hour) =>
    of("BYMINUTE", 60_000, 60).flatMap((minute) => of("BYSECOND", 1000, 60).map((second) => ((hour * 60 + minute) * 60 + second) * 1000)),
  );
  return times.sort((a, b) => a - b);
}

/** The days of the period after so many steps of a rule. */
function period(rule: Rule, start: number, step: number): number[] {
  const at = new Date(start);
  const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
  if (rule.frequency === "DAILY") {
    return [start + step * rule.interval * DAY_MS];
  }
  if (rule.frequency === "WEEKLY") {
    const week = start - ((weekday(start) - rule.weekStart + 7) % 7) * DAY_MS + step * rule.interval * 7 * DAY_MS;
    // The first week begins where the rule does.
    return daysBetween(Math.max(week, start), week + 7 * DAY_MS);
  }
  if (rule.frequency === "MONTHLY") {
    const wanted = month + step * rule.interval;
    return daysBetween(Date.UTC(year, wanted), Date.UTC(year, wanted + 1));
  }
  const wanted = year + step * rule.interval;
  return daysBetween(Date.UTC(wanted, 0), Date.UTC(wanted + 1, 0));
}

function daysBetween(from: number, to: number): number[] {
  return Array.from({ length: Math.round((to - from) / DAY_MS) }, (_, k) => from + k * DAY_MS);
}

/** The day of the week, 0 for Monday. */
function weekday(day: number): number {
  return (new Date(day).getUTCDay() + 6) % 7;
}

/** Whether a day is one of a rule's; what a rule leaves open is as its start has it. */
function fitting(rule: Rule, start: number): (day: number) => boolean {
  const { by, frequency } = rule;
  const first = new Date(start);
  const open = rule.weekdays.length === 0 && !by["BYWEEKNO"] && !by["BYYEARDAY"] && !by["BYMONTHDAY"];
  const monthDays = by["BYMONTHDAY"] ?? (open && (frequency === "MONTHLY" || frequency === "YEARLY") ? [first.getUTCDate()] : undefined);
  const months = by["BYMONTH"] ?? (open && frequency === "YEARLY" ? [first.getUTCMonth() + 1] : undefined);
  const weekdays = open && frequency === "WEEKLY" ? [{ day: weekday(start), nth: 0 }] : rule.weekdays;
  const plain = weekdays.filter(({ nth }) => nth === 0).map(({ day }) => day);
  const counted = weekdays.filter(({ nth }) => nth !== 0);
  const ofYear = frequency === "YEARLY" && months === undefined;
  return (day) => {
    const at = new Date(day);
    const [year, month] = [at.getUTCFullYear(), at.getUTCMonth()];
    const [yearFrom, yearTo] = [Date.UTC(year, 0), Date.UTC(year + 1, 0)];
    const [monthFrom, monthTo] = [Date.UTC(year, month), Date.UTC(year, month + 1)];
    return (
      (months === undefined || months.includes(month + 1)) &&
      (plain.length === 0 || plain.includes(weekday(day))) &&
      (counted.length === 0 || counted.some((one) => isNth(one, day, ...(ofYear ? ([yearFrom, yearTo] as const) : ([monthFrom, monthTo] as const))))) &&
      (monthDays === undefined || isPlace(monthDays, day, monthFrom, monthTo)) &&
      (by["BYYEARDAY"] === undefined || isPlace(by["BYYEARDAY"], day, yearFrom, yearTo)) &&
      (by["BYWEEKNO"] === undefined || isInWeek(by["BYWEEKNO"], day, rule.weekStart))
    );
  };
}

/** Whether a day has one of these places in a stretch, counted from its beginning or, negative, from its end. */
function isPlace(places: readonly number[], day: number, from: number, to: number): boolean {
  return places.includes((day - from) / DAY_MS + 1) || places.includes(-(to - day) / DAY_MS);
}

function isNth(wanted: Weekday, day: number, from: number, to: number): boolean {
  const nth = wanted.nth > 0 ? Math.floor((day - from) / (7 * DAY_MS)) + 1 : -Math.ceil((to - day) / (7 * DAY_MS));
  return weekday(day) === wanted.day && nth === wanted.nth;
}

/** Whether a day is in one of the weeks of a year, of which the first has at least four days in it. */
function isInWeek(weeks: readonly number[], day: number, weekStart: number): boolean {
  const begin = day - ((weekday(day) - weekStart + 7) % 7) * DAY_MS;
  const year = new Date(begin + 3 * DAY_MS).getUTCFullYear();
  const firstWeek = (of: number): number => {
    const fourth = Date.UTC(of, 0, 4);
    return fourth - ((weekday(fourth) - weekStart + 7) % 7) * DAY_MS;
  };
  const number = Math.round((begin - firstWeek(year)) / (7 * DAY_MS)) + 1;
  const all = Math.round((firstWeek(year + 1) - firstWeek(year)) / (7 * DAY_MS));
  return weeks.includes(number) || weeks.includes(number - all - 1);
}

/** The local times of a period: all, or those at the places that a rule names. */
function placed(rule: Rule, days: readonly number[], times: readonly number[]): number[] {
  const all = days.flatMap((day) => times.map((time) => day + time));
  const places = rule.by["BYSETPOS"];
  if (places === undefined) {
    return all;
  }
  const named = places.flatMap((place) => all.at(place > 0 ? place - 1 : place) ?? []);
  return [...new Set(named)].sort((a, b) => a - b);
}
