import assert from "node:assert/strict";
import { test } from "node:test";

import { BlockStore } from "#viewer/blocks.js";
import { MatchIndex, WithContext } from "#viewer/match-index.js";
import { Rows } from "#viewer/rows.js";
import { ShownRows } from "#viewer/shown-rows.js";
import { Viewport } from "#viewer/viewport.js";
import { lines, random } from "./support.mjs";

/** A log with a filter that lets these offsets through, and so many around each. */
function filtered(head, offsets, around) {
  const store = new BlockStore();
  store.add(1, lines(1, head));
  const hits = new MatchIndex();
  for (const offset of offsets) hits.add(offset);
  const rows = new ShownRows(new Rows(store), store);
  rows.setFilter(around ? new WithContext(hits, new MatchIndex(), () => store.head, around) : hits, null);
  const expected = Array.from({ length: head }, (_, i) => i + 1)
    .filter((offset) => offsets.some((hit) => Math.abs(hit - offset) <= around));
  return { rows, expected };
}

test("rows stand for all of a log, each once, and show what the filter lets through", () => {
  const next = random(20);
  for (let round = 0; round < 60; round++) {
    const head = 1 + Math.floor(next() * 900);
    const share = [0, 0.002, 0.05, 0.6, 1][round % 5];
    const offsets = Array.from({ length: head }, (_, i) => i + 1).filter(() => next() < share);
    const { rows, expected } = filtered(head, offsets, [0, 1, 10][round % 3]);
    assert.equal(rows.end, expected.length > 0 ? head : 0);
    const shown = [];
    for (let row = 1; row <= rows.end; row = rows.last(row) + 1) {
      shown.push(rows.shown(row));
      for (const offset of [row, rows.last(row)]) assert.equal(rows.start(offset), row);
      assert.equal(rows.row(row).first, rows.shown(row));
      assert.equal(rows.text(row), `line ${rows.shown(row)}`);
    }
    assert.deepEqual(shown, expected);
    assert.equal(rows.count(1, head, Infinity), expected.length);
    assert.equal(rows.count(1, head, 3), Math.min(3, expected.length));
  }
});

test("lines around a match are lines, however many events they are", () => {
  const next = random(6);
  for (let round = 0; round < 40; round++) {
    const begins = [1];
    while (begins.at(-1) < 600) begins.push(begins.at(-1) + (next() < 0.7 ? 1 : 1 + Math.floor(next() * 40)));
    const head = begins.pop() - 1;
    const store = new BlockStore();
    const events = Array.from({ length: head }, (_, i) => ({ offset: i + 1, timestamp: 1, message: `${i + 1} ` }));
    for (const event of events) if (event.offset < head && !begins.includes(event.offset + 1)) event.partial = true;
    store.add(1, events.map((event) => JSON.stringify(event)));
    const [hits, pieces] = [new MatchIndex(), new MatchIndex()];
    for (const { offset } of events) if (!begins.includes(offset)) pieces.add(offset);
    const found = begins.map((_, i) => i).filter(() => next() < 0.03);
    for (const i of found) hits.add(begins[i]);
    const around = [1, 3, 10][round % 3];
    const rows = new ShownRows(new Rows(store), store);
    rows.setFilter(new WithContext(hits, pieces, () => head, around), null);
    const shown = [];
    for (let row = 1; row <= rows.end; row = rows.last(row) + 1) {
      for (const offset of [row, rows.last(row)]) assert.equal(rows.start(offset), row);
      shown.push(rows.text(row));
    }
    const ends = [...begins.slice(1), head + 1];
    const textOf = (i) => events.slice(begins[i] - 1, ends[i] - 1).map(({ message }) => message).join("");
    const expected = begins.map((_, i) => i).filter((i) => found.some((other) => Math.abs(i - other) <= around));
    assert.deepEqual(shown, expected.map(textOf));
    // What wasn't searched yet isn't shown yet.
    const half = new WithContext(hits, pieces, () => 300, around);
    assert.ok(half.upTo(head) <= 300 && half.from(301) === 0);
  }
});

test("a view of filtered rows comes to its ends and shows all of them on the way", () => {
  const { rows, expected } = filtered(5_000, Array.from({ length: 100 }, (_, i) => 13 + i * 49), 0);
  const viewport = new Viewport(rows, () => 20);
  [viewport.height, viewport.head] = [200, rows.end];
  viewport.toEnd();
  assert.equal(rows.shown(viewport.bottom), expected.at(-1));
  const seen = new Set();
  for (let i = 0; i < 200; i++) {
    for (const row of viewport.rows(0)) seen.add(rows.shown(row));
    viewport.scrollBy(-100);
  }
  assert.equal(rows.shown(viewport.top), 13);
  assert.deepEqual([...seen].sort((a, b) => a - b), expected);
});

test("hits are found from any place in five million lines, however few they are", () => {
  const hits = new MatchIndex();
  const found = [1, 256, 257, 1_000_003, 4_999_999];
  for (const offset of [4_999_999, 1, 257, 1_000_003, 256]) hits.add(offset);
  for (let at = 0; at <= 5_000_000; at += 997) {
    assert.equal(hits.from(at), found.find((offset) => offset >= at) ?? 0);
    assert.equal(hits.upTo(at), found.findLast((offset) => offset <= at) ?? 0);
  }
});
