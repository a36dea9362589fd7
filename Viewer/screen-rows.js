// The rows of a log that moves its cursor between lines, as its screen shows them. It is loaded for such a log only.

import { BLOCK, blockOf } from "./blocks.js";
import { COLUMNS } from "./line.js";
import { linked } from "./links.js";
import { PLAIN } from "./sgr.js";
import { worth } from "./rows.js";
import { UNKNOWN } from "./screen.js";
import { ScreenIndex } from "./screen-index.js";
import { ScreenLine } from "./screen-line.js";
import { EVENTS, wholeText } from "./screen-text.js";

/** @typedef {import("./blocks.js").LogEvent} LogEvent */
/** @typedef {{first: number, last: number, lines: ScreenLine[] | null, needs: number[]}} Place
 * `lines` is null for a row that isn't known before the blocks in `needs` are read, and empty for one that is an event of
 * its own. */

/** How long reading on may take at once, and before a frame, in milliseconds, so that none is late. */
const SLICE = 8;
const IN_FRAME = 4;
/** How many screens a key may be away from the event that its row began with. */
const NEAR = 4;
/** Of how many events it is kept what began their rows. */
const SOUGHT = 16;
const BREAK = { text: "\n", style: PLAIN, link: null };

export class ScreenRows {
  #store;
  #source;
  #index;
  #height;
  #size;
  /** Whether all that there was has been read once: then what is read is what is shown. */
  isReady = false;
  #wake = () => {};
  /** @type {WeakMap<ScreenLine, import("./rows.js").Row>} */ #made = new WeakMap();
  #onChange;
  /** What began the rows of the events that were asked for last.
   * @type {Map<number, number>} */
  #sought = new Map();

  /** @param {import("./blocks.js").BlockStore} store @param {import("./source.js").Source} source
   * @param {() => void} onChange @param {import("./screen.js").Size} [size] of the command's terminal */
  constructor(store, source, onChange, size = UNKNOWN) {
    this.#height = size.rows;
    this.#size = size;
    this.#index = new ScreenIndex(size);
    this.#store = store;
    this.#source = source;
    this.#onChange = onChange;
    void this.#run();
  }

  /** The last offset that can be shown. */
  get end() {
    this.#index.unfinished = this.#index.offset === this.#store.head ? this.#store.unfinished : null;
    return this.isReady ? this.#index.end : this.#store.head;
  }

  /** The share of the log that was read. */
  get progress() {
    return this.isReady ? 1 : this.#index.offset / Math.max(1, this.#store.head);
  }

  /** Reads on, as far as there is time before a frame and the events are held; the rest is read behind it. */
  advance() {
    const until = performance.now() + IN_FRAME;
    while (this.isReady && this.#index.offset < this.#store.head && performance.now() < until) {
      const k = blockOf(this.#index.offset + 1);
      const lines = this.#store.lines(k);
      if (!lines) break;
      this.#take(lines, this.#index.offset - k * BLOCK, until);
    }
    this.#wake();
  }

  /** Takes lines as long as there is time, one at least.
   * @param {string[]} lines @param {number} at @param {number} until
   * @returns {number} behind the last of them */
  #take(lines, at, until) {
    do {
      this.#index.take(this.#event(this.#index.offset + 1, lines[at++]));
    } while (at < lines.length && performance.now() < until);
    return at;
  }

  /** @param {number} offset @param {string} line @returns {LogEvent} */
  #event(offset, line) {
    return line === "" ? { offset, timestamp: NaN, type: "missing" } : JSON.parse(line);
  }

  /** Reads the log from its beginning, and then what comes. */
  async #run() {
    for (;;) {
      const after = this.#index.offset;
      if (after >= this.#store.head) {
        if (!this.isReady) {
          this.isReady = true;
          this.#onChange();
        }
        await new Promise((resolve) => { this.#wake = () => setTimeout(resolve); });
        continue;
      }
      const lines = await this.#source.portion(after).catch(() => null);
      if (!lines?.length) {
        await new Promise((resolve) => setTimeout(resolve, 1_000));
        continue;
      }
      for (let at = 0; at < lines.length && this.#index.offset === after + at; ) {
        at = this.#take(lines, at, performance.now() + SLICE);
        this.#onChange();
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
  }

  /** How many rows there are from one key to another. Those of a stretch that would have to be read first count whole.
   * @param {number} first @param {number} last */
  count(first, last) {
    return this.isReady ? this.#index.count(first, last, (mark) => this.#laidOut(mark)) : last - first + 1;
  }

  /** The row that the page shows an event on; undefined where that isn't known yet.
   * @param {number} offset @returns {Place | undefined} */
  at(offset) {
    if (!this.isReady && offset >= this.#index.settled) return undefined;
    const found = this.#index.find(offset);
    if (!found) return { first: 1, last: this.end, lines: [new ScreenLine()], needs: [] };
    const { first, mark, at } = found;
    const groups = found.groups ?? this.#laidOut(mark);
    if (!groups) return { first, last: first, lines: null, needs: this.#missing(mark) };
    // Now that it is known, the row begins where it begins.
    if (!found.groups) return this.at(offset);
    const next = this.#index.after(mark, groups, at);
    return { first, last: next > 0 ? next - 1 : this.end, lines: groups[at].rows, needs: [] };
  }

  /** @param {import("./screen-index.js").Mark} mark */
  #laidOut(mark) {
    if (this.#missing(mark).length > 0) return null;
    return this.#index.layOut(mark, this.#held);
  }

  /** An event that is held.
   * @type {(offset: number) => LogEvent} */
  #held = (offset) => {
    const k = blockOf(offset);
    const line = this.#store.lines(k)?.[offset - k * BLOCK - 1];
    return this.#event(offset, line ?? "");
  };

  /** The blocks that have to be read before a stretch can be laid out.
   * @param {import("./screen-index.js").Mark} mark @param {number} [through] */
  #missing(mark, through = this.#index.extent(mark)[1]) {
    const needs = [];
    for (let k = blockOf(mark.offset + 1); k <= blockOf(through); k++) if (!this.#store.holds(k)) needs.push(k);
    return needs;
  }

  /** The key of the row that an event wrote on.
   * @param {number} offset */
  home(offset) {
    const place = this.at(offset);
    if (!place?.lines) return place?.first ?? offset;
    if (place.lines.length === 0 || place.lines.some(({ first }) => first === offset)) return place.first;
    const began = this.#began(offset);
    if (began === 0) return place.first;
    // The key of the row that it wrote on is not below the event that the row began with.
    let at = this.at(began);
    for (let i = 0; i < NEAR * this.#height && at?.lines; at = this.at(at.last + 1), i++) {
      if (at.lines.some(({ first }) => first === began)) return at.first;
      if (at.last >= this.end) break;
    }
    return place.first;
  }

  /** The event that began the row that this one wrote on; 0 until what that depends on was read.
   * @param {number} offset */
  #began(offset) {
    const sought = this.#sought.get(offset);
    if (sought !== undefined) return sought;
    const mark = this.#index.markBefore(offset);
    const needs = this.#missing(mark, offset);
    for (const k of needs) this.#source.want(k);
    if (needs.length > 0) return 0;
    const began = this.#index.writtenBy(offset, this.#held);
    if (this.#sought.size >= SOUGHT) this.#sought.clear();
    this.#sought.set(offset, began);
    return began;
  }

  /** @param {number} first @param {number} last @param {ScreenLine[]} lines @returns {import("./rows.js").Row} */
  row(first, last, lines) {
    const [top] = lines;
    const newest = most(lines, (line) => line.last);
    const made = this.#made.get(top);
    const isLive = first > this.#index.settled && lines.some((line) => line.writers > 1);
    if (made?.first === first && made.last === last && made.written?.last === newest && made.isLive === isLive) return made;
    const row = { ...this.#make(first, last, lines), isLive };
    this.#made.set(top, row);
    return row;
  }

  /** @param {number} first @param {number} last @param {ScreenLine[]} lines @returns {import("./rows.js").Row} */
  #make(first, last, lines) {
    const [{ timestamp, pause }] = lines;
    const parts = lines.map((line) => line.rendered(COLUMNS));
    const runs = parts.flatMap((part, i) => (i === 0 ? part.runs : [BREAK, ...part.runs]));
    const text = parts.map((part) => part.text).join("\n");
    const clipped = parts.reduce((sum, part) => sum + part.clipped, 0);
    const rendered = linked({ runs, text, clipped, style: PLAIN });
    const stream = lines.some((line) => line.stream === "stderr") ? "stderr" : lines[0].stream;
    const written = {
      first: -most(lines, (line) => -line.first), last: most(lines, (line) => line.last),
      count: most(lines, (line) => line.writers),
    };
    const isNamed = written.first <= this.#index.offset;
    return {
      kind: isNamed ? "line" : "pending", first, last, timestamp, pause: worth(pause), isError: stream === "stderr", rendered,
      lines: lines.length, numbers: lines.map((line) => line.first), written, event: { offset: written.first, timestamp, stream },
      needs: lines.flatMap((line) => this.#blocksOf(line)),
    };
  }

  /** The blocks that what of a row isn't kept depends on; none where all of it is kept, or that would be too many.
   * @param {ScreenLine} line */
  #blocksOf({ first, last, widest }) {
    const mark = this.#index.markBefore(first);
    const isKnown = widest > COLUMNS && last <= this.#index.offset && last - mark.offset <= EVENTS;
    const k = blockOf(mark.offset + 1);
    return isKnown ? Array.from({ length: blockOf(last) - k + 1 }, (_, i) => k + i) : [];
  }

  /** The whole text of a row that has more than is shown.
   * @param {import("./rows.js").Row} row */
  text({ first, rendered }) {
    const lines = this.at(first)?.lines;
    if (!lines) return rendered?.text ?? "";
    return lines.map((line) => {
      const needs = this.#blocksOf(line);
      const isHeld = needs.length > 0 && needs.every((k) => this.#store.holds(k));
      return isHeld ? wholeText(line, this.#index.markBefore(line.first), this.#size, this.#held) : line.rendered(COLUMNS).text;
    }).join("\n");
  }
}

/** The largest of what is found of each; a row may have more lines than a call may have arguments.
 * @param {ScreenLine[]} lines @param {(line: ScreenLine) => number} found */
const most = (lines, found) => lines.reduce((largest, line) => Math.max(largest, found(line)), -Infinity);
