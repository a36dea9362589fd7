// How a command is shown.

/** A command for people: words with anything unusual are quoted.
 * @param {string[]} command */
export const commandLine = (command) =>
  command.map((word) => (/^[\w@%+=:,./~^-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`)).join(" ");
