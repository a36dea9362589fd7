// One connection to a log's stream. It hands on nothing but events that follow each other without a hole.

import { holeIn } from "./blocks.js";
import { Framing } from "./frames.js";

const PING = 30_000;

/** @typedef {{opened(): void, lines(lines: string[], first: number): void,
 *   control(control: {type: string, head?: number, after?: number, message?: string, stream?: string}): void, hole(expected: number, got: number): void,
 *   closed(code: number, wasOpen: boolean): void}} Receiver */

let generation = 0;

export class Stream {
  #socket;
  #framing;
  #receiver;
  #expected;
  #heard = performance.now();
  #wasOpen = false;
  /** @type {ReturnType<typeof setInterval>} */ #pings;

  /** @param {string} address @param {number} after @param {Receiver} receiver */
  constructor(address, after, receiver) {
    this.#framing = new Framing(address, ++generation);
    this.#expected = after + 1;
    this.#receiver = receiver;
    this.#socket = new WebSocket(this.#framing.addressAfter(after, location.protocol), ["everyline.v1"]);
    this.#socket.onopen = () => this.#opened(after);
    this.#socket.onmessage = ({ data }) => this.#received(data);
    this.#socket.onclose = ({ code }) => this.#ended(code);
    this.#pings = setInterval(() => this.#say(this.#framing.ping(this.#expected - 1)), PING);
  }

  /** How long nothing was heard, in milliseconds. */
  get silence() {
    return performance.now() - this.#heard;
  }

  /** Silence that is unusual, in milliseconds. After twice that the connection is taken for dead. */
  get stall() {
    return this.#framing.stall;
  }

  /** Ends it; the receiver hears no more. */
  close() {
    this.#ended(0, true);
  }

  /** Ends it as if the connection had been lost. */
  drop() {
    this.#ended(1006);
  }

  /** @param {number} after */
  #opened(after) {
    this.#wasOpen = true;
    this.#heard = performance.now();
    this.#say(this.#framing.opening(after));
    this.#receiver.opened();
  }

  /** @param {string | null} message */
  #say(message) {
    if (message !== null && this.#socket.readyState === WebSocket.OPEN) this.#socket.send(message);
  }

  /** @param {string} data */
  #received(data) {
    this.#heard = performance.now();
    let { lines, control } = this.#framing.read(data);
    if (control) this.#receiver.control(control);
    const hole = holeIn(lines, this.#expected - 1);
    // What repeats was seen before; only what is left out matters.
    if (hole && hole.got < hole.expected) {
      const seen = lines.findIndex((line) => line.startsWith(`{"offset":${this.#expected},`));
      lines = seen < 0 ? [] : lines.slice(seen);
      if (holeIn(lines, this.#expected - 1)) lines = [];
    } else if (hole) {
      lines = lines.slice(0, hole.expected - this.#expected);
    }
    if (lines.length > 0) {
      const first = this.#expected;
      this.#expected += lines.length;
      this.#receiver.lines(lines, first);
    }
    if (hole && !(hole.got < hole.expected)) {
      this.#receiver.hole(hole.expected, hole.got);
      this.#ended(1002);
    }
  }

  /** @param {number} code @param {boolean} [silently] */
  #ended(code, silently = false) {
    if (this.#socket.onclose === null) return;
    clearInterval(this.#pings);
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    if (!silently) this.#receiver.closed(code, this.#wasOpen);
  }
}
