// Holds the screen against tmux on more random outputs than the tests do: node Tests/Viewer/seeds.mjs FIRST LAST [LENGTH]

import { output } from "./outputs.mjs";
import { captured, captures, shown } from "./tmux.mjs";

const [first, last, length = 1] = process.argv.slice(2).map(Number);
if (!(first >= 1 && last >= first && length >= 1)) {
  console.error("usage: node Tests/Viewer/seeds.mjs FIRST LAST [LENGTH]   LENGTH times as long as usual");
  process.exit(64);
}

/** How many of them one tmux shows. */
const PORTION = 200;
const different = [];
for (let from = first; from <= last; from += PORTION) {
  const seeds = Array.from({ length: Math.min(PORTION, last + 1 - from) }, (_, i) => from + i);
  captures(seeds.map((seed) => output(seed, length))).forEach((capture, i) => {
    if (JSON.stringify(shown(output(seeds[i], length))) !== JSON.stringify(captured(capture))) different.push(seeds[i]);
  });
  console.log(`${from + seeds.length - first} of ${last + 1 - first}, different: ${different.join(" ") || "none"}`);
}
process.exit(different.length > 0 ? 1 : 0);
