// Where in a line a search matches.

/** The most matches that are marked in a line. */
const MARKS = 200;

/** Where the expression matches first; empty matches don't show.
 * @param {RegExp} expression global
 * @param {string} text @returns {[number, number][]} */
export function marks(expression, text) {
  /** @type {[number, number][]} */
  const found = [];
  expression.lastIndex = 0;
  // (Its own stepping over empty matches doesn't stop within a character that takes two units.)
  for (const { 0: match, index = 0 } of text.matchAll(expression)) {
    if (match) found.push([index, index + match.length]);
    if (found.length === MARKS) break;
  }
  return found;
}
