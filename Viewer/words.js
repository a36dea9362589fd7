// A command as it is typed and shown: words with anything unusual are quoted, as a shell quotes them, and nothing else of a
// shell is known.

/** What stands behind a backslash for a character that can't be seen. */
const ESCAPES = /** @type {Record<string, string>} */ ({ "\n": "n", "\t": "t", "\r": "r", "\x1b": "e", "\\": "\\", "'": "'" });
const UNSEEN = /[\0-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

/** A command for people. It is one line, whatever is in it, and can be typed as it is shown.
 * @param {string[]} command */
export const commandLine = (command) => command.map(quoted).join(" ");

/** @param {string} word @param {number} index */
function quoted(word, index) {
  if (UNSEEN.test(word)) {
    return `$'${word.replace(new RegExp(`['\\\\]|${UNSEEN.source}`, "g"), (character) => {
      const code = character.charCodeAt(0);
      const digits = code.toString(16);
      return `\\${ESCAPES[character] ?? (code > 0x7f ? `u${digits.padStart(4, "0")}` : `x${digits.padStart(2, "0")}`)}`;
    })}'`;
  }
  // A shell replaces a `~` at the beginning, and takes a first word with a `=` for no command.
  const isPlain = /^[\w@%+=:,./^-][\w@%+=:,./~^-]*$/.test(word) && !(index === 0 && word.includes("="));
  return isPlain ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** The first of what only a shell understands in a command, beyond quotes and backslashes; "" if there is nothing.
 * @param {string} text */
export function shellSyntax(text) {
  // What is quoted is itself, but for variables and commands between double quotes.
  const bare = text.trim().replace(/\$'(?:\\[^]|[^'\\])*'|\\[^]|'[^']*'|"(?:\\[^]|[^"\\])*"/g, (quoted) =>
    quoted[0] === '"' ? quoted.replace(/\\[^]/g, "").match(/[$`]\w*/)?.[0] ?? "_" : "_");
  const found = /&&|\|\|?|[;<>&`*\n]|\$[\w({]+|^~(?=\/|$)|\s~(?=\/|\s|$)|^\w+=\S*(?=\s)/.exec(bare)?.[0].trim();
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
