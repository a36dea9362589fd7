// Reading parts of a log by offset, whether it has ended or goes on.

import { json, request, within } from "./api.js";
import { BLOCK, blockOf, holeIn, offsetOf } from "./blocks.js";

/** How long a block may take, in milliseconds. */
const TIMEOUT = 60_000;
/** Lines that are this long on the average, in bytes, are read one block at a time. */
const LARGE = 2_048;

/** How many bytes of events are looked through for escapes at once, about. */
const ESCAPES = 16 << 20;

/** Where a log is followed: by a WebSocket, and by server-sent events, where the server has them.
 * @typedef {{socket: string, events: string | null}} Address */

export class Source {
  #id;
  #store;
  /** @type {Address | null} */ #address = null;
  /** @type {Promise<Address | null> | null} */ #asking = null;
  /** @type {number[]} */ #wanted = [];
  #reading = new Set();
  #averageLine = 0;
  /** Of what is known of the log: another one says that the server was restored from a backup.
   * @type {string | undefined} */
  #incarnation;
  /** Called when blocks have come. */
  onArrival = () => {};
  /** @type {(error: unknown) => void} */
  onFailure = () => {};

  /** @param {string} id @param {import("./blocks.js").BlockStore} store */
  constructor(id, store) {
    this.#id = id;
    this.#store = store;
  }

  /** @param {number} bytes of the whole log @param {number} events */
  size(bytes, events) {
    this.#averageLine = bytes / Math.max(1, events);
  }

  /** The stream's address, asked for anew where it is needed; null once the log has ended.
   * @param {boolean} [anew]
   * @returns {Promise<Address | null>} */
  async address(anew = false) {
    if (this.#address && !anew) return this.#address;
    this.#asking ??= this.#ask().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  /** @returns {Promise<Address | null>} */
  async #ask() {
    const answer = await json(`/executions/${this.#id}/logs?limit=1${this.#known}`);
    this.#incarnation ??= answer.incarnation;
    if (!answer.websocket_url) this.#store.head = this.#store.end = answer.last_offset;
    const { websocket_url: socket, stream_url: events = null } = answer;
    return (this.#address = socket ? { socket, events } : null);
  }

  get #known() {
    return this.#incarnation ? `&incarnation=${this.#incarnation}` : "";
  }

  /** The log's head, as the server knows it. */
  async head() {
    return (await json(`/executions/${this.#id}/status`)).last_offset;
  }

  /** Has the block read soon; the one wanted last comes first.
   * @param {number} k */
  want(k) {
    if (k * BLOCK >= this.#store.followed || this.#store.holds(k)) return;
    const group = this.#group(k);
    if (this.#reading.has(group)) return;
    this.#wanted = this.#wanted.filter((other) => other !== group);
    this.#wanted.push(group);
    if (this.#wanted.length > 8) this.#wanted.shift();
    this.#pump();
  }

  /** How many blocks are read at once. */
  get blocksAtOnce() {
    return this.#averageLine > LARGE ? 1 : 4;
  }

  /** How many blocks are looked through for escapes at once: what these may all be in has to fit into memory. */
  get blocksOfEscapes() {
    return Math.max(1, Math.min(65_536 / BLOCK, Math.floor(ESCAPES / (BLOCK * this.#averageLine || 1))));
  }

  /** @param {number} k */
  #group = (k) => k - (k % this.blocksAtOnce);

  async #pump() {
    if (this.#reading.size >= 2) return;
    const group = this.#wanted.pop();
    if (group === undefined) return;
    this.#reading.add(group);
    try {
      await this.fetch(group * BLOCK, this.blocksAtOnce * BLOCK, (first, lines) => this.#store.add(first, lines));
      this.onArrival();
    } catch (error) {
      this.onFailure(error);
      // The view will want it again at once.
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    this.#reading.delete(group);
    this.#pump();
  }

  /** Reads up to `count` events after an offset, as far as there are any now, and hands them on in order.
   * @param {number} after @param {number} count @param {(first: number, lines: string[]) => void} take
   * @param {AbortSignal} [signal] */
  async fetch(after, count, take, signal) {
    const through = Math.min(after + count, this.#store.head);
    let at = after;
    for (let attempts = 0; at < through; attempts++) {
      const lines = await this.#block(at, through - at, signal);
      const hole = holeIn(lines, at);
      const good = hole ? lines.slice(0, hole.expected - at - 1) : lines;
      if (good.length > 0) {
        take(at + 1, good);
        at += good.length;
        attempts = 0;
      }
      if (attempts >= 2 && hole && hole.got > hole.expected) {
        // Asked three times, the server goes on behind it: it hasn't got these, and the view says so where they are.
        this.#store.miss(hole.expected, Math.min(hole.got - 1, through));
        at = Math.min(hole.got - 1, through);
        attempts = 0;
      } else if (attempts >= 4) {
        throw new Error(`Lines after ${at} can’t be read now.`);
      }
    }
  }

  /** What follows an offset, from memory if it is there, for reading a whole log in order; what is missing is empty.
   * @param {number} after @param {AbortSignal} [signal] @returns {Promise<string[]>} */
  async portion(after, signal) {
    const k = blockOf(after + 1);
    const held = this.#store.lines(k);
    if (held) return held.slice(after - k * BLOCK);
    const hole = this.#store.missing.find(after + 1);
    if (hole) return new Array(hole[1] - after).fill("");
    /** @type {string[]} */
    const found = [];
    const many = (this.blocksAtOnce === 1 ? 1 : 16) * BLOCK;
    await this.fetch(after, many, (first, lines) => {
      while (found.length < first - after - 1) found.push("");
      for (const line of lines) found.push(line);
      this.#store.received.add(first, first + lines.length - 1);
    }, signal);
    return found;
  }

  /** @param {number} after @param {number} limit @param {AbortSignal} [signal] */
  async #block(after, limit, signal) {
    const query = `after=${after}&limit=${Math.min(limit, 65_536)}`;
    return linesOf(await this.#read(query, signal));
  }

  /** The events in which escapes are, among up to `count` after an offset, and the last event that was looked at.
   * @param {number} after @param {number} count @returns {Promise<{lines: string[], last: number}>} */
  escapes(after, count) {
    return within(TIMEOUT, async (signal) => {
      const answer = await request(this.#path(`after=${after}&limit=${count}&escapes=true`), { signal });
      return { lines: linesOf(await answer.text()), last: Number(answer.headers.get("X-Last-Offset")) };
    });
  }

  /** The offset of the first event that isn't older than the time; the head if there is none.
   * @param {number} time */
  async at(time) {
    const query = `last_seen_timestamp=${Math.max(0, Math.round(time))}&limit=1`;
    const line = await this.#read(query);
    return line ? offsetOf(line) : this.#store.head;
  }

  /** @param {string} query @param {AbortSignal} [signal] @returns {Promise<string>} */
  #read(query, signal) {
    return within(TIMEOUT, async (signal) => (await request(this.#path(query), { signal })).text(), signal);
  }

  /** @param {string} query */
  #path(query) {
    return `/executions/${this.#id}/block?${query}${this.#known}`;
  }
}

/** @param {string} text */
const linesOf = (text) => (text === "" ? [] : text.replace(/\n$/, "").split("\n"));
