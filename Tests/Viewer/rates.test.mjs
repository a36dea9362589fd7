import assert from "node:assert/strict";
import { test } from "node:test";

import { scaleOf, spread } from "#viewer/rates.js";

test("a scale covers its times in parts of which a coarser one has whole numbers", () => {
  assert.deepEqual(scaleOf(1_000, 1_000, 128), { from: 1_000, width: 1, parts: 1 });
  for (const span of [1, 127, 128, 129, 5_000, 86_400_000, 1e12]) {
    const { from, width, parts } = scaleOf(7, 7 + span, 128);
    assert.ok(parts <= 128 && from + parts * width > 7 + span, String(span));
    assert.ok(span < 128 || parts > 60, String(span));
    assert.equal(Math.log2(width) % 1, 0);
  }
});

test("lines between borders that aren't known yet are spread evenly, and none gets lost", () => {
  assert.deepEqual(spread([0, undefined, undefined, undefined, 40]), [10, 10, 10, 10]);
  assert.deepEqual(spread([0, 5, 5, undefined, 25]), [5, 0, 10, 10]);
  assert.deepEqual(spread([3, undefined, 3]), [0, 0]);
});
