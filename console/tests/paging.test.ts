import assert from "node:assert/strict";
import { test } from "node:test";
import { scoredCells } from "../src/shape/cells";
import { pageAt } from "../src/shape/paging";
import { integer, seeded } from "./generated";

test("pages hold every row once, in order, and a page that there is none of is the last", () => {
  for (const random of seeded(300)) {
    const [rows, size] = [integer(random, 0, 500), integer(random, 1, 100)];
    const { of } = pageAt(rows, 0, size);
    const pages = Array.from({ length: of }, (_, k) => pageAt(rows, k, size));
    const held = pages.flatMap(({ first, last }) => Array.from({ length: last - first }, (_, k) => first + k));
    assert.deepEqual(held, Array.from({ length: rows }, (_, k) => k));
    assert.deepEqual(pageAt(rows, of + integer(random, 0, 9), size), pages.at(-1));
    assert.ok(pages.every(({ first, last }) => last - first <= size && (rows === 0 || last > first)));
  }
});

test("a table of cells has each that has a score, the highest first, and no other", () => {
  for (const random of seeded(200)) {
    const lanes = Array.from({ length: integer(random, 0, 6) }, () => ({
      scores: Float64Array.from({ length: 20 }, () => (random() < 0.5 ? Number.NaN : integer(random, 0, 4) * 25)),
    }));
    const cells = scoredCells(lanes);
    assert.equal(cells.length, lanes.reduce((sum, { scores }) => sum + scores.filter((one) => one > 0).length, 0));
    assert.equal(new Set(cells.map(({ lane, cell }) => `${lane} ${cell}`)).size, cells.length);
    cells.forEach(({ lane, cell, score }, place) => {
      assert.equal(lanes[lane]?.scores[cell], score);
      assert.ok(place === 0 || (cells[place - 1]?.score ?? 0) >= score);
    });
  }
});
