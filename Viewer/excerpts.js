// What was found of a line that its row doesn't show: what a row is too short for, and what was written over.

import { COLUMNS } from "./line.js";
import { make } from "./page.js";

/** How many characters stand on each side of a match that is shown by itself. */
const AROUND = 40;

/** The first match in a text that isn't shown, with what stands around it; null if there is none.
 * @param {string} text @param {RegExp} expression @param {string} [where] it is, if not on this row */
export function excerpt(text, expression, where) {
  expression.lastIndex = 0;
  const match = expression.exec(text);
  if (!match?.[0]) return null;
  const element = make("span", "excerpt");
  const [from, to] = [match.index, match.index + match[0].length];
  const around = (/** @type {number} */ begin, /** @type {number} */ end) => text.slice(begin, end);
  element.append(`${where ?? `at ${from + 1}`}: …`, around(Math.max(0, from - AROUND), from));
  element.append(make("mark", "", around(from, Math.min(to, from + COLUMNS))), around(to, to + AROUND), "…");
  return element;
}
