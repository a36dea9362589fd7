// Which events need a screen: those that move the cursor between lines, and, on a terminal whose width is known, those that move it
// within a line that takes more than one row there. The page loads it for the latter.

import { LineTerminal } from "./line-terminal.js";
import { BETWEEN, movesBetweenLines } from "./sequences.js";
import { PLAIN } from "./sgr.js";

/** What may move within a line, in an event's line; it may be found where nothing does. */
const WITHIN_IN_JSON = /\\(?:[rb]|u00(?:0[8dD]|1[bB]\[[\d;]*[@CDGJKPXZ`ab]))/;

/** Notes whether rows of so many columns show a line otherwise than one long row does. */
class RowCheck extends LineTerminal {
  differs = false;
  #columns;

  /** @param {number} columns */
  constructor(columns) {
    super(PLAIN);
    this.#columns = columns;
  }

  /** @param {boolean} differs */
  #note(differs) {
    this.differs ||= differs;
  }

  get written() {
    const { column, line, inserts } = this;
    // A tab ends at the edge, and what is inserted moves nothing to the next row.
    this.#note(column >= this.#columns && (inserts || column > line.widest));
    return super.written;
  }

  /** @param {string} character */
  control(character) {
    this.#note(this.line.widest > this.#columns || (character === "\b" && this.column >= this.#columns));
    super.control(character);
  }

  /** @param {string} final @param {number[]} numbers */
  command(final, numbers) {
    const { column, line: { widest } } = this;
    // What colours its output erases what is behind it, where nothing is.
    if (/[JK]/.test(final) && numbers[0] === 0 && column === widest && column % this.#columns) return;
    this.#note(column >= this.#columns || widest > this.#columns);
    super.command(final, numbers);
    this.#note(this.column >= this.#columns || this.line.widest > this.#columns);
  }
}

/** Whether a message needs a screen.
 * @param {string} message @param {number} columns of the terminal; Infinity where they aren't known */
export function needsScreen(message, columns) {
  if (BETWEEN.test(message)) return true;
  let end = message.length;
  // Nothing follows them.
  while (message[end - 1] === "\r") end--;
  const written = message.slice(0, end);
  if (columns === Infinity || !/[\r\b\x1b]/.test(written)) return false;
  const check = new RowCheck(columns);
  check.write(written);
  return check.differs;
}

/** The same of an event. Where it goes on with a line, what moves within it moves somewhere in that.
 * @param {string} line the event, as JSON @param {number} columns @param {string} [before] the event before it */
export function eventNeedsScreen(line, columns, before) {
  if (movesBetweenLines(line)) return true;
  if (columns === Infinity || !line.includes("\\") || !WITHIN_IN_JSON.test(line)) return false;
  return /"partial":true/.test(before ?? "") || needsScreen(JSON.parse(line).message ?? "", columns);
}
