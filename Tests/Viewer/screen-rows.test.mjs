import assert from "node:assert/strict";
import { test } from "node:test";

import { BLOCK, BlockStore, blockOf } from "#viewer/blocks.js";
import { raw } from "#viewer/raw.js";
import { Rows } from "#viewer/rows.js";
import { ScreenIndex } from "#viewer/screen-index.js";
import { ScreenRows } from "#viewer/screen-rows.js";
import { output } from "./outputs.mjs";
import { random } from "./support.mjs";

const E = "\x1b";

/** A log's rows once it was read. @param budget of bytes that are held */
async function rowsOf(events, budget) {
  const lines = events.map((event, i) => JSON.stringify({ offset: i + 1, timestamp: 1_000 + i, ...event }));
  const store = new BlockStore(budget);
  for (let at = 0; at < lines.length; at += BLOCK) store.add(at + 1, lines.slice(at, at + BLOCK));
  const portion = async (after) => {
    const hole = store.missing.find(after + 1);
    if (hole) return new Array(hole[1] - after).fill("");
    return store.lines(blockOf(after + 1))?.slice(after % BLOCK) ?? lines.slice(after, after + 16 * BLOCK);
  };
  const rows = new Rows(store);
  await new Promise((resolve) => {
    rows.screen = new ScreenRows(store, { portion }, () => rows.screen?.isReady && resolve());
  });
  const read = (k) => store.add(k * BLOCK + 1, lines.slice(k * BLOCK, (k + 1) * BLOCK));
  return { store, rows, read, lines };
}

/** Until all of the log was read. */
async function until({ rows, store }) {
  while (rows.end < store.head) {
    rows.screen.advance();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

const messages = (...texts) => texts.map((message) => ({ message }));

/** All rows from the top, each read where it isn't known yet. */
function all({ store, rows, read }) {
  const found = [];
  for (let first = 1; first <= store.head; ) {
    let row = rows.row(first);
    for (let i = 0; row.kind === "unread"; i++) {
      assert.ok(i < 100, `row ${first} is never read`);
      row.needs.forEach(read);
      first = rows.start(first);
      row = rows.row(first);
    }
    assert.equal(row.first, first);
    assert.equal(rows.start(row.last), first, "each event belongs to one row");
    assert.equal(rows.last(first), row.last);
    found.push(row);
    first = row.last + 1;
  }
  return found;
}
const textsOf = (found) => found.flatMap((row) => row.rendered.text.split("\n"));

test("an event that goes to the next line shows two", async () => {
  const log = await rowsOf(messages(`ab${E}[Ecd`, "next"));
  const found = all(log);
  assert.deepEqual(textsOf(found), ["ab", "cd", "next"]);
  assert.deepEqual(found.flatMap((row) => row.numbers ?? row.first), [1, 1, 2]);
  // Two events can't name three rows: the last two are one, of two lines.
  assert.deepEqual(log.rows.shape(2), { lines: 2, pause: 0, isEnd: false });
});

test("a row that several events wrote says which", async () => {
  const log = await rowsOf([...messages("one 10 %", "two", `${E}[2Aone 50 %`, "two again", `${E}[2Aone done`), ...messages(`${E}[1B`), { type: "end", status: "SUCCEEDED" }]);
  const found = all(log);
  assert.deepEqual(textsOf(found).slice(0, 2), ["one done", "two again"]);
  assert.deepEqual(found[0].written, { first: 1, last: 5, count: 3 });
  assert.equal(found.at(-1).kind, "end");
  assert.deepEqual([1, 2, 3, 4, 5].map((offset) => log.rows.home(offset)), [1, 2, 1, 2, 1]);
});

test("rows that may still change are marked until the end", async () => {
  const log = await rowsOf(messages("plain", "one", `${E}[1Aone again`));
  assert.deepEqual(all(log).map((row) => row.isLive), [false, true]);
  log.store.add(4, [JSON.stringify({ offset: 4, timestamp: 2_000, type: "end", status: "SUCCEEDED" })]);
  await until(log);
  assert.deepEqual(all(log).map((row) => row.isLive ?? false), [false, false, false]);
});

test("a notice ends what is on the screen", async () => {
  const log = await rowsOf([...messages("one", "two"), { type: "notice", code: "c", message: "cut" }, ...messages(`${E}[3Athree`)]);
  const found = all(log);
  assert.deepEqual(found.map((row) => row.kind), ["line", "line", "notice", "line"]);
  assert.deepEqual(found.map((row) => row.rendered.text), ["one", "two", "cut", "three"]);
});

test("what is missing is one row, and ends what is on the screen", async () => {
  const log = await rowsOf(messages(...Array.from({ length: 3 * BLOCK }, (_, i) => `${E}[1A${E}[1Bline ${i}`)));
  log.store.miss(3 * BLOCK + 1, 3 * BLOCK + 2_000);
  log.store.add(3 * BLOCK + 2_001, [JSON.stringify({ offset: 3 * BLOCK + 2_001, timestamp: 9, message: `${E}[5Ax` })]);
  await until(log);
  const found = all(log);
  assert.equal(found.length, 3 * BLOCK + 2);
  assert.deepEqual([found.at(-2).kind, found.at(-2).last - found.at(-2).first + 1], ["missing", 2_000]);
});

test("lines that move nothing are a row each, with their own numbers", async () => {
  const texts = Array.from({ length: 5_000 }, (_, i) => (i === 2_500 ? `${E}[1Aover` : `line ${i + 1}`));
  const found = all(await rowsOf(messages(...texts)));
  assert.equal(found.length, 4_999);
  assert.ok(found.every((row) => row.rendered.text === (row.first === 2_500 ? "over 2500" : `line ${row.first}`)));
});

test("a line that has no newline yet stands where the screen shows it", async () => {
  const log = await rowsOf(messages("a", "one 1", "two 1"));
  const shown = () => { const found = []; for (let at = 1; at <= log.rows.end; at = log.rows.last(at) + 1) found.push(log.rows.row(at)); return found; };
  log.store.pending = { after: 3, message: `${E}[2Aone 2` };
  assert.deepEqual(shown().map((row) => row.rendered.text), ["a", "one 2", "two 1"]);
  log.store.pending = { after: 3, message: "three" };
  assert.deepEqual(shown().map((row) => [row.kind, row.rendered.text]), [["line", "a"], ["line", "one 1"], ["line", "two 1"], ["pending", "three"]]);
  log.store.pending = null;
  assert.equal(shown().length, 3);
});

test("each raw row is an event", async () => {
  const log = await rowsOf(messages("a", `${E}[1Ab\r`, "c"));
  log.rows.raw = raw;
  const found = all(log);
  assert.deepEqual(found.map((row) => row.rendered.text), ["a", "␛[1Ab␍", "c"]);
  assert.equal(log.rows.text(2), "␛[1Ab␍");
  log.rows.raw = null;
  assert.deepEqual(textsOf(all(log)), ["b", "c"]);
});

test("a log is laid out the same from any mark, in bounded memory", async () => {
  const next = random(7);
  const texts = [];
  for (let seed = 1; texts.length < 20_000; seed++) texts.push(...output(1 + Math.floor(next() * 5_000)).split("\n"));
  const whole = await rowsOf(messages(...texts));
  const small = await rowsOf(messages(...texts), 400_000);
  const found = all(whole);
  const describe = ({ first, last, rendered, written }) => JSON.stringify([first, last, rendered.runs, written]);
  const expected = new Map(found.map((row) => [row.first, describe(row)]));
  for (let i = 0; i < 60; i++) {
    const offset = 1 + Math.floor(next() * small.store.head);
    let first = small.rows.start(offset);
    let row = small.rows.row(first);
    for (let tries = 0; row.kind === "unread"; tries++) {
      assert.ok(tries < 100);
      row.needs.forEach(small.read);
      first = small.rows.start(offset);
      row = small.rows.row(first);
    }
    assert.equal(describe(row), expected.get(row.first), `row ${row.first} of offset ${offset}`);
  }
});

test("rows of a screen are counted, whether they are laid out or not", async () => {
  const next = random(5);
  // A row for every two events, a notice at times.
  const events = Array.from({ length: 9_000 }, (_, i) =>
    i % 1_000 === 999 ? { type: "notice", message: "lost" } : { message: i % 2 ? `${E}[A${E}[2Krow ${i}` : `begun ${i}` });
  for (const budget of [undefined, 256 << 10]) {
    const log = await rowsOf(events, budget);
    const found = all(log);
    assert.ok(found.length < 6_000);
    const size = (row) => row.lines ?? 1;
    const between = (first, last) => found.reduce((sum, row) => sum + (first <= row.first && row.first <= last ? size(row) : 0), 0);
    assert.equal(log.rows.count(1, events.length), between(1, events.length));
    for (let i = 0; i < 50; i++) {
      const [first, last] = [next(), next()].map((share) => found[Math.floor(share * found.length)].first).sort((a, b) => a - b);
      // What isn't held any more can't be laid out, and counts whole: never too little.
      const count = log.rows.count(first, last);
      if (budget === undefined) assert.equal(count, between(first, last));
      else assert.ok(count >= between(first, last) && count <= between(first - 1_100, last + 1_100));
    }
  }
});

test("reading on keeps what is shown laid out, and of all else what was read last", () => {
  const index = new ScreenIndex();
  const read = (last) => {
    while (index.offset < last) index.take({ offset: index.offset + 1, timestamp: 1_000, message: "text" });
  };
  read(2_500);
  const shown = index.find(1_500);
  assert.equal(shown.groups[shown.at].first, 1_500);
  read(30_000);
  assert.equal(index.find(1_500).groups, shown.groups);
  assert.equal(index.find(15_000).groups, null);
  assert.notEqual(index.find(29_000).groups, null);
});

test("of a row that is longer than what is kept, the whole text can be had", async () => {
  const long = `${"L".repeat(12_000)}needle${"M".repeat(100)}`;
  const log = await rowsOf(messages("first", long, "third", "x", `${E}[1Aq`, "A".repeat(11_000), `${E}[1A${"B".repeat(10_500)}END`,
    `${"C".repeat(10_000)}\v${"D".repeat(10_001)}`, `${"y".repeat(10_010)}${E}[5D${E}[3P`));
  log.store.add(10, [JSON.stringify({ offset: 10, timestamp: 2_000, type: "end", status: "SUCCEEDED" })]);
  await until(log);
  const shown = all(log).flatMap(({ first }) => log.rows.text(first).split("\n"));
  assert.equal(shown[1], long);
  assert.equal(shown[4], `${"B".repeat(10_500)}END${"A".repeat(497)}`);
  assert.deepEqual(shown.slice(5, 8).map((text) => text.trim().length), [10_000, 10_001, 10_007]);
});

test("the whole text can be had of a row whose events aren't held any more, once they are read", async () => {
  const texts = Array.from({ length: 3_000 }, (_, i) => `${i > 1 ? `${E}[1A${E}[1B` : ""}${i % 100 ? "" : "z".repeat(11_000)}${i}`);
  const log = await rowsOf(messages(...texts), 300_000);
  log.read(0);
  const row = log.rows.row(log.rows.start(101));
  row.needs.forEach(log.read);
  assert.equal(log.rows.text(101), `${"z".repeat(11_000)}100`);
});

test("shows an event that makes more rows than a call may have arguments", async () => {
  const log = await rowsOf(messages("above", `${"x\v".repeat(200_000)}end`, "below"));
  const found = all(log);
  assert.equal(found.reduce((sum, row) => sum + row.lines, 0), 200_003);
  assert.equal(textsOf(found).at(-1), "below");
});
