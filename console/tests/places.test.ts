import assert from "node:assert/strict";
import { test } from "node:test";
import { areaOf, finerZoom, MOST_ACROSS, readPlaces, shapePlaces } from "../src/rest/data/places";
import { degrees, eastOf, graticule, latitudeOf, longitudeOf, southOf } from "../src/shape/mercator";
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
