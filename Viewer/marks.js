// A search as it was typed, as an expression, and where in a line it matches.

/** One that `inverts` looks for the lines that don't match.
 * @typedef {{text: string, isRegex: boolean, matchesCase: boolean, inverts?: boolean}} Query */

/** @param {Query} query @returns {RegExp} global; throws a SyntaxError for what is no expression */
export function compile({ text, isRegex, matchesCase }) {
  const source = isRegex ? text : text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  // A row may have several lines.
  const flags = matchesCase ? "gm" : "gim";
  try {
    return new RegExp(source, flags + "u");
  } catch {
    // What only the strict grammar refuses, such as `\\-`.
    return new RegExp(source, flags);
  }
}

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
