// Following a log until its end: connects, by another way where one is blocked, takes up again after the last offset, and
// never leaves the words for it unsaid.

import { Refused } from "./api.js";
import { mayReconnect, RESTORED, retryDelay } from "./frames.js";
import { connectSocket, Stream } from "./stream.js";
import { Ways } from "./ways.js";

/** How many lines are read at once of what came meanwhile. */
const PORTION = 16_384;
/** After so many openings that began with the same hole, the hole is the log's own. */
const HOLES = 3;
/** How long nothing is read otherwise while a connection is being opened, in milliseconds. */
const PATIENCE = 2_000;

export class Tail {
  ways = new Ways();
  #id;
  #source;
  #store;
  #delivery;
  #onChange;
  #onRestored;
  /** @type {Stream | null} */ #stream = null;
  #isConnecting = false;
  /** Whether it will be tried again in a while. */
  #isWaiting = false;
  #failures = 0;
  #asksAnew = false;
  #holes = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {string} id @param {import("./source.js").Source} source @param {import("./blocks.js").BlockStore} store
   * @param {import("./connection-status.js").ConnectionStatus} delivery @param {() => void} onChange
   * @param {(base: number) => void} onRestored the server was restored from a backup: what came after `base` is void */
  constructor(id, source, store, delivery, onChange, onRestored) {
    this.#onRestored = onRestored;
    this.#id = id;
    this.#source = source;
    this.#store = store;
    this.#delivery = delivery;
    this.#onChange = onChange;
    addEventListener("online", () => {
      // Another network may let through what the last one didn't.
      if (!this.#stream) this.ways.restart();
      this.#retryNow();
    });
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

  /** Whether it makes sense to ask for another attempt now. */
  get canTry() {
    return this.#isWaiting || (this.#delivery.phase === "live" && this.ways.way !== "websocket");
  }

  /** Connects now, by the best way. */
  tryNow() {
    if (!this.canTry) return;
    this.ways.restart();
    if (this.#stream) this.#stream.drop();
    else this.#retryNow();
  }

  /** To be called every second. */
  tick() {
    this.#stream?.check();
    if (!this.#stream || this.#stream.wasHeard || this.#stream.silence < PATIENCE) return;
    // Until it comes to something, what is looked at is read as if there were none.
    if (this.#store.followed === Infinity) return;
    this.#store.followed = Infinity;
    this.#onChange();
  }

  #retryNow() {
    this.tick();
    if (!this.#isWaiting || this.#isConnecting) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  async #connect() {
    this.#isConnecting = true;
    this.#isWaiting = false;
    const address = await this.#address();
    if (address === null) await this.#finish();
    const connect = address ? await this.#way(address) : null;
    this.#isConnecting = false;
    if (!connect) return;
    const after = this.#delivery.cursor;
    this.#stream = new Stream(after, {
      opened: () => {
        this.#reach(this.#delivery.cursor);
        this.#delivery.opened();
        this.#onChange();
      },
      confirmed: () => {
        this.ways.confirmed();
        // Who answers may be asked again soon.
        this.#failures = Math.min(this.#failures, 1);
        this.#delivery.confirmed(performance.now());
      },
      control: ({ type, head, after, message, stream, code, base }) => {
        if (type === "notice" && code === RESTORED && base !== undefined) this.#onRestored(base);
        if (head !== undefined && head > this.#store.head) this.#store.head = head;
        if (type === "pending" && after !== undefined && message !== undefined) {
          this.#store.pending = { after, message, stream };
          this.#onChange();
        }
      },
      lines: (lines, first) => this.#take(lines, first),
      hole: (expected, got) => this.#skip(expected, got),
      closed: (code, wasHeard, isSilent) => {
        this.#stream = null;
        this.#store.pending = null;
        if (this.#delivery.phase === "ended") return;
        if (!wasHeard) this.#asksAnew = true;
        if (isSilent) this.ways.suspect("silent");
        else if (!wasHeard && code === 1006) this.ways.suspect("refused");
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
    }, (listener) => connect(after, listener));
  }

  /** What connects by the way that is open; null if it can't be loaded now.
   * @param {import("./source.js").Address} address
   * @returns {Promise<((after: number, listener: import("./stream.js").Listener) => import("./stream.js").Connection) | null>} */
  async #way({ socket, events }) {
    if (this.ways.way === "websocket") {
      return (after, listener) => connectSocket(this.#id, socket, after, () => this.#delivery.cursor, listener);
    }
    try {
      if (this.ways.way === "events" && events) {
        const { connectEvents } = await import("./event-stream.js");
        return (after, listener) => connectEvents(events, after, listener);
      }
      const { connectBlocks } = await import("./block-reader.js");
      return (after, listener) => connectBlocks(this.#id, this.#source, after, listener);
    } catch {
      this.#retry(1006);
      return null;
    }
  }

  /** Where to connect to; null if the log has ended, undefined if that can't be learnt now. */
  async #address() {
    try {
      // A server that was restored says so here.
      const address = await this.#source.address(this.#asksAnew);
      // One that refuses a stream may have lost what it had: that must not look like a bad network for ever.
      if (this.#asksAnew && (await this.#source.head()) < this.#delivery.cursor) {
        throw new Refused(409, "log_shortened", "The server’s log is shorter now than what came from it.");
      }
      if (this.#asksAnew && address) this.ways.serverAnswers(address.events !== null);
      this.#asksAnew = false;
      return address;
    } catch (error) {
      this.ways.serverIsAway();
      if (error instanceof Refused && error.code === RESTORED && error.base !== undefined) {
        this.#onRestored(error.base);
      } else if (error instanceof Refused && error.isFinal) {
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
    this.#isWaiting = false;
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
    this.#isWaiting = true;
    this.#delivery.lost(performance.now() + delay);
    this.#timer = setTimeout(() => this.#connect(), delay);
    this.#onChange();
  }
}
