// What a line looks like once a terminal has shown it: colours and attributes, links, and what `\r`, backspace, erasing
// and moving within the line leave behind. What moves to other lines is for a screen (screen.js), and dropped here, as is
// everything else that a terminal would obey. Text stays text: nothing in here builds markup.

import { COLUMNS } from "./line.js";
import { LineTerminal } from "./line-terminal.js";
import { ANY, CONTROL, WITHIN } from "./sequences.js";
import { looks, PLAIN, select, setsOf } from "./sgr.js";

/** @typedef {import("./sgr.js").Colour} Colour */
/** @typedef {import("./sgr.js").Style} Style */
/** @typedef {import("./line.js").Run} Run */
/** @typedef {{runs: Run[], text: string, clipped: number, style: Style, breaks?: number[]}} Rendered
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
  if (!CONTROL.test(message) && !draws(style)) {
    const text = message.length > columns ? message.slice(0, columns) : message;
    const runs = text ? [{ text, style: looks(style), link: null }] : [];
    return { runs, text, clipped: message.length - text.length, style };
  }
  const terminal = new LineTerminal(style, columns);
  terminal.keepsTabs = !WITHIN.test(message);
  terminal.write(message);
  return { ...terminal.line.rendered(columns), style: terminal.left };
}

/** Whether letters draw lines.
 * @param {Style} style */
function draws(style) {
  const [drawing, set] = setsOf(style);
  return drawing[set];
}

/** What the line leaves set for the next one.
 * @param {string} message @param {Style} style @returns {Style} */
export function styleAfter(message, style) {
  if (!SETS.test(message)) return style;
  for (const match of message.matchAll(ANY)) {
    if (match[3] === "m" && !match[2]) style = select(match[1], style);
    else if (match[0] === "\x1bc") style = PLAIN;
    else if (SHIFT.test(match[0])) style = shifted(match[0], style);
  }
  return style;
}

/** What may set anything for the next line; and what says which characters the letters are. */
const SETS = /[\x0e\x0f\x1b]/;
const SHIFT = /^(?:[\x0e\x0f]|\x1b[()][0B])$/;

/** @param {string} sequence that says so @param {Style} style */
function shifted(sequence, style) {
  const terminal = new LineTerminal(style);
  terminal.write(sequence);
  return terminal.left;
}
