// Asks tmux what it shows of the outputs, and stores it: node Tests/Viewer/captures.mjs

import { writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

import { outputs } from "./outputs.mjs";
import { captures } from "./tmux.mjs";

const all = outputs();
const shown = captures(Object.values(all));
const stored = Object.fromEntries(Object.keys(all).map((name, i) => [name, shown[i]]));
writeFileSync(new URL("captures.json.gz", import.meta.url), gzipSync(JSON.stringify(stored), { level: 9 }));
