import { ANY, BETWEEN, WITHIN } from "./sequences.js";

/** All that was written, also what was written over: what stands between two movements, each by itself.
 * @param {string} message */
export const overwritten = (message) => message
  .replace(ANY, (sequence) => (WITHIN.test(sequence) || BETWEEN.test(sequence) ? "\n" : ""))
  .split("\n").filter(Boolean);
