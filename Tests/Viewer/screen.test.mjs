import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";

import { outputs } from "./outputs.mjs";
import { Screen } from "#viewer/screen.js";
import { captured, captures, hasTmux, shown } from "./tmux.mjs";

/** What tmux showed of the outputs; `node Tests/Viewer/captures.mjs` asks it anew. */
const stored = JSON.parse(gunzipSync(readFileSync(new URL("captures.json.gz", import.meta.url))));

test("a screen shows what tmux showed of each output", () => {
  const all = outputs();
  assert.deepEqual(Object.keys(stored), Object.keys(all));
  for (const [name, output] of Object.entries(all)) assert.deepEqual(shown(output), captured(stored[name]), name);
});

test("what tmux showed is what it shows", { skip: !hasTmux && "tmux is not installed" }, () => {
  const some = Object.entries(outputs()).filter(([name], i) => !/^random/.test(name) || i % 20 === 0);
  captures(some.map(([, output]) => output)).forEach((capture, i) => assert.deepEqual(capture, stored[some[i][0]], some[i][0]));
});

test("a screen has as many rows as the terminal had", { skip: !hasTmux && "tmux is not installed" }, () => {
  const some = Object.entries(outputs()).filter(([name], i) => !/^random/.test(name) || i % 40 === 0);
  for (const height of [24, 120]) {
    captures(some.map(([, output]) => output), height).forEach((capture, i) => {
      assert.deepEqual(shown(some[i][1], height), captured(capture), `${some[i][0]} in ${height} rows`);
    });
  }
});

test("a sequence that is broken off is none, and what controls within one is obeyed", { skip: !hasTmux && "tmux is not installed" }, () => {
  const outputs = ["ab\x1b[3\x1b[1DX", "abc\x1b[2\rCX", "ab\x1b[3\x18A", "ab\x1b[3\x1aA", "ab\x1b[3\b1mX", "ab\x1b[1\x1b]0;t\x07c"];
  captures(outputs).forEach((capture, i) => assert.deepEqual(shown(outputs[i]), captured(capture), JSON.stringify(outputs[i])));
});

test("a line that fills many rows takes time that grows with its length alone", () => {
  for (const character of ["x", "漢"]) {
    const rows = [];
    const screen = new Screen((row) => rows.push(row), { columns: 2, rows: 24 });
    screen.take({ offset: 1, timestamp: 1, message: `\x1b[A${character.repeat(250_000)}` });
    screen.settle();
    assert.equal(rows.length, 125_000 * (character === "x" ? 1 : 2));
  }
});

test("a title is no text", { skip: !hasTmux && "tmux is not installed" }, () => {
  const outputs = ["a\x1bkname\x1b\\b", "\x1bkname\x1b\\\x1b[1mx"];
  captures(outputs).forEach((capture, i) => assert.deepEqual(shown(outputs[i]), captured(capture), JSON.stringify(outputs[i])));
});

test("pictures that are joined take the columns of one", { skip: !hasTmux && "tmux is not installed" }, () => {
  const outputs = ["\u{1f468}\u200d\u{1f469}\u200d\u{1f467}|", "a\u{1f469}\u200d\u{1f4bb}b\rX", "\u{1f1e9}\u{1f1ea}|\u{1f44d}\u{1f3fd}|"];
  captures(outputs).forEach((capture, i) => assert.deepEqual(shown(outputs[i]), captured(capture), JSON.stringify(outputs[i])));
});

test("a screen is as wide as the terminal was", { skip: !hasTmux && "tmux is not installed" }, () => {
  const some = Object.entries(outputs()).filter(([name], i) => !/^random/.test(name) || i % 10 === 0);
  const long = "x".repeat(90);
  const edges = [
    `${long}\r\x1b[A\x1b[2Kshort`, `${"x".repeat(80)}y`, `${"x".repeat(80)}\r\nnext`, `${"x".repeat(80)}\bY`, `${"x".repeat(79)}漢z`,
    `\x1b[?7l${long}Z\x1b[?7h`, `a\x1b[999C[ OK ]`, `\x1b[999C\x1b[6D[ OK ]`, `${"\t".repeat(12)}end`, `${"x".repeat(78)}\x1b[4hab\x1b[4l`,
    `${"x".repeat(80)}\x1b[Kz`, `${"x".repeat(80)}\x1b[Dz`, `${"ab".repeat(500)}\x1b[5Aup`, `${"x".repeat(79)}\x1b[3@z`, `${"x".repeat(70)}y\x1b[99bz`,
    "one\x1b#8\x1b[5;5Htwo", `\n\n${"x".repeat(80)}\x1b[Ay`, `${"x".repeat(80)}\x1b[By`, `${"x".repeat(80)}\x1b[Cy`, `漢\x1b[79C漢\x1b[2Dz`,
    ...["7 8", "[s [u", "[?1049h [?1049l"].flatMap((pair) => [79, 80, 81].map((length) => `${"x".repeat(length)}\x1b${pair.replace(" ", "\x1b")}q`)),
    ...[78, 79, 80].flatMap((length) => ["漢", "漢z", "漢漢z", "ab漢"].map((text) => `\x1b[?7l${"x".repeat(length)}${text}\x1b[?7h`)),
  ];
  for (const [height, width] of [[24, 80], [50, 132]]) {
    const all = [...some, ...edges.map((output) => [JSON.stringify(output), output])];
    captures(all.map(([, output]) => output), height, width).forEach((capture, i) => {
      assert.deepEqual(shown(all[i][1], height, width), captured(capture), `${all[i][0]} in ${width} columns`);
    });
  }
});
