import assert from "node:assert/strict";
import { test } from "node:test";
import { areaOf, finerZoom, MOST_ACROSS, readPlaces, shapePlaces } from "../src/rest/data/places";
import { shapeRecord } from "../src/rest/results";
import { departureOf, figureOf } from "../src/shape/figures";
import { areaAround, degrees, eastOf, graticule, kilometres, latitudeOf, longitudeOf, longitudeWithin, southOf, within } from "../src/shape/mercator";
import { integer, seeded, type Random } from "./generated";

const SUBJECT = { index: "i", time: undefined, range: undefined, question: { text: "", language: "kql" } } as const;

/** A server that holds points, as parts of the world's sides, and answers with the squares that they are in. */
function serving(points: readonly (readonly [number, number])[]) {
  const asked: number[] = [];
  const ask = async (_method: string, _path: string, body?: any): Promise<any> => {
    const { precision, size } = body.aggs.squares.geotile_grid;
    asked.push(precision);
    const counts = new Map<string, number>();
    for (const point of points) {
      const [x, y] = point.map((part) => Math.floor(part * 2 ** precision));
      const key = `${precision}/${x}/${y}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    const buckets = [...counts].map(([key, doc_count]) => ({ key, doc_count })).sort((a, b) => b.doc_count - a.doc_count);
    return { aggregations: { squares: { buckets: buckets.slice(0, size) } } };
  };
  return { ask, asked };
}

function pointsNear(random: Random): [number, number][] {
  const spread = 10 ** -integer(random, 0, 9);
  const [x, y] = [random() * (1 - spread), random() * (1 - spread)];
  return Array.from({ length: integer(random, 1, 60) }, () => [x + random() * spread, y + random() * spread]);
}

test("no document is left out of a map, and it is as fine as a picture can show", async () => {
  for (const random of seeded(200)) {
    const points = pointsNear(random);
    const { ask, asked } = serving(points);
    const places = await readPlaces(ask, SUBJECT, { of: "all" }, "where");
    assert.equal(places.squares.reduce((sum, square) => sum + square.documents, 0), points.length);
    const { width, height } = areaOf(places);
    assert.ok(Math.max(width, height) <= MOST_ACROSS);
    assert.ok(Math.max(width, height) > MOST_ACROSS / 4 || places.zoom === 20, `${width} by ${height} at ${places.zoom}`);
    assert.ok(asked.length <= 5);
  }
});

test("a world without documents is looked at once", async () => {
  const { ask, asked } = serving([]);
  assert.deepEqual((await readPlaces(ask, SUBJECT, { of: "all" }, "where")).squares, []);
  assert.equal(asked.length, 1);
  assert.equal(finerZoom(shapePlaces({ aggregations: { sample: { squares: { buckets: [] } } } }, 4)), 4);
});

test("places come back from the projection, and squares lie where their tiles are", () => {
  for (const random of seeded(300)) {
    const [latitude, longitude] = [(random() - 0.5) * 170, (random() - 0.5) * 360];
    assert.ok(Math.abs(latitudeOf(southOf(latitude)) - latitude) < 1e-9);
    assert.ok(Math.abs(longitudeOf(eastOf(longitude)) - longitude) < 1e-9);
  }
  assert.ok(Math.abs(southOf(85.0511287798066)) < 1e-9);
  // Greenwich lies in tile 10/511/340 or its neighbour to the east.
  assert.deepEqual([Math.floor(eastOf(-0.001) * 1024), Math.floor(southOf(51.477) * 1024)], [511, 340]);
});

test("lines are at round degrees inside of the map, and few", () => {
  for (const random of seeded(300)) {
    const from = (random() - 0.5) * 300;
    const to = from + 10 ** (random() * 4 - 2);
    const lines = graticule(from, to);
    assert.ok(lines.length <= 7);
    assert.ok(lines.every((line) => line >= from - 1e-3 && line <= to + 1e-3));
    assert.equal(new Set(lines).size, lines.length);
  }
  assert.deepEqual(graticule(-180, 180).length, 7);
  assert.deepEqual(graticule(-5, 5), [-4, -2, 0, 2, 4]);
});

test("a place is told by its side of the world", () => {
  assert.equal(degrees(48.123, 11.5, 1), "48.1° N, 11.5° E");
  assert.equal(degrees(-33.9, -70.6, 0), "34° S, 71° W");
});

test("a map around places has all of them in it, on the shorter way around the world", () => {
  for (const random of seeded(500)) {
    const spread = 10 ** (random() * 5 - 3);
    const [latitude, longitude] = [(random() - 0.5) * 160, (random() - 0.5) * 360];
    const places = Array.from({ length: integer(random, 1, 20) }, () => ({
      latitude: Math.max(-90, Math.min(90, latitude + (random() - 0.5) * spread)),
      longitude: ((longitude + (random() - 0.5) * spread + 540) % 360) - 180,
    }));
    const area = areaAround(places);
    assert.ok(area.x >= 0 && area.x < 1 && area.y >= 0 && area.y + area.height <= 1 + 1e-9);
    for (const place of places) {
      assert.ok(within(area, place.longitude) <= area.width + 1e-9);
      const south = southOf(Math.max(-85.05, Math.min(85.05, place.latitude)));
      assert.ok(south >= area.y - 1e-6 && south <= area.y + area.height + 1e-6);
    }
    if (spread <= 90) {
      assert.ok(area.width <= 2 * Math.max(spread / 360, area.height) + 1e-4, "the map goes the longer way around the world");
    }
    assert.ok(area.width >= 0.4 * area.height && area.height >= 0.4 * area.width);
  }
});

test("how far places are apart is the same both ways, and around the world", () => {
  const [munich, sydney] = [{ latitude: 48.14, longitude: 11.58 }, { latitude: -33.87, longitude: 151.21 }];
  assert.ok(Math.abs(kilometres(munich, sydney) - 16_310) < 30);
  assert.equal(kilometres(munich, sydney), kilometres(sydney, munich));
  assert.ok(kilometres({ latitude: 0, longitude: 179.9 }, { latitude: 0, longitude: -179.9 }) < 23);
  assert.equal(longitudeWithin(190), -170);
});

test("places and times of the day are no figures", () => {
  const formats = { locale: "en-GB", zone: "Europe/Berlin" };
  const read = (changes: object): any =>
    shapeRecord({ job_id: "a", timestamp: Date.UTC(2026, 6, 1, 12), bucket_span: 900, detector_index: 0, probability: 1, ...changes });
  const place = read({ function: "lat_long", actual: [-33.87, 151.21], typical: [48.14, 11.58] });
  assert.equal(figureOf(place, "actual", formats), "33.8700° S, 151.2100° E");
  assert.match(departureOf(place, formats), /^16,3\d\d km from the typical place$/);
  assert.equal(place.actual, undefined);
  const cause = read({ function: "lat_long", causes: [{ actual: [1, 2], typical: [3, 4] }] });
  assert.deepEqual(cause.places.actual, { latitude: 1, longitude: 2 });
  assert.equal(figureOf(read({ function: "lat_long", actual: [100, 2], typical: [3, 4] }), "actual", formats), "100");
  const day = read({ function: "time_of_day", actual: [3600], typical: [85_500] });
  assert.equal(figureOf(day, "actual", formats), "03:00");
  assert.equal(departureOf(day, formats), "1.25 h from the typical time");
  // Thursday begins the week of the models.
  assert.match(figureOf(read({ function: "time_of_week", actual: [0], typical: [0] }), "actual", formats), /^Thu.* 02:00$/);
});
