// A command as a user types it: taken apart into its words, and what of it only a shell would understand.

import { ESCAPES } from "./shell-quoting.js";

/** What only a shell does: its own commands, joining, redirecting, patterns (but those that stand for themselves where no file has such
 * a name), variables, sets in braces, homes, comments. */
const SYNTAX = new RegExp([
  /^(?:cd|export|source|eval|unset|ulimit|umask|alias|trap|if|while|until|case)(?=\s|$)/, /&&|\|\|?|[;<>&`*\n]/, /\$(?:[\w({]+|[?@#!$-])/,
  /\{[^\s{}]*(?:,|\.\.)[^\s{}]*\}/, /^~(?=\/|$)|\s~(?=\/|\s|$)/, /^\w+=\S*(?=\s)/, /\s#/,
].map(({ source }) => source).join("|"));

/** The first of what only a shell understands in a command, beyond quotes and backslashes; "" if there is nothing.
 * @param {string} text */
export function shellSyntax(text) {
  // What is quoted is itself, but for variables and commands between double quotes.
  const bare = text.trim().replace(/\$'(?:\\[^]|[^'\\])*'|\\[^]|'[^']*'|"(?:\\[^]|[^"\\])*"/g, (quoted) =>
    quoted[0] === '"' ? quoted.replace(/\\[^]/g, "").match(/[$`]\w*/)?.[0] ?? "_" : "_");
  const found = SYNTAX.exec(bare)?.[0].trim();
  return found === "" ? "line break" : found ?? "";
}

const ANSI = /\$'((?:\\[^]|[^'\\])*)'/y;

/** What stands between `$'` and `'`.
 * @param {string} text */
const unescaped = (text) =>
  text.replace(/\\(?:x([0-9a-f]{1,2})|u([0-9a-f]{1,4})|([^]))/gi, (_, byte, unit, one) => {
    if (byte ?? unit) return String.fromCharCode(parseInt(byte ?? unit, 16));
    return Object.entries(ESCAPES).find(([, letter]) => letter === one)?.[0] ?? `\\${one}`;
  });

/** @param {string} text
 * @returns {string[] | null} null if a quote isn't closed */
export function splitWords(text) {
  /** @type {string[]} */
  const words = [];
  /** @type {string | null} */
  let word = null;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    const escapes = character === "\\" && quote !== "'" && i + 1 < text.length;
    ANSI.lastIndex = i;
    const ansi = quote === "" && character === "$" ? ANSI.exec(text) : null;
    if (ansi) {
      word = (word ?? "") + unescaped(ansi[1]);
      i = ANSI.lastIndex - 1;
    } else if (escapes && (quote === "" || '"\\$`\n'.includes(text[i + 1]))) {
      i++;
      if (text[i] !== "\n") word = (word ?? "") + text[i];
    } else if (quote !== "") {
      if (character === quote) quote = "";
      else word += character;
    } else if (character === "'" || character === '"') {
      quote = character;
      word ??= "";
    } else if (/\s/.test(character)) {
      if (word !== null) words.push(word);
      word = null;
    } else {
      word = (word ?? "") + character;
    }
  }
  if (quote !== "") return null;
  if (word !== null) words.push(word);
  return words;
}
