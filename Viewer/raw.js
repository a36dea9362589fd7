// Lines as they were written. It is loaded when they are to be seen.

import { COLUMNS, RUNS } from "./line.js";
import { ANY, CONTROL } from "./sequences.js";
import { DIM, PLAIN } from "./sgr.js";

/** @typedef {import("./sgr.js").Style} Style */
/** @typedef {import("./line.js").Run} Run */

/** All that was written, control characters as pictures of them, and nothing obeyed.
 * @param {string} message @param {number} [columns] @returns {import("./ansi.js").Rendered} */
export function raw(message, columns = COLUMNS) {
  /** @type {Run[]} */
  const runs = [];
  let at = 0;
  const whole = message.slice(0, columns);
  for (const { 0: sequence, index = 0 } of whole.matchAll(ANY)) {
    if (runs.length >= RUNS) break;
    if (index > at) runs.push({ text: whole.slice(at, index), style: PLAIN, link: null });
    runs.push({ text: sequence.replace(EACH_CONTROL, picture), style: FAINT, link: null });
    at = index + sequence.length;
  }
  if (at < whole.length) runs.push({ text: whole.slice(at).replace(EACH_CONTROL, picture), style: PLAIN, link: null });
  const text = runs.map((run) => run.text).join("");
  return { runs, text, clipped: message.length - whole.length, style: PLAIN };
}

const EACH_CONTROL = new RegExp(CONTROL.source, "g");
/** @type {Style} */
const FAINT = Object.freeze({ fg: null, bg: null, flags: DIM });

/** @param {string} control */
function picture(control) {
  const code = control.charCodeAt(0);
  if (code === 0x7f) return "\u2421";
  return code < 0x20 ? String.fromCharCode(0x2400 + code) : `\\${code < 0x100 ? "x" : "u"}${code.toString(16)}`;
}
