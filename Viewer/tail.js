// Following a log until its end: connects, takes up again after the last offset, and never leaves the words for it
// unsaid.

import { Refused } from "./api.js";
import { mayReconnect, retryDelay } from "./frames.js";
import { Stream } from "./stream.js";

/** How many lines are read at once of what came meanwhile. */
const PORTION = 16_384;
/** After so many openings that began with the same hole, the hole is the log's own. */
const HOLES = 3;

export class Tail {
  #source;
  #store;
  #delivery;
  #onChange;
  /** @type {Stream | null} */ #stream = null;
  #isConnecting = false;
  #failures = 0;
  #asksAnew = false;
  #holes = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {import("./source.js").Source} source @param {import("./blocks.js").BlockStore} store
   * @param {import("./delivery.js").Delivery} delivery @param {() => void} onChange */
  constructor(source, store, delivery, onChange) {
    this.#source = source;
    this.#store = store;
    this.#delivery = delivery;
    this.#onChange = onChange;
    addEventListener("online", () => this.#retryNow());
    addEventListener("pageshow", () => this.tick());
    document.addEventListener("visibilitychange", () => document.hidden || this.#retryNow());
  }

  /** @param {number} after */
  follow(after) {
    this.#reach(after);
    this.#connect();
  }

  /** @param {number} offset */
  #reach(offset) {
    this.#delivery.cursor = this.#store.followed = offset;
  }

  /** How long nothing was heard, in milliseconds; 0 while that is nothing unusual. */
  get silence() {
    const { silence = 0, stall = 0 } = this.#stream ?? {};
    return silence > stall ? silence : 0;
  }

  /** To be called every second. */
  tick() {
    if (this.silence > 2 * (this.#stream?.stall ?? 0)) this.#stream?.drop();
  }

  #retryNow() {
    this.tick();
    if (this.#delivery.phase !== "reconnecting" || this.#stream || this.#isConnecting) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  async #connect() {
    this.#isConnecting = true;
    const address = await this.#address();
    if (address === null) await this.#finish();
    this.#isConnecting = false;
    if (!address) return;
    const after = this.#delivery.cursor;
    this.#stream = new Stream(address, after, {
      opened: () => {
        this.#delivery.opened(performance.now());
        // Who answers may be asked again soon.
        this.#failures = Math.min(this.#failures, 1);
        this.#onChange();
      },
      control: ({ type, head, after, message, stream }) => {
        if (head !== undefined && head > this.#store.head) this.#store.head = head;
        if (type === "pending" && after !== undefined && message !== undefined) {
          this.#store.pending = { after, message, stream };
          this.#onChange();
        }
      },
      lines: (lines, first) => this.#take(lines, first),
      hole: (expected, got) => this.#skip(expected, got),
      closed: (code, wasOpen) => {
        this.#stream = null;
        this.#store.pending = null;
        if (this.#delivery.phase === "ended") return;
        if (!wasOpen) this.#asksAnew = true;
        if (mayReconnect(code)) return this.#retry(code);
        this.#delivery.refused(
          code === 4404
            ? "The log was removed."
            : code === 4500
              ? "The log is damaged on the server’s disk."
              : "The server doesn’t allow this any longer.",
        );
        this.#onChange();
      },
    });
  }

  /** Where to connect to; null if the log has ended, undefined if that can't be learnt now. */
  async #address() {
    try {
      // A server that refuses a stream may have lost what it had: that must not look like a bad network for ever.
      if (this.#asksAnew && (await this.#source.head()) < this.#delivery.cursor) {
        throw new Refused(409, "log_shortened", "The server’s log is shorter now than what came from it.");
      }
      const address = await this.#source.address(this.#asksAnew);
      this.#asksAnew = false;
      return address;
    } catch (error) {
      if (error instanceof Refused && error.isFinal) {
        this.#delivery.refused(error.message);
        this.#onChange();
      } else {
        this.#retry(1006);
      }
      return undefined;
    }
  }

  /** @param {string[]} lines @param {number} first */
  #take(lines, first) {
    this.#failures = this.#holes = 0;
    this.#store.add(first, lines);
    this.#reach(first + lines.length - 1);
    if (lines[lines.length - 1].includes('"type":"end"') && JSON.parse(lines[lines.length - 1]).type === "end") {
      this.#store.end = this.#delivery.cursor;
      this.#ended();
    }
    this.#onChange();
  }

  #ended() {
    clearTimeout(this.#timer);
    this.#stream?.close();
    this.#stream = null;
    this.#store.followed = Infinity;
    this.#delivery.ended();
    this.#onChange();
  }

  /** Reads what came while nothing was connected, of a log that has ended meanwhile: no stream leads to that. */
  async #finish() {
    const { end } = this.#store;
    this.#delivery.finishing();
    this.#onChange();
    try {
      for (let after; (after = this.#delivery.cursor) < end; ) {
        await this.#source.fetch(after, PORTION, (first, lines) => this.#take(lines, first));
        this.#reach(Math.min(after + PORTION, end));
      }
      this.#ended();
    } catch {
      this.#retry(1006);
    }
  }

  /** @param {number} expected @param {number} got */
  #skip(expected, got) {
    if (!(got > expected) || ++this.#holes < HOLES) return;
    // What came otherwise isn't missing.
    for (const [first, last] of this.#store.received.gaps(expected, got - 1)) this.#store.miss(first, last);
    this.#reach(got - 1);
    this.#holes = 0;
  }

  /** @param {number} code */
  #retry(code) {
    const delay = retryDelay(this.#failures++, code);
    this.#delivery.lost(performance.now() + delay);
    this.#timer = setTimeout(() => this.#connect(), delay);
    this.#onChange();
  }
}
