import assert from "node:assert/strict";
import { test } from "node:test";

import { MatchIndex } from "#viewer/match-index.js";
import { compile, marks } from "#viewer/marks.js";
import { Finder, messageIn } from "#viewer/matcher.js";
import { lines, random } from "./support.mjs";

const literal = (text, matchesCase = false) => compile({ text, isRegex: false, matchesCase });
const find = (expression, text, first) => new Finder(expression, true).find(text, first).lines;

test("typed text means itself", () => {
  assert.ok(literal("a.b(c)[d]$^*+?{}|\\/").test("xA.B(C)[D]$^*+?{}|\\/"));
  assert.ok(!literal("a.b").test("axb"));
  assert.ok(!literal("Ab", true).test("ab"));
});

test("an expression is one, and what is none is refused", () => {
  assert.ok(compile({ text: "^\\d{3}$", isRegex: true, matchesCase: false }).test("123"));
  assert.ok(compile({ text: "a\\-b", isRegex: true, matchesCase: false }).test("a-b"));
  assert.throws(() => compile({ text: "(", isRegex: true, matchesCase: false }), SyntaxError);
});

test("matches are found where they are, and empty ones don't show", () => {
  assert.deepEqual(marks(literal("ab"), "abcabab"), [[0, 2], [3, 5], [5, 7]]);
  const nothing = compile({ text: "x*", isRegex: true, matchesCase: false });
  assert.deepEqual(marks(nothing, "axxb"), [[1, 3]]);
  assert.deepEqual(marks(nothing, "a😀xx😀"), [[3, 5]]);
  assert.equal(marks(literal("a"), "a".repeat(1_000)).length, 200);
});

test("an expression's ends are those of what was written between two movements, and of each line of a row", () => {
  const written = ["alpha\rbravo\rcharl", "\x1b[?25l\x1b[4A\x1b[0G[+] Running 7\x1b[K", "\x1b[Aone\x1b[B two"];
  const text = written.map((message, i) => JSON.stringify({ offset: i + 1, timestamp: 1, message })).join("\n");
  const lines = (expression) => find(compile({ text: expression, isRegex: true, matchesCase: false }), text, 1);
  assert.deepEqual(lines("^bravo$"), [1]);
  assert.deepEqual(lines("^\\[\\+\\] Running 7$"), [2]);
  assert.deepEqual(lines("^one$"), [3]);
  // They are no line, and what is between two of them isn't text.
  assert.deepEqual([lines("bravo\\s+charl"), lines("^$")], [[], []]);
  assert.deepEqual(marks(compile({ text: "^cd$", isRegex: true, matchesCase: false }), "ab\ncd"), [[3, 5]]);
});

test("messages are read from lines as they come", () => {
  assert.equal(messageIn('{"offset":1,"timestamp":2,"message":"plain"}'), "plain");
  assert.equal(messageIn('{"offset":1,"timestamp":2,"stream":"stderr","message":"p","partial":true}'), "p");
  assert.equal(messageIn(JSON.stringify({ offset: 1, timestamp: 2, message: 'q " \\ \x1b[1m ü' })), 'q " \\ \x1b[1m ü');
  assert.equal(messageIn('{"offset":1,"timestamp":2,"message":""}'), "");
  assert.equal(messageIn('{"offset":9,"timestamp":2,"type":"end","status":"FAILED"}'), null);
  assert.equal(messageIn('{"offset":9,"timestamp":2,"type":"notice","code":"c","message":"m"}'), null);
  assert.equal(messageIn(""), null);
});

test("a search sees what a reader sees", () => {
  const written = ["\x1b[31mred\x1b[0m apple", "10%\r100%", "offset", 'say "hi"'];
  const text = written.map((message, i) => JSON.stringify({ offset: i + 7, timestamp: 1, message })).join("\n");
  assert.deepEqual(find(literal("red apple"), text, 7), [7]);
  assert.deepEqual(find(literal("100%"), text, 7), [8]);
  assert.deepEqual(find(literal("offset"), text, 7), [9]);
  assert.deepEqual(find(literal('"hi"'), text, 7), [10]);
  assert.deepEqual(find(literal("line 3"), lines(1, 40).join("\n"), 1), [3, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
});

test("a line that was cut is searched whole, however its pieces come", () => {
  const piece = (offset, message, partial) => JSON.stringify({ offset, timestamp: 1, message, ...(partial && { partial }) });
  const log = [
    piece(1, "before"), piece(2, "one nee", true), piece(3, "", true), piece(4, "dle, two \x1b[3", true),
    piece(5, "1mneedles"), piece(6, "nee"), piece(7, "dle"), piece(8, "a nee", true),
    '{"offset":9,"timestamp":1,"type":"notice","code":"c","message":"dle"}', piece(10, "dle nee", true), "", piece(12, "dle"),
  ];
  for (const size of [1, 2, 5, log.length]) {
    const finder = new Finder(literal("needle"), false);
    const found = [];
    for (let at = 0; at < log.length; at += size) found.push(...finder.find(log.slice(at, at + size).join("\n"), at + 1).lines);
    assert.deepEqual(found, [2], `in portions of ${size}`);
  }
  assert.deepEqual(find(compile({ text: "^one.*two needles$", isRegex: true, matchesCase: false }), log.join("\n"), 1), [2]);
  // Rows end where so many pieces are joined, and so does what is searched at once.
  const row = [piece(1023, "nee", true), piece(1024, "dle", true), piece(1025, "nee", true), piece(1026, "dle")];
  assert.deepEqual(find(literal("needle"), row.join("\n"), 1023), [1023, 1025]);
  assert.deepEqual(find(literal("dlenee"), row.join("\n"), 1023), []);
});

test("each line matches or is one of the others, never both", () => {
  const messages = ["abc\rxyz", "xyz\rabc", "abcd\x1b[2D  ", "\x1b[Aabc", "\x1b[Axyz", "abc", "xyz", "\x1b[31mab\x1b[0mc", ""];
  const log = messages.map((message, i) => JSON.stringify({ offset: i + 1, timestamp: 1, message }));
  log.push(JSON.stringify({ offset: 10, timestamp: 1, type: "notice", message: "abc" }));
  log.push(JSON.stringify({ offset: 11, timestamp: 1, type: "end", status: "FAILED" }));
  for (const text of ["abc", "xyz", "ab", "", "FAILED"]) {
    const [found, others] = [false, true].map((inverts) => new Finder(literal(text), true, inverts).find(log.join("\n"), 1).lines);
    assert.deepEqual([...found, ...others].sort((a, b) => a - b), log.map((_, i) => i + 1), text);
  }
});

test("notices and the end are found by what the page shows of them", () => {
  const events = [{ message: "a" }, { type: "notice", code: "c", message: "Output was cut" },
    { type: "end", status: "FAILED", exit_code: 3, reason: "timed_out" }];
  const log = events.map((event, i) => JSON.stringify({ offset: i + 1, timestamp: 1, ...event })).join("\n");
  assert.deepEqual(find(literal("was cut"), log, 1), [2]);
  assert.deepEqual(find(literal("exit code 3: the time limit passed · after 2 events"), log, 1), [3]);
  assert.deepEqual(find(literal("timestamp"), log, 1), []);
});

test("of a line without an end, a bounded part is searched at once", () => {
  const finder = new Finder(literal("x"), false);
  const piece = (offset) => JSON.stringify({ offset, timestamp: 1, message: "-".repeat(1 << 18) + (offset % 4 ? "" : "x"), partial: true });
  assert.deepEqual([1, 2, 3, 4, 5, 6, 7, 8, 9].flatMap((offset) => finder.find(piece(offset), offset).lines), [1]);
});

test("a line is found once, by what it began with, however much of it is looked at by itself", () => {
  const pieces = Array.from({ length: 24 }, (_, i) => ({ message: "-".repeat(1 << 18) + (i === 11 || i === 20 ? "x" : ""), partial: i < 23 }));
  const log = [{ message: "x" }, ...pieces, { message: "-" }].map((event, i) => JSON.stringify({ offset: i + 1, timestamp: 1, ...event }));
  for (const [inverts, lines] of [[false, [1, 2]], [true, [26]]]) {
    const found = new Finder(literal("x"), false, inverts).find(log.join("\n"), 1);
    assert.deepEqual(found.lines, lines);
    assert.deepEqual(found.pieces, Array.from({ length: 23 }, (_, i) => i + 3));
  }
});

test("hits are counted and walked as a set of offsets would be", () => {
  const next = random(7);
  const hits = new MatchIndex();
  const known = new Set();
  for (let i = 0; i < 3_000; i++) {
    const offset = 1 + Math.floor(next() * (i % 2 ? 5_000 : 2_000_000));
    known.add(offset);
    hits.add(offset);
  }
  const sorted = [...known].sort((a, b) => a - b);
  assert.equal(hits.count, sorted.length);
  const walked = [];
  for (let offset = hits.from(1); offset; offset = hits.from(offset + 1)) walked.push(offset);
  assert.deepEqual(walked, sorted);
  walked.length = 0;
  for (let offset = hits.upTo(3_000_000); offset; offset = hits.upTo(offset - 1)) walked.push(offset);
  assert.deepEqual(walked.reverse(), sorted);
  for (const i of [0, 10, 1_000, sorted.length - 1]) assert.equal(hits.rank(sorted[i]), i + 1);
  assert.ok(hits.has(sorted[5]));
  assert.equal(hits.upTo(0), 0);
  assert.equal(hits.from(2_000_001), 0);
});

test("hits are spread over a strip without one getting lost", () => {
  const hits = new MatchIndex();
  for (const offset of [1, 500, 501, 1_000, 999_999]) hits.add(offset);
  for (const [head, size] of [[1_000_000, 700], [1_000_000, 100_000]]) {
    assert.equal(hits.spread(head, size).reduce((sum, n) => sum + n, 0), 5);
  }
});

test("a search finds what was written over, and nothing across a movement", () => {
  const written = ["working\rdone   ", "ab\x1b[Ecd", "\x1b[2Aefg\x1b[1Bhi"];
  const text = written.map((message, i) => JSON.stringify({ offset: i + 1, timestamp: 1, message })).join("\n");
  assert.deepEqual(find(literal("working"), text, 1), [1]);
  assert.deepEqual(find(literal("done"), text, 1), [1]);
  assert.deepEqual(find(literal("cd"), text, 1), [2]);
  assert.deepEqual(find(literal("bc"), text, 1), []);
  assert.deepEqual(find(literal("efg"), text, 1), [3]);
  assert.deepEqual(find(literal("gh"), text, 1), []);
});

/** What a search finds in a log that comes in portions of so many events: lines, rows, and rows as they stand in the end. */
function findIn(messages, text, { portion = messages.length, size, isRegex = false } = {}) {
  const finder = new Finder(compile({ text, isRegex, matchesCase: true }), isRegex, false, size);
  const found = { lines: [], rows: [], shown: [] };
  for (let at = 0; at < messages.length; at += portion) {
    const part = messages.slice(at, at + portion).map((message, i) =>
      JSON.stringify({ offset: at + i + 1, timestamp: 1, ...(typeof message === "string" ? { message } : message) }));
    const { lines, rows, shown } = finder.find(part.join("\n"), at + 1);
    found.lines.push(...lines);
    found.rows.push(...rows);
    found.shown = shown;
  }
  return found;
}

test("a row is found that matches though no line on it does", () => {
  const end = { type: "end", status: "SUCCEEDED" };
  const log = ["pulling", "second", "\x1b[2A\x1b[8Clayer", "\x1b[1B", end];
  for (const portion of [1, 2, 5]) {
    assert.deepEqual(findIn(log, "pulling layer", { portion }), { lines: [], rows: [1], shown: [] });
    // What a line has by itself is found once, by its own offset.
    assert.deepEqual(findIn(log, "layer", { portion }), { lines: [3], rows: [], shown: [] });
    assert.deepEqual(findIn(log, "^pulling l.yer$", { portion, isRegex: true }).rows, [1]);
  }
  const running = log.slice(0, -1);
  assert.deepEqual(findIn(running, "pulling layer"), { lines: [], rows: [], shown: [1] });
  assert.deepEqual(findIn([...running, "\x1b[3A\x1b[8Cgone  "], "pulling layer").shown, []);
  // One event may write a row in several movements.
  assert.deepEqual(findIn(["a", "\x1b[A\x1b[1Gx\x1b[1By\x1b[1A\x1b[2Gz", "b", end], "xz").rows, [1]);
});

test("rows are found by a screen that begins and ends where something moves", () => {
  const size = { columns: 80, rows: 4 };
  const still = Array.from({ length: 50 }, (_, i) => `line ${i}`);
  const log = [...still, "one", "two", "\x1b[2A\x1b[4Cmore", "\x1b[1B", ...still, "three", "\x1b[A\x1b[6Cfour", ...still];
  for (const portion of [1, 7, log.length]) {
    assert.deepEqual(findIn(log, "one more", { portion, size }), { lines: [], rows: [51], shown: [] });
    assert.deepEqual(findIn(log, "three four", { portion, size }), { lines: [], rows: [105], shown: [] });
    assert.deepEqual(findIn(log, "line 4", { portion, size }).rows, []);
  }
});
