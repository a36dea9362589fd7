// The sequences that a terminal obeys: how they are told from text, and which of them move the cursor.

/** Control characters, and those by which a text would be shown in another order than it was written in. */
export const CONTROL = /[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;
export const CSI = /\x1b\[([0-?]*)([ -/]*)([@-~])/y;
/** One within which control characters stand, which are obeyed all the same, or that CAN, SUB or another one breaks off. */
export const BROKEN = /\x1b\[([\x00-\x17\x19\x1c-?]*)(?:([@-~])|[\x18\x1a]|(?=\x1b))/y;
export const STRING = /\x1b([\]PX^_k])([^\x07\x1b\x9c]*)(?:\x07|\x1b\\|\x9c)/y;
export const OTHER = /\x1b[ -/]*[0-~]?/y;
export const ANY = new RegExp(`${CSI.source}|${BROKEN.source}|${STRING.source}|${OTHER.source}|${CONTROL.source}`, "g");

/** What moves or erases within a line. */
export const WITHIN = /[\r\b\x0e]|\x1b\[[0-9;]*[@CDGJKPXZ`ab]|\x1b[()]0/;
/** What moves to other lines, or changes them. (Erasing what is below is nothing where nothing is.) */
export const BETWEEN = /[\v\f]|\x1b(?:\[[0-9;]*[ABEFHLMSTdefrsu]|\[[123]J|\[\?(?:6|47|1047|1049)[hl]|[78DEMc]|#8)/;
/** The same in an event's line, where a control character is written as JSON writes it; it may be found where none is. */
const BETWEEN_IN_JSON = new RegExp(
  BETWEEN.source.replaceAll("\\x1b", "\\\\u001[bB]").replace("[\\v\\f]", "\\\\(?:u000[bB]|f)"));

/** Whether an event moves the cursor to other lines, or changes them.
 * @param {string} line the event, as JSON */
export function movesBetweenLines(line) {
  if (!line.includes("\\") || !BETWEEN_IN_JSON.test(line)) return false;
  return BETWEEN.test(JSON.parse(line).message ?? "");
}

/** Where a sequence begins that the text doesn't end; the text's length if there is none.
 * @param {string} text */
export function unfinished(text) {
  const at = text.lastIndexOf("\x1b");
  if (at < 0 || text.length - at > LONGEST) return text.length;
  return /^\x1b(?:\[[0-?]*[ -/]*|[ -/]*|[\]PX^_k][^\x07\x9c]*)$/.test(text.slice(at)) ? at : text.length;
}

/** The longest sequence that is waited for, in characters. */
const LONGEST = 4_096;

/** An address, if it leads to the web and nowhere else.
 * @param {string} address @returns {string | null} */
export function webAddress(address) {
  if (!/^https?:\/\/[^\s]+$/i.test(address) || address.length > 2048) return null;
  try {
    return new URL(address).href;
  } catch {
    return null;
  }
}
