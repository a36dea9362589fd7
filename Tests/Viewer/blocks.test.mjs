import assert from "node:assert/strict";
import { test } from "node:test";

import { BLOCK, BlockStore, Ranges, blockOf, holeIn, offsetOf } from "#viewer/blocks.js";
import { lines } from "./support.mjs";

test("an offset is read from the beginning of a line", () => {
  assert.equal(offsetOf('{"offset":41,"timestamp":1}'), 41);
  assert.ok(Number.isNaN(offsetOf('{"type":"heartbeat"}')));
});

test("a hole is found where it is", () => {
  assert.equal(holeIn(lines(3, 9), 2), null);
  assert.deepEqual(holeIn([...lines(1, 3), ...lines(5, 6)], 0), { expected: 4, got: 5 });
  assert.deepEqual(holeIn(lines(2, 3), 0), { expected: 1, got: 2 });
  assert.equal(Number.isNaN(holeIn(["nonsense"], 0).got), true);
});

test("what is added in any pieces comes back as it was", () => {
  const store = new BlockStore();
  let at = 1;
  for (const size of [1, 255, 1, 700, 3, 256, 44]) {
    store.add(at, lines(at, at + size - 1));
    at += size;
  }
  assert.equal(store.head, at - 1);
  for (let offset = 1; offset < at; offset++) assert.equal(store.event(offset).message, `line ${offset}`);
  assert.equal(store.event(at), undefined);
  assert.deepEqual(store.received.list, [[1, at - 1]]);
});

test("what is added twice is there once", () => {
  const store = new BlockStore();
  store.add(1, lines(1, 10));
  store.add(1, lines(1, 20));
  store.add(1, lines(1, 5));
  assert.equal(store.lines(0).length, 20);
  assert.equal(store.received.count, 20);
});

test("a block without its beginning isn't kept", () => {
  const store = new BlockStore();
  store.add(100, lines(100, 300));
  assert.equal(store.event(100), undefined);
  assert.equal(store.event(257).message, "line 257");
  assert.equal(store.holds(0), false);
});

test("memory is bounded, and what was used last stays", () => {
  const store = new BlockStore(200_000);
  for (let k = 0; k < 100; k++) {
    store.add(k * BLOCK + 1, lines(k * BLOCK + 1, (k + 1) * BLOCK));
    store.event(1);
    assert.ok(store.bytes <= 200_000);
  }
  assert.equal(store.event(1).offset, 1);
  assert.equal(store.event(BLOCK + 1), undefined);
  assert.equal(store.event(100 * BLOCK).offset, 100 * BLOCK);
  store.add(BLOCK + 1, lines(BLOCK + 1, 2 * BLOCK));
  assert.equal(store.event(BLOCK + 1).offset, BLOCK + 1);
  assert.equal(store.received.count, 100 * BLOCK);
});

test("text beyond Latin-1 counts twice", () => {
  const [store, other] = [new BlockStore(), new BlockStore()];
  store.add(1, ['{"offset":1,"message":"xx"}']);
  other.add(1, ['{"offset":1,"message":"漢x"}']);
  assert.ok(other.bytes > 1.9 * store.bytes);
});

test("what is missing is said, and what follows it is kept", () => {
  const store = new BlockStore();
  store.add(1, lines(1, 100));
  store.miss(101, 700);
  store.add(701, lines(701, 900));
  assert.equal(store.event(100).message, "line 100");
  for (const offset of [101, 256, 257, 513, 700]) assert.equal(store.event(offset).type, "missing");
  assert.equal(store.event(701).message, "line 701");
  assert.deepEqual(store.missing.list, [[101, 700]]);
  for (let k = 0; k <= blockOf(900); k++) assert.ok(store.holds(k), `block ${k}`);
});

test("ranges merge where they touch", () => {
  const ranges = new Ranges();
  const added = [[5, 6], [1, 2], [9, 9], [3, 4], [8, 8], [20, 30], [7, 7], [25, 40]];
  for (const [first, last] of added) ranges.add(first, last);
  assert.deepEqual(ranges.list, [[1, 9], [20, 40]]);
  assert.equal(ranges.count, 30);
  assert.deepEqual(ranges.find(33), [20, 40]);
  assert.equal(ranges.find(10), undefined);
});

test("what isn't in ranges is told", () => {
  const ranges = new Ranges();
  assert.deepEqual(ranges.gaps(3, 9), [[3, 9]]);
  for (const [first, last] of [[5, 6], [10, 12], [20, 30]]) ranges.add(first, last);
  assert.deepEqual(ranges.gaps(1, 40), [[1, 4], [7, 9], [13, 19], [31, 40]]);
  assert.deepEqual(ranges.gaps(6, 11), [[7, 9]]);
  assert.deepEqual(ranges.gaps(21, 30), []);
  assert.deepEqual(ranges.gaps(25, 31), [[31, 31]]);
});
