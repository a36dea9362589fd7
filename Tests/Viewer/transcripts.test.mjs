import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { Framing, RESTORED } from "#viewer/frames.js";
import { Stream } from "#viewer/stream.js";

const transcripts = JSON.parse(readFileSync(new URL("../Transcripts/followers.json", import.meta.url), "utf8"));

for (const { name, way, after, messages, accepted, verdict, confirmed } of transcripts) {
  test(`a follower makes of a transcript what it says (${way}: ${name})`, () => {
    const address = way === "gateway" ? "wss://g/stage?execution=e&token=t&opening=resume" : "ws://h/stream?token=t";
    const framing = new Framing(address, "e", 1);
    const events = [];
    let found = "open";
    let isConfirmed = false;
    let listener;
    new Stream(after, {
      opened() {},
      confirmed: () => (isConfirmed = true),
      control({ code }) {
        if (code === RESTORED) found = "restored";
      },
      lines(lines, first) {
        const parsed = lines.map((line) => JSON.parse(line));
        assert.equal(parsed[0].offset, first);
        events.push(...parsed);
      },
      hole: () => (found = "hole"),
      closed() {},
    }, (given) => {
      listener = given;
      return { stall: framing.stall, close() {} };
    });
    listener.opened();
    for (const message of messages) listener.frame(framing.read(message));
    if (events.at(-1)?.type === "end") found = "ended";
    assert.deepEqual([events.map((event) => event.offset), found, isConfirmed], [accepted, verdict, confirmed]);
  });
}
