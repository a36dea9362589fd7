// Copying to the clipboard. It is loaded when lines are selected.

import { BLOCK, blockOf } from "./blocks.js";
import { make } from "./page.js";

/** The most lines that are copied at once. */
const COPIED = 100_000;

/** Copies the lines as a reader sees them, also those that aren't held.
 * @param {number} first @param {number} last @param {import("./source.js").Source} source
 * @param {import("./blocks.js").BlockStore} store @param {import("./rows.js").Rows} rows */
export async function copyLines(first, last, source, store, rows) {
  if (last - first >= COPIED) throw new Error(`At most ${COPIED} lines can be copied: download the log instead.`);
  const take = (/** @type {number} */ at, /** @type {string[]} */ lines) => store.add(at, lines);
  /** @type {string[]} */
  const texts = [];
  for (let row = rows.start(first); row <= last; row = rows.last(row) + 1) {
    // A line may go on in the next block.
    for (const k of [blockOf(row), blockOf(row + 1)]) {
      if (!store.holds(k)) await source.fetch(k * BLOCK, BLOCK, take);
    }
    texts.push(rows.text(row) ?? "");
  }
  await copyText(texts.join("\n") + "\n");
}

/** @param {string} text */
export async function copyText(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  // Over plain HTTP a browser has no clipboard but this.
  const area = make("textarea", "unseen");
  area.value = text;
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  document.execCommand("copy");
  area.remove();
}
