import assert from "node:assert/strict";
import { test } from "node:test";
import { rowsIn, WHOLE_UP_TO } from "../src/parts/window";
import { integer, seeded } from "./generated";

test("what is seen is in the page, little else is, and the list keeps its height", () => {
  for (const random of seeded(500)) {
    const [count, rowPx, height] = [integer(random, 0, 5000), integer(random, 10, 90), integer(random, 100, 2000)];
    const top = integer(random, -500, count * rowPx + 500);
    const { first, last, before, after } = rowsIn(count, rowPx, top, height);
    assert.ok(0 <= first && first <= last && last <= count);
    assert.equal(before + (last - first) * rowPx + after, count * rowPx);
    const [firstSeen, lastSeen] = [Math.floor(Math.max(0, top) / rowPx), Math.ceil((top + height) / rowPx)];
    for (let row = firstSeen; row < Math.min(lastSeen, count); row++) {
      assert.ok(first <= row && row < last, `row ${row} of ${count} is seen and not there`);
    }
    assert.ok(last - first <= Math.max(WHOLE_UP_TO, Math.ceil(height / rowPx) + 40));
  }
});
