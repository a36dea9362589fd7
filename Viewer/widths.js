// How many columns of a terminal a character takes. Made by scripts/widths of Unicode 14.0.0.

/** Where characters of two columns begin and end, in turn, each as its distance from the one before it. */
const CHANGES =
  "3cw 2o 3i2 2 d 2 5a 4 3 1 2 1 eh 2 l 2 1e c 17 1 j 1 d 1 8 2 h 2 5 2 8 1 5 1 l 1 7 2 1 1 4 1 2 1 7 1 4 2 s 1 z 1 1 1 4 3 1 1 1p 3 o 1 e 1 nv 2 1f 1 4 1 mi cf 2 n0v wg z hp 8mo 6kw e8 ls 2o 41 2o 3j 8 m48 f1c a9w 1 5m 2 59 1 2 a 2t 81 c 9 1 1y 1 m c 17 4 5 c h 3 1 3 1z 1 1 1 57 2 1r d 4 1 o i 1 q 2 d 1 2e 2d 1c 1y 6 1 3 3 2 b b 5 4 c 68 w 7g 1b 1 a 1 55 34 40 zk 2t4u";

/** What joins the character before it: marks, invisible characters, and the vowels and finals of Hangul; not the signs that
 * enclose the digits behind them. */
const JOINS =
  /[\p{Mn}\p{Me}\u1160-\u11ff\ud7b0-\ud7ff]|(?![\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}])\p{Cf}/u;

let at = 0;
const changes = CHANGES.split(" ").map((distance) => (at += parseInt(distance, 36)));

/** How many columns the character takes: 0 if it joins the one before it.
 * @param {number} code point */
export function widthOf(code) {
  if (code < 0x300) return 1;
  if (JOINS.test(String.fromCodePoint(code))) return 0;
  let [low, high] = [0, changes.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (changes[middle] <= code) low = middle + 1;
    else high = middle;
  }
  return 1 + (low % 2);
}
