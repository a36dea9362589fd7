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
  /** Whether a state that was kept has it too: then it isn't changed any more, but replaced. */
  isShared = false;

  clear() {
    super.clear();
    this.isUsed = false;
  }

  /** @param {Parameters<Line["put"]>} text */
  put(...text) {
    const column = super.put(...text);
    this.isUsed = true;
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
    const { first, last, writers, timestamp, pause, stream, isUsed } = this;
    return Object.assign(other, { first, last, writers, timestamp, pause, stream, isUsed });
  }
}
