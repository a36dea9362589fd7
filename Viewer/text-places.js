// Places in text: of characters as a reader sees them, of words, in what is drawn, and under the pointer.

/** @typedef {import("./copy.js").Point} Point */

const WORD = /[\p{L}\p{M}\p{N}_]+|\s+|[^\p{L}\p{M}\p{N}_\s]/gu;
const CHARACTERS = new Intl.Segmenter();

/** The word at a place, or what stands between two.
 * @param {string} text @param {number} column */
export function wordAt(text, column) {
  for (const { 0: word, index = 0 } of text.matchAll(WORD)) {
    if (index + word.length > column) return { from: index, to: index + word.length };
  }
  return { from: text.length, to: text.length };
}

/** Where the character before a place begins: one that a reader sees, whatever it is made of.
 * @param {string} text @param {number} column */
export const characterBefore = (text, column) => (column > 0 ? CHARACTERS.segment(text).containing(column - 1)?.index ?? 0 : 0);

/** Where the character behind a place ends.
 * @param {string} text @param {number} column */
export function characterAfter(text, column) {
  const found = CHARACTERS.segment(text).containing(column);
  return found ? found.index + found.segment.length : text.length;
}

/** Where the word before a place begins.
 * @param {string} text @param {number} column */
export function wordBefore(text, column) {
  let begin = 0;
  for (const { 0: word, index = 0 } of text.matchAll(WORD)) {
    if (index >= column) break;
    if (word.trim()) begin = index;
  }
  return begin;
}

/** Where the word behind a place ends.
 * @param {string} text @param {number} column */
export function wordAfter(text, column) {
  for (const { 0: word, index = 0 } of text.matchAll(WORD)) {
    if (index + word.length > column && word.trim()) return index + word.length;
  }
  return text.length;
}

/** @param {Point} one @param {Point} other */
export const isSame = (one, other) => one.offset === other.offset && one.column === other.column;
/** @param {Point} one @param {Point} other */
export const isBefore = (one, other) => one.offset < other.offset || (one.offset === other.offset && one.column < other.column);

/** The node and the place in it that a column of a drawn row is at.
 * @param {HTMLElement} row @param {number} column */
export function placeIn(row, column) {
  const text = /** @type {HTMLElement} */ (row.querySelector(".text"));
  const walker = document.createTreeWalker(text, NodeFilter.SHOW_TEXT);
  let left = column;
  /** @type {Text | null} */
  let node = null;
  while (walker.nextNode()) {
    node = /** @type {Text} */ (walker.currentNode);
    if (left <= node.length) return { node, at: left };
    left -= node.length;
  }
  return node ? { node, at: node.length } : { node: text, at: 0 };
}

/** @param {number} x @param {number} y @returns {{node: Node, at: number} | null} */
export function caretAt(x, y) {
  const page = /** @type {Document & {caretPositionFromPoint?(x: number, y: number): {offsetNode: Node, offset: number} | null}} */ (
    document);
  if (page.caretPositionFromPoint) {
    const caret = page.caretPositionFromPoint(x, y);
    return caret && { node: caret.offsetNode, at: caret.offset };
  }
  // Older browsers have only this.
  const range = page.caretRangeFromPoint(x, y);
  return range && { node: range.startContainer, at: range.startOffset };
}
