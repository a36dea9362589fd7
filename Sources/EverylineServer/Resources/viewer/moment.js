// Where in a log a time is.

import { NDJSON, request } from "./api.js";

/** The offset of the first event that isn't older than the time; the head if there is none.
 * @param {string} id @param {number} time @param {number} head
 * @returns {Promise<number>} */
export async function offsetAt(id, time, head) {
  const query = `last_seen_timestamp=${Math.max(0, Math.round(time))}`;
  const response = await request(`/executions/${id}/logs?${query}&limit=1`, { headers: { Accept: NDJSON } });
  if (response.headers.get("Content-Type")?.startsWith(NDJSON)) {
    const line = (await response.text()).split("\n")[0];
    return line ? JSON.parse(line).offset : head;
  }
  const { websocket_url: address } = await response.json();
  const given = new URL(address).searchParams;
  // A gateway's stream gives nothing before it is spoken to, but its address says after which event it begins.
  if (given.get("opening") === "resume") return Math.min(Number(given.get("after") ?? 0) + 1, head);
  return firstOffset(address, head);
}

/** The first offset that a stream gives, whatever it is; `otherwise` if it has nothing yet.
 * @param {string} address
 * @param {number} otherwise @returns {Promise<number>} */
function firstOffset(address, otherwise) {
  return new Promise((resolve) => {
    const socket = new WebSocket(address, ["everyline.v1"]);
    const finish = (/** @type {number} */ offset) => {
      clearTimeout(timer);
      socket.close();
      resolve(offset);
    };
    const timer = setTimeout(() => finish(otherwise), 3_000);
    socket.onmessage = ({ data }) => {
      const found = /^{"offset":(\d+),/m.exec(data);
      if (found) finish(Number(found[1]));
    };
    socket.onerror = () => finish(otherwise);
  });
}
