/** What jobs share: calendars with their events, filter lists, which jobs they bear on, and the calls that change them. */

import type { Json } from "../rest/server";
import { chosen } from "./jobs";
import type { Job } from "../rest/jobs";

/** Who manages an object that has only a text to say it in. */
export interface Owner {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
}

/** An event of a calendar. */
export interface CalendarEvent {
  /** Undefined for one that is not on the server yet. */
  readonly id: string | undefined;
  readonly description: string;
  readonly from: number;
  readonly to: number;
  /** What it does to jobs; the usual where it is left out. */
  readonly effect?: Effect;
}

/** What an event does to jobs. */
export interface Effect {
  /** Whether there are no anomalies in it. */
  readonly skipResult: boolean;
  /** Whether jobs learn nothing from it. */
  readonly skipModelUpdate: boolean;
  /** By how many seconds the models' clocks are moved at its beginning; 0 for not at all. Elasticsearch knows it from 8.16 on. */
  readonly shiftS: number;
}

/** What an event does that says nothing of it. */
export const USUAL: Effect = { skipResult: true, skipModelUpdate: true, shiftS: 0 };

/** Time that a clock is moved by at most, in seconds. */
export const MOST_SHIFT_S = 86_400;

/** What an event does, in words. */
export function effectWords({ effect = USUAL }: Pick<CalendarEvent, "effect">): string {
  const skips = [effect.skipResult ? "no anomalies" : "anomalies as ever", effect.skipModelUpdate ? "nothing is learnt" : "models learn"];
  const moved = effect.shiftS === 0 ? [] : [`clocks are moved by ${effect.shiftS} s`];
  return [...skips, ...moved].join(", ");
}

/** What of an event's effect is said to the server: what is not the usual, so that servers that know no more take it. */
function effectBody(effect: Effect): { [key: string]: Json } {
  return {
    ...(effect.skipResult ? {} : { skip_result: false }),
    ...(effect.skipModelUpdate ? {} : { skip_model_update: false }),
    ...(effect.shiftS === 0 ? {} : { force_time_shift: effect.shiftS }),
  };
}

/** What tells events apart that have no ids. */
function eventKey({ description, from, to, effect = USUAL }: CalendarEvent): string {
  return JSON.stringify([description, from, to, effect.skipResult, effect.skipModelUpdate, effect.shiftS]);
}

/** A calendar. */
export interface Calendar {
  readonly id: string;
  readonly description: string;
  /** Ids of jobs, names of groups, or `_all`. */
  readonly named: readonly string[];
  readonly events: readonly CalendarEvent[];
  /** The jobs that its events bear on. */
  readonly jobs: readonly string[];
  readonly owner: Owner | undefined;
}

/** Where a filter list is used. */
export interface Use {
  readonly job: string;
  readonly detector: string;
  readonly field: string;
  /** Whether the rule holds for values in the list, or for those that are not. */
  readonly within: boolean;
}

/** A filter list. */
export interface Filter {
  readonly id: string;
  readonly description: string;
  readonly items: readonly string[];
  readonly uses: readonly Use[];
  readonly owner: Owner | undefined;
}

export const MARK = "[anomalyops.io ";

/** A description, and who manages what it is of: the mark of a manifest is a line of JSON at its end. */
export function readDescription(description: string): { readonly text: string; readonly owner: Owner | undefined } {
  for (let at = description.indexOf(MARK); at >= 0; at = description.indexOf(MARK, at + 1)) {
    const mark = markOf(description.slice(at + MARK.length));
    if (mark !== undefined) {
      const text = description.slice(0, at).replace(/ $/, "");
      return { text, owner: mark["retained"] === true ? undefined : ownerOf(mark) };
    }
  }
  return { text: description, owner: undefined };
}

function markOf(written: string): { [key: string]: Json } | undefined {
  if (!written.endsWith("]")) {
    return undefined;
  }
  try {
    const mark = JSON.parse(written.slice(0, -1));
    return typeof mark?.cluster === "string" && typeof mark.name === "string" && mark.cluster && mark.name ? mark : undefined;
  } catch {
    return undefined;
  }
}

function ownerOf(mark: { [key: string]: Json }): Owner {
  return { cluster: String(mark["cluster"]), namespace: String(mark["namespace"] ?? ""), name: String(mark["name"]) };
}

/** Calendars of the server's answers, by their ids. The mark of a manifest is an event of before all data. */
export function shapeCalendars(calendars: any[], events: any[], jobs: readonly Job[]): Calendar[] {
  return calendars
    .map((calendar) => {
      const own = events.filter((event) => event.calendar_id === calendar.calendar_id);
      const marks = own.filter(isMark);
      const named: string[] = calendar.job_ids ?? [];
      return {
        id: calendar.calendar_id,
        description: calendar.description ?? "",
        named,
        events: own.filter((event) => !isMark(event)).map(shapeEvent).sort((a, b) => a.from - b.from),
        jobs: (named.includes("_all") ? jobs : named.length === 0 ? [] : chosen(jobs, named.join(","))).map((job) => job.id),
        owner: marks.map((event) => readDescription(event.description).owner).find((owner) => owner !== undefined),
      };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

function isMark(event: any): boolean {
  return Number(event.start_time) === 0 && String(event.description).startsWith(MARK) && markOf(String(event.description).slice(MARK.length)) !== undefined;
}

function shapeEvent(event: any): CalendarEvent {
  const effect = {
    skipResult: event.skip_result ?? USUAL.skipResult,
    skipModelUpdate: event.skip_model_update ?? USUAL.skipModelUpdate,
    shiftS: event.force_time_shift ?? USUAL.shiftS,
  };
  return { id: event.event_id, description: event.description ?? "", from: Number(event.start_time), to: Number(event.end_time), effect };
}

/** Filter lists of the server's answers, by their ids, with the rules that name them. */
export function shapeFilters(filters: any[], configs: any[]): Filter[] {
  const uses = new Map<string, Use[]>();
  for (const config of configs) {
    for (const detector of config.analysis_config.detectors) {
      for (const rule of detector.custom_rules ?? []) {
        for (const [field, scope] of Object.entries<any>(rule.scope ?? {})) {
          const use = { job: config.job_id, detector: detector.detector_description ?? detector.function, field, within: scope.filter_type !== "exclude" };
          uses.set(scope.filter_id, [...(uses.get(scope.filter_id) ?? []), use]);
        }
      }
    }
  }
  return filters
    .map((filter) => {
      const { text, owner } = readDescription(filter.description ?? "");
      return { id: filter.filter_id, description: text, items: filter.items ?? [], uses: uses.get(filter.filter_id) ?? [], owner };
    })
    .sort((a, b) => (a.id < b.id ? -1 : 1));
}

/** A call that changes something, with what it is for. */
export interface Change {
  readonly words: string;
  readonly method: string;
  readonly path: string;
  readonly body?: Json;
}

/** A calendar as somebody wants it. */
export interface WantedCalendar {
  readonly id: string;
  readonly description: string;
  readonly named: readonly string[];
  readonly events: readonly CalendarEvent[];
}

/** Events of a calendar at most, as the operator writes them out. */
export const MOST_EVENTS = 2000;
/** Events that one call adds, so that it stays as small as the console passes calls on. */
const EVENTS_AT_ONCE = 500;

const calendarPath = (id: string, more = ""): string => `_ml/calendars/${encodeURIComponent(id)}${more}`;

/** The calls that make a calendar as it is wanted, from what there is. A server changes no description of one. */
export function calendarChanges(before: Calendar | undefined, wanted: WantedCalendar): Change[] {
  const { id, description, named } = wanted;
  const changes: Change[] = [];
  if (before === undefined) {
    const body = { job_ids: [...named], ...(description === "" ? {} : { description }) };
    changes.push({ words: `make the calendar ${id}`, method: "PUT", path: calendarPath(id), body });
  } else {
    for (const job of named.filter((one) => !before.named.includes(one))) {
      changes.push({ words: `let it hold for ${job}`, method: "PUT", path: calendarPath(id, `/jobs/${encodeURIComponent(job)}`) });
    }
    for (const job of before.named.filter((one) => !named.includes(one))) {
      changes.push({ words: `let it hold for ${job} no more`, method: "DELETE", path: calendarPath(id, `/jobs/${encodeURIComponent(job)}`) });
    }
  }
  const kept = new Set(wanted.events.map((event) => event.id));
  const added = wanted.events.filter((event) => event.id === undefined);
  for (let first = 0; first < added.length; first += EVENTS_AT_ONCE) {
    const part = added.slice(first, first + EVENTS_AT_ONCE);
    const events = part.map((event) => ({ description: event.description, start_time: event.from, end_time: event.to, ...effectBody(event.effect ?? USUAL) }));
    changes.push({ words: `add ${part.length} events`, method: "POST", path: calendarPath(id, "/events"), body: { events } });
  }
  for (const event of before?.events ?? []) {
    if (event.id !== undefined && !kept.has(event.id)) {
      changes.push({ words: `delete the event ${event.description}`, method: "DELETE", path: calendarPath(id, `/events/${encodeURIComponent(event.id)}`) });
    }
  }
  return changes;
}

/** What is still to be done for a calendar to be as it is wanted; of events that were new the server has ids of its own. */
export function calendarLeft(there: readonly Calendar[], wanted: WantedCalendar): Change[] {
  const now = there.find((one) => one.id === wanted.id);
  const unknown = new Map<string, string[]>();
  for (const event of now?.events ?? []) {
    unknown.set(eventKey(event), [...(unknown.get(eventKey(event)) ?? []), event.id ?? ""]);
  }
  const events = wanted.events.map((event) => ({ ...event, id: unknown.get(eventKey(event))?.pop() }));
  return calendarChanges(now, { ...wanted, events });
}

/** The call that deletes a calendar with its events. */
export function calendarDeletion(calendar: Calendar): Change {
  return { words: `delete the calendar ${calendar.id}`, method: "DELETE", path: calendarPath(calendar.id) };
}

/** A filter list as somebody wants it. */
export interface WantedFilter {
  readonly id: string;
  readonly description: string;
  readonly items: readonly string[];
}

const filterPath = (id: string, more = ""): string => `_ml/filters/${encodeURIComponent(id)}${more}`;

/** The calls that make a filter list as it is wanted, from what there is. */
export function filterChanges(before: Filter | undefined, wanted: WantedFilter): Change[] {
  const { id, description, items } = wanted;
  if (before === undefined) {
    const body = { items: [...items], ...(description === "" ? {} : { description }) };
    return [{ words: `make the filter list ${id}`, method: "PUT", path: filterPath(id), body }];
  }
  const added = items.filter((one) => !before.items.includes(one));
  const removed = before.items.filter((one) => !items.includes(one));
  const body = {
    ...(description === before.description ? {} : { description }),
    ...(added.length === 0 ? {} : { add_items: added }),
    ...(removed.length === 0 ? {} : { remove_items: removed }),
  };
  return Object.keys(body).length === 0 ? [] : [{ words: `change the filter list ${id}`, method: "POST", path: filterPath(id, "/_update"), body }];
}

/** What is still to be done for a filter list to be as it is wanted. */
export function filterLeft(there: readonly Filter[], wanted: WantedFilter): Change[] {
  return filterChanges(there.find((one) => one.id === wanted.id), wanted);
}

/** The call that deletes a filter list. */
export function filterDeletion(filter: Filter): Change {
  return { words: `delete the filter list ${filter.id}`, method: "DELETE", path: filterPath(filter.id) };
}
