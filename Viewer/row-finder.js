// Finds rows of a screen that match though none of the events that wrote on them does by itself.

import { COLUMNS } from "./line.js";
import { Screen, UNKNOWN } from "./screen.js";
import { eventNeedsScreen } from "./row-check.js";

/** How many characters are kept of what may be on a screen, as long as nothing moves on it. */
const KEPT = 8 << 20;

/** @typedef {import("./screen-line.js").ScreenLine} ScreenLine */
/** A line, with the pieces that it was cut into, as events. `isFound`: whether it matches by itself.
 * @typedef {{first: number, pieces: string[], isFound: boolean}} Written */

export class RowFinder {
  #size;
  #matches;
  /** The newest lines: they are on the screen as soon as something moves there.
   * @type {Written[]} */
  #recent = [];
  #kept = 0;
  /** Null as long as each line stays as it was written.
   * @type {Screen | null} */
  #screen = null;
  /** How many lines came since one moved. */
  #resting = 0;
  /** Rows on which something wrote that was found.
   * @type {WeakSet<ScreenLine>} */
  #found = new WeakSet();
  /** Rows on which something wrote that moves.
   * @type {WeakSet<ScreenLine>} */
  #moved = new WeakSet();
  /** @type {(row: ScreenLine) => void} */ #note = () => {};
  /** @type {number[]} */ #settled = [];

  /** @param {(text: string) => boolean} matches @param {import("./screen.js").Size} [size] of the screen */
  constructor(matches, size = UNKNOWN) {
    this.#matches = matches;
    this.#size = size;
  }

  /** Takes the log's next line.
   * @param {Written} written */
  take(written) {
    this.#recent.push(written);
    this.#kept += sizeOf(written);
    while (this.#recent.length > this.#size.rows || (this.#kept > KEPT && this.#recent.length > 1)) {
      this.#kept -= sizeOf(/** @type {Written} */ (this.#recent.shift()));
    }
    const moves = written.pieces.some((piece, i) => eventNeedsScreen(piece, this.#size.columns, written.pieces[i - 1]));
    this.#resting = moves ? 0 : this.#resting + 1;
    if (this.#screen) {
      this.#write(this.#screen, written, moves);
      if (this.#resting > this.#size.rows && this.#screen.isAtRest) this.#screen = null;
    } else if (moves) {
      this.#screen = new Screen((row) => this.#settle(row), this.#size);
      for (const before of this.#recent) this.#write(this.#screen, before, before === written);
    }
  }

  /** @param {Screen} screen @param {Written} written @param {boolean} moves */
  #write(screen, { first, pieces, isFound }, moves) {
    this.#note = (row) => {
      if (row.last < first) return;
      if (isFound) this.#found.add(row);
      if (moves) this.#moved.add(row);
    };
    pieces.forEach((piece, i) => {
      screen.take(piece ? JSON.parse(piece) : { offset: first + i, timestamp: NaN, type: "missing" });
    });
    for (const row of screen.rows) this.#note(row);
  }

  /** @param {ScreenLine} row */
  #settle(row) {
    this.#note(row);
    if (this.#isHit(row)) this.#settled.push(row.first);
  }

  /** @param {ScreenLine} row */
  #isHit(row) {
    if (this.#found.has(row) || (row.writers < 2 && !this.#moved.has(row))) return false;
    return this.#matches(row.rendered(COLUMNS).text);
  }

  /** The events that began such rows: those that have been settled since this was called last, and those that are on the screen now. */
  rows() {
    const settled = this.#settled;
    this.#settled = [];
    return { settled, shown: (this.#screen?.rows ?? []).filter((row) => this.#isHit(row)).map(({ first }) => first) };
  }
}

/** @param {Written} written */
const sizeOf = ({ pieces }) => pieces.reduce((sum, piece) => sum + piece.length, 0);
