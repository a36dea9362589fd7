// A search as it was typed, as a test for a line's text.

import { overwritten, plain, render } from "./ansi.js";
import { PIECES } from "./blocks.js";
import { textOf } from "./event-text.js";
import { COLUMNS } from "./line.js";
import { marks } from "./marks.js";
import { BETWEEN, CONTROL, WITHIN } from "./sequences.js";
import { PLAIN } from "./sgr.js";

/** Whether a message moves the cursor to other lines; or at all.
 * @param {string} message */
const movesAway = (message) => CONTROL.test(message) && BETWEEN.test(message);
/** @param {string} message */
const moves = (message) => movesAway(message) || (CONTROL.test(message) && WITHIN.test(message));

/** Of a line that is longer, in characters, so much is looked at at once: what matches across that isn't found. */
const LONGEST = 1 << 21;

/** One that `inverts` looks for the lines that don't match.
 * @typedef {{text: string, isRegex: boolean, matchesCase: boolean, inverts?: boolean}} Query */

/** @param {Query} query @returns {RegExp} global; throws a SyntaxError for what is no expression */
export function compile({ text, isRegex, matchesCase }) {
  const source = isRegex ? text : text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const flags = matchesCase ? "g" : "gi";
  try {
    return new RegExp(source, flags + "u");
  } catch {
    // What only the strict grammar refuses, such as `\\-`.
    return new RegExp(source, flags);
  }
}

/** Finds the lines that match. A line that was cut into pieces is looked at whole, once its last piece is there. */
export class Finder {
  #expression;
  #triesMarks;
  #inverts;
  /** What has come of a line that goes on. */
  #pieces = "";
  #first = 0;

  /** @param {RegExp} expression global @param {boolean} triesMarks whether a match may take for ever
   * @param {boolean} [inverts] whether it finds the others */
  constructor(expression, triesMarks, inverts = false) {
    this.#expression = expression;
    this.#triesMarks = triesMarks && !inverts;
    this.#inverts = inverts;
  }

  /** The offsets of the rows that match and end here; each call goes on where the one before it ended.
   * @param {string} text lines, joined by newlines
   * @param {number} first */
  find(text, first) {
    /** @type {number[]} */
    const found = [];
    let offset = first;
    for (const line of text.split("\n")) {
      const message = messageIn(line);
      if (message === null) {
        // What follows a piece and is no output ends its line.
        if (this.#first) this.#look("", found);
        if (line && this.#matches(textOf(JSON.parse(line)) ?? "") !== this.#inverts) found.push(offset);
      } else {
        this.#first ||= offset;
        if (goesOn(line) && offset % PIECES !== 0 && this.#pieces.length < LONGEST) this.#pieces += message;
        else this.#look(message, found);
      }
      offset++;
    }
    return found;
  }

  /** @param {string} last the last piece @param {number[]} found */
  #look(last, found) {
    const line = this.#pieces + last;
    const text = plain(line);
    const matches = (!movesAway(line) && this.#matches(text)) || (moves(line) && this.#matches(overwritten(line)));
    if (matches !== this.#inverts) {
      // The page will mark what matches on the row, and can't be stopped there: what takes too long must do so here.
      if (this.#triesMarks) marks(this.#expression, text.length > COLUMNS ? render(line, PLAIN).text : text);
      found.push(this.#first);
    }
    this.#pieces = "";
    this.#first = 0;
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
