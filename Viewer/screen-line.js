import { Line } from "./line.js";

/** A row, and which events wrote on it. */
export class ScreenLine extends Line {
  /** The event that the row began with, and the newest that wrote on it; 0 while none has. */
  first = 0;
  last = 0;
  /** How many events wrote on it. */
  writers = 0;
  /** The time of its first event, and how many milliseconds after the event before it that was. */
  timestamp = NaN;
  pause = 0;
  /** @type {"stdout" | "stderr" | undefined} */ stream;
  /** Whether anything was written since it was blank. */
  isUsed = false;
  /** Whether its text goes on in the row below without a newline, and whether it is what a row above goes on with: they are one line
   * where both are so. */
  goesOn = false;
  continues = false;
  /** Whether a state that was kept has it too: then it isn't changed any more, but replaced. */
  isShared = false;

  clear() {
    super.clear();
    this.isUsed = this.goesOn = this.continues = false;
  }

  /** @param {number} column */
  cut(column) {
    super.cut(column);
    this.goesOn = false;
  }

  /** @param {Parameters<Line["put"]>} text */
  put(...text) {
    const { goesOn, continues } = this;
    const column = super.put(...text);
    // What writes over all of a row doesn't end its line.
    this.isUsed = true;
    this.goesOn = goesOn;
    this.continues = continues;
    return column;
  }

  /** @param {Parameters<Line["insert"]>} blanks */
  insert(...blanks) {
    super.insert(...blanks);
    this.isUsed = true;
  }

  /** @param {Parameters<Line["remove"]>} columns */
  remove(...columns) {
    super.remove(...columns);
    this.isUsed = true;
  }

  copy() {
    const other = new ScreenLine();
    other.take(this);
    const { first, last, writers, timestamp, pause, stream, isUsed, goesOn, continues } = this;
    return Object.assign(other, { first, last, writers, timestamp, pause, stream, isUsed, goesOn, continues });
  }
}
