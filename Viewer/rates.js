// How many lines came when, as numbers.

/** Time in equal parts: part `n` begins at `from + n * width`.
 * @typedef {{from: number, width: number, parts: number}} Scale */

/** The finest scale of these times of which the borders of a coarser one are borders too.
 * @param {number} from @param {number} to @param {number} most parts @returns {Scale} */
export function scaleOf(from, to, most) {
  let width = 1;
  while ((to - from) / width >= most) width *= 2;
  return { from, width, parts: Math.floor((to - from) / width) + 1 };
}

/** How many lines each part has. Between borders that aren't known yet they are spread evenly.
 * @param {(number | undefined)[]} borders how many lines are before each; the first and the last are known */
export function spread(borders) {
  /** @type {number[]} */
  const rates = [];
  let known = 0;
  for (let at = 1; at < borders.length; at++) {
    const lines = borders[at];
    if (lines === undefined) continue;
    const each = Math.max(0, lines - (borders[known] ?? 0)) / (at - known);
    for (; known < at; known++) rates.push(each);
  }
  return rates;
}
