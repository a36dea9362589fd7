// A terminal's screen: rows that later output may still change. A row that leaves it at the top is settled, and handed on.
// It does what tmux does, except that nothing is ever lost behind it, and that one whose width isn't known has as many columns as a line needs.

import { COLUMNS, Line } from "./line.js";
import { LineTerminal } from "./line-terminal.js";
import { ScreenLine } from "./screen-line.js";
import { unfinished } from "./sequences.js";
import { PLAIN } from "./sgr.js";

/** @typedef {{columns: number, rows: number}} Size */
/** That of a screen whose terminal isn't known.
 * @type {Size} */
export const UNKNOWN = Object.freeze({ columns: Infinity, rows: 50 });

/** @typedef {import("./blocks.js").LogEvent} LogEvent */
/** @typedef {{x: number, y: number, style: import("./sgr.js").Style, drawing: boolean[], set: number,
 *   isOrigin: boolean}} Place */
/** @typedef {{rows: ScreenLine[], place: Place, top: number, bottom: number, inserts: boolean, wraps: boolean, saved: Place,
 *   entered: [number, number, import("./sgr.js").Style] | null, covered: ScreenLine[] | null, begun: string, time: number}} ScreenState */

/** @type {Place} */
const HOME = Object.freeze({ x: 0, y: 0, style: PLAIN, drawing: [false, false], set: 0, isOrigin: false });

export class Screen extends LineTerminal {
  /** Those that there are; the rest of the screen is blank.
   * @type {ScreenLine[]} */
  rows = [];
  #y = 0;
  /** The scrolling region. */
  #top = 0;
  #bottom;
  #height;
  #isOrigin = false;
  /** @type {Place} */ #saved = HOME;
  /** Where the cursor was when the alternate screen was gone to.
   * @type {[number, number, import("./sgr.js").Style] | null} */
  #entered = null;
  /** What the alternate screen covers.
   * @type {ScreenLine[] | null} */
  #covered = null;
  /** A sequence that goes on in the line's next piece. */
  #begun = "";
  /** The event that began the row that the last event wrote on first; 0 if it wrote on none. */
  began = 0;
  /** @type {LogEvent} */ #event = { offset: 0, timestamp: NaN };
  #time = NaN;
  /** Whether the event has begun a row. */
  #hasBegun = false;
  #onSettled;

  /** Whether a full row is followed by another one. */
  #wraps = true;

  /** @param {(row: ScreenLine) => void} onSettled @param {Size} [size]
   * @param {number} [limit] of a row's columns that are kept */
  constructor(onSettled, size = UNKNOWN, limit = COLUMNS) {
    super(PLAIN, Math.min(limit, size.columns));
    this.width = size.columns;
    this.#height = size.rows;
    this.#bottom = size.rows - 1;
    this.#onSettled = onSettled;
  }

  /** Takes the log's next event. What is no line of output ends what is on the screen.
   * @param {LogEvent} event */
  take(event) {
    this.#event = event;
    this.began = 0;
    this.#hasBegun = false;
    if (event.type === undefined || event.type === "line") {
      const message = this.#begun + (event.message ?? "");
      const end = event.partial ? unfinished(message) : message.length;
      this.#begun = message.slice(end);
      this.write(message.slice(0, end));
      if (!event.partial) this.#newline();
    } else {
      this.settle();
    }
    this.#time = event.timestamp;
  }

  #newline() {
    this.link = null;
    this.column = 0;
    this.#linefeed();
  }

  /** Settles all that is on the screen: what comes next begins below it. */
  settle() {
    for (const row of this.#covered ? [...this.#covered, ...this.rows] : this.rows) this.#settled(row);
    this.rows = [];
    this.#covered = null;
    this.#begun = "";
    [this.column, this.#y, this.#top, this.#bottom, this.#isOrigin] = [0, 0, 0, this.#height - 1, false];
  }

  /** @returns {ScreenState} */
  get state() {
    for (const row of [...this.rows, ...(this.#covered ?? [])]) {
      if (!row.isShared) row.compact();
      row.isShared = true;
    }
    return {
      rows: this.rows.slice(), place: this.#place, top: this.#top, bottom: this.#bottom, inserts: this.inserts, wraps: this.#wraps,
      saved: this.#saved, entered: this.#entered, begun: this.#begun, time: this.#time,
      covered: this.#covered && this.#covered.slice(),
    };
  }

  set state({ rows, place, top, bottom, inserts, wraps, saved, entered, covered, begun, time }) {
    this.rows = rows.slice();
    this.#covered = covered && covered.slice();
    [this.#top, this.#bottom, this.inserts, this.#wraps, this.#saved] = [top, bottom, inserts, wraps, saved];
    [this.#entered, this.#begun, this.#time, this.link] = [entered, begun, time, null];
    this.#restore(place);
  }

  /** Whether what comes next does as on a new one, below what is on this one. */
  get isAtRest() {
    return !this.#covered && this.#top === 0 && this.#bottom === this.#height - 1 && !this.#isOrigin && this.#wraps
      && !this.inserts && this.#saved === HOME && this.set === 0 && !this.drawing[0];
  }

  /** @returns {Place} */
  get #place() {
    const { column: x, style, drawing, set } = this;
    return { x, y: this.#y, style, drawing: drawing.slice(), set, isOrigin: this.#isOrigin };
  }

  /** @param {Place} place */
  #restore({ x, y, style, drawing, set, isOrigin }) {
    [this.column, this.#y, this.style, this.drawing, this.set] = [x, y, style, drawing.slice(), set];
    this.#isOrigin = isOrigin;
  }

  /** Goes to where the cursor was saved: on the last character of a row that was full. */
  #comeBack() {
    this.#restore(this.#saved);
    this.column = Math.min(this.column, this.width - 1);
  }

  /** @param {ScreenLine} row */
  #settled(row) {
    this.#onSettled(row.compact());
  }

  /** The row at this height, which there is from now on.
   * @param {number} y @returns {ScreenLine} */
  #row(y) {
    while (this.rows.length <= y) this.rows.push(this.#blank());
    return this.rows[y].isShared ? (this.rows[y] = this.rows[y].copy()) : this.rows[y];
  }

  #blank() {
    const row = new ScreenLine();
    row.first = this.#event.offset;
    return row;
  }

  /** @param {ScreenLine} row */
  #claim(row) {
    const { offset, timestamp, stream } = this.#event;
    if (row.writers === 0) {
      row.first = offset;
      row.timestamp = timestamp;
      // Silence was before the first of its rows.
      row.pause = this.#hasBegun ? 0 : timestamp - this.#time;
      this.#hasBegun = true;
    }
    if (row.last !== offset) row.writers++;
    row.last = offset;
    row.stream = stream;
    this.began ||= row.first;
    return row;
  }

  get line() {
    return this.rows[this.#y] ?? new Line();
  }

  get written() {
    return this.#claim(this.#row(this.#y));
  }

  #linefeed() {
    const row = this.#row(this.#y);
    if (row.writers === 0) this.#claim(row);
    if (this.#y === this.#bottom) this.#scrollUp();
    else if (this.#y < this.#height - 1) this.#y++;
  }

  /** @param {number} columns */
  wrap(columns) {
    if (!this.#wraps) {
      this.column = Math.min(this.column, this.width - 1);
      return columns === 1;
    }
    if (this.column > 0) {
      const above = this.written;
      this.column = 0;
      this.#linefeed();
      const below = this.#row(this.#y);
      if (above !== below) above.goesOn = below.continues = true;
    }
    return true;
  }

  #scrollUp() {
    if (this.rows.length <= this.#top) this.#row(this.#top);
    const [row] = this.#takeOut(this.#top, this.#bottom, 1);
    if (!this.#covered) this.#settled(row);
  }

  /** Takes rows out; those below them, down to `bottom`, move up.
   * @param {number} y @param {number} bottom @param {number} count */
  #takeOut(y, bottom, count) {
    const below = Math.max(0, this.rows.length - bottom - 1);
    const taken = this.rows.splice(y, Math.min(count, bottom + 1 - y, this.rows.length - y));
    if (below > 0) this.rows.splice(this.rows.length - below, 0, ...taken.map(() => this.#blank()));
    return taken;
  }

  /** Puts blank rows in; those from there on move down, and out at `bottom`.
   * @param {number} y @param {number} bottom @param {number} count */
  #putIn(y, bottom, count) {
    if (y >= this.rows.length) return;
    count = Math.min(count, bottom + 1 - y);
    const inside = Math.min(this.rows.length, bottom + 1) - y;
    const lost = Math.max(0, inside + count - (bottom + 1 - y));
    this.rows.splice(y + inside - lost, lost);
    this.rows.splice(y, 0, ...Array.from({ length: count }, () => this.#blank()));
  }

  /** @param {string} character */
  control(character) {
    if (character === "\v" || character === "\f") this.#linefeed();
    else super.control(character);
  }

  /** @param {string} sequence */
  escape(sequence) {
    super.escape(sequence);
    switch (sequence) {
      case "D": this.#linefeed(); break;
      case "E": this.column = 0; this.#linefeed(); break;
      case "M": if (this.#y === this.#top) this.#putIn(this.#top, this.#bottom, 1); else this.#move(this.#y - 1); break;
      case "7": this.#saved = this.#place; break;
      case "8": this.#comeBack(); break;
      case "c": this.#reset(); break;
      case "#8": this.#align(); break;
    }
  }

  /** Fills the screen, so that its edges can be seen. */
  #align() {
    if (this.width === Infinity) return;
    for (let y = 0; y < this.#height; y++) {
      const row = this.#claim(this.#row(y));
      row.clear();
      row.put(0, "E".repeat(this.width), PLAIN, null, this.limit);
    }
    this.#region(0, this.#height - 1);
  }

  #reset() {
    [this.#top, this.#bottom, this.#isOrigin, this.#wraps, this.#saved] = [0, this.#height - 1, false, true, HOME];
    this.#clear();
    [this.column, this.#y] = [0, 0];
  }

  /** @param {number} y */
  #move(y) {
    this.#y = Math.min(this.#height - 1, Math.max(0, y));
  }

  /** Up or down, not across the region's edge.
   * @param {number} rows */
  #step(rows) {
    this.column = Math.min(this.column, this.width - 1);
    const y = this.#y + rows;
    if (rows < 0) this.#move(this.#y < this.#top ? y : Math.max(this.#top, y));
    else this.#move(this.#y > this.#bottom ? y : Math.min(this.#bottom, y));
  }

  /** To a row as a program counts them.
   * @param {number} y */
  #goTo(y) {
    this.#move(this.#isOrigin ? Math.min(this.#bottom, this.#top + y) : y);
  }

  /** @param {string} final @param {number[]} numbers */
  command(final, numbers) {
    const [number, second = 0] = numbers;
    const count = number || 1;
    const lower = this.#y < this.#top || this.#y > this.#bottom ? this.#height - 1 : this.#bottom;
    switch (final) {
      case "A": this.#step(-count); break;
      case "B": this.#step(count); break;
      case "E": this.column = 0; this.#step(count); break;
      case "F": this.column = 0; this.#step(-count); break;
      case "H": case "f": super.command("G", [second]); this.#goTo(count - 1); break;
      case "d": this.#goTo(count - 1); break;
      case "e": this.#step(count); break;
      case "J": this.#erase(number); break;
      case "L": this.#putIn(this.#y, lower, count); break;
      case "M": if (this.#y < this.rows.length) this.#takeOut(this.#y, lower, count); break;
      case "S": for (let i = Math.min(count, this.#bottom - this.#top + 1); i > 0; i--) this.#scrollUp(); break;
      case "T": this.#putIn(this.#top, this.#bottom, count); break;
      case "r": this.#region(count - 1, (second || this.#height) - 1); break;
      case "s": this.#saved = this.#place; break;
      case "u": this.#comeBack(); break;
      default: super.command(final, numbers);
    }
  }

  /** @param {number} top @param {number} bottom */
  #region(top, bottom) {
    bottom = Math.min(bottom, this.#height - 1);
    if (top >= bottom) return;
    [this.#top, this.#bottom] = [top, bottom];
    [this.column, this.#y] = [0, 0];
  }

  /** @param {number} mode @param {boolean} isSet */
  mode(mode, isSet) {
    if (mode === 7) {
      this.#wraps = isSet;
    } else if (mode === 6) {
      this.#isOrigin = isSet;
      this.column = 0;
      this.#goTo(0);
    } else if (mode === 47 || mode === 1047 || mode === 1049) {
      this.#alternate(isSet, mode === 1049);
    }
  }

  /** @param {boolean} isOn @param {boolean} restores the cursor too */
  #alternate(isOn, restores) {
    if (isOn && !this.#covered) {
      if (restores) this.#entered = [this.column, this.#y, this.style];
      [this.#covered, this.rows] = [this.rows, []];
    } else if (!isOn) {
      if (restores && this.#entered) {
        [this.column, this.#y, this.style] = this.#entered;
        this.column = Math.min(this.column, this.width - 1);
      }
      if (this.#covered) [this.rows, this.#covered] = [this.#covered, null];
    }
  }

  /** @param {number} part */
  #erase(part) {
    if (part === 2 || (part === 0 && this.column === 0 && this.#y === 0)) {
      this.#clear();
    } else if (part === 0) {
      if (this.#y < this.rows.length) super.command("K", [0]);
      this.rows.length = Math.min(this.rows.length, this.#y + 1);
    } else if (part === 1) {
      for (let y = 0; y < Math.min(this.#y, this.rows.length); y++) this.#claim(this.#row(y)).clear();
      if (this.#y < this.rows.length) super.command("K", [1]);
    }
  }

  /** Clears the screen: what was on it is settled. */
  #clear() {
    if (!this.#covered) {
      let used = this.rows.length;
      while (used > 0 && !this.rows[used - 1].isUsed) used--;
      for (const row of this.rows.slice(0, used)) this.#settled(row);
    }
    this.rows = [];
  }
}
