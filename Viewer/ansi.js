// What a line looks like once a terminal has shown it: colours and attributes, links, and what `\r`, backspace, erasing
// and moving within the line leave behind. What moves to other lines is for a screen (screen.js), and dropped here, as is
// everything else that a terminal would obey. Text stays text: nothing in here builds markup.

import { COLUMNS, RUNS } from "./line.js";
import { LineTerminal } from "./line-terminal.js";
import { ANY, CONTROL, WITHIN } from "./sequences.js";
import { DIM, PLAIN, select } from "./sgr.js";

/** @typedef {import("./sgr.js").Colour} Colour */
/** @typedef {import("./sgr.js").Style} Style */
/** @typedef {import("./line.js").Run} Run */
/** @typedef {{runs: Run[], text: string, clipped: number, style: Style}} Rendered
 * `clipped` is how many characters were left out at the end; `style` is what the next line begins with. */

/** The line's text as it would stand on a terminal, whole, without its looks.
 * @param {string} message */
export function plain(message) {
  if (!CONTROL.test(message)) return message;
  if (!WITHIN.test(message)) return message.replace(ANY, "");
  return render(message, PLAIN, Infinity).text;
}

/** @param {string} message @param {Style} style what the line before it left set @param {number} [columns]
 * @returns {Rendered} */
export function render(message, style, columns = COLUMNS) {
  if (!CONTROL.test(message)) {
    const text = message.length > columns ? message.slice(0, columns) : message;
    const runs = text ? [{ text, style, link: null }] : [];
    return { runs, text, clipped: message.length - text.length, style };
  }
  const terminal = new LineTerminal(style, columns);
  terminal.keepsTabs = !WITHIN.test(message);
  terminal.write(message);
  return { ...terminal.line.rendered(columns), style: terminal.style };
}

/** All that was written, control characters as pictures of them, and nothing obeyed.
 * @param {string} message @param {number} [columns] @returns {Rendered} */
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

/** What the line leaves set for the next one.
 * @param {string} message @param {Style} style @returns {Style} */
export function styleAfter(message, style) {
  if (!message.includes("\x1b")) return style;
  for (const match of message.matchAll(ANY)) {
    if (match[3] === "m" && !match[2]) style = select(match[1], style);
    else if (match[0] === "\x1bc") style = PLAIN;
  }
  return style;
}
