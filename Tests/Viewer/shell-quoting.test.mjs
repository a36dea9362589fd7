import assert from "node:assert/strict";
import { test } from "node:test";

import { contrast, onGround, paletteColour, readable } from "#viewer/colour.js";
import { place } from "#viewer/place.js";
import { ago } from "#viewer/ago.js";
import { areOfOneDay, duration, fragmentOf, lineTime, linesIn, size } from "#viewer/time.js";
import { shellSyntax, splitWords } from "#viewer/typed-command.js";
import { commandLine } from "#viewer/shell-quoting.js";

test("a command is split as a shell splits it", () => {
  assert.deepEqual(splitWords(`a 'b c' "d \\"e\\" \\n" f\\ g '' x"y"'z'`), ["a", "b c", 'd "e" \\n', "f g", "", "xyz"]);
  assert.deepEqual(splitWords("  a\n\tb  "), ["a", "b"]);
  assert.deepEqual(splitWords(""), []);
  assert.equal(splitWords("a 'b"), null);
  assert.equal(splitWords('a "b'), null);
});

test("what only a shell understands is found outside quotes", () => {
  const syntax = {
    "for i in 1 2; do echo $i; done": ";", "a | b": "|", "a && b": "&&", "make > log": ">", "ls *.txt": "*",
    'echo "$HOME"': "$HOME", "echo $(date)": "$(date", "echo `date`": "`", "X=1 env": "X=1", "ls ~/x": "~", "echo $? $1": "$?", "touch {a,b}": "{a,b}",
    "echo {1..3}": "{1..3}", "make # all": "#", "cd /tmp": "cd", "export A": "export",
    "ls a\nls": "line break", "sleep 9 &": "&",
  };
  for (const [typed, expected] of Object.entries(syntax)) assert.equal(shellSyntax(typed), expected, typed);
  const none = ["echo hello", "sh -c 'a | b; $c'", 'echo "a; b"', "echo a\\;b", 'echo "\\$x"', "make X=1", "echo a#b {} {x}", "cdrecord x", "pip install a[b]", "curl http://h/?q", "a \\\n b\n", ""];
  for (const typed of none) assert.equal(shellSyntax(typed), "", typed);
});

test("a command as it is shown is one line, and can be typed again", () => {
  const unusual = ["", "a b", "it's", "ü", "$HOME", "a\\b", "~", "~/x", "a~", "a=b", "$'x'", "'"];
  const unseen = ["a\nb", "\t", "\x1b[31mred\x1b[0m", "it's\n\\n", "\x00\x7f\x9b", "\u202ereversed", "a\u200bb", "\r\n"];
  for (const command of [["ls", "-la"], ["sh", "-c", "echo 'it''s' | cat"], unusual, unseen, ["X=1", "y=2"]]) {
    const line = commandLine(command);
    assert.deepEqual(splitWords(line), command);
    assert.equal(shellSyntax(line), "", line);
    assert.doesNotMatch(line, /[\0-\x1f\x7f-\x9f\u200b\u202e]/);
  }
  assert.equal(commandLine(["sh", "-c", "a\n\tb's"]), "sh -c $'a\\n\\tb\\'s'");
  assert.equal(commandLine(["ls", "~", "~root", "a~"]), "ls '~' '~root' a~");
});

test("durations and sizes read well", () => {
  assert.deepEqual([0, 999, 1_500, 59_940, 60_000, 3_599_000, 3_600_000, 200_000_000].map(duration),
    ["0 ms", "999 ms", "1.5 s", "59.9 s", "1 min 00 s", "59 min 59 s", "1 h 00 min", "2 d 7 h"]);
  assert.deepEqual([0, 999, 1_000, 1_550_000, 12_000_000_000].map(size), ["0 B", "999 B", "1.0 kB", "1.6 MB", "12 GB"]);
  assert.equal(ago(0, 3_000), "just now");
  assert.equal(ago(0, 125_000), "2 min ago");
});

test("a line's time is shown in each way", () => {
  const time = Date.UTC(2026, 0, 31, 14, 3, 20, 7);
  assert.equal(lineTime(time, "utc", 0), "14:03:20.007");
  assert.ok(!areOfOneDay(time, time - 366 * 86_400_000, "utc") && areOfOneDay(time, time, "utc"));
  assert.equal(lineTime(time, "elapsed", time - 3_725_001), "+1:02:05.001");
  assert.equal(lineTime(time, "elapsed", time + 5), "−0:00:00.005");
  assert.equal(lineTime(time, "off", 0), "");
  assert.equal(lineTime(time, "utc", 0, true), "2026-01-31 14:03:20.007");
  assert.ok(areOfOneDay(time, time + 9 * 3_600_000, "utc"));
  assert.ok(!areOfOneDay(time, time + 10 * 3_600_000, "utc"));
  assert.ok(!areOfOneDay(time, Date.UTC(2027, 0, 31, 14), "utc"));
  assert.ok(areOfOneDay(time, 0, "elapsed"));
});

test("a place is a line, a time of the day, a date or a time since the start", () => {
  const start = Date.UTC(2026, 0, 31, 23, 50, 0);
  const now = start + 3_600_000;
  assert.deepEqual(place("1,200", start, true, now), { line: 1200 });
  assert.deepEqual(place("L42", start, true, now), { line: 42 });
  assert.deepEqual(place("23:55:01.5", start, true, now), { time: start + 301_500 });
  assert.deepEqual(place("00:05", start, true, now), { time: start + 900_000 });
  assert.deepEqual(place("2026-01-31 14:03Z", start, false, now), { time: Date.UTC(2026, 0, 31, 14, 3) });
  for (const day of ["2026-02-30", "2026-04-31", "2025-02-29", "2026-00-10", "2026-13-01", "2026-01-00"]) assert.equal(place(`${day} 10:00`, start, true, now), null);
  assert.deepEqual(place("2024-02-29 10:00", start, true, now), { time: Date.UTC(2024, 1, 29, 10) });
  assert.deepEqual(place("+1h5m", start, true, now), { time: start + 3_900_000 });
  assert.deepEqual(place("+90s", start, true, now), { time: start + 90_000 });
  // What has not come yet cannot be meant.
  assert.deepEqual(place("22:10", start, true, now), { time: Date.UTC(2026, 0, 31, 22, 10) });
  for (const none of ["", "x", "25:00", "12:61", "+", "-5", "2026-13-01 10:00", "2026-01-00 10:00", "2026-00-01 10:00"]) {
    assert.equal(place(none, start, true, now), null, none);
  }
});

test("a fragment names a line or a range, and nothing else does", () => {
  assert.deepEqual(linesIn("#L120-L140"), [120, 140]);
  assert.deepEqual(linesIn("#L140-120"), [120, 140]);
  assert.deepEqual(linesIn("#L7"), [7, 7]);
  for (const none of ["", "#", "#L", "#L0", "#L-1", "#L1x", "#L1-", "#x"]) assert.equal(linesIn(none), null, none);
  assert.deepEqual(linesIn(fragmentOf(3, 9)), [3, 9]);
  assert.equal(fragmentOf(3, 3), "#L3");
});

test("a colour that can't be read is made one that can", () => {
  for (const ground of [[15, 17, 19], [253, 253, 252], ...Array.from({ length: 256 }, (_, n) => paletteColour(n))]) {
    assert.ok(contrast(onGround(ground), ground) >= 4.5);
    for (let n = 0; n < 4096; n += 5) {
      const colour = [(n & 15) * 17, ((n >> 4) & 15) * 17, (n >> 8) * 17];
      assert.ok(contrast(readable(colour, ground), ground) >= 4.5);
    }
  }
  assert.deepEqual(readable([255, 200, 0], [15, 17, 19]), [255, 200, 0]);
});
