// A log's lines as they came, in blocks of equal count, so that an offset says which block it is in. What is held is
// bounded: the blocks that were not used for the longest time go first, and are fetched again when they are looked at.

import { movesBetweenLines } from "./sequences.js";

/** Lines in a block. */
export const BLOCK = 256;
/** The most pieces of a line that are joined on one row. With the usual limit that is a line of 256 MiB. */
export const PIECES = 1024;
/** How many bytes of text are held at the most. */
export const BUDGET = 48 << 20;
/** In how many blocks, and up to how many bytes of them, events are held decoded. */
const DECODED = 16;
const DECODED_BYTES = 8 << 20;
/** How many bytes of one block are held decoded: more than a screen of the longest lines. */
const LOOKED_AT = 16 << 20;

/** @typedef {{offset: number, timestamp: number, message?: string, stream?: "stdout" | "stderr", partial?: boolean,
 *   type?: "line" | "end" | "notice" | "missing", code?: string, status?: string, exit_code?: number,
 *   reason?: string}} LogEvent */

/** @param {number} offset */
export const blockOf = (offset) => Math.floor((offset - 1) / BLOCK);

/** The offset that an event's line begins with.
 * @param {string} line */
export function offsetOf(line) {
  const digits = line.startsWith('{"offset":') ? parseInt(line.slice(10, 27), 10) : NaN;
  return Number.isSafeInteger(digits) ? digits : NaN;
}

/** The first place where lines don't go on from `after`, or null.
 * @param {string[]} lines @param {number} after
 * @returns {{expected: number, got: number} | null} */
export function holeIn(lines, after) {
  for (let i = 0; i < lines.length; i++) {
    const got = offsetOf(lines[i]);
    if (got !== after + 1 + i) return { expected: after + 1 + i, got };
  }
  return null;
}

/** What a line takes in memory: one byte a character, two where any is beyond Latin-1.
 * @param {string} text */
const sizeOf = (text) => (/[^\x00-\xff]/.test(text) ? 2 : 1) * text.length;

class Block {
  #first;
  /** @type {string | null} */ #text = null;
  /** @type {string[] | null} */ #lines;
  /** @type {(LogEvent | undefined)[]} */ #events = [];
  #decoded = 0;
  bytes = 0;
  count;

  /** @param {number} first @param {string[]} lines */
  constructor(first, lines) {
    this.#first = first;
    this.#lines = lines;
    this.count = lines.length;
    for (const line of lines) this.bytes += sizeOf(line) + 1;
  }

  /** Keeps the text as one flat string: lines cut out of a message would keep the whole message alive. */
  settle() {
    if (this.#text === null && this.#lines) this.#text = this.#lines.join("\n");
    this.rest();
  }

  /** Lets go of what can be made again. */
  rest() {
    if (this.#text !== null) this.#lines = null;
    this.#events = [];
    this.#decoded = 0;
  }

  get lines() {
    return (this.#lines ??= (this.#text ?? "").split("\n"));
  }

  /** @param {string[]} lines */
  extend(lines) {
    for (const line of lines) {
      this.lines.push(line);
      this.bytes += sizeOf(line) + 1;
    }
    this.count += lines.length;
  }

  /** @param {number} offset @returns {LogEvent | undefined} */
  event(offset) {
    const i = offset - this.#first;
    if (i >= this.count) return undefined;
    const event = this.#events[i];
    if (event) return event;
    const line = this.lines[i];
    if (this.#decoded + line.length > LOOKED_AT) [this.#events, this.#decoded] = [[], 0];
    this.#decoded += line.length;
    return (this.#events[i] = JSON.parse(line));
  }
}

/** What a stream says of a line that has no newline yet, behind the event `after`.
 * @typedef {{after: number, message: string, stream?: string}} Pending */

export class BlockStore {
  /** @type {Map<number, Block>} from the least to the most recently used */
  #blocks = new Map();
  /** @type {Block[]} */ #decoded = [];
  #budget;
  #bytes = 0;
  /** Whether an event needs a screen; before it is the other one.
   * @type {(line: string, before?: string) => boolean} */
  #needsScreen = movesBetweenLines;
  /** Whether any does. */
  moves = false;
  /** Called when the first of them is found. */
  onMoves = () => {};
  /** The newest offset known. */
  head = 0;
  /** The offset of the end event, once it is known; else 0. */
  end = 0;
  /** @type {Pending | null} */ #pending = null;
  /** Whatever follows this offset is on its way already, from a stream. */
  followed = Infinity;
  /** What was received and checked. */
  received = new Ranges();
  /** What a server said it has and doesn't give. */
  missing = new Ranges();

  /** @param {number} [budget] */
  constructor(budget = BUDGET) {
    this.#budget = budget;
  }

  /** The line that follows the head and has no newline yet; null if none is known. */
  get unfinished() {
    const { pending } = this;
    return pending?.message && pending.after === this.head && this.end === 0 ? pending : null;
  }

  /** The newest of its kind. It is no part of the log. */
  get pending() {
    return this.#pending;
  }

  set pending(pending) {
    this.#pending = pending;
    if (pending) this.#look([JSON.stringify(pending)]);
  }

  /** What says so otherwise, from now on and of what is held. */
  set needsScreen(/** @type {(line: string, before?: string) => boolean} */ needsScreen) {
    this.#needsScreen = needsScreen;
    for (const { lines } of this.#blocks.values()) this.#look(lines);
  }

  /** @param {string[]} lines @param {string} [before] */
  #look(lines, before) {
    if (this.moves || !lines.some((line, i) => this.#needsScreen(line, lines[i - 1] ?? before))) return;
    this.moves = true;
    this.onMoves();
  }

  get bytes() {
    return this.#bytes;
  }

  /** Takes lines that follow each other without a hole, from where a block begins or from where what is held ends.
   * @param {number} first @param {string[]} lines */
  add(first, lines) {
    for (let at = 0; at < lines.length; ) {
      const k = blockOf(first + at);
      const part = lines.slice(at, (k + 1) * BLOCK + 1 - first);
      this.#addTo(k, first + at, part);
      at += part.length;
    }
    if (lines.length === 0) return;
    this.received.add(first, first + lines.length - 1);
    this.head = Math.max(this.head, first + lines.length - 1);
    this.#evict();
  }

  /** Notes that these events can't be had. What follows them can be kept all the same.
   * @param {number} first @param {number} last */
  miss(first, last) {
    this.missing.add(first, last);
    this.head = Math.max(this.head, last);
    for (const k of new Set([blockOf(first), blockOf(last)])) {
      const from = Math.max(first, k * BLOCK + 1);
      const to = Math.min(last, (k + 1) * BLOCK);
      this.#addTo(k, from, new Array(to - from + 1).fill(""));
    }
  }

  /** @param {number} k @param {number} first @param {string[]} lines */
  #addTo(k, first, lines) {
    const start = k * BLOCK + 1;
    let block = this.#blocks.get(k);
    const held = start + (block?.count ?? 0);
    // Without the block's beginning it can't be kept; it is fetched whole when it is looked at.
    if (first > held) return;
    const news = lines.slice(held - first);
    this.#look(news, block?.lines.at(-1));
    if (!block) this.#blocks.set(k, (block = new Block(start, [])));
    this.#bytes -= block.bytes;
    block.extend(news);
    if (block.count === BLOCK) block.settle();
    this.#bytes += block.bytes;
    this.#touch(k, block);
  }

  /** The event; undefined if it isn't held now.
   * @param {number} offset @returns {LogEvent | undefined} */
  event(offset) {
    if (this.missing.find(offset)) return { offset, timestamp: NaN, type: "missing" };
    const k = blockOf(offset);
    const block = this.#blocks.get(k);
    if (!block) return undefined;
    this.#touch(k, block);
    if (this.#decoded.at(-1) !== block) {
      this.#decoded = this.#decoded.filter((other) => other !== block);
      this.#decoded.push(block);
      let bytes = this.#decoded.reduce((sum, { bytes }) => sum + bytes, 0);
      while (this.#decoded.length > DECODED || (bytes > DECODED_BYTES && this.#decoded.length > 2)) {
        const oldest = this.#decoded.shift();
        bytes -= oldest?.bytes ?? 0;
        oldest?.rest();
      }
    }
    return block.event(offset);
  }

  /** Whether everything of the block that there is now is held.
   * @param {number} k */
  holds(k) {
    const last = Math.min(this.head, (k + 1) * BLOCK);
    if ((this.missing.find(k * BLOCK + 1)?.[1] ?? 0) >= last) return true;
    const block = this.#blocks.get(k);
    return block !== undefined && k * BLOCK + block.count >= last;
  }

  /** The block's lines, without counting as a use; undefined if it isn't held to the head.
   * @param {number} k */
  lines(k) {
    return this.holds(k) ? this.#blocks.get(k)?.lines : undefined;
  }

  /** @param {number} k @param {Block} block */
  #touch(k, block) {
    this.#blocks.delete(k);
    this.#blocks.set(k, block);
  }

  #evict() {
    for (const [k, block] of this.#blocks) {
      if (this.#bytes <= this.#budget || this.#blocks.size <= 3) return;
      // The newest block is still growing.
      if (k === blockOf(this.head)) continue;
      this.#blocks.delete(k);
      this.#bytes -= block.bytes;
    }
  }
}

/** A set of offsets, as ranges that don't touch, in order. */
export class Ranges {
  /** @type {[number, number][]} */
  list = [];

  /** @param {number} first @param {number} last */
  add(first, last) {
    let at = this.list.length;
    while (at > 0 && this.list[at - 1][1] >= first - 1) at--;
    let until = at;
    while (until < this.list.length && this.list[until][0] <= last + 1) {
      first = Math.min(first, this.list[until][0]);
      last = Math.max(last, this.list[until][1]);
      until++;
    }
    this.list.splice(at, until - at, [first, last]);
  }

  /** The parts of a range that aren't in it.
   * @param {number} first @param {number} last */
  gaps(first, last) {
    /** @type {[number, number][]} */
    const gaps = [];
    for (const [from, to] of this.list) {
      if (to < first || from > last) continue;
      if (from > first) gaps.push([first, from - 1]);
      first = to + 1;
    }
    if (first <= last) gaps.push([first, last]);
    return gaps;
  }

  get count() {
    return this.list.reduce((sum, [first, last]) => sum + last - first + 1, 0);
  }

  /** @param {number} offset @returns {[number, number] | undefined} */
  find(offset) {
    return this.list.find(([first, last]) => first <= offset && offset <= last);
  }
}
