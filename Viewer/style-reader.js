// Finds what a block begins with that was jumped to: reads back from there, only events with escapes, until they decide it,
// or to what is known. How far back that is says the log; what was passed on the way is kept. It is loaded for logs that are
// longer than what is held of them.

import { BLOCK } from "./blocks.js";
import { NOTHING, isDecided, joined, withEvent } from "./opening-styles.js";
import { PLAIN } from "./sgr.js";

/** @typedef {import("./opening-styles.js").Effect} Effect */
/** A reading: from which block back, how far it got, what the events from there on do, and what each part of them does,
 * the newest first.
 * @typedef {{target: number, reached: number, effect: Effect, parts: {from: number, to: number, effect: Effect, isQuiet: boolean}[]}} Reading */

/** How many blocks are asked for at first; then four times as many each time. */
const NEAR = 4;
/** How long events may be looked at at once, in milliseconds, so that no frame is late. */
const SLICE = 8;
const STEP = 64;
/** How often in a row what can't be read is tried. */
const ATTEMPTS = 5;

export class StyleReader {
  #source;
  #openings;
  #onChange;
  /** @type {Reading | null} */ #reading = null;

  /** @param {import("./source.js").Source} source @param {import("./opening-styles.js").OpeningStyles} openings
   * @param {() => void} onChange called when more is known, or another style guessed */
  constructor(source, openings, onChange) {
    this.#source = source;
    this.#openings = openings;
    this.#onChange = onChange;
  }

  /** Has it found out what a block begins with. A block behind that of a reading waits for it, and one that a reading has
   * passed too; an earlier one is read for in its place.
   * @param {number} k */
  want(k) {
    if (this.#reading && k >= this.#reading.reached) return;
    const reading = { target: k, reached: k, effect: NOTHING, parts: [] };
    this.#reading = reading;
    void this.#read(reading);
  }

  /** What a block begins with by what was read so far.
   * @param {number} k */
  guess(k) {
    return this.#reading && k >= this.#reading.reached ? this.#reading.effect.plain : PLAIN;
  }

  /** @param {Reading} reading */
  async #read(reading) {
    let size = NEAR;
    for (let attempts = 0; this.#reading === reading; ) {
      const [known, style] = this.#openings.before(reading.reached);
      const isKnown = known === reading.reached;
      if (isKnown || isDecided(reading.effect)) return this.#found(reading, isKnown ? style : null);
      const from = Math.max(known, reading.reached - Math.min(size, this.#source.blocksOfEscapes));
      try {
        const lines = await this.#lines(from, reading.reached);
        const effect = await this.#effect(lines);
        if (this.#reading !== reading) return undefined;
        const guess = reading.effect.plain;
        reading.parts.push({ from, to: reading.reached, effect, isQuiet: lines.length === 0 });
        reading.effect = joined(effect, reading.effect);
        reading.reached = from;
        size *= 4;
        attempts = 0;
        if (!isDecided({ plain: guess, full: reading.effect.plain })) this.#onChange();
      } catch (error) {
        this.#source.onFailure(error);
        if (++attempts === ATTEMPTS) break;
        await new Promise((resolve) => setTimeout(resolve, 1_000));
      }
    }
    if (this.#reading === reading) this.#reading = null;
    return undefined;
  }

  /** The events with escapes from one block to another.
   * @param {number} from @param {number} to */
  async #lines(from, to) {
    /** @type {string[]} */
    let lines = [];
    for (let at = from * BLOCK; at < to * BLOCK; ) {
      const found = await this.#source.escapes(at, to * BLOCK - at);
      if (!(found.last > at)) throw new Error(`Lines after ${at} can’t be read now.`);
      lines = lines.concat(found.lines);
      at = found.last;
    }
    return lines;
  }

  /** @param {string[]} lines */
  async #effect(lines) {
    let effect = NOTHING;
    let until = performance.now() + SLICE;
    for (let at = lines.length - 1; at >= 0 && !isDecided(effect); at--) {
      effect = withEvent(lines[at], effect);
      if (at % STEP > 0 || performance.now() < until) continue;
      await new Promise((resolve) => setTimeout(resolve));
      until = performance.now() + SLICE;
    }
    return effect;
  }

  /** Notes what each part that was read begins with, as far as that is certain.
   * @param {Reading} reading @param {import("./sgr.js").Style | null} style of the first of them; null if it isn't known */
  #found(reading, style) {
    let opening = style ? { plain: style, full: style } : NOTHING;
    for (const { from, to, effect, isQuiet } of reading.parts.reverse()) {
      if (isQuiet && isDecided(opening)) this.#openings.add(from, to, opening.plain);
      opening = joined(opening, effect);
      if (isDecided(opening)) this.#openings.add(to, to, opening.plain);
    }
    this.#reading = null;
    // What waited for it is asked for again.
    this.#onChange();
  }
}
