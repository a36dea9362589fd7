// A terminal of one line: it obeys what moves and changes within a line, and drops the rest.

import { COLUMNS, columnsOf, Line, widths } from "./line.js";
import { BROKEN, CONTROL, CSI, OTHER, STRING, webAddress } from "./sequences.js";
import { carried, looks, PLAIN, select, setsOf } from "./sgr.js";

/** @typedef {import("./sgr.js").Style} Style */

/** The last column that a sequence moves the cursor to where no text is: about as wide as terminals get. */
const REACH = 999;
const TAB = 8;
/** The most columns that one event skips before what it writes, where no width says how many there are. */
const SKIPPED = 1 << 20;
/** The most times that a character is repeated by a sequence. */
const REPEATED = 1_000;
const NEXT_CONTROL = new RegExp(CONTROL.source, "g");
/** What the letters from `_` to `~` are while lines are drawn with them. */
const DRAWN = [..." ◆▒␉␌␍␊°±␤␋┘┐┌└┼⎺⎻─⎼⎽├┤┴┬│≤≥π≠£·"];

export class LineTerminal {
  column = 0;
  style;
  /** @type {string | null} */ link = null;
  /** Whether a tab stays a character. */
  keepsTabs = false;
  /** What the two sets of characters are, and which is in use. */
  drawing = [false, false];
  set = 0;
  inserts = false;
  limit;
  /** The columns that there are. */
  width = Infinity;
  #line = new Line();
  #last = "";
  #skipped = 0;

  /** @param {Style} style @param {number} [limit] of columns that are kept */
  constructor(style, limit = COLUMNS) {
    this.style = looks(style);
    [this.drawing, this.set] = setsOf(style);
    this.limit = limit;
  }

  /** What the next line begins with. */
  get left() {
    return carried(this.style, this.drawing, this.set);
  }

  /** The line that the cursor is on. @returns {Line} */
  get line() {
    return this.#line;
  }

  /** The same line, to be written on. @returns {Line} */
  get written() {
    return this.#line;
  }

  /** @param {string} message */
  write(message) {
    this.#skipped = 0;
    let position = 0;
    while (position < message.length) {
      NEXT_CONTROL.lastIndex = position;
      const end = NEXT_CONTROL.exec(message)?.index ?? message.length;
      if (end > position) this.#text(message.slice(position, end));
      position = end < message.length ? this.#control(message, end) : end;
    }
  }

  /** The last column that a cursor is sent to where no text is. */
  get #edge() {
    return Math.min(REACH, this.width - 1);
  }

  /** @param {string} text */
  #text(text) {
    if (this.keepsTabs || !text.includes("\t")) return this.#put(text);
    text.split("\t").forEach((part, i) => {
      if (i > 0) this.column = Math.max(this.column, Math.min(this.#edge, (Math.floor(this.column / TAB) + 1) * TAB));
      if (part) this.#put(part);
    });
  }

  /** @param {string} text */
  #put(text) {
    this.#last = /[\ud800-\udbff]?.$/su.exec(text)?.[0] ?? "";
    if (this.drawing[this.set]) text = text.replace(/[_-~]/g, (letter) => DRAWN[letter.charCodeAt(0) - 95]);
    if (this.width === Infinity) return this.#putHere(text);
    let [begin, at, end] = [0, 0, this.column];
    for (const [character, width] of widths(text)) {
      if (end + width > this.width) {
        this.#putHere(text.slice(begin, at));
        const isKept = this.wrap(width);
        [begin, end] = [isKept ? at : at + character.length, this.column - (isKept ? 0 : width)];
      }
      at += character.length;
      end += width;
    }
    this.#putHere(text.slice(begin));
  }

  /** @param {string} text that the row has room for */
  #putHere(text) {
    if (!text) return;
    const line = this.written;
    if (this.width === Infinity && this.column > line.widest && (this.#skipped += this.column - line.widest) > SKIPPED) {
      this.column = line.widest;
    }
    if (this.inserts) line.insert(this.column, columnsOf(text), this.limit);
    this.column = line.put(this.column, text, this.style, this.link, this.limit);
  }

  /** Makes room where a row is full; gives whether what needs it is shown.
   * @param {number} _columns that are needed */
  wrap(_columns) {
    return true;
  }

  /** Obeys or drops what begins at `at`, and gives where it ends.
   * @param {string} message @param {number} at */
  #control(message, at) {
    if (message[at] !== "\x1b") {
      this.#last = "";
      this.control(message[at]);
      return at + 1;
    }
    CSI.lastIndex = BROKEN.lastIndex = STRING.lastIndex = OTHER.lastIndex = at;
    const csi = CSI.exec(message);
    if (csi) {
      if (!csi[2]) this.#command(csi[3], csi[1]);
      this.#last = "";
      return CSI.lastIndex;
    }
    this.#last = "";
    const broken = BROKEN.exec(message);
    if (broken) {
      const [, inside, final] = broken;
      for (const character of inside) if (character < " ") this.control(character);
      const parameters = inside.replace(/[\x00-\x1f]/g, "");
      if (final && /^[0-?]*$/.test(parameters)) this.#command(final, parameters);
      return BROKEN.lastIndex;
    }
    const string = STRING.exec(message);
    if (string) {
      if (string[1] === "]" && string[2].startsWith("8;")) this.link = webAddress(string[2].slice(string[2].indexOf(";", 2) + 1));
      return STRING.lastIndex;
    }
    // A sequence that never ends hides nothing: only its introducer goes.
    this.escape(OTHER.exec(message)?.[0].slice(1) ?? "");
    return OTHER.lastIndex;
  }

  /** @param {string} character */
  control(character) {
    if (character === "\r") this.column = 0;
    else if (character === "\b") this.column = Math.max(0, this.column - 1);
    else if (character === "\x0e" || character === "\x0f") this.set = character === "\x0e" ? 1 : 0;
  }

  /** @param {string} sequence without its introducer */
  escape(sequence) {
    const set = /^([()])([0B])$/.exec(sequence);
    if (set) this.drawing[set[1] === "(" ? 0 : 1] = set[2] === "0";
    if (sequence !== "c") return;
    this.style = PLAIN;
    this.drawing = [false, false];
    this.inserts = false;
  }

  /** @param {string} final @param {string} parameters */
  #command(final, parameters) {
    if (final === "m") this.style = select(parameters, this.style);
    else if (/^[\d;]*$/.test(parameters)) this.command(final, parameters.split(";").map((digits) => Number(digits.slice(0, 6))));
    else if (/^\?[\d;]*$/.test(parameters) && (final === "h" || final === "l")) {
      for (const mode of parameters.slice(1).split(";")) this.mode(Number(mode.slice(0, 6)), final === "h");
    }
  }

  /** @param {string} final @param {number[]} numbers; 0 where none was given */
  command(final, [number]) {
    const count = number || 1;
    const farthest = this.width < Infinity ? this.#edge : Math.max(this.line.widest, REACH);
    switch (final) {
      case "C": case "a":
        this.column = this.column === this.width ? farthest : Math.max(this.column, Math.min(farthest, this.column + count));
        break;
      case "D": this.column = Math.max(0, this.column - count); break;
      case "G": case "`": this.column = Math.min(farthest, count - 1); break;
      case "Z": this.column = Math.max(0, (Math.ceil(this.column / TAB) - count) * TAB); break;
      case "K": this.#erase(number); break;
      // Nothing is below.
      case "J": if (number === 0) this.#erase(0); break;
      case "@": this.written.insert(this.column, count, this.limit); break;
      case "P": this.written.remove(this.column, count); break;
      case "X": this.written.erase(this.column, this.column + count); break;
      case "b": if (this.#last) this.#put(this.#last.repeat(Math.min(count, REPEATED, this.width - this.column))); break;
      case "h": case "l": if (number === 4) this.inserts = final === "h"; break;
    }
  }

  /** Sets or resets one of the modes that only some terminals have.
   * @param {number} _mode @param {boolean} _isSet */
  mode(_mode, _isSet) {}

  /** @param {number} part */
  #erase(part) {
    if (part === 0) this.written.cut(this.column);
    else if (part === 1) this.written.erase(0, this.column + 1);
    else if (part === 2) this.written.clear();
  }
}
