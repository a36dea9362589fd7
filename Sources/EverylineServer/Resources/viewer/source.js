// Reading parts of a log by offset, whether it has ended (HTTP) or goes on (a short stream of its own).

import { json, NDJSON, request } from "./api.js";
import { BLOCK, holeIn } from "./blocks.js";
import { Stream } from "./stream.js";

/** Lines that are this long on the average, in bytes, are read one block at a time. */
const LARGE = 2_048;

export class Source {
  #id;
  #store;
  /** @type {string | null} */ #address = null;
  /** @type {Promise<string | null> | null} */ #asking = null;
  /** @type {number[]} */ #wanted = [];
  #reading = new Set();
  #averageLine = 0;
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
   * @returns {Promise<string | null>} */
  async address(anew = false) {
    if (this.#address && !anew) return this.#address;
    this.#asking ??= this.#ask().finally(() => { this.#asking = null; });
    return this.#asking;
  }

  /** @returns {Promise<string | null>} */
  async #ask() {
    const answer = await json(`/executions/${this.#id}/logs?limit=1`);
    if (!answer.websocket_url) this.#store.head = this.#store.end = answer.last_offset;
    return (this.#address = answer.websocket_url ?? null);
  }

  /** The log's head, as the server knows it. */
  async head() {
    return (await json(`/executions/${this.#id}/status`)).last_offset;
  }

  /** Has the block read soon; the one wanted last comes first.
   * @param {number} k */
  want(k) {
    if (k * BLOCK >= this.#store.followed) return;
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
      const lines = this.#store.end
        ? await this.#page(at, through - at, signal)
        : await this.#excerpt(at, through, signal);
      if (lines === null) continue;
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

  /** @param {number} after @param {number} limit @param {AbortSignal} [signal] */
  async #page(after, limit, signal) {
    const response = await request(
      `/executions/${this.#id}/logs?after=${after}&limit=${Math.min(limit, 65_536)}`,
      { headers: { Accept: NDJSON }, signal });
    const text = await response.text();
    return text === "" ? [] : text.replace(/\n$/, "").split("\n");
  }

  /** @param {number} after @param {number} through @param {AbortSignal} [signal] @returns {Promise<string[] | null>} */
  async #excerpt(after, through, signal) {
    const address = await this.address();
    if (address === null) return null;
    return new Promise((resolve, reject) => {
      /** @type {string[]} */
      const found = [];
      const finish = () => {
        clearTimeout(timer);
        stream.close();
        resolve(found);
      };
      const timer = setTimeout(finish, 10_000);
      signal?.addEventListener("abort", () => { stream.close(); clearTimeout(timer); reject(signal.reason); });
      const stream = new Stream(address, after, {
        opened() {},
        control() {},
        lines(lines) {
          for (const line of lines) if (found.length < through - after) found.push(line);
          if (found.length >= through - after) finish();
        },
        // Whoever reads this finds the hole as it finds one in a page.
        hole: (_, got) => { found.push(`{"offset":${got},`); },
        closed: async (_, wasOpen) => {
          if (!wasOpen) await this.address(true).catch(() => null);
          finish();
        },
      });
    });
  }
}
