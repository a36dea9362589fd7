import assert from "node:assert/strict";
import { test } from "node:test";

import { ConnectionStatus } from "#viewer/connection-status.js";
import { Framing, mayReconnect, retryDelay } from "#viewer/frames.js";
import { lines } from "./support.mjs";

const facts = { now: 100_000, silence: 0, isOnline: true, end: 0, received: 10, missing: 0 };

test("the words say for as long as the page is open that the server was restored", () => {
  const delivery = new ConnectionStatus();
  delivery.restored(1_000);
  assert.equal(delivery.words(facts).text, "Connecting…");
  delivery.opened();
  const text = "The server was restored from a backup: what came after 1,000 was void, and is read anew";
  assert.deepEqual(delivery.words(facts), { tone: "warn", text });
  assert.equal(delivery.words({ ...facts, missing: 1 }).text, "1 event missing");
  delivery.lost(102_500);
  assert.match(delivery.words(facts).text, /^Reconnecting/);
  delivery.ended();
  assert.equal(delivery.words({ ...facts, end: 10 }).text, text);
});

test("the words follow what happens", () => {
  const delivery = new ConnectionStatus();
  const words = (more = {}) => delivery.words({ ...facts, ...more }).text;
  assert.equal(words(), "Connecting…");
  delivery.opened();
  assert.equal(words(), "Live");
  delivery.cursor = 4_211;
  assert.equal(words({ silence: 23_400 }), "Stalled: nothing heard for 23 s");
  delivery.lost(102_500);
  assert.equal(words(), "Reconnecting in 3 s: goes on after 4,211");
  assert.equal(words({ isOnline: false }), "Offline: goes on after 4,211");
  delivery.lost(90_000);
  assert.equal(words(), "Reconnecting: goes on after 4,211");
  delivery.opened();
  assert.equal(words(), "Live");
  delivery.cursor = 5_000;
  delivery.confirmed(99_000);
  assert.equal(words(), "Resumed after 4,211, nothing missing");
  assert.equal(words({ now: 110_000 }), "Live");
  assert.equal(delivery.resumptions, 1);
  assert.equal(words({ missing: 1 }), "1 event missing");
  delivery.lost(120_000);
  delivery.finishing();
  assert.equal(words({ missing: 0 }), "Ended: reading on after 5,000");
  delivery.ended();
  assert.equal(words({ end: 11 }), "Ended: 90 % read here, nothing missing");
  assert.equal(words({ end: 11_000 }), "Ended: 1 % read here, nothing missing");
  assert.equal(words({ end: 10 }), "Complete: every line received");
  assert.equal(words({ end: 10, reason: "timed_out" }), "Complete: every line received");
  assert.equal(words({ end: 10, reason: "runner_lost" }), "Every line that was sent is here; the runner was lost before the end");
  assert.equal(words({ end: 11, reason: "runner_lost" }), "Ended: 90 % read here, nothing missing");
  delivery.refused("The log was removed.");
  assert.equal(words(), "The log was removed.");
});

test("a first connection that fails is still the first", () => {
  const delivery = new ConnectionStatus();
  delivery.lost(0);
  assert.equal(delivery.words(facts).text, "Connecting…");
  delivery.opened();
  assert.equal(delivery.words(facts).text, "Live");
});

test("the embedded server is told the cursor by the address", () => {
  const framing = new Framing("ws://h:1/api/v1/executions/x/stream?token=t", "x", 1);
  assert.equal(framing.addressAfter(41), "ws://h:1/api/v1/executions/x/stream?token=t&after=41");
  assert.equal(framing.addressAfter(41, "https:").slice(0, 4), "wss:");
  assert.equal(framing.opening(41), null);
  assert.equal(framing.ping(41), null);
  assert.equal(framing.stall, 20_000);
  assert.deepEqual(framing.read(lines(1, 3).join("\n")), { lines: lines(1, 3), control: null });
  const control = { type: "heartbeat", head: 7 };
  assert.deepEqual(framing.read(JSON.stringify(control)), { lines: [], control });
});

test("a gateway is told by a message, and blocks of an earlier opening are refused", () => {
  const framing = new Framing("wss://g/stage?execution=x&token=t&opening=resume", "x", 3);
  assert.equal(framing.addressAfter(41), "wss://g/stage?execution=x&token=t&opening=resume");
  assert.deepEqual(JSON.parse(framing.opening(41)), { action: "resume", gen: 3, after: 41 });
  assert.deepEqual(JSON.parse(framing.ping(50)), { action: "ping", have: 50 });
  assert.ok(framing.stall > 30_000);
  assert.deepEqual(framing.read(['{"type":"block","gen":3,"start":42,"execution":"x"}', ...lines(42, 43)].join("\n")).lines, lines(42, 43));
  assert.deepEqual(framing.read(['{"type":"block","gen":2,"start":42,"execution":"x"}', ...lines(42, 43)].join("\n")).lines, []);
  // The gateway may give a connection's id to another viewer.
  assert.deepEqual(framing.read(['{"type":"block","gen":3,"start":42,"execution":"y"}', ...lines(42, 43)].join("\n")).lines, []);
  assert.deepEqual(framing.read('{"type":"pong","head":9}').control, { type: "pong", head: 9 });
});

test("it is tried again at once, then ever later, but not what may not be tried", () => {
  assert.equal(retryDelay(0, 1001, 1), 0);
  assert.ok(retryDelay(0, 1006, 1) <= 250);
  assert.ok(retryDelay(0, 1013, 0) >= 1_000);
  assert.equal(retryDelay(50, 1006, 1), 10_000);
  assert.ok([1001, 1006, 1011, 1013].every(mayReconnect));
  assert.ok(![1008, 4404, 4500].some(mayReconnect));
});
