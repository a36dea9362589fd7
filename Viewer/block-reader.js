// Follows a log by reading its blocks, where neither WebSockets nor server-sent events come through. It is loaded when it
// is needed.

import { json, Refused } from "./api.js";

/** @typedef {import("./stream.js").Listener} Listener */
/** @typedef {import("./stream.js").Connection} Connection */

/** How often a log that goes on is read, in milliseconds. */
const INTERVAL = 2_000;
/** How many lines are read at once. */
const PORTION = 4_096;
/** Silence that is unusual, in milliseconds. */
const STALL = 20_000;

/** Reads what there is now, again and again.
 * @param {string} id @param {import("./source.js").Source} source @param {number} after @param {Listener} listener
 * @returns {Connection} */
export function connectBlocks(id, source, after, listener) {
  const ending = new AbortController();
  readOn(id, source, after, listener, ending.signal).catch((error) => {
    listener.closed(error instanceof Refused && error.status === 404 ? 4404 : 1006);
  });
  return { stall: STALL, close: () => ending.abort(new Error("closed")) };
}

/** @param {string} id @param {import("./source.js").Source} source @param {number} at @param {Listener} listener
 * @param {AbortSignal} signal */
async function readOn(id, source, at, listener, signal) {
  // A server that was restored says so here.
  await source.address(true);
  for (let isOpen = false; !signal.aborted; isOpen = true) {
    const { last_offset: head, pending } = await json(`/executions/${id}`);
    if (signal.aborted) return;
    if (!isOpen) listener.opened();
    listener.frame({ lines: [], control: { type: "heartbeat", head } });
    while (at < head && !signal.aborted) {
      const before = at;
      await source.fetch(at, Math.min(PORTION, head - at), (first, lines) => {
        at = first + lines.length - 1;
        listener.frame({ lines, control: null });
      }, signal);
      // What the server hasn't got is passed over, and noted by the source.
      if (at === before) at = Math.min(head, before + PORTION);
    }
    if (signal.aborted) return;
    const line = { type: "pending", after: head, message: "", ...pending };
    listener.frame({ lines: [], control: line });
    await new Promise((resolve) => {
      const timer = setTimeout(resolve, INTERVAL);
      signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve(undefined);
      });
    });
  }
}
