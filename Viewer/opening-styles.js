// What the blocks of a log begin with, as far as that is known, and what lines do to a style that isn't known yet.

import { styleAfter } from "./ansi.js";
import { looks, PLAIN } from "./sgr.js";

/** @typedef {import("./sgr.js").Style} Style */
/** What lines make of a plain style, and of one in which all is set otherwise. Where both are the same the lines decide it;
 * all else stays what it was before them.
 * @typedef {{plain: Style, full: Style}} Effect */

/** The most stretches of blocks with one style that are kept. */
const STRETCHES = 65_536;

/** @type {Effect} */
export const NOTHING = Object.freeze({ plain: PLAIN, full: Object.freeze({ fg: "", bg: "", flags: 511 }) });

/** @param {Style} one @param {Style} other */
const isSame = (one, other) => one.fg === other.fg && one.bg === other.bg && one.flags === other.flags;

/** Whether it doesn't matter what was before.
 * @param {Effect} effect */
export const isKnown = ({ plain, full }) => isSame(plain, full);

/** The same of looks alone: nearly no line says which characters the letters are, so that to find this out all of a log would be read.
 * @param {Effect} effect */
export const isDecided = ({ plain, full }) => isSame(looks(plain), looks(full));

/** @param {Style} style @param {Effect} effect @returns {Style} */
export const applied = (style, { plain, full }) => ({
  fg: plain.fg === full.fg ? plain.fg : style.fg,
  bg: plain.bg === full.bg ? plain.bg : style.bg,
  flags: plain.flags | (style.flags & full.flags),
});

/** @param {Effect} older @param {Effect} newer @returns {Effect} */
export const joined = (older, newer) => ({ plain: applied(older.plain, newer), full: applied(older.full, newer) });

/** What an event does, and then what follows it.
 * @param {string} line the event, as JSON @param {Effect} next */
export function withEvent(line, next) {
  if (!/\\u00(?:1|0[eEfF])/.test(line)) return next;
  const { type = "line", message = "" } = JSON.parse(line);
  if (type !== "line") return next;
  return joined({ plain: styleAfter(message, NOTHING.plain), full: styleAfter(message, NOTHING.full) }, next);
}

/** Blocks, and what is set where each of them begins. The log itself begins with nothing. */
export class OpeningStyles {
  /** In order; they don't overlap.
   * @type {{first: number, last: number, style: Style}[]} */
  #stretches = [{ first: 0, last: 0, style: PLAIN }];

  /** The last stretch that begins at or before a block.
   * @param {number} k */
  #rankOf(k) {
    let [low, high] = [0, this.#stretches.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#stretches[middle].first <= k) low = middle;
      else high = middle;
    }
    return low;
  }

  /** The last block up to this one of which it is known, and what it begins with.
   * @param {number} k @returns {[number, Style]} */
  before(k) {
    const { last, style } = this.#stretches[this.#rankOf(k)];
    return [Math.min(k, last), style];
  }

  /** @param {number} k @returns {Style | undefined} */
  at(k) {
    const [known, style] = this.before(k);
    return known === k ? style : undefined;
  }

  /** Notes that each of these blocks begins so.
   * @param {number} first @param {number} last @param {Style} style */
  add(first, last, style) {
    const all = this.#stretches;
    let at = this.#rankOf(first);
    if (all[at].last >= last) return;
    if (all[at].last >= first - 1 && isSame(all[at].style, style)) all[at].last = last;
    else all.splice(++at, 0, { first, last, style });
    const stretch = all[at];
    for (let next = all[at + 1]; next && next.first <= stretch.last + 1 && isSame(next.style, style); next = all[at + 1]) {
      stretch.last = Math.max(stretch.last, next.last);
      all.splice(at + 1, 1);
    }
    // Those of the beginning are read again if they are looked at.
    if (all.length > STRETCHES) all.splice(1, STRETCHES / 2);
  }
}
