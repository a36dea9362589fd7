import assert from "node:assert/strict";
import { test } from "node:test";

import { TextWriter } from "#viewer/event-text.js";
import { linked } from "#viewer/links.js";
import { render } from "#viewer/ansi.js";
import { RUNS } from "#viewer/line.js";
import { PLAIN } from "#viewer/sgr.js";

const write = (...portions) => {
  const writer = new TextWriter();
  let first = 1;
  return portions.map((events) => {
    const lines = events.map((fields, i) => JSON.stringify({ offset: first + i, timestamp: 1, ...fields }));
    first += lines.length;
    return writer.write(first - lines.length, lines);
  }).join("");
};

test("a text holds the lines as they were written, and says in brackets what else happened", () => {
  const events = [{ message: "\x1b[1mone" }, { message: "tw", partial: true }, { message: "o" }, { message: "cut", partial: true },
    { type: "notice", code: "c", message: "Output was cut" }, { type: "end", status: "FAILED", exit_code: 1 }];
  const text = "\x1b[1mone\ntwo\ncut\n[Output was cut]\n[FAILED with exit code 1 · after 5 events]\n";
  assert.equal(write(events), text);
  for (let at = 1; at < events.length; at++) assert.equal(write(events.slice(0, at), events.slice(at)), text);
});

test("a command that never started leaves a text that says so", () => {
  assert.equal(write([{ type: "end", status: "FAILED", reason: "not_started" }]),
    "[FAILED: it could not be started · after 0 events]\n");
});

test("what a server doesn't give is said where it is missing", () => {
  const writer = new TextWriter();
  const line = (offset) => JSON.stringify({ offset, timestamp: 1, message: `line ${offset}` });
  const text = writer.write(1, [line(1)]) + writer.write(12, [line(12)]);
  assert.equal(text, "line 1\n[10 events missing here: the server doesn’t give them]\nline 12\n");
});

const links = (message) => linked(render(message, PLAIN)).runs.filter((run) => run.link).map((run) => [run.text, run.link]);

test("an address in a text is a link, without the punctuation around it", () => {
  const addresses = {
    "see https://a.b/c?d=e#f.": "https://a.b/c?d=e#f", "(http://a.b/x)": "http://a.b/x", "http://a.b/x_(y) z": "http://a.b/x_(y)",
    '"https://a.b/c"': "https://a.b/c", "<https://a.b/c>,": "https://a.b/c", "url=http://localhost:8080/": "http://localhost:8080/",
    "[x](https://a.b/c)": "https://a.b/c", "http://[::1]:80/": "http://[::1]:80/", "“https://a.b/ü”": "https://a.b/ü",
    "[https://a.b/c]: d": "https://a.b/c", "参见https://a.b/c。然后": "https://a.b/c", "（https://a.b/c）": "https://a.b/c",
    "「https://a.b/c」，": "https://a.b/c", "https://a.b/عربي؟": "https://a.b/عربي", "https://a.b/日本語": "https://a.b/日本語",
  };
  for (const [text, address] of Object.entries(addresses)) {
    const found = links(text);
    assert.equal(found.length, 1, text);
    assert.equal(found[0][0], address, text);
  }
  for (const text of ["no link", "http://", "ftp://a.b", "https:// a.b", "javascript://a.b/%0aalert(1)"]) {
    assert.deepEqual(links(text), [], text);
  }
});

test("links change no text, lose no look, and leave a program's own links alone", () => {
  const own = "\x1b]8;;https://x.y/\x07https://a.b/\x1b]8;;\x07";
  const messages = [`a \x1b[31mhttps://a.\x1b[32mb/c\x1b[0m d https://e.f/ ${own} https://g.h`, "https://a.b", "://".repeat(500),
    "https://a.b/ ".repeat(2_000), "http://".repeat(2_000)];
  for (const message of messages) {
    const [before, after] = [render(message, PLAIN), linked(render(message, PLAIN))];
    assert.equal(after.runs.map((run) => run.text).join(""), before.text);
    assert.ok(after.runs.length <= RUNS + 100);
    const looks = (rendered) => rendered.runs.flatMap((run) => Array(run.text.length).fill(run.style));
    assert.deepEqual(looks(after), looks(before));
  }
  assert.deepEqual(links(messages[0]).map(([text, link]) => [text, link]), [["https://a.", "https://a.b/c"], ["b/c", "https://a.b/c"],
    ["https://e.f/", "https://e.f/"], ["https://a.b/", "https://x.y/"], ["https://g.h", "https://g.h/"]]);
});
