import assert from "node:assert/strict";
import { test } from "node:test";

import { BLOCK, BlockStore } from "#viewer/blocks.js";
import { OpeningStyles } from "#viewer/opening-styles.js";
import { Rows } from "#viewer/rows.js";
import { Screen } from "#viewer/screen.js";
import { StyleReader } from "#viewer/style-reader.js";
import { random } from "./support.mjs";
import { captured, captures, cells, hasTmux } from "./tmux.mjs";

const E = "\x1b";

/** A log of which nothing is held, and what its server was asked. @param answer of so many events at the most */
function logOf(messages, { answer = Infinity, blocksOfEscapes = 256 } = {}) {
  const lines = messages.map((message, i) =>
    JSON.stringify({ offset: i + 1, timestamp: 1_000, ...(typeof message === "string" ? { message } : message) }));
  const store = new BlockStore();
  store.head = lines.length;
  const rows = new Rows(store);
  const asked = [];
  const source = {
    blocksOfEscapes,
    onFailure: (error) => { throw error; },
    escapes: async (after, count) => {
      asked.push([after, count]);
      const last = after + Math.min(count, answer);
      return { lines: lines.slice(after, last).filter((line) => line.includes("\\u001")), last };
    },
  };
  const waiting = [];
  const wake = () => { for (const go of waiting.splice(0)) go(); };
  rows.styles = new StyleReader(source, rows.openings, () => { rows.invalidate(); wake(); });
  const hold = (k) => store.add(k * BLOCK + 1, lines.slice(k * BLOCK, (k + 1) * BLOCK));
  /** The row of an event once what it begins with is known. */
  const read = async (offset) => {
    const k = Math.floor((offset - 1) / BLOCK);
    hold(k);
    for (;;) {
      const row = rows.row(offset);
      if (rows.openings.at(k)) return row;
      await new Promise((resolve) => { waiting.push(resolve); });
    }
  };
  return { rows, read, hold, asked, lines };
}

/** What a terminal shows of each line: the screen, which is held against tmux. */
function shownBy(messages) {
  const rows = [];
  const screen = new Screen((row) => rows.push(row));
  messages.forEach((message, i) => screen.take({ offset: i + 1, timestamp: 1, message }));
  return [...rows, ...screen.rows].map((row) => cells(row.rendered(10_000).runs));
}

const plain = (count, from = 0) => Array.from({ length: count }, (_, i) => `line ${from + i}`);

test("a colour that was set long before a jump and never reset is right, and is asked for in growing parts", async () => {
  for (const distance of [600, 10_000, 300_000]) {
    const log = logOf([...plain(5_000), `${E}[1;38;5;208morange`, ...plain(distance)]);
    const { style } = (await log.read(5_001 + distance)).rendered.runs[0];
    assert.deepEqual(style, { fg: 208, bg: null, flags: 1 });
    assert.ok(log.asked.length <= 10, `${log.asked.length} requests`);
    assert.deepEqual((await log.read(4_999)).rendered.runs[0].style, { fg: null, bg: null, flags: 0 });
  }
});

test("what decides the looks near a jump ends the reading there", async () => {
  const log = logOf([`${E}[44mblue`, ...plain(100_000), `${E}[0mreset`, ...plain(1_000)]);
  assert.equal((await log.read(101_000)).rendered.runs[0].style.bg, null);
  assert.equal(log.asked.length, 1);
});

test("what was passed on the way isn't read again", async () => {
  const log = logOf([`${E}[44mblue`, ...plain(300_000)]);
  assert.equal((await log.read(300_000)).rendered.runs[0].style.bg, 4);
  const before = log.asked.length;
  for (const offset of [150_000, 2_000, 290_000, 70_000]) assert.equal((await log.read(offset)).rendered.runs[0].style.bg, 4);
  assert.ok(log.asked.length <= before + 4, `${log.asked.length - before} more`);
  assert.ok(log.asked.every(([, count]) => count <= 65_536));
});

test("notices say nothing of looks, and answers may be cut", async () => {
  const notice = { type: "notice", code: "c", message: `${E}[31mred` };
  const log = logOf([...plain(10), `${E}[4munder`, ...plain(3_000), notice, ...plain(2_000)], { answer: 300 });
  assert.deepEqual((await log.read(5_000)).rendered.runs[0].style, { fg: null, bg: null, flags: 8 });
});

test("an earlier place is read for in place of a later one, and both are right", async () => {
  const log = logOf([...plain(3), `${E}[32mgreen`, ...plain(99_996), `${E}[35mviolet`, ...plain(200_000)]);
  const later = log.read(300_000);
  const earlier = log.read(90_000);
  assert.equal((await earlier).rendered.runs[0].style.fg, 2);
  assert.equal((await later).rendered.runs[0].style.fg, 5);
});

test("each attribute is carried by itself, from any place, whatever order places are looked at in", async () => {
  const codes = ["0", "1", "2", "3", "4", "7", "9", "22", "23", "24", "27", "29", "31", "39", "44", "49", "38;5;99", "48;2;1;2;3", "1;31", "", "4:0", "97"];
  for (let seed = 1; seed <= 30; seed++) {
    const next = random(seed);
    const pick = () => codes[Math.floor(next() * (seed % 3 ? codes.length : 4)) + (seed % 3 ? 0 : 1)];
    const rarely = 10 ** -(1 + (seed % 4));
    const messages = Array.from({ length: 4_000 }, (_, i) => (next() < rarely ? `a${E}[${pick()}mb ${i} ${E}[${pick()}m` : `line ${i}`));
    const expected = shownBy(messages);
    const log = logOf(messages, { blocksOfEscapes: 1 + Math.floor(next() * 6) });
    for (let i = 0; i < 40; i++) {
      const offset = 1 + Math.floor(next() * messages.length);
      assert.equal(cells((await log.read(offset)).rendered.runs), expected[offset - 1], `line ${offset} of seed ${seed}`);
    }
  }
});

test("tmux shows the same after a jump", { skip: !hasTmux && "tmux is not installed" }, async () => {
  const messages = [...plain(20), `${E}[3;4;38;2;10;200;30mlooks`, ...plain(5_000), `${E}[24;48;5;17mfewer`, ...plain(6_000)];
  const [capture] = captures([messages.join("\n")]);
  const expected = captured(capture);
  const log = logOf(messages);
  for (const offset of [messages.length, 9_000, 5_022, 5_021, 4_000, 21, 1]) {
    assert.equal(cells((await log.read(offset)).rendered.runs), expected[offset - 1], `line ${offset}`);
  }
});

test("blocks that begin alike are one stretch, and the last ones are kept", () => {
  const openings = new OpeningStyles();
  const [red, blue] = [1, 4].map((fg) => ({ fg, bg: null, flags: 0 }));
  openings.add(9, 9, red);
  openings.add(5, 8, { ...red });
  openings.add(20, 30, blue);
  openings.add(10, 19, red);
  assert.deepEqual([4, 5, 9, 19, 20, 30, 31].map((k) => openings.at(k)?.fg), [undefined, 1, 1, 1, 4, 4, undefined]);
  assert.deepEqual(openings.before(4), [0, { fg: null, bg: null, flags: 0 }]);
  assert.deepEqual(openings.before(40), [30, blue]);
  for (let k = 100; k < 100_100; k++) openings.add(k, k, k % 2 ? red : blue);
  assert.deepEqual([0, 100_099].map((k) => openings.at(k)?.fg), [null, 1]);
});
