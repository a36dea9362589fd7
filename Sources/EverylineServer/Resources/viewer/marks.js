// Where in a line a search matches.

/** Where the expression matches, at most `limit` times; empty matches don't show.
 * @param {RegExp} expression
 * @param {string} text @param {number} limit @returns {[number, number][]} */
export function matches(expression, text, limit) {
  /** @type {[number, number][]} */
  const found = [];
  expression.lastIndex = 0;
  for (let match; found.length < limit && (match = expression.exec(text)); ) {
    if (match[0] === "") expression.lastIndex += 1;
    else found.push([match.index, match.index + match[0].length]);
  }
  return found;
}
