// The text of a screen's row that is longer than what is kept of rows: it is laid out once more.

import { COLUMNS } from "./line.js";
import { Screen } from "./screen.js";

/** @typedef {import("./screen-line.js").ScreenLine} ScreenLine */

/** The most columns of it, and the most events that are read for it; beyond that it ends where rows end. */
const LONGEST = 1 << 21;
export const EVENTS = 4_096;

/** @param {ScreenLine} row @param {import("./screen-index.js").Mark} mark the last one before the event that began it
 * @param {import("./screen.js").Size} size of the screen @param {(offset: number) => import("./blocks.js").LogEvent} event */
export function wholeText(row, mark, size, event) {
  const shown = row.rendered(COLUMNS).text;
  let found = shown;
  let isCertain = false;
  const look = (/** @type {ScreenLine} */ other) => {
    // One event may write several rows.
    if (isCertain || other.first !== row.first || other.last !== row.last) return;
    const { text } = other.rendered(LONGEST);
    if (!text.startsWith(shown)) return;
    found = text;
    isCertain = other.widest === row.widest;
  };
  const screen = new Screen(look, size, LONGEST);
  screen.state = mark.state;
  for (let offset = mark.offset + 1; offset <= row.last; offset++) screen.take(event(offset));
  screen.rows.forEach(look);
  return found;
}
