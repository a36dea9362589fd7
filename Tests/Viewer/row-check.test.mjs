import assert from "node:assert/strict";
import { test } from "node:test";

import { plain } from "#viewer/ansi.js";
import { BlockStore } from "#viewer/blocks.js";
import { eventNeedsScreen, needsScreen } from "#viewer/row-check.js";
import { random } from "./support.mjs";
import { shown } from "./tmux.mjs";

const E = "\x1b";
const long = "word ".repeat(40);

test("a line needs a screen where it moves to others, or, in a width that is known, where it moves within several rows", () => {
  for (const message of [`a${E}[1Ab`, "a\vb", `a${E}Eb`]) assert.ok(needsScreen(message, Infinity) && needsScreen(message, 80), JSON.stringify(message));
  for (const message of [
    `${"x".repeat(100)}\ry`, `Starting${E}[999C${E}[6D[ OK ]`, `${long}\b!`, `${E}[90Gx`, `${"x".repeat(79)}\b${E}[3Cy`, `${"x".repeat(75)}\b\b\ty`,
    `${"x".repeat(80)}${E}[K`, `${"x".repeat(70)}${E}[1D${E}[20@`, `echo ${"a".repeat(76)} \ra${E}[Kb`, `${long}\r${E}[K`,
  ]) assert.ok(needsScreen(message, 80) && !needsScreen(message, Infinity) && !needsScreen(message, 1_000), JSON.stringify(message));
  for (const message of [
    long, "", `${E}[31m${long}${E}[0m`, `10 %\r20 %\r${E}[K30 %`, `${long}\r`, `${"x".repeat(80)}\ry`, `50%\r${long}`, `${"\t".repeat(20)}x`,
    `${E}[01m${E}[Kfile.c:1:2:${E}[m${E}[K ${E}[01;31m${E}[Kerror: ${E}[m${E}[K${long}${E}[01m${E}[Kx${E}[m${E}[K`, `${E}]0;${long}\x07${E}[1Gx\b`,
  ]) assert.ok(!needsScreen(message, 80), JSON.stringify(message));
});

test("a line that needs no screen has the rows of a terminal, cut where these end", () => {
  const next = random(5);
  const some = (list) => list[Math.floor(next() * list.length)];
  const parts = ["building", "ok ", "0123456789abcdef", " ", "\r", "\b", "\t", ...["K", "1K", "2K", "C", "9C", "D", "5D", "G", "30G", "90G", "@", "3P", "X"].map((final) => `${E}[${final}`)];
  let plainly = 0;
  for (let round = 0; round < 4_000; round++) {
    const message = Array.from({ length: 1 + Math.floor(next() * 24) }, () => some(next() < 0.7 ? parts.slice(0, 4) : parts)).join("");
    // (A tab of a line that moves nothing is a character, which a row keeps.)
    if (needsScreen(message, 80) || (message.includes("\t") && !/[\r\b\x1b]/.test(message))) continue;
    const text = plain(message);
    if (text.length > 80) plainly++;
    const rows = Array.from({ length: Math.ceil(text.length / 80) }, (_, i) => text.slice(i * 80, (i + 1) * 80).trimEnd());
    while (rows.at(-1) === "") rows.pop();
    assert.deepEqual(shown(message, 24, 80), rows, JSON.stringify(message));
  }
  assert.ok(plainly > 100);
});

test("an event is judged as its message is, and what goes on with a line by that", () => {
  const event = (message, more = {}) => JSON.stringify({ offset: 1, timestamp: 1, message, ...more });
  for (const message of [`${long}\ry`, `${long}\b!`, `${E}[90Gx`, "a\vb"]) assert.ok(eventNeedsScreen(event(message), 80), message);
  assert.ok(!eventNeedsScreen(event(`${long}\ry`), Infinity));
  assert.ok(eventNeedsScreen(event("x\ry"), 80, event("x".repeat(70), { partial: true })));
  assert.ok(!eventNeedsScreen(event("x\ry"), 80, event("x".repeat(70))));
});

test("a store tells when an event comes that needs a screen, or a line that goes on does", () => {
  for (const take of [
    (store) => store.add(store.head + 1, [JSON.stringify({ offset: 1, timestamp: 1, message: `${long}\ry` })]),
    (store) => { store.pending = { after: 0, message: `${long}\ry` }; },
  ]) {
    for (const [columns, told] of [[80, 1], [Infinity, 0]]) {
      const store = new BlockStore();
      let count = 0;
      store.onMoves = () => count++;
      take(store);
      assert.equal(count, 0);
      store.needsScreen = (line, before) => eventNeedsScreen(line, columns, before);
      take(store);
      take(store);
      assert.deepEqual([count, store.moves], [told, told === 1]);
    }
  }
});

test("what is hostile is judged quickly", () => {
  const begun = performance.now();
  for (const bomb of [`${"\r".repeat(250_000)}x`, "x\r".repeat(125_000), `${E}[999999C`.repeat(30_000)]) needsScreen(bomb, 80);
  assert.ok(performance.now() - begun < 5_000);
});
