import assert from "node:assert/strict";
import { test } from "node:test";

import { EventParser } from "#viewer/event-stream.js";
import { Ways } from "#viewer/ways.js";
import { lines } from "./support.mjs";

test("a way is left after two refusals, or one silence, while the server answers", () => {
  const ways = new Ways();
  assert.equal(ways.words, "");
  ways.suspect("refused");
  ways.serverAnswers(true);
  assert.equal(ways.way, "websocket");
  ways.suspect("refused");
  ways.serverAnswers(true);
  assert.equal(ways.way, "events");
  assert.equal(ways.words, "by server-sent events (WebSockets are refused on the way)");
  ways.suspect("silent");
  ways.serverAnswers(true);
  assert.equal(ways.way, "blocks");
  assert.equal(ways.words, "by reading every 2 s (WebSockets are refused on the way, events get no answer)");
  ways.suspect("refused");
  ways.suspect("refused");
  ways.serverAnswers(true);
  assert.equal(ways.way, "blocks");
  ways.restart();
  assert.deepEqual([ways.way, ways.words], ["websocket", ""]);
});

test("no way is left because the server is away, or a connection was lost that stood", () => {
  const ways = new Ways();
  for (let i = 0; i < 5; i++) {
    ways.suspect("silent");
    ways.serverIsAway();
    ways.serverAnswers(true);
    ways.suspect("refused");
    ways.serverAnswers(true);
    ways.confirmed();
  }
  assert.equal(ways.way, "websocket");
});

test("where a server has no events, blocks are read", () => {
  const ways = new Ways();
  ways.suspect("silent");
  ways.serverAnswers(false);
  assert.equal(ways.way, "blocks");
});

test("server-sent events are read in whatever pieces they come", () => {
  const [first, second] = lines(1, 2, { message: "ä: data: \\u000a" });
  const text = `retry: 1000\n\nid: 1\ndata: ${first}\n\n: heartbeat 7\n\nid: 2\ndata: ${second}\n\n` +
    'event: pending\ndata: {"type":"pending","after":2,"message":"x"}\n\n';
  for (let size = 1; size <= text.length; size++) {
    const parser = new EventParser();
    const found = { lines: [], controls: [] };
    for (let at = 0; at < text.length; at += size) {
      for (const frame of parser.read(text.slice(at, at + size))) {
        found.lines.push(...frame.lines);
        if (frame.control) found.controls.push(frame.control);
      }
    }
    assert.deepEqual(found.lines, [first, second]);
    const pending = { type: "pending", after: 2, message: "x" };
    assert.deepEqual(found.controls, [{ type: "heartbeat", head: 7 }, pending]);
  }
});
