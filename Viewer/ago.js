// How long ago something was.

import { fullTime } from "./time.js";

/** How long ago.
 * @param {number} time @param {number} now */
export function ago(time, now) {
  const seconds = Math.round((now - time) / 1000);
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 24 * 3600) return `${Math.floor(seconds / 3600)} h ago`;
  return fullTime(time).slice(0, 16);
}
