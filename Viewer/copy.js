// Text for the clipboard: of lines, or from a place in one to a place in another, whether they are held or not.

import { BLOCK, PIECES } from "./blocks.js";
import { make } from "./page.js";

/** @typedef {{offset: number, column: number}} Point a row's first offset, and a place in its text */
/** `endsLine` says whether a newline follows the last line.
 * @typedef {{from: Point, to: Point, endsLine: boolean}} TextRange */

/** The most characters that are copied at once. */
const CHARACTERS = 64 << 20;

/** The range's text as a reader sees it; null if a part of it isn't held, or where its rows are isn't known yet.
 * @param {TextRange} range @param {import("./blocks.js").BlockStore} store @param {import("./shown-rows.js").ShownRows} rows */
export function heldText(range, store, rows) {
  if (!rows.isLaidOut) return null;
  const { from, to } = range;
  const text = new RangeText(range, rows);
  for (let row = rows.start(from.offset); row <= Math.min(to.offset, rows.end); row = rows.last(row) + 1) {
    if (wanted(row, rows, store).length > 0) return null;
    text.add(row);
  }
  return text.result;
}

/** Reads what isn't held, and gives the range's text. What is read may show that rows are laid out in another way: then, and where
 * other rows are shown meanwhile, it begins anew.
 * @param {() => TextRange} range what it is at present @param {import("./source.js").Source} source
 * @param {import("./blocks.js").BlockStore} store @param {import("./shown-rows.js").ShownRows} rows
 * @param {(share: number) => void} progress @param {AbortSignal} signal */
export async function readText(range, source, store, rows, progress, signal) {
  for (;;) {
    while (!rows.isLaidOut) progress(await laidOut(signal));
    signal.throwIfAborted();
    const { isRaw, filter } = rows;
    const isSame = () => rows.isLaidOut && rows.isRaw === isRaw && rows.filter === filter;
    const text = await readOnce(range(), source, store, rows, progress, signal, isSame);
    if (text !== null) return text;
  }
}

/** Waits until a screen has been read further, and gives the share of the log that it has.
 * @param {AbortSignal} signal @returns {Promise<number>} */
async function laidOut(signal) {
  const event = await new Promise((resolve) => {
    addEventListener("everyline-laid-out", resolve, { once: true });
    signal.addEventListener("abort", resolve, { once: true });
  });
  signal.throwIfAborted();
  return event.detail;
}

/** @param {TextRange} range @param {import("./source.js").Source} source @param {import("./blocks.js").BlockStore} store
 * @param {import("./shown-rows.js").ShownRows} rows @param {(share: number) => void} progress @param {AbortSignal} signal
 * @param {() => boolean} isSame whether rows are what they were when it began
 * @returns {Promise<string | null>} null if they aren't any more */
async function readOnce(range, source, store, rows, progress, signal, isSame) {
  const { from, to } = range;
  const text = new RangeText(range, rows);
  const take = (/** @type {number} */ at, /** @type {string[]} */ lines) => store.add(at, lines);
  const size = source.blocksAtOnce * source.blocksAtOnce * BLOCK;
  for (let row = rows.start(from.offset); row <= Math.min(to.offset, rows.end); row = rows.last(row) + 1) {
    // Each block that a line goes on in may show that it goes on in the next one.
    for (let block = 0, needed; block <= PIECES / BLOCK && (needed = wanted(row, rows, store)).length > 0; block++) {
      for (const k of needed) await source.fetch(k * BLOCK, size, take, signal);
      progress((row - from.offset) / (to.offset - from.offset + 1));
      if (!isSame()) return null;
    }
    signal.throwIfAborted();
    text.add(row);
  }
  return text.result;
}

/** The blocks that have to be read before a row can be: a line may go on in the next one, and a screen's row depends on
 * what was written before and after it.
 * @param {number} begin @param {import("./shown-rows.js").ShownRows} rows @param {import("./blocks.js").BlockStore} store */
const wanted = (begin, rows, store) => (rows.row(begin).needs ?? []).filter((k) => !store.holds(k));

class RangeText {
  /** @type {string[]} */ #lines = [];
  #characters = 0;
  #range;
  #rows;

  /** @param {TextRange} range @param {import("./shown-rows.js").ShownRows} rows */
  constructor(range, rows) {
    this.#range = range;
    this.#rows = rows;
  }

  /** @param {number} row its first offset */
  add(row) {
    const line = selectedText(row, this.#range, this.#rows);
    if (line === null) return;
    // A line that one row has no room for goes on in the next.
    if (this.#rows.row(row).goesOn && this.#lines.length > 0) this.#lines.push(this.#lines.pop() + line);
    else this.#lines.push(line);
    this.#characters += line.length + 1;
    if (this.#characters > CHARACTERS) throw new Error("That is too much text to be copied: download the log instead.");
  }

  get result() {
    return this.#lines.join("\n") + (this.#range.endsLine ? "\n" : "");
  }
}

/** What is selected of a row that is held: nothing (null), where a filter hides the line that the range begins or ends with, and the
 * row only stands for it. What of a line is too long to be shown is selected with its end.
 * @param {number} row its first offset @param {TextRange} range @param {import("./shown-rows.js").ShownRows} rows */
export function selectedText(row, { from, to }, rows) {
  const { first, last, rendered } = rows.row(row);
  if (last < from.offset || first > to.offset) return null;
  const begin = first <= from.offset ? from.column : 0;
  const end = last >= to.offset ? to.column : Infinity;
  const shown = rendered?.text ?? "";
  const isToEnd = end >= shown.length;
  if (begin === 0 && isToEnd) return rows.text(row) ?? "";
  return isToEnd ? (rendered?.clipped ? rows.text(row) ?? shown : shown).slice(begin) : shown.slice(begin, end);
}

/** Whether it could be copied: over plain HTTP a browser lets a page copy only just after a key or a button was pressed.
 * @param {string} text @returns {Promise<boolean>} */
export async function copyText(text) {
  if (navigator.clipboard) {
    return navigator.clipboard.writeText(text).then(() => true, () => false);
  }
  const area = make("textarea", "unseen");
  area.value = text;
  const focused = document.activeElement;
  (document.querySelector("dialog[open]") ?? document.body).append(area);
  area.select();
  const isCopied = document.execCommand("copy");
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return isCopied;
}
