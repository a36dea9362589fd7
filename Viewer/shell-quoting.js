// A command for people: words with anything unusual are quoted, as a shell quotes them.

/** What stands behind a backslash for a character that can't be seen. */
export const ESCAPES = /** @type {Record<string, string>} */ ({ "\n": "n", "\t": "t", "\r": "r", "\x1b": "e", "\\": "\\", "'": "'" });
const UNSEEN = /[\0-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/;

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
