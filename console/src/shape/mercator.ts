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

/** A part of the world in the projection: `x` from 0 to 1, to the east over the edge of the world where that is shorter. */
export interface Area {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** A place, in degrees. */
interface Place {
  readonly latitude: number;
  readonly longitude: number;
}

/** Some four hundred metres: what is nearer than that is not told apart. */
const LEAST_WIDTH = 1e-5;
/** A map is not narrower than this share of its longer side. */
const LEAST_SHARE = 0.5;
const MARGIN = 0.08;

/** How far east of an area's left side a place lies, in sides of the world. */
export function within(area: Area, longitude: number): number {
  return wrapped(eastOf(longitude) - area.x);
}

function wrapped(part: number): number {
  return ((part % 1) + 1) % 1;
}

/** The least area with a margin around places, of which there is at least one. */
export function areaAround(places: readonly Place[]): Area {
  const easts = places.map((place) => wrapped(eastOf(place.longitude))).sort((a, b) => a - b);
  // The widest gap around the world is what the map leaves out.
  let [left, gap] = [easts[0] ?? 0, 1 - ((easts.at(-1) ?? 0) - (easts[0] ?? 0))];
  easts.slice(1).forEach((east, place) => {
    const before = east - (easts[place] ?? 0);
    if (before > gap) {
      [left, gap] = [east, before];
    }
  });
  const souths = places.map((place) => clamped(southOf(Math.max(-89.9, Math.min(89.9, place.latitude)))));
  const [top, bottom] = [Math.min(...souths), Math.max(...souths)];
  const longer = Math.max(1 - gap, bottom - top, LEAST_WIDTH);
  const width = Math.min(1, Math.max(1 - gap, LEAST_SHARE * longer) + 2 * MARGIN * longer);
  const height = Math.min(1, Math.max(bottom - top, LEAST_SHARE * longer) + 2 * MARGIN * longer);
  const y = (top + bottom - height) / 2;
  return { x: wrapped(left + (1 - gap - width) / 2), y: Math.max(0, Math.min(1 - height, y)), width, height };
}

function clamped(part: number): number {
  return Math.max(0, Math.min(1, part));
}

const EARTH_KM = 6371;

/** How far apart two places are, along the globe. */
export function kilometres(one: Place, other: Place): number {
  const [north, south] = [one.latitude * DEGREE, other.latitude * DEGREE];
  const up = Math.sin((south - north) / 2) ** 2;
  const across = Math.sin(((other.longitude - one.longitude) * DEGREE) / 2) ** 2;
  return 2 * EARTH_KM * Math.asin(Math.min(1, Math.sqrt(up + Math.cos(north) * Math.cos(south) * across)));
}

/** A longitude from -180 to 180, however far around the world it was counted. */
export function longitudeWithin(longitude: number): number {
  return longitude > 180 ? longitude - 360 : longitude;
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
