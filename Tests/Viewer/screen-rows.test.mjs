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
async function rowsOf(events, budget, size) {
  const lines = events.map((event, i) => JSON.stringify({ offset: i + 1, timestamp: 1_000 + i, ...event }));
  const store = new BlockStore(budget);
  for (let at = 0; at < lines.length; at += BLOCK) store.add(at + 1, lines.slice(at, at + BLOCK));
  const portion = async (after) => {
    const hole = store.missing.find(after + 1);
    if (hole) return new Array(hole[1] - after).fill("");
    return store.lines(blockOf(after + 1))?.slice(after % BLOCK) ?? lines.slice(after, after + 16 * BLOCK);
  };
  const rows = new Rows(store);
  const wanted = [];
  await new Promise((resolve) => {
    rows.screen = new ScreenRows(store, { portion, want: (k) => wanted.push(k) }, () => rows.screen?.isReady && resolve(), size);
  });
  const read = (k) => store.add(k * BLOCK + 1, lines.slice(k * BLOCK, (k + 1) * BLOCK));
  return { store, rows, read, lines, wanted };
}

/** Until all of the log was read. */
async function until({ rows, store }) {
  while (rows.screen.read < store.head) {
    rows.screen.advance();
    await new Promise((resolve) => setTimeout(resolve));
  }
}

const messages = (...texts) => texts.map((message) => ({ message }));

/** All rows from the top, each read where it isn't known yet. */
function all({ rows, read }) {
  const found = [];
  for (let first = 1; first <= rows.lastLine; ) {
    let row = rows.row(first);
    for (let i = 0; row.kind === "unread"; i++) {
      assert.ok(i < 100, `row ${first} is never read`);
      row.needs.forEach(read);
      row = rows.row(first);
    }
    assert.deepEqual([row.first, row.last, rows.start(first), rows.last(first)], [first, first, first, first]);
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
  assert.deepEqual(found.map((row) => [row.names[0], row.isMore]), [[1, false], [1, true], [2, false]]);
  assert.deepEqual([log.rows.span(1, 1), log.rows.span(2, 2)], [[1, 2], [3, 3]]);
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
  // (The first row is blank: what moves down from there leaves it out.)
  assert.equal(found.length, 3 * BLOCK + 3);
  const [first, last] = found.at(-2).names;
  assert.deepEqual([found.at(-2).kind, last - first + 1], ["missing", 2_000]);
  assert.deepEqual([found.at(-1).names[0], log.rows.home(last + 1)], [last + 1, found.length]);
});

test("lines that move nothing are a row each, with their own numbers", async () => {
  const texts = Array.from({ length: 5_000 }, (_, i) => (i === 2_500 ? `${E}[1Aover` : `line ${i + 1}`));
  const log = await rowsOf(messages(...texts));
  const found = all(log);
  assert.equal(found.length, 4_999);
  assert.ok(found.every(({ rendered, names: [name] }) => rendered.text === (name === 2_500 ? "over 2500" : `line ${name}`)));
  assert.ok(found.every(({ first, names: [name] }) => log.rows.home(name) === first));
});

test("a line that has no newline yet stands where the screen shows it", async () => {
  const log = await rowsOf(messages("a", "one 1", "two 1"));
  const shown = () => { const found = []; for (let at = 1; at <= log.rows.end; at++) found.push(log.rows.row(at)); return found; };
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
  const describe = ({ names, rendered, written, isMore }) => JSON.stringify([names, rendered.runs, written, isMore]);
  const expected = new Map(found.map((row) => [row.first, describe(row)]));
  for (let i = 0; i < 60; i++) {
    const first = 1 + Math.floor(next() * small.rows.end);
    let row = small.rows.row(first);
    for (let tries = 0; row.kind === "unread"; tries++) {
      assert.ok(tries < 100);
      row.needs.forEach(small.read);
      row = small.rows.row(first);
    }
    assert.equal(describe(row), expected.get(row.first), `row ${first}`);
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
    assert.equal(log.rows.end, found.length);
    for (let i = 0; i < 50; i++) {
      const row = found[Math.floor(next() * found.length)];
      const [name] = row.names;
      // What isn't held any more is read again.
      for (let tries = 0; !log.rows.isSure(name) && tries < 100; tries++) log.wanted.splice(0).forEach(log.read);
      assert.deepEqual(log.rows.span(name, name), [row.first, row.first]);
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
  assert.equal(shown.groups?.[shown.at].first, 1_500);
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

const SIZE = { columns: 80, rows: 24 };
/** Lines of a terminal of 80 columns; every third one has no room on a row. */
const wrapped = (count) => ["start", `${E}[1Astarted`,
  ...Array.from({ length: count }, (_, i) => `line ${i + 3}: ${"word ".repeat(i % 3 === 0 ? 30 : 3)}END${i + 3}`)];

/** Each line's rows show it whole and alone, under its own number, and a way through all of them comes to the end. */
function checkLines(log, texts) {
  const found = all(log);
  const textOf = (first, last) => found.slice(first - 1, last).map((row) => (row.goesOn || row.first === first ? "" : "|") + row.rendered.text).join("");
  texts.forEach((text, i) => {
    if (text === undefined) return;
    const [first, last] = log.rows.span(i + 1, i + 1);
    assert.equal(textOf(first, last), text, `line ${i + 1}`);
    assert.deepEqual(log.rows.names?.(first) ?? found[first - 1].names, [i + 1, i + 1]);
  });
  for (let at = 1, name; at <= log.rows.lastLine; at = log.rows.span(name, name)[1] + 1) {
    [name] = found[at - 1].names;
    assert.ok(log.rows.span(name, name)[0] <= at && at <= log.rows.span(name, name)[1], `row ${at} is one of line ${name}`);
  }
  return found;
}

test("a line that is wider than the terminal is one row of several lines, and every line has its own number", async () => {
  for (const budget of [undefined, 256 << 10]) {
    const texts = wrapped(budget ? 9_000 : 200);
    const log = await rowsOf(messages(...texts), budget, SIZE);
    if (budget) {
      for (const name of [3, 30, 4_000, 8_999, 1_024, 1_025, 2_048]) {
        for (let tries = 0; !log.rows.isSure(name) && tries < 100; tries++) log.wanted.splice(0).forEach(log.read);
        assert.equal(log.rows.text(log.rows.home(name)), texts[name - 1]);
      }
      continue;
    }
    const found = checkLines(log, [undefined, undefined, ...texts.slice(2)]);
    assert.deepEqual(found[1].rendered.breaks, [80, 160]);
    assert.equal(log.rows.shape(2).lines, 3);
  }
});

test("rows that one event makes are its own, and no others are", async () => {
  const log = await rowsOf(messages(`ab${E}[Ecd`, "next", "two\vtwo-b", "more", `up${E}[1Aover`, "last"), undefined, SIZE);
  checkLines(log, ["ab|cd", "next", "two|   two-b", "moover", "last", undefined]);
});

test("a line of many screens is rows of one line", async () => {
  const text = Array.from({ length: 1_500 }, (_, i) => `part ${i} `).join("");
  const log = await rowsOf(messages("above", `${E}[1A`, "below", text, "behind"), undefined, SIZE);
  const found = checkLines(log, [undefined, undefined, undefined, text, "behind"]);
  assert.ok(found.length > 5 && found.every((row) => row.lines <= 50));
});

test("rows that are inserted above others keep their lines' numbers, and are found by them", async () => {
  const texts = [];
  for (let n = 0; n < 3_000; n++) texts.push(`${n > 0 ? `${E}[3A${E}[L` : ""}task ${n}`, `${E}[Kbar ${n}`, "> one", "> two");
  const log = await rowsOf(messages(...texts), undefined, SIZE);
  const found = all(log);
  for (const row of found) {
    const [name] = row.names;
    const [first, last] = log.rows.span(name, name);
    assert.ok(first <= row.first && row.first <= last, `row ${row.first} is one of line ${name}`);
  }
});

test("silence stands before a line, never within it, and each line has its own look", async () => {
  const texts = wrapped(40);
  const log = await rowsOf(texts.map((message, i) => ({ message, timestamp: i * 10_000, stream: i === 30 ? "stderr" : "stdout" })), undefined, SIZE);
  const found = all(log).filter((row) => row.names[0] > 2);
  assert.ok(found.every((row) => row.pause === 10_000 && row.timestamp === (row.names[0] - 1) * 10_000));
  assert.deepEqual(found.filter((row) => row.isError).map((row) => row.names[0]), [31]);
  const two = await rowsOf([{ message: "a", timestamp: 0 }, { message: `ab${E}[Ecd`, timestamp: 10_000 }]);
  assert.deepEqual(all(two).map((row) => row.pause), [0, 10_000, 0]);
});

test("an address that is wrapped is one link", async () => {
  const address = `https://example.org/${"path/".repeat(20)}end.html`;
  const log = await rowsOf(messages("first", `see ${address} now`, `${E}[3Aq${E}[3B`), undefined, SIZE);
  const row = all(log).find((row) => row.rendered.text.includes("example"));
  assert.deepEqual([...new Set(row.rendered.runs.map((run) => run.link).filter(Boolean))], [address]);
});

test("what was settled keeps its place while lines come", async () => {
  const texts = wrapped(60);
  const log = await rowsOf(messages(...texts), undefined, SIZE);
  const before = all(log).map((row) => row.rendered.text);
  const more = Array.from({ length: 90 }, (_, i) => JSON.stringify({ offset: texts.length + 1 + i, timestamp: 9_000, message: `new ${"z".repeat(90)}` }));
  for (const [i, line] of more.entries()) {
    log.store.add(texts.length + 1 + i, [line]);
    await until(log);
    assert.deepEqual(all(log).slice(0, before.length).map((row) => row.rendered.text), before);
  }
});
