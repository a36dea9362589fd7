import assert from "node:assert/strict";
import { test } from "node:test";

import { plain, render, styleAfter } from "#viewer/ansi.js";
import { RUNS } from "#viewer/line.js";
import { raw } from "#viewer/raw.js";
import { captured, captures, cells, hasTmux } from "./tmux.mjs";
import { BOLD, DIM, INVERSE, ITALIC, PLAIN, UNDERLINE } from "#viewer/sgr.js";

const E = "\x1b";
const looks = (message, style = PLAIN) =>
  render(message, style).runs.map(({ text, style: { fg, bg, flags } }) => [text, fg, bg, flags]);

test("no line is shown in another order than it was written in", () => {
  assert.equal(plain("rlm \u200f12 34\u200f \u061cx\u200e"), "rlm 12 34 x");
  const spoof = "a \u202eevil.exe\u202c b \u2066c\u2069";
  assert.equal(render(spoof, PLAIN).text, "a evil.exe b c");
  assert.equal(plain(spoof), "a evil.exe b c");
  assert.equal(raw(spoof).text, "a \\u202eevil.exe\\u202c b \\u2066c\\u2069");
  // What is written from right to left needs none of them.
  assert.equal(plain("שלום 123"), "שלום 123");
});

test("plain text is one run", () => {
  assert.deepEqual(looks("hello"), [["hello", null, null, 0]]);
  assert.deepEqual(looks(""), []);
});

test("colours of every kind are read", () => {
  assert.deepEqual(looks(`${E}[31mred${E}[0m no`), [["red", 1, null, 0], [" no", null, null, 0]]);
  assert.deepEqual(looks(`${E}[97;100mx`), [["x", 15, 8, 0]]);
  assert.deepEqual(looks(`${E}[38;5;208;48;5;17mx`), [["x", 208, 17, 0]]);
  assert.deepEqual(looks(`${E}[38;2;1;2;255mx`), [["x", "#0102ff", null, 0]]);
  assert.deepEqual(looks(`${E}[38:2::1:2:255mx`), [["x", "#0102ff", null, 0]]);
  assert.deepEqual(looks(`${E}[38:5:9mx`), [["x", 9, null, 0]]);
  assert.deepEqual(looks(`${E}[58;5;9;31mx`), [["x", 1, null, 0]]);
});

test("attributes are set and unset", () => {
  assert.deepEqual(looks(`${E}[1;2;3;4;7ma${E}[22;23;24;27mb`), [
    ["a", null, null, BOLD | DIM | ITALIC | UNDERLINE | INVERSE], ["b", null, null, 0]]);
  assert.deepEqual(looks(`${E}[4:3ma${E}[4:0mb`), [["a", null, null, UNDERLINE], ["b", null, null, 0]]);
});

test("an impossible colour is none", () => {
  for (const code of ["38;5;256", "38;5", "38;2;1;2", "38;2;1;2;999", "38"]) {
    assert.deepEqual(looks(`${E}[${code}mx`), [["x", null, null, 0]], code);
  }
});

test("a look goes on in the next line", () => {
  const { style } = render(`${E}[1;32mbegin`, PLAIN);
  assert.deepEqual(looks("middle", style), [["middle", 2, null, BOLD]]);
  assert.deepEqual(styleAfter(`x${E}[39m`, style), { fg: null, bg: null, flags: BOLD });
  assert.equal(styleAfter(`x${E}c`, style), PLAIN);
});

test("letters that draw lines go on in the next line, as on a terminal", { skip: !hasTmux && "tmux is not installed" }, () => {
  const outputs = [
    `${E}(0lqqqk\nx   x\nmqqqj${E}(B\nend`, `${E})0\x0elqk\nx x\n\x0fx x\n\x0ex\n${E})Bx`, `${E}(0\n${E}[0mx\n${E}[31mq\r\nj${E}cx\nx`, `${E}(0${E}[1mq\nq\x0eq\nq`,
  ];
  captures(outputs).forEach((capture, i) => {
    let style = PLAIN;
    let after = PLAIN;
    const rows = outputs[i].split("\n").map((message) => {
      const { runs, style: left } = render(message, style);
      after = styleAfter(message, after);
      assert.deepEqual(after, left);
      style = left;
      return cells(runs);
    });
    // A reset clears a terminal's screen too.
    if (!outputs[i].includes(`${E}c`)) assert.deepEqual(rows, captured(capture), JSON.stringify(outputs[i]));
    else assert.deepEqual(rows.at(-1), "x");
  });
});

test("a carriage return writes over the line, as a terminal shows it", () => {
  assert.equal(plain("10%\r100%"), "100%");
  assert.equal(plain("abcdef\rxy"), "xycdef");
  assert.equal(plain("working…\r\x1b[Kdone"), "done");
  assert.equal(plain("abc\x1b[2Kd"), "   d");
  assert.equal(plain("abcdef\x1b[3D\x1b[1KX"), "   Xef");
  assert.equal(plain("abc\b\bX"), "aXc");
  assert.equal(plain("line\r"), "line");
  assert.equal(plain("abc\x1b[1GX\x1b[2CY"), "XbcY");
  assert.deepEqual(looks(`${E}[31mred\r${E}[32mG`), [["G", 2, null, 0], ["ed", 1, null, 0]]);
});

test("what a line doesn't need is dropped, and nothing else is", () => {
  const dropped = [`${E}[2J`, `${E}[?25l`, `${E}[10;20H`, `${E}[5A`, `${E}]0;title\x07`, `${E}]52;c;ZXZpbA==\x07`,
    `${E}(B`, `${E}=`, `${E}P1$r0m${E}\\`, `${E}_x${E}\\`, "\x07", "\x00", "\x9b", "\x7f"];
  for (const sequence of dropped) assert.equal(plain(`a${sequence}b`), "ab", JSON.stringify(sequence));
  assert.equal(plain("a\tb"), "a\tb");
});

test("a sequence that never ends hides no text", () => {
  assert.equal(plain(`a${E}]0;title without an end`), "a0;title without an end");
  assert.equal(plain(`a${E}[31`), "a31");
  assert.equal(plain(`a${E}kname`), "aname");
  assert.equal(plain(`a${E}`), "a");
});

test("plain text and rendered text are the same", () => {
  const link = `a${E}]8;;https://x.y/\x07b`;
  for (const message of ["x", `${E}[1mx${E}[0m`, link, `a\rb${E}[K`, `a${E}[99999Cb`, `🙂\b\b-`]) {
    assert.equal(render(message, PLAIN).text, plain(message), JSON.stringify(message));
  }
});

test("links lead to the web and nowhere else", () => {
  const link = (address) => render(`${E}]8;;${address}\x07x${E}]8;;\x07y`, PLAIN).runs.map((run) => run.link);
  assert.deepEqual(link("https://example.com/a?b#c"), ["https://example.com/a?b#c", null]);
  for (const address of ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//x", "https://",
    " https://x y", "vbscript:x", "JaVaScRiPt://x", "https://x/" + "y".repeat(3000)]) {
    assert.deepEqual(new Set(link(address)), new Set([null]), address.slice(0, 40));
  }
});

test("what is hostile stays small and quick", () => {
  const bombs = [`${E}[31mx`.repeat(60_000), `${E}[999999999C`.repeat(10_000) + "x", "\r".repeat(250_000),
    `${E}]8;;`.repeat(60_000), `${E}[`.repeat(120_000), `${E}[${"1;".repeat(100_000)}m`, "x\b".repeat(120_000),
    `${E}[1;31m🙂`.repeat(20_000)];
  for (const bomb of bombs) {
    const rendered = render(bomb, PLAIN);
    assert.ok(rendered.runs.length <= RUNS);
    assert.ok(rendered.text.length <= 20_000);
  }
});

test("what is beyond the columns is counted", () => {
  const rendered = render("x".repeat(12_000), PLAIN);
  assert.equal(rendered.text.length, 10_000);
  assert.equal(rendered.clipped, 2_000);
  assert.equal(render(`${E}[1m${"x".repeat(12_000)}`, PLAIN).clipped, 2_000);
});

test("a character has the columns that a terminal gives it", async () => {
  const { widthOf } = await import("#viewer/widths.js");
  const columns = (/** @type {string} */ text) => [...text].map((character) => widthOf(character.codePointAt(0) ?? 0)).join("");
  // The third is a font's own picture (private use), as prompts and tools draw them.
  assert.equal(columns("aé\ue0b0ｱ"), "1111");
  assert.equal(columns("名한🙂Ａ"), "2222");
  assert.equal(columns("\u0301\u200b\u1161\ufe0f"), "0000");
  assert.equal(columns("\u0600"), "1");
});
