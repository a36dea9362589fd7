// Gives each character the columns that it takes on a terminal, where a browser's fonts give it another width: those of two
// columns, and signs that come from another font. Stretches that need the same spacing share an element. It is loaded when such a
// character is to be seen.

import { columnsOf } from "./line.js";

/** The most stretches of a row; what follows keeps its fonts' widths. */
export const STRETCHES = 100;
/** What is measured at the most: each is a few bytes. */
const MEASURED = 20_000;
/** A difference that can't be seen, in pixels. */
const SAME = 0.05;
/** What a browser shows as one: a character with its marks, a picture with its tint, pictures that are joined, a flag. */
const UNIT = /[\u{1f1e6}-\u{1f1ff}]{2}|.[\p{M}\p{Cf}\p{EMod}\u1160-\u11ff\ud7b0-\ud7ff]*(?:(?<=\u200d)\p{Extended_Pictographic}[\p{M}\p{Cf}\p{EMod}]*)*/gsu;

const context = /** @type {CanvasRenderingContext2D} */ (document.createElement("canvas").getContext("2d"));
/** What a unit lacks of its columns, in pixels.
 * @type {Map<string, number>} */
const lacks = new Map();
let column = 0;

/** Forgets what was measured: the font is another one. */
export function forget() {
  lacks.clear();
  column = 0;
}

/** @param {string} unit */
function lackOf(unit) {
  const known = lacks.get(unit);
  if (known !== undefined) return known;
  if (!column) {
    // Not as one value: that is empty where a part of it, as here the ligatures, has no place in it.
    const { fontSize, fontFamily } = getComputedStyle(/** @type {Element} */ (document.querySelector(".rows")));
    context.font = `${fontSize} ${fontFamily}`;
    column = context.measureText("0").width;
  }
  const lack = columnsOf(unit) * column - context.measureText(unit).width;
  if (lacks.size > MEASURED) lacks.clear();
  lacks.set(unit, Math.abs(lack) < SAME ? 0 : lack);
  return lacks.get(unit) ?? 0;
}

/** Adds a text to what shows it. Gives how many elements that took.
 * @param {ParentNode} parent @param {string} text @param {number} most elements */
export function appendColumns(parent, text, most) {
  let used = 0;
  let start = 0;
  let end = 0;
  let spacing = 0;
  const flush = () => {
    if (start === end) return;
    const stretch = text.slice(start, end);
    start = end;
    if (spacing === 0) return parent.append(stretch);
    const element = document.createElement("span");
    element.textContent = stretch;
    element.style.letterSpacing = `${spacing.toFixed(3)}px`;
    parent.append(element);
    used++;
  };
  for (const { 0: unit, index = 0 } of text.matchAll(UNIT)) {
    const lack = unit < "\u1100" ? 0 : lackOf(unit);
    if (lack !== spacing) {
      flush();
      if (used >= most) break;
      spacing = lack;
    }
    end = index + unit.length;
  }
  flush();
  if (start < text.length) parent.append(text.slice(start));
  return used;
}
