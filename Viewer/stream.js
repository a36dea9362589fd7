// One connection to a log's stream, by whichever way. It hands on nothing but events that follow each other without a
// hole.

import { holeIn } from "./blocks.js";
import { Framing, OTHERS, RESTORED } from "./frames.js";

const PING = 30_000;
/** How long a connection may take to be opened, in milliseconds. */
const OPENING = 5_000;
/** Between two checks so far apart the page was asleep, in milliseconds. */
const SLEEP = 5_000;

/** @typedef {{opened(): void, lines(lines: string[], first: number): void,
 *   confirmed(): void, control(control: NonNullable<import("./frames.js").Frame["control"]>): void, hole(expected: number, got: number): void,
 *   closed(code: number, wasHeard: boolean, isSilent: boolean): void}} Receiver
 * It is `confirmed` once the server has said something, and neither that a restore took events back nor what leaves a hole.
 * A connection `isSilent` from which nothing ever came, however long it was waited for. */
/** What a connection tells the stream that has it.
 * @typedef {{opened(): void, frame(frame: import("./frames.js").Frame): void, closed(code: number): void}} Listener */
/** @typedef {{stall: number, close(): void}} Connection */

let generation = 0;

export class Stream {
  #connection;
  #receiver;
  #expected;
  #heard = performance.now();
  #checked = performance.now();
  #isOpen = false;
  #wasHeard = false;
  #isOver = false;

  /** @param {number} after @param {Receiver} receiver @param {(listener: Listener) => Connection} connect */
  constructor(after, receiver, connect) {
    this.#expected = after + 1;
    this.#receiver = receiver;
    this.#connection = connect({
      opened: () => this.#opened(),
      frame: (frame) => this.#received(frame),
      closed: (code) => this.#ended(code),
    });
  }

  /** How long nothing was heard, in milliseconds. */
  get silence() {
    return performance.now() - this.#heard;
  }

  /** Whether anything has come. */
  get wasHeard() {
    return this.#wasHeard;
  }

  /** Silence that is unusual, in milliseconds. */
  get stall() {
    return this.#isOpen ? this.#connection.stall : OPENING;
  }

  /** Ends it if it is to be taken for dead; one from which nothing ever came gets less patience. To be called every second. */
  check() {
    // Where this page slept meanwhile, the way isn't to blame.
    const slept = performance.now() - this.#checked > SLEEP;
    this.#checked = performance.now();
    if (this.silence > this.stall * (this.#wasHeard ? 2 : 1)) this.#ended(1006, false, !this.#wasHeard && !slept);
  }

  /** Ends it as if the server had asked for that. */
  drop() {
    this.#ended(1001);
  }

  /** Ends it; the receiver hears no more. */
  close() {
    this.#ended(0, true);
  }

  #opened() {
    this.#isOpen = true;
    this.#heard = performance.now();
    this.#receiver.opened();
  }

  /** @param {import("./frames.js").Frame} frame */
  #received(frame) {
    if (this.#isOver) return;
    let { lines, control } = frame;
    this.#heard = performance.now();
    this.#wasHeard = true;
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
    const isAhead = hole && !(hole.got < hole.expected);
    if (frame !== OTHERS && control?.code !== RESTORED && !(isAhead && lines.length === 0)) this.#receiver.confirmed();
    if (lines.length > 0) {
      const first = this.#expected;
      this.#expected += lines.length;
      this.#receiver.lines(lines, first);
    }
    if (isAhead) {
      this.#receiver.hole(hole.expected, hole.got);
      this.#ended(1002);
    }
  }

  /** @param {number} code @param {boolean} [silently] @param {boolean} [isSilent] whether it was waited for in vain */
  #ended(code, silently = false, isSilent = false) {
    if (this.#isOver) return;
    this.#isOver = true;
    // Undefined while it is being made.
    this.#connection?.close();
    if (!silently) this.#receiver.closed(code, this.#wasHeard, isSilent);
  }
}

/** Connects by a WebSocket.
 * @param {string} execution @param {string} address @param {number} after
 * @param {() => number} have the newest offset that came
 * @param {Listener} listener @returns {Connection} */
export function connectSocket(execution, address, after, have, listener) {
  const framing = new Framing(address, execution, ++generation);
  const socket = new WebSocket(framing.addressAfter(after, location.protocol), ["everyline.v1"]);
  const say = (/** @type {string | null} */ message) => {
    if (message !== null && socket.readyState === WebSocket.OPEN) socket.send(message);
  };
  const pings = setInterval(() => say(framing.ping(have())), PING);
  socket.onopen = () => {
    say(framing.opening(after));
    listener.opened();
  };
  socket.onmessage = ({ data }) => listener.frame(framing.read(data));
  socket.onclose = ({ code }) => listener.closed(code);
  return {
    stall: framing.stall,
    close() {
      clearInterval(pings);
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
}
