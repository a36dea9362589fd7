// Which lines of a log a search finds, and which rows.

import { plain, render } from "./ansi.js";
import { PIECES } from "./blocks.js";
import { textOf } from "./event-text.js";
import { COLUMNS } from "./line.js";
import { marks } from "./marks.js";
import { needsScreen } from "./row-check.js";
import { overwritten } from "./overwritten.js";
import { RowFinder } from "./row-finder.js";
import { BETWEEN, CONTROL, WITHIN } from "./sequences.js";
import { PLAIN } from "./sgr.js";

/** Whether a message moves the cursor.
 * @param {string} message */
const moves = (message) => CONTROL.test(message) && (BETWEEN.test(message) || WITHIN.test(message));

/** Of a line that is longer, in characters, so much is looked at at once: what matches across that isn't found. */
const LONGEST = 1 << 21;

/** What a search found in a portion of a log: the lines that match, the events that go on with a line, the events that began rows that
 * match though no line on them does, and those of such rows that may still change; it says of these all that there are.
 * @typedef {{lines: number[], pieces: number[], rows: number[], shown: number[]}} Found */

/** Finds the lines that match, and the rows. A line that was cut into pieces is looked at whole, once its last piece is there. */
export class Finder {
  #expression;
  #triesMarks;
  #inverts;
  #columns;
  /** The event that a line began with that goes on, and whether what was looked at of it matches; 0 if none does. */
  #line = 0;
  #isFound = false;
  /** What has come of it that wasn't looked at yet: its text, and its events. */
  #text = "";
  /** @type {string[]} */ #pieces = [];
  #first = 0;
  /** @type {RowFinder | null} */ #rows;

  /** @param {RegExp} expression global @param {boolean} triesMarks whether a match may take for ever
   * @param {boolean} [inverts] whether it finds the others: lines alone
   * @param {import("./screen.js").Size} [size] of the command's terminal */
  constructor(expression, triesMarks, inverts = false, size) {
    this.#expression = expression;
    this.#triesMarks = triesMarks && !inverts;
    this.#inverts = inverts;
    this.#columns = size?.columns ?? Infinity;
    this.#rows = inverts ? null : new RowFinder((text) => this.#matchesRow(text), size);
  }

  /** Each call goes on where the one before it ended.
   * @param {string} text lines, joined by newlines
   * @param {number} first @returns {Found} */
  find(text, first) {
    /** @type {[number[], number[]]} */
    const [lines, pieces] = [[], []];
    let offset = first;
    for (const line of text.split("\n")) {
      const message = messageIn(line);
      if (message === null) {
        // What follows a piece and is no output ends its line.
        if (this.#line) this.#end("", lines);
        const matches = line !== "" && this.#matches(textOf(JSON.parse(line)) ?? "") !== this.#inverts;
        if (matches) lines.push(offset);
        this.#rows?.take({ first: offset, pieces: [line], isFound: matches });
      } else {
        if (this.#line) pieces.push(offset);
        this.#line ||= offset;
        this.#first ||= offset;
        this.#pieces.push(line);
        if (!goesOn(line) || offset % PIECES === 0) this.#end(message, lines);
        else if (this.#text.length < LONGEST) this.#text += message;
        else this.#look(message, lines);
      }
      offset++;
    }
    const { settled: rows, shown } = this.#rows?.rows() ?? { settled: [], shown: [] };
    return { lines, pieces, rows, shown };
  }

  /** @param {string} last the last piece @param {number[]} found */
  #end(last, found) {
    this.#look(last, found);
    if (this.#inverts && !this.#isFound) found.push(this.#line);
    this.#isFound = false;
    this.#line = 0;
  }

  /** Looks at what has come of a line.
   * @param {string} last the last piece @param {number[]} found */
  #look(last, found) {
    const line = this.#text + last;
    const text = plain(line);
    const isRow = !CONTROL.test(line) || !needsScreen(line, this.#columns);
    const matches = (isRow && this.#matches(text)) || (moves(line) && overwritten(line).some((part) => this.#matches(part)));
    if (matches !== this.#inverts) this.#tryMarks(text.length > COLUMNS ? render(line, PLAIN).text : text);
    if (matches && !this.#isFound && !this.#inverts) found.push(this.#line);
    this.#isFound ||= matches;
    this.#rows?.take({ first: this.#first, pieces: this.#pieces, isFound: matches });
    this.#text = "";
    this.#pieces = [];
    this.#first = 0;
  }

  /** @param {string} text */
  #matchesRow(text) {
    const matches = this.#matches(text);
    if (matches) this.#tryMarks(text);
    return matches;
  }

  /** The page will mark what matches on a row, and can't be stopped there: what takes too long must do so here.
   * @param {string} text */
  #tryMarks(text) {
    if (this.#triesMarks) marks(this.#expression, text);
  }

  /** @param {string} text */
  #matches(text) {
    this.#expression.lastIndex = 0;
    return this.#expression.test(text);
  }
}

/** Whether the line is a piece of one that the next event goes on with.
 * @param {string} line */
const goesOn = (line) => line.includes('"partial":true') && JSON.parse(line).partial === true;

/** A line's text; null for what is no line of output. Most need no JSON parser.
 * @param {string} line */
export function messageIn(line) {
  const key = line.indexOf('"message":"');
  if (key < 0 || line.length === 0) return null;
  const start = key + 11;
  if (!line.includes("\\", start) && key < 80 && !line.includes('"type"')) {
    const end = line.indexOf('"', start);
    return line.slice(start, end);
  }
  const event = JSON.parse(line);
  return event.type === undefined || event.type === "line" ? event.message : null;
}
