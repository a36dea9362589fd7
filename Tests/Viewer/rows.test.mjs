import assert from "node:assert/strict";
import { test } from "node:test";

import { BLOCK, BlockStore, PIECES } from "#viewer/blocks.js";
import { Rows } from "#viewer/rows.js";
import { Viewport } from "#viewer/viewport.js";
import { lines, random } from "./support.mjs";

const event = (offset, fields) => JSON.stringify({ offset, timestamp: 1_000, ...fields });
function rowsOf(...events) {
  const store = new BlockStore();
  store.add(1, events.map((fields, i) => event(i + 1, fields)));
  return { store, rows: new Rows(store) };
}

test("pieces of a line are one row, also across blocks", () => {
  const store = new BlockStore();
  store.add(1, lines(1, BLOCK - 1));
  const pieces = [["a", true], ["b", true], ["c", false], ["next", false]];
  store.add(BLOCK, pieces.map(([message, partial], i) => event(BLOCK + i, { message, ...(partial && { partial }) })));
  const rows = new Rows(store);
  assert.equal(rows.start(BLOCK + 2), BLOCK);
  assert.equal(rows.last(BLOCK), BLOCK + 2);
  assert.equal(rows.row(BLOCK).rendered.text, "abc");
  assert.equal(rows.row(BLOCK + 3).rendered.text, "next");
  assert.equal(rows.start(BLOCK - 1), BLOCK - 1);
});

test("a piece whose rest isn't there yet grows", () => {
  const { store, rows } = rowsOf({ message: "a", partial: true });
  assert.equal(rows.row(1).rendered.text, "a");
  store.add(2, [event(2, { message: "b" })]);
  assert.equal(rows.row(1).rendered.text, "ab");
});

test("a line whose pieces come one by one grows, also where the head is known before them", () => {
  const { store, rows } = rowsOf({ message: "a", partial: true });
  store.head = 4;
  assert.deepEqual([rows.row(1).last, rows.row(1).needs], [2, [0]]);
  store.add(2, [event(2, { message: "b", partial: true })]);
  assert.equal(rows.row(1).rendered.text, "ab");
  store.add(3, [event(3, { message: "c" }), event(4, { message: "next" })]);
  assert.deepEqual([rows.row(1).last, rows.row(1).rendered.text, rows.row(1).needs], [3, "abc", []]);
  assert.equal(rows.row(1), rows.row(1));
});

test("a line needs the next block that it may go on in", () => {
  const store = new BlockStore();
  const pieces = (first, count) => Array.from({ length: count }, (_, i) => event(first + i, { message: "x", partial: true }));
  store.head = PIECES + 1;
  const rows = new Rows(store);
  for (let k = 0; k < PIECES / BLOCK; k++) {
    assert.deepEqual(rows.row(1).needs, [k]);
    store.add(k * BLOCK + 1, pieces(k * BLOCK + 1, BLOCK));
  }
  assert.deepEqual([rows.row(1).last, rows.row(1).needs], [PIECES, []]);
});

test("a line without a newline is the last row until an event comes, and no other row's", () => {
  const { store, rows } = rowsOf({ message: "\u001b[31mred" });
  const end = () => rows.end;
  assert.equal(end(), 1);
  store.pending = { after: 1, message: "10%\r20%" };
  assert.equal(end(), 2);
  const row = rows.row(2);
  assert.equal(row.kind, "pending");
  assert.equal(row.rendered.text, "20%");
  assert.equal(row.rendered.runs[0].style.fg, 1);
  assert.equal(rows.row(2), row);
  store.pending = { after: 1, message: "30%", stream: "stderr" };
  assert.equal(rows.row(2).rendered.text, "30%");
  assert.ok(rows.row(2).isError);
  store.add(2, [event(2, { message: "100%" })]);
  assert.equal(end(), 2);
  assert.equal(rows.row(2).kind, "line");
  for (const pending of [{ after: 1, message: "old" }, { after: 3, message: "early" }, { after: 2, message: "" }, null]) {
    store.pending = pending;
    assert.equal(store.unfinished, null);
  }
  store.pending = { after: 2, message: "?" };
  store.end = 2;
  assert.equal(end(), 2);
});

test("a line without a newline at a block's end leaves the next block's colours alone", () => {
  const store = new BlockStore();
  store.add(1, lines(1, BLOCK - 1));
  const rows = new Rows(store);
  store.pending = { after: BLOCK - 1, message: "?" };
  assert.equal(rows.row(BLOCK).kind, "pending");
  store.add(BLOCK, [event(BLOCK, { message: "\u001b[32mgreen" }), event(BLOCK + 1, { message: "on" })]);
  assert.equal(rows.row(BLOCK + 1).rendered.runs[0].style.fg, 2);
});

test("letters that draw lines go on over a block's end, also behind what sets looks", () => {
  const store = new BlockStore();
  store.add(1, [...lines(1, BLOCK - 2), event(BLOCK - 1, { message: "\u001b(0" }), event(BLOCK, { message: "\u001b[0mq" }),
    event(BLOCK + 1, { message: "lqk" }), event(BLOCK + 2, { message: "\u001b(Blqk" }), event(BLOCK + 3, { message: "\u000elqk" })]);
  const rows = new Rows(store);
  assert.deepEqual([0, 1, 2, 3].map((i) => rows.row(BLOCK + i).rendered.text), ["─", "┌─┐", "lqk", "lqk"]);
  assert.deepEqual(rows.row(BLOCK + 1).rendered.runs[0].style, { fg: null, bg: null, flags: 0 });
});

test("a piece doesn't swallow the end", () => {
  const { rows } = rowsOf({ message: "a", partial: true }, { type: "end", status: "FAILED" });
  assert.equal(rows.last(1), 1);
  assert.equal(rows.row(2).kind, "end");
});

test("a look is carried from line to line and from block to block", () => {
  const store = new BlockStore();
  store.add(1, [event(1, { message: "\x1b[31mred" })]);
  store.add(2, lines(2, 3 * BLOCK));
  const rows = new Rows(store);
  for (let k = 0; k < 3; k++) assert.equal(rows.row(k * BLOCK + 5).rendered.runs[0].style.fg, 1, `block ${k}`);
  assert.equal(new Rows(store).row(2 * BLOCK).rendered.runs[0].style.fg, 1);
});

test("silence is worth a divider", () => {
  const store = new BlockStore();
  store.add(1, [1_000, 7_500, 7_600].map((timestamp, i) => event(i + 1, { message: "", timestamp })));
  const rows = new Rows(store);
  assert.deepEqual([1, 2, 3].map((offset) => rows.row(offset).pause), [0, 6_500, 0]);
});

test("what isn't held is a row to be read, what is missing is one row", () => {
  const { store, rows } = rowsOf({ message: "a" });
  store.head = 600;
  assert.equal(rows.row(500).kind, "unread");
  store.miss(2, 400);
  assert.equal(rows.row(2).kind, "missing");
  assert.equal(rows.start(300), 2);
  assert.equal(rows.last(2), 400);
});

test("text is copied whole", () => {
  const long = "x".repeat(20_000);
  const notice = { type: "notice", code: "n", message: "cut" };
  const { rows } = rowsOf({ message: `\x1b[1m${long}`, partial: true }, { message: "y" }, notice);
  assert.equal(rows.text(1), long + "y");
  assert.equal(rows.text(3), "[cut]");
  assert.equal(rowsOf({ message: "a" }, { type: "end", status: "SUCCEEDED" }).rows.text(2), "[SUCCEEDED · after 1 event]");
});

const single = { start: (offset) => offset, last: (first) => first };

test("a view of a log without end stands on rows, not on pixels", () => {
  const view = new Viewport(single, () => 20);
  Object.assign(view, { height: 400, head: 5_000_000_000 });
  view.toEnd();
  assert.equal(view.top, 4_999_999_981);
  assert.ok(view.isAtEnd);
  view.scrollBy(-30);
  assert.deepEqual([view.top, view.shift], [4_999_999_979, 10]);
  assert.ok(!view.isAtEnd);
  view.show(1_000_000_000, 100);
  assert.equal(view.top, 999_999_995);
});

test("a view doesn't leave its log", () => {
  const view = new Viewport(single, () => 20);
  Object.assign(view, { height: 400, head: 50 });
  view.scrollBy(-1_000);
  assert.deepEqual([view.top, view.shift], [1, 0]);
  view.scrollBy(1e6);
  assert.deepEqual([view.top, view.shift], [31, 0]);
  view.head = 5;
  view.toEnd();
  assert.deepEqual([view.top, view.shift], [1, 0]);
  assert.deepEqual(view.rows(4), [1, 2, 3, 4, 5]);
});

test("scrolling down and up again leads back, whatever the heights", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const next = random(seed);
    const heights = Array.from({ length: 400 }, () => 1 + Math.floor(next() * 90));
    const groups = Array.from({ length: 400 }, (_, i) => i - (i % (1 + (seed % 4))));
    const rows = {
      start: (offset) => groups[offset - 1] + 1,
      last: (first) => { let last = first; while (last < 400 && groups[last] + 1 === first) last++; return last; },
    };
    const view = new Viewport(rows, (first) => heights[first - 1]);
    Object.assign(view, { height: 300, head: 400 });
    view.show(200);
    const place = [view.top, view.shift];
    const steps = Array.from({ length: 30 }, () => Math.round((next() - 0.5) * 200));
    let sum = 0;
    for (const step of steps) {
      view.scrollBy(step);
      sum += step;
      let room = view.height;
      const shown = view.rows(2).filter((row) => row >= view.top);
      for (const row of shown) room -= heights[row - 1];
      assert.ok(room + view.shift <= 0, "the view is filled");
    }
    view.scrollBy(-sum);
    assert.deepEqual([view.top, view.shift], place);
  }
});
