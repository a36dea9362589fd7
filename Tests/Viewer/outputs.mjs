// Outputs that move the cursor about: random ones, the same for the same seed.

import { progress } from "./progress.mjs";
import { random } from "./support.mjs";

const E = "\x1b";
const WORDS = ["building", "a", "ok ", "=> [2/5] RUN", "e\u0301te", "0123456789", "done.", "x\ty", "▕██  ▏", "-"];
const WIDE = ["+漢字", "+🙂!", "+한글", "+：）", "+가각"];
/** What may leave half of a wide character. */
const CUTS = /\[[^m]*[@PX]|\[4h|\[1[JK]/;

/** Random text and sequences, weighted so that rows meet; so many times as long as usual. */
export function output(seed, length = 1) {
  const next = random(seed * 7919 + 1);
  for (let i = 0; i < 5; i++) next();
  const below = (n) => Math.floor(next() * n);
  const some = (list) => list[below(list.length)];
  const number = () => some(["", "1", "2", "3", "5", String(below(60))]);
  // Left out is what tmux does otherwise than it means to: after a reset, where \x1b8 restores a mode that was saved before
  // it; rows put in below the scrolling region that are more than half of what is there (hence up by eight first); and halves of
  // wide characters that were cut or inserted
  // into, which terminals treat as they like.
  const alternate = some(["47", "1047", "1049"]);
  const sequences = [
    () => `${E}[${number()}A`, () => `${E}[${number()}A`, () => `${E}[${number()}B`, () => `${E}[${number()}C`, () => `${E}[${number()}D`,
    () => `${E}[${number()}E`, () => `${E}[${number()}F`, () => `${E}[${number()}G`, () => `${E}[${number()};${number()}H`,
    () => `${E}[${number()}d`, () => `${E}[${some(["", "0", "1", "2"])}J`, () => `${E}[${some(["", "0", "1", "2"])}K`,
    () => `${E}[8A${E}[${some(["", "1", "2", "4"])}L`, () => `${E}[${number()}M`, () => `${E}[${number()}@`, () => `${E}[${number()}P`, () => `${E}[${number()}X`,
    () => `${E}[${some(["", "1", "2", "4"])}S`, () => `${E}[${some(["", "1", "2", "4"])}T`, () => `${E}[${below(12)};${1 + below(55)}r`, () => `${E}[r`,
    () => `${E}7`, () => `${E}8`, () => `${E}[s`, () => `${E}[u`, () => `${E}D`, () => `${E}E`, () => `${E}M`, () => "\r", () => "\b", () => "\v",
    () => `-${E}[${some(["", "3", "9"])}b`, () => `${E}[${number()}Z`, () => `${E}[?6${some("hl")}`, () => `${E}[4${some("hlll")}`,
    () => `${E}[?${alternate}h`, () => `${E}[?${alternate}l`, () => `${E}[?6l${E}7${E}c`, () => "\f",
  ];
  const isWide = next() < 0.5;
  const kinds = Array.from({ length: 3 + below(sequences.length) }, () => some(sequences));
  const words = isWide ? [...WORDS, ...WIDE] : WORDS;
  const looks = [`${E}[31m`, `${E}[1;34m`, `${E}[38;5;208m`, `${E}[0m`, `${E}[7m`, `${E}[m`, `${E}[4;38;2;1;2;3m`];
  let text = "";
  for (let i = (20 + below(200)) * length; i > 0; i--) {
    const kind = next();
    if (kind < 0.4) text += some(words) + (next() < 0.3 ? below(100) : "");
    else if (kind < 0.6) text += "\n".repeat(next() < 0.05 ? below(60) : 1);
    else if (kind < 0.66) text += some(looks);
    else {
      const sequence = some(kinds)();
      if (!isWide || !CUTS.test(sequence)) text += sequence;
    }
  }
  return text;
}

/** All outputs that the screen is held against tmux with, by name. */
export function outputs() {
  const all = Object.entries(progress).map(([name, make]) => [name, make()]);
  for (let seed = 1; seed <= 600; seed++) all.push([`random ${seed}`, output(seed)]);
  return Object.fromEntries(all);
}
