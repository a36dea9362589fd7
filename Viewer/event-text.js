// What the page says of an event that is no line of output, the same wherever it is shown, searched, copied and
// downloaded.

import { count } from "./connection-status.js";

/** @typedef {import("./blocks.js").LogEvent} LogEvent */

/** @param {{reason?: string, stopped_by?: string}} ended an execution or its end */
export const reasonOf = ({ reason, stopped_by: user }) =>
  /** @type {Record<string, string>} */ ({
    timed_out: "the time limit passed",
    stop_requested: user ? `stopped by ${user}` : "it was stopped",
    not_started: "it could not be started",
    runner_lost: "its runner was lost",
    producer_lost: "its producer was lost",
    key_revoked: "its producer's key was revoked",
  })[reason ?? ""] ?? reason?.replaceAll("_", " ") ?? "";

/** The text of a notice or of the end; undefined for a line.
 * @param {LogEvent} event @returns {string | undefined} */
export function textOf(event) {
  if (event.type === "notice") return event.message ?? "";
  if (event.type !== "end") return undefined;
  const exit = event.exit_code === undefined ? "" : ` with exit code ${event.exit_code}`;
  const reason = event.reason ? `: ${reasonOf(event)}` : "";
  return `${event.status ?? "ENDED"}${exit}${reason} · after ${count(event.offset - 1, "event")}`;
}

/** What is written for it between lines of text.
 * @param {string} text */
export const note = (text) => `[${text}]`;

/** @param {number} events that the server doesn't give */
export const missingText = (events) => `${count(events, "event")} missing here: the server doesn’t give them`;

/** Turns events, as they come, into text: the lines as they were written, the rest in brackets on lines of its own. */
export class TextWriter {
  #next = 1;
  #isMidLine = false;

  /** @param {number} first @param {string[]} lines @returns {string} */
  write(first, lines) {
    let text = first > this.#next ? this.#own(note(missingText(first - this.#next))) : "";
    for (const line of lines) {
      const event = /** @type {LogEvent} */ (JSON.parse(line));
      const own = textOf(event);
      text += own === undefined ? this.#line(event) : this.#own(note(own));
    }
    this.#next = first + lines.length;
    return text;
  }

  /** @param {LogEvent} event */
  #line({ message, partial }) {
    this.#isMidLine = partial === true;
    return message + (partial ? "" : "\n");
  }

  /** @param {string} text */
  #own(text) {
    const before = this.#isMidLine ? "\n" : "";
    this.#isMidLine = false;
    return `${before}${text}\n`;
  }
}
