/** Numbers, sizes and times in words, by the reader's locale and the time zone that is shown. */

export interface Formats {
  readonly locale: string;
  readonly zone: string;
}

const SMALLEST_PLAIN = 1e-3;
const LARGEST_PLAIN = 1e9;

/** A value as people read it: no more than four significant digits, large and small ones with an exponent. */
export function number(value: number, formats: Formats): string {
  if (!Number.isFinite(value)) {
    return "–";
  }
  const size = Math.abs(value);
  const scientific = size !== 0 && (size < SMALLEST_PLAIN || size >= LARGEST_PLAIN);
  if (Number.isInteger(value) && !scientific) {
    return new Intl.NumberFormat(formats.locale).format(value);
  }
  return new Intl.NumberFormat(formats.locale, {
    maximumSignificantDigits: 4,
    notation: scientific ? "scientific" : "standard",
  }).format(value);
}

/** A score of 0 to 100; below one there is more to say than 0. */
export function score(value: number, formats: Formats): string {
  if (value > 0 && value < 1) {
    return `< ${number(1, formats)}`;
  }
  return number(Math.round(value), formats);
}

/** A number of bytes with its unit, powers of 1024. */
export function bytes(value: number, formats: Formats): string {
  let size = value;
  for (const unit of ["B", "KB", "MB", "GB"]) {
    if (size < 1024) {
      return `${number(unit === "B" ? size : Math.round(size * 10) / 10, formats)} ${unit}`;
    }
    size /= 1024;
  }
  return `${number(Math.round(size * 10) / 10, formats)} TB`;
}

/** A moment, milliseconds since the epoch, to the minute. */
export function time(ms: number, formats: Formats): string {
  if (!Number.isFinite(ms)) {
    return "–";
  }
  return new Intl.DateTimeFormat(formats.locale, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: formats.zone,
  }).format(new Date(ms));
}

/** A moment at an axis: the day where it begins one, else the time of the day too. */
export function tick(ms: number, formats: Formats): string {
  const moment = new Date(ms);
  const day: Intl.DateTimeFormatOptions = { month: "short", day: "numeric", timeZone: formats.zone };
  const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "short", timeZone: formats.zone }).format(moment);
  const options: Intl.DateTimeFormatOptions =
    clock === "00:00" ? day : { ...day, hour: "numeric", minute: "2-digit" };
  return new Intl.DateTimeFormat(formats.locale, options).format(moment);
}

/** A probability as people say it. */
export function probability(value: number, formats: Formats): string {
  return value > 0 && value < SMALLEST_PLAIN
    ? new Intl.NumberFormat(formats.locale, { notation: "scientific", maximumSignificantDigits: 2 }).format(value)
    : number(value, formats);
}

/** How an actual value lies to the typical one: `3x higher`, `unusual zero value` and so on. */
export function departure(actual: number, typical: number, formats: Formats): string {
  if (!Number.isFinite(actual) || !Number.isFinite(typical)) {
    return "";
  }
  if (actual === typical) {
    return "as typical";
  }
  if (actual === 0) {
    return "unexpected zero value";
  }
  if (typical === 0) {
    return "unexpected non-zero value";
  }
  const higher = actual > typical;
  if (actual < 0 || typical < 0) {
    return higher ? "unexpectedly higher" : "unexpectedly lower";
  }
  const factor = higher ? actual / typical : typical / actual;
  if (factor > 100) {
    return `more than ${number(100, formats)}x ${higher ? "higher" : "lower"}`;
  }
  if (factor >= 1.5) {
    return `${number(factor < 10 ? Math.round(factor * 10) / 10 : Math.round(factor), formats)}x ${higher ? "higher" : "lower"}`;
  }
  return `${number(Math.round((factor - 1) * 100), formats)} % ${higher ? "higher" : "lower"}`;
}
