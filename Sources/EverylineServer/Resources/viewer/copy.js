// Copying lines and text to the clipboard. It is loaded when something is selected.

import { BLOCK, blockOf } from "./blocks.js";
import { byId, make } from "./page.js";

/** The most lines that are copied at once. */
const COPIED = 100_000;

byId("log").addEventListener("copy", (event) => {
  const chosen = getSelection();
  if (!chosen || chosen.isCollapsed || !event.clipboardData) return;
  event.clipboardData.setData("text/plain", textIn(chosen.getRangeAt(0)));
  event.preventDefault();
});

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

/** The rows' text in a range, a line each: a browser's own text of it has no empty lines.
 * @param {Range} range */
function textIn(range) {
  const texts = [...document.querySelectorAll(".row:not([hidden]) .text")];
  return texts.filter((text) => range.intersectsNode(text)).map((text) => {
    const part = range.cloneRange();
    if (!text.contains(part.startContainer)) part.setStart(text, 0);
    if (!text.contains(part.endContainer)) part.setEnd(text, text.childNodes.length);
    return part.toString();
  }).join("\n");
}
