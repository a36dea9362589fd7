// A line of a terminal: characters in columns, each with its look. As long as a line is only written on, as nearly all
// are, it is a few stretches of text; it becomes cells where something is changed within.

import { PLAIN } from "./sgr.js";
import { widthOf } from "./widths.js";

/** @typedef {import("./sgr.js").Style} Style */
/** @typedef {{text: string, style: Style, link: string | null}} Run */

/** @type {Run} */
const BLANK = Object.freeze({ text: " ", style: PLAIN, link: null });

/** The cells of one look that were made last for lines that are inserted into: moving cells that are old already takes less time.
 * @type {{style: Style, link: string | null, cells: Map<string, Run>}} */
let made = { style: PLAIN, link: null, cells: new Map() };
/** How many of them are kept. */
const MADE = 4_096;

/** @param {string} text a character @param {Style} style @param {string | null} link @returns {Run} never to be changed */
function sharedCell(text, style, link) {
  if (made.style !== style || made.link !== link || made.cells.size > MADE) made = { style, link, cells: new Map() };
  let cell = made.cells.get(text);
  if (!cell) made.cells.set(text, (cell = { text, style, link }));
  return cell;
}

/** The most columns, and pieces of one look, that a line shows. */
export const COLUMNS = 10_000;
export const RUNS = 400;
/** The most marks that join one character. */
const MARKS = 16;

/** Makes one picture of the characters before and behind it. */
const JOINER = "\u200d";

/** Characters that take one column each. */
const SIMPLE = /^[\t\x20-\u02ff]*$/;

/** How many columns a text takes.
 * @param {string} text */
export const columnsOf = (text) => SIMPLE.test(text) ? text.length : widths(text).reduce((sum, [, width]) => sum + width, 0);

/** A text's characters, each with the columns that it takes: none for what a joiner adds to the one before.
 * @param {string} text @returns {[character: string, width: number][]} */
export function widths(text) {
  if (SIMPLE.test(text)) return [...text].map((character) => [character, 1]);
  let before = "";
  return [...text].map((character) => {
    const width = before === JOINER ? 0 : widthOf(/** @type {number} */ (character.codePointAt(0)));
    before = character;
    return [character, width];
  });
}

export class Line {
  /** @type {Run[] | null} */ #runs = [];
  /** Each with one character. One of two columns is followed by an empty cell.
   * @type {Run[]} */
  #cells = [];
  #isInserted = false;
  #length = 0;
  /** The columns that were written on, also those that aren't kept. */
  #widest = 0;

  get widest() {
    return this.#widest;
  }

  /** Another line of the same content.
   * @param {Line} other */
  take(other) {
    this.#runs = other.#runs && other.#runs.map((run) => ({ ...run }));
    this.#cells = other.#cells.slice();
    this.#length = other.#length;
    this.#widest = other.#widest;
  }

  /** Writes over what is there, and gives the column behind it.
   * @param {number} column @param {string} text @param {Style} style @param {string | null} link
   * @param {number} limit of columns that are kept @returns {number} */
  put(column, text, style, link, limit) {
    const isSimple = SIMPLE.test(text);
    if (isSimple && this.#runs && column <= limit) {
      const isWhole = column === 0 && text.length >= this.#widest;
      if (isWhole) this.clear();
      if (column >= this.#length) {
        if (column > this.#length) this.#append(" ".repeat(column - this.#length), PLAIN, null);
        this.#append(text.length > limit - column ? text.slice(0, limit - column) : text, style, link);
        this.#widest = Math.max(this.#widest, column + text.length);
        return column + text.length;
      }
    }
    this.#toCells();
    for (const [character, width] of widths(text)) {
      if (width === 0) this.#join(column, character);
      else if (column + width <= limit) this.#set(column, character, width, style, link);
      column += width;
    }
    this.#length = this.#cells.length;
    this.#widest = Math.max(this.#widest, column);
    return column;
  }

  /** @param {string} text @param {Style} style @param {string | null} link */
  #append(text, style, link) {
    if (!text) return;
    const runs = /** @type {Run[]} */ (this.#runs);
    const last = runs.at(-1);
    if (last && last.style === style && last.link === link) last.text += text;
    else runs.push({ text, style, link });
    this.#length += text.length;
  }

  #toCells() {
    if (!this.#runs) return;
    for (const { text, style, link } of this.#runs) {
      for (let i = 0; i < text.length; i++) this.#cells.push({ text: text[i], style, link });
    }
    this.#runs = null;
  }

  /** @param {number} at @param {string} text a character @param {number} width @param {Style} style @param {string | null} link */
  #set(at, text, width, style, link) {
    const cells = this.#cells;
    while (cells.length < at) cells.push(BLANK);
    // What is left of a wide character that is written over by half.
    if (cells[at]?.text === "" && at > 0 && columnsOf(cells[at - 1].text) === 2) cells[at - 1] = BLANK;
    if (cells[at + width]?.text === "") cells[at + width] = BLANK;
    cells[at] = this.#isInserted ? sharedCell(text, style, link) : { text, style, link };
    if (width === 2) cells[at + 1] = { text: "", style, link };
  }

  /** Puts a mark on the character before the column.
   * @param {number} column @param {string} mark */
  #join(column, mark) {
    const at = this.#cells[column - 1]?.text === "" ? column - 2 : column - 1;
    const cell = this.#cells[at];
    if (cell && cell.text.length < MARKS) this.#cells[at] = { ...cell, text: cell.text + mark };
  }

  clear() {
    this.#runs = [];
    this.#cells = [];
    this.#length = this.#widest = 0;
  }

  /** Erases from the column to the end.
   * @param {number} column */
  cut(column) {
    if (column <= 0) return this.clear();
    this.#widest = Math.min(this.#widest, column);
    if (column >= this.#length) return;
    this.#length = column;
    if (this.#runs) {
      let left = column;
      this.#runs = this.#runs.filter((run) => {
        run.text = run.text.slice(0, left);
        left -= run.text.length;
        return run.text !== "";
      });
      return;
    }
    this.#cells.length = column;
  }

  /** Erases columns and leaves blanks.
   * @param {number} from @param {number} to behind the last one */
  erase(from, to) {
    if (from >= this.#length) return;
    this.#toCells();
    this.#cells.fill(BLANK, from, Math.min(to, this.#length));
  }

  /** Moves what follows the column to the right.
   * @param {number} column @param {number} count of blanks @param {number} limit of columns that are kept */
  insert(column, count, limit) {
    if (column >= this.#length) return;
    this.#toCells();
    this.#isInserted = true;
    const blanks = Math.min(count, limit - column);
    // What is moved out goes before, so that the list doesn't grow for it.
    if (this.#length + blanks > limit) this.#cells.length = limit - blanks;
    this.#cells.splice(column, 0, ...new Array(blanks).fill(BLANK));
    this.#length = this.#cells.length;
    this.#widest = Math.min(limit, Math.max(this.#widest, this.#length));
  }

  /** Takes columns out.
   * @param {number} column @param {number} count */
  remove(column, count) {
    if (column >= this.#length) return;
    this.#toCells();
    this.#cells.splice(column, count);
    this.#widest -= this.#length - this.#cells.length;
    this.#length = this.#cells.length;
  }

  /** Takes no more memory than its text needs, where each character takes one column. */
  compact() {
    if (this.#runs || !this.#cells.every(({ text }) => text.length === 1 && SIMPLE.test(text))) return this;
    const { runs } = this.rendered(Infinity);
    [this.#runs, this.#cells] = [runs, []];
    return this;
  }

  /** @param {number} columns @returns {{runs: Run[], text: string, clipped: number}} */
  rendered(columns) {
    const clipped = Math.max(0, this.#widest - columns);
    /** @type {Run[]} */
    const runs = [];
    let text = "";
    for (const run of this.#runs ?? this.#cells) {
      if (!run.text) continue;
      const last = runs.at(-1);
      if (last && ((last.style === run.style && last.link === run.link) || runs.length >= RUNS)) last.text += run.text;
      else runs.push({ ...run });
      text += run.text;
    }
    return { runs, text, clipped };
  }
}
