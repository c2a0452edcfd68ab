/** What a record measured, as people read it: figures, places, times of the day and of the week. */

import type { Anomaly } from "../rest/results";
import { DAY_MS } from "../state/range";
import { departure, number, type Formats } from "./format";
import { degrees, kilometres } from "./mercator";

/** Some ten metres. */
const DIGITS = 4;

/** A place in words. */
export function placeText(place: { readonly latitude: number; readonly longitude: number }): string {
  return degrees(place.latitude, place.longitude, DIGITS);
}

/** Where a circle of seconds began before a moment: at midnight UTC, or a week ago on a Thursday as the models count. */
const CIRCLES: Readonly<Record<string, { readonly ms: number; readonly format: Intl.DateTimeFormatOptions }>> = {
  time_of_day: { ms: DAY_MS, format: { hour: "2-digit", minute: "2-digit" } },
  time_of_week: { ms: 7 * DAY_MS, format: { weekday: "short", hour: "2-digit", minute: "2-digit" } },
};

/** What a record measured, or what was expected of it. */
export function figureOf(anomaly: Anomaly, which: "actual" | "typical", formats: Formats): string {
  const value = anomaly[which];
  if (anomaly.places !== undefined) {
    return placeText(anomaly.places[which]);
  }
  if (value === undefined) {
    return "–";
  }
  const circle = CIRCLES[anomaly.function];
  if (circle === undefined) {
    return number(value, formats);
  }
  const began = Math.floor(anomaly.timeMs / circle.ms) * circle.ms;
  return new Intl.DateTimeFormat(formats.locale, { ...circle.format, timeZone: formats.zone }).format(new Date(began + value * 1000));
}

/** How what a record measured lies to what was expected of it. */
export function departureOf(anomaly: Anomaly, formats: Formats): string {
  const { actual, typical, places } = anomaly;
  if (places !== undefined) {
    return `${number(kilometres(places.actual, places.typical), formats)} km from the typical place`;
  }
  if (actual === undefined || typical === undefined) {
    return "";
  }
  const circle = CIRCLES[anomaly.function];
  if (circle === undefined) {
    return departure(actual, typical, formats);
  }
  // Around the clock the shorter way counts.
  const apart = Math.abs(actual - typical) * 1000;
  const hours = Math.min(apart, circle.ms - apart) / 3_600_000;
  return `${number(hours, formats)} h from the typical time`;
}
