// Which lines of a log a search found, in a bit a line: five million lines take 640 KB, however many of them match.

import { BLOCK } from "./blocks.js";

export class MatchIndex {
  /** @type {Map<number, {bits: Uint32Array, count: number}>} by block */
  #blocks = new Map();
  /** The blocks with a hit, in order: few of millions of lines may match.
   * @type {number[]} */
  #order = [];
  /** The lines found so far. */
  count = 0;

  /** @param {number} offset */
  add(offset) {
    const [k, i] = place(offset);
    let block = this.#blocks.get(k);
    if (!block) {
      this.#blocks.set(k, (block = { bits: new Uint32Array(BLOCK / 32), count: 0 }));
      if (k > (this.#order.at(-1) ?? -1)) this.#order.push(k);
      else this.#order.splice(this.#rankOf(k), 0, k);
    }
    const bit = 1 << (i & 31);
    if (block.bits[i >> 5] & bit) return;
    block.bits[i >> 5] |= bit;
    block.count++;
    this.count++;
  }

  /** @param {number} offset */
  delete(offset) {
    const [k, i] = place(offset);
    const block = this.#blocks.get(k);
    if (!block || !this.has(offset)) return;
    block.bits[i >> 5] &= ~(1 << (i & 31));
    block.count--;
    this.count--;
  }

  /** How many blocks with a hit are before this one.
   * @param {number} k */
  #rankOf(k) {
    let [low, high] = [0, this.#order.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#order[middle] < k) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** @param {number} offset */
  has(offset) {
    const [k, i] = place(offset);
    const block = this.#blocks.get(k);
    return block !== undefined && (block.bits[i >> 5] & (1 << (i & 31))) !== 0;
  }

  /** The first hit at or behind the offset; 0 if there is none.
   * @param {number} offset */
  from(offset) {
    const [own, begin] = place(Math.max(1, offset));
    for (let at = this.#rankOf(own); at < this.#order.length; at++) {
      const k = this.#order[at];
      const bits = this.#blocks.get(k)?.bits ?? [];
      for (let i = k === own ? begin : 0; i < BLOCK; i++) {
        if (bits[i >> 5] & (1 << (i & 31))) return k * BLOCK + i + 1;
      }
    }
    return 0;
  }

  /** The last hit at or before the offset; 0 if there is none.
   * @param {number} offset */
  upTo(offset) {
    if (offset < 1) return 0;
    const [own, end] = place(offset);
    for (let at = this.#rankOf(own + 1) - 1; at >= 0; at--) {
      const k = this.#order[at];
      const bits = this.#blocks.get(k)?.bits ?? [];
      for (let i = k === own ? end : BLOCK - 1; i >= 0; i--) {
        if (bits[i >> 5] & (1 << (i & 31))) return k * BLOCK + i + 1;
      }
    }
    return 0;
  }

  /** How many hits there are up to and with the offset.
   * @param {number} offset */
  rank(offset) {
    const [own, upTo] = place(offset);
    let rank = 0;
    for (const [k, block] of this.#blocks) {
      if (k < own) rank += block.count;
      else if (k === own) for (let i = 0; i <= upTo; i++) if (block.bits[i >> 5] & (1 << (i & 31))) rank++;
    }
    return rank;
  }

  /** How many hits fall on each of `size` equal parts of a log with this head.
   * @param {number} head @param {number} size */
  spread(head, size) {
    const parts = new Uint32Array(size);
    if (head < 1) return parts;
    const scale = size / head;
    for (const [k, block] of this.#blocks) {
      if (scale * BLOCK < 1) {
        parts[Math.min(size - 1, Math.floor(k * BLOCK * scale))] += block.count;
        continue;
      }
      for (let i = 0; i < BLOCK; i++) {
        if (block.bits[i >> 5] & (1 << (i & 31))) parts[Math.min(size - 1, Math.floor((k * BLOCK + i) * scale))]++;
      }
    }
    return parts;
  }
}

/** What was found, and so many lines around each; a line may be several events, and is shown by the first of them. */
export class WithContext {
  #hits;
  #pieces;
  #reach;
  #around;

  /** @param {MatchIndex} hits @param {MatchIndex} pieces the events that go on with a line
   * @param {() => number} reach up to where it is known which do @param {number} around */
  constructor(hits, pieces, reach, around) {
    this.#hits = hits;
    this.#pieces = pieces;
    this.#reach = reach;
    this.#around = around;
  }

  /** @param {number} offset */
  from(offset) {
    const reach = this.#reach();
    while (offset <= reach && this.#pieces.has(offset)) offset++;
    const hit = offset <= reach ? this.#hits.from(this.#before(offset)) : 0;
    return hit && Math.max(offset, this.#before(hit));
  }

  /** @param {number} offset */
  upTo(offset) {
    offset = this.#begin(Math.min(offset, this.#reach()));
    const hit = this.#hits.upTo(this.#behind(offset));
    return hit && Math.min(offset, this.#behind(hit));
  }

  /** Where the line begins that has this event.
   * @param {number} offset */
  #begin(offset) {
    while (this.#pieces.has(offset)) offset--;
    return offset;
  }

  /** So many lines before this one.
   * @param {number} offset */
  #before(offset) {
    offset = this.#begin(offset);
    for (let lines = this.#around; lines > 0 && offset > 1; lines--) offset = this.#begin(offset - 1);
    return offset;
  }

  /** So many lines behind this one, as far as they are known.
   * @param {number} offset */
  #behind(offset) {
    const reach = this.#reach();
    let last = (offset = this.#begin(offset));
    for (let lines = this.#around; lines > 0; lines--) {
      do offset++; while (offset <= reach && this.#pieces.has(offset));
      if (offset > reach) break;
      last = offset;
    }
    return last;
  }
}

/** @param {number} offset */
const place = (offset) => [Math.floor((offset - 1) / BLOCK), (offset - 1) % BLOCK];
