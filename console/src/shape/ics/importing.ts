/** What a file would add to a calendar: its events of a window, without those that are there. */

import { MARK, MOST_EVENTS, type CalendarEvent } from "../shared";
import { DAY_MS, type Range } from "../../state/range";
import { occurrences, readIcs } from "./reading";
import { IcsError } from "./rules";

/** Characters of a file at most. */
export const MOST_CHARACTERS = 1024 * 1024;
/** How far the operator writes events out by itself, in days. */
export const DAYS_AHEAD = 90;
export const DAYS_BACK = 30;

/** What is to come of a file. */
export interface Import {
  /** The events to add, in their order. */
  readonly events: readonly CalendarEvent[];
  /** How many of the window are there already, or twice in the file. */
  readonly known: number;
  /** How many of the file's entries have no event in the window. */
  readonly outside: number;
  /** What cannot be followed, and why. */
  readonly skipped: readonly string[];
  /** Why these cannot be added; undefined where they can. */
  readonly fault: string | undefined;
}

/** Whole days about today, UTC, as the operator writes events out. */
export function windowAbout(now: number, daysBack: number, daysAhead: number): Range {
  const today = Math.floor(now / DAY_MS) * DAY_MS;
  return { from: today - daysBack * DAY_MS, to: today + (daysAhead + 1) * DAY_MS };
}

/**
 * What a file would add to the events that there are.
 *
 * @throws IcsError where it is no calendar.
 */
export function importOf(text: string, zone: string, window: Range, there: readonly CalendarEvent[]): Import {
  if (text.length > MOST_CHARACTERS) {
    throw new IcsError("the file has more than 1,048,576 characters: keep the events that matter");
  }
  const { events, skipped } = readIcs(text, zone);
  const key = (one: Omit<CalendarEvent, "id">): string => JSON.stringify([one.description, one.from, one.to]);
  const seen = new Set(there.map(key));
  const added: CalendarEvent[] = [];
  const marked: string[] = [];
  let [known, outside] = [0, 0];
  for (const event of events) {
    if (event.summary.startsWith(MARK.trim())) {
      marked.push(`event ${event.summary}: it must not begin as the operator's mark does`);
      continue;
    }
    const found = occurrences(event, window);
    outside += found.length === 0 ? 1 : 0;
    for (const one of found) {
      known += seen.has(key(one)) ? 1 : 0;
      if (!seen.has(key(one))) {
        seen.add(key(one));
        added.push({ id: undefined, ...one });
      }
    }
  }
  const all = there.length + added.length;
  return {
    events: added.sort((a, b) => a.from - b.from),
    known,
    outside,
    skipped: [...skipped, ...marked],
    fault: all > MOST_EVENTS ? `the calendar would have ${all} events, and at most ${MOST_EVENTS} fit: look less far ahead` : undefined,
  };
}
