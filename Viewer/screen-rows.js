// The rows of a log that moves its cursor between lines, as its screen shows them. It is loaded for such a log only.

import { BLOCK, blockOf } from "./blocks.js";
import { COLUMNS } from "./line.js";
import { linked } from "./links.js";
import { PLAIN } from "./sgr.js";
import { worth } from "./rows.js";
import { UNKNOWN } from "./screen.js";
import { EventRows } from "./event-rows.js";
import { ScreenIndex } from "./screen-index.js";
import { EVENTS, wholeText } from "./screen-text.js";

/** @typedef {import("./screen-line.js").ScreenLine} ScreenLine */

/** @typedef {import("./blocks.js").LogEvent} LogEvent */
/** @typedef {import("./screen-index.js").Mark} Mark */
/** What stands on a row; `group` is null before the blocks in `needs` are read.
 * @typedef {{row: number, group: import("./screen-index.js").Group | null, needs: number[]}} Place */

/** How long reading on may take at once, and before a frame, in milliseconds, so that none is late. */
const SLICE = 8;
const IN_FRAME = 4;

export class ScreenRows {
  #store;
  #source;
  #index;
  #events;
  #size;
  /** Whether all that there was has been read once: then what is read is what is shown. */
  isReady = false;
  #wake = () => {};
  /** @type {WeakMap<object, import("./rows.js").Row>} */ #made = new WeakMap();
  #onChange;
  #onReady;

  /** @param {import("./blocks.js").BlockStore} store @param {import("./source.js").Source} source
   * @param {() => void} onChange @param {import("./screen.js").Size} [size] of the command's terminal
   * @param {(ready: () => void) => void} [onReady] called once rows are a screen's, from when on it says so itself */
  constructor(store, source, onChange, size = UNKNOWN, onReady = (ready) => ready()) {
    this.#size = size;
    this.#index = new ScreenIndex(size);
    this.#events = new EventRows(this.#index, (mark) => this.#index.groups(mark) ?? this.#layOut(mark),
      (mark, through) => this.#missing(mark, through), this.#held);
    this.#store = store;
    this.#source = source;
    this.#onChange = onChange;
    this.#onReady = onReady;
    void this.#run();
  }

  /** What it shows of the line that has no newline yet is brought up to date. */
  get #current() {
    this.#index.unfinished = this.#index.offset === this.#store.head ? this.#store.unfinished : null;
    return this.#index;
  }

  /** The last row that can be shown. */
  get end() {
    return this.#current.end;
  }

  /** The last row but for those of a line that has no newline yet. */
  get lastLine() {
    return this.#current.lastLine;
  }

  /** The last event that was read. */
  get read() {
    return this.#index.offset;
  }

  /** The share of the log that was read. */
  get progress() {
    return this.isReady ? 1 : this.read / Math.max(1, this.#store.head);
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
          this.#onReady(() => { this.isReady = true; });
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

  /** What a row shows.
   * @param {number} row @returns {Place} */
  at(row) {
    const { mark, groups, at } = this.#index.find(row);
    const group = (groups ?? this.#layOut(mark))?.[at] ?? null;
    return { row, group, needs: group ? [] : this.#missing(mark) };
  }

  /** @param {Mark} mark */
  #layOut(mark) {
    return this.#missing(mark).length > 0 ? null : this.#index.layOut(mark, this.#held);
  }

  /** An event that is held.
   * @type {(offset: number) => LogEvent} */
  #held = (offset) => {
    const k = blockOf(offset);
    const line = this.#store.lines(k)?.[offset - k * BLOCK - 1];
    return this.#event(offset, line ?? "");
  };

  /** The blocks that have to be read before a stretch can be laid out.
   * @param {Mark} mark @param {number} [through] */
  #missing(mark, through = this.#index.extent(mark)[1]) {
    const needs = [];
    for (let k = blockOf(mark.offset + 1); k <= blockOf(through); k++) if (!this.#store.holds(k)) needs.push(k);
    return needs;
  }

  /** The row that an event began, or wrote on; about where that is, as long as it isn't sure.
   * @param {number} event */
  home(event) {
    return this.#found(event).first;
  }

  /** Whether it is known which row an event began, or wrote on.
   * @param {number} event */
  isSure(event) {
    return this.#found(event).needs.length === 0;
  }

  /** The rows that show one event to another, and those between them.
   * @param {number} first @param {number} last @returns {[number, number]} */
  span(first, last) {
    const { head } = this.#store;
    const beyond = Math.max(0, last - head);
    if (first > head) return [this.lastLine + first - head, this.lastLine + beyond];
    const [one, other] = [this.#found(first), this.#found(Math.min(last, head))];
    return [Math.min(one.first, other.first), beyond > 0 ? this.lastLine + beyond : Math.max(one.last, other.last)];
  }

  /** @param {number} event */
  #found(event) {
    const found = this.#events.of(Math.min(event, this.#store.head));
    for (const k of found.needs) this.#source.want(k);
    return found;
  }

  /** The events that rows from one to another stand for: from that which named the first, to the one before that which named the
   * row behind the last.
   * @param {number} first @param {number} last @returns {[number, number]} */
  events(first, last) {
    const begin = this.#nameOf(first);
    return [begin, last >= this.lastLine ? this.#store.head : Math.max(begin, this.#nameOf(last), this.#nameOf(last + 1) - 1)];
  }

  /** @param {number} row */
  #nameOf(row) {
    return this.at(row).group?.first ?? this.#index.extent(this.#index.find(row).mark)[0];
  }

  /** A row of a screen, and where the page has it.
   * @param {number} at @param {number} place @param {import("./screen-index.js").Group} group @returns {import("./rows.js").Row} */
  row(at, place, group) {
    const [top] = group.rows;
    const last = most(group.rows, (line) => line.last);
    const made = this.#made.get(top);
    const isLive = place > this.#index.settled && group.rows.some((line) => line.writers > 1);
    if (made?.first === at && made.written?.last === last && made.isLive === isLive && made.lines === group.rows.length) return made;
    const row = { ...this.#make(at, group), isLive };
    // Shown without the row before it, it stands by itself.
    if (at !== place) row.isMore = row.goesOn = false;
    this.#made.set(top, row);
    return row;
  }

  /** The row of an event that is no output.
   * @param {number} at @param {import("./screen-index.js").Group} group @param {import("./rows.js").Row} row of the event itself */
  eventRow(at, { first, last }, row) {
    const made = this.#made.get(row);
    if (made?.first === at) return made;
    const placed = { ...row, first: at, last: at, names: /** @type {[number, number]} */ ([first, last]) };
    this.#made.set(row, placed);
    return placed;
  }

  /** @param {number} at @param {import("./screen-index.js").Group} group @returns {import("./rows.js").Row} */
  #make(at, { first, rows, goesOn, isMore }) {
    const [{ timestamp, pause, stream }] = rows;
    const written = {
      first: -most(rows, (line) => -line.first), last: most(rows, (line) => line.last),
      count: most(rows, (line) => line.writers),
    };
    const kind = written.first <= this.#index.offset ? "line" : "pending";
    return {
      kind, first: at, last: at, names: [first, first], timestamp, pause: worth(pause), isError: rows.some((line) => line.stream === "stderr"),
      rendered: joined(rows), lines: rows.length, goesOn, isMore, written, event: { offset: written.first, timestamp, stream },
      needs: rows.flatMap((line) => this.#blocksOf(line)),
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
   * @param {import("./screen-index.js").Group} group */
  text({ rows }) {
    return rows.map((line) => {
      const needs = this.#blocksOf(line);
      const isHeld = needs.length > 0 && needs.every((k) => this.#store.holds(k));
      return isHeld ? wholeText(line, this.#index.markBefore(line.first), this.#size, this.#held) : line.rendered(COLUMNS).text;
    }).join("");
  }
}

/** The rows of one line as a text, with the places where it goes on in the next row.
 * @param {ScreenLine[]} rows */
function joined(rows) {
  const parts = rows.map((line) => line.rendered(COLUMNS));
  let text = "";
  const breaks = parts.map((part) => (text += part.text).length);
  breaks.pop();
  /** @type {import("./line.js").Run[]} */
  const runs = [];
  for (const run of parts.flatMap((part) => part.runs)) {
    const last = runs[runs.length - 1];
    if (last && last.style === run.style && last.link === run.link) last.text += run.text;
    else runs.push(run);
  }
  const clipped = parts.reduce((sum, part) => sum + part.clipped, 0);
  return linked({ runs, text, clipped, style: PLAIN, breaks });
}

/** The largest of what is found of each.
 * @param {ScreenLine[]} lines @param {(line: ScreenLine) => number} found */
const most = (lines, found) => lines.reduce((largest, line) => Math.max(largest, found(line)), -Infinity);
