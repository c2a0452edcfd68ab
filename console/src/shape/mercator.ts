/** The projection of web maps: the world is a square with sides of one, from -180° and from the north. */

const DEGREE = Math.PI / 180;

/** How far east a longitude lies, from 0 to 1. */
export function eastOf(longitude: number): number {
  return (longitude + 180) / 360;
}

/** How far south a latitude lies; the square ends at 85.05°. */
export function southOf(latitude: number): number {
  return 0.5 - Math.log(Math.tan(Math.PI / 4 + (latitude * DEGREE) / 2)) / (2 * Math.PI);
}

/** The longitude that lies so far east. */
export function longitudeOf(east: number): number {
  return east * 360 - 180;
}

/** The latitude that lies so far south. */
export function latitudeOf(south: number): number {
  return Math.atan(Math.sinh(Math.PI * (1 - 2 * south))) / DEGREE;
}

/** Degrees between the lines of a map. */
const STEPS: readonly number[] = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45];

/** The degrees at which lines are drawn: a readable step, six of them at most. */
export function graticule(from: number, to: number): number[] {
  const step = STEPS.find((one) => (to - from) / one <= 6) ?? 60;
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, k) => Number(((first + k) * step).toFixed(3)));
}

/** A place in words: degrees with as many digits as it needs to be told from its neighbours. */
export function degrees(latitude: number, longitude: number, digits: number): string {
  const one = (value: number, [positive, negative]: readonly [string, string]): string =>
    `${Math.abs(value).toFixed(digits)}° ${value < 0 ? negative : positive}`;
  return `${one(latitude, ["N", "S"])}, ${one(longitude, ["E", "W"])}`;
}
