import assert from "node:assert/strict";
import { test } from "node:test";

import { Hits } from "#viewer/hits.js";
import { compile, find, matches, messageIn } from "#viewer/matcher.js";
import { lines, random } from "./support.mjs";

const literal = (text, matchesCase = false) => compile({ text, isRegex: false, matchesCase });

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
  assert.deepEqual(matches(literal("ab"), "abcabab", 10), [[0, 2], [3, 5], [5, 7]]);
  assert.deepEqual(matches(compile({ text: "x*", isRegex: true, matchesCase: false }), "axxb", 10), [[1, 3]]);
  assert.equal(matches(literal("a"), "a".repeat(1_000), 200).length, 200);
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
  assert.deepEqual(find(literal("10%"), text, 7), []);
  assert.deepEqual(find(literal("offset"), text, 7), [9]);
  assert.deepEqual(find(literal('"hi"'), text, 7), [10]);
  assert.deepEqual(find(literal("line 3"), lines(1, 40).join("\n"), 1), [3, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39]);
});

test("hits are counted and walked as a set of offsets would be", () => {
  const next = random(7);
  const hits = new Hits();
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
  const hits = new Hits();
  for (const offset of [1, 500, 501, 1_000, 999_999]) hits.add(offset);
  for (const [head, size] of [[1_000_000, 700], [1_000_000, 100_000]]) {
    assert.equal(hits.spread(head, size).reduce((sum, n) => sum + n, 0), 5);
  }
});
