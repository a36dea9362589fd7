// A search as it was typed, as a test for a line's text.

import { plain } from "./ansi.js";

/** @typedef {{text: string, isRegex: boolean, matchesCase: boolean}} Query */

/** @param {Query} query @returns {RegExp} global; throws a SyntaxError for what is no expression */
export function compile({ text, isRegex, matchesCase }) {
  const source = isRegex ? text : text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
  const flags = matchesCase ? "g" : "gi";
  try {
    return new RegExp(source, flags + "u");
  } catch {
    // What only the strict grammar refuses, such as `\\-`.
    return new RegExp(source, flags);
  }
}

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

/** The offsets of the lines that match.
 * @param {RegExp} expression @param {string} text lines, joined by newlines
 * @param {number} first */
export function find(expression, text, first) {
  /** @type {number[]} */
  const found = [];
  let offset = first;
  for (const line of text.split("\n")) {
    const message = messageIn(line);
    if (message !== null) {
      expression.lastIndex = 0;
      if (expression.test(plain(message))) found.push(offset);
    }
    offset++;
  }
  return found;
}

/** A line's text; null for what is no line of output. Most need no JSON parser.
 * @param {string} line */
export function messageIn(line) {
  const key = line.indexOf('"message":"');
  if (key < 0 || line.length === 0) return null;
  const start = key + 11;
  if (!line.includes("\\", start) && key < 80 && !line.includes('"type"')) {
    const end = line.indexOf('"', start);
    return line.slice(start, end);
  }
  const event = JSON.parse(line);
  return event.type === undefined || event.type === "line" ? event.message : null;
}
