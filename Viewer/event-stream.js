// A log as server-sent events, where WebSockets are blocked. It is loaded when it is needed.

/** @typedef {import("./stream.js").Listener} Listener */
/** @typedef {import("./stream.js").Connection} Connection */
/** @typedef {import("./frames.js").Frame} Frame */

/** The server sends a heartbeat every 10 s by default. In milliseconds. */
const STALL = 20_000;

/** Connects by server-sent events. (Not by the browser's own: that hides what was answered, and what isn't an event.)
 * @param {string} address @param {number} after @param {Listener} listener @returns {Connection} */
export function connectEvents(address, after, listener) {
  const ending = new AbortController();
  readEvents(address, after, listener, ending.signal).then(
    (code) => listener.closed(code),
    () => listener.closed(1006));
  return { stall: STALL, close: () => ending.abort() };
}

/** Reads to the end of the answer, and gives the code that a WebSocket would have been closed with.
 * @param {string} address @param {number} after @param {Listener} listener @param {AbortSignal} signal */
async function readEvents(address, after, listener, signal) {
  const url = new URL(address);
  // Behind a proxy that ends TLS, a server may not know that it is reached by it.
  url.protocol = location.protocol;
  url.searchParams.set("after", String(after));
  const response = await fetch(url, {
    signal, cache: "no-store", credentials: "omit", redirect: "error", headers: { Accept: "text/event-stream" },
  });
  const type = response.headers.get("Content-Type") ?? "";
  // The end was seen already: the next address that is asked for says so.
  if (response.status === 204) return 1000;
  // What the server itself refuses, no way is to blame for.
  if (type.startsWith("application/problem+json")) return response.status === 404 ? 4404 : 1013;
  if (!response.ok || !response.body || !type.startsWith("text/event-stream")) return 1006;
  const parser = new EventParser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let isOpen = false; ; isOpen = true) {
    const { value, done } = await reader.read();
    // One that ends before it began was no stream.
    if (done) return isOpen ? 1001 : 1006;
    // A proxy that keeps the answer back sends its head alone.
    if (!isOpen) listener.opened();
    const frames = parser.read(value);
    // Whatever comes is heard.
    for (const frame of frames.length > 0 ? frames : [{ lines: [], control: null }]) listener.frame(frame);
  }
}

/** Server-sent events as they come in pieces. */
export class EventParser {
  #rest = "";
  #type = "";
  #data = "";

  /** @param {string} piece @returns {Frame[]} the events that are whole, in order */
  read(piece) {
    /** @type {Frame[]} */
    const frames = [];
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const beat = /^: heartbeat (\d+)$/.exec(line);
      if (beat) frames.push({ lines: [], control: { type: "heartbeat", head: Number(beat[1]) } });
      else if (line.startsWith("data: ")) this.#data = line.slice(6);
      else if (line.startsWith("event: ")) this.#type = line.slice(7);
      else if (line === "") this.#finish(frames);
    }
    return frames;
  }

  /** @param {Frame[]} frames */
  #finish(frames) {
    if (this.#data && this.#type) {
      frames.push({ lines: [], control: JSON.parse(this.#data) });
    } else if (this.#data) {
      if (frames.length === 0) frames.push({ lines: [], control: null });
      frames[frames.length - 1].lines.push(this.#data);
    }
    this.#data = this.#type = "";
  }
}
