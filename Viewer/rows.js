// What stands on one row of the view: a line with the pieces it was cut into, a notice, the end, or what is missing.

import { render, styleAfter } from "./ansi.js";
import { BLOCK, PIECES, blockOf } from "./blocks.js";
import { missingText, note, textOf } from "./event-text.js";
import { linked } from "./links.js";
import { NOTHING, OpeningStyles, applied, isDecided, isKnown, withEvent } from "./opening-styles.js";
import { PLAIN } from "./sgr.js";

/** @typedef {import("./ansi.js").Rendered} Rendered */
/** @typedef {import("./blocks.js").LogEvent} LogEvent */
/** @typedef {{kind: "line" | "pending" | "notice" | "end" | "missing" | "unread", first: number, last: number,
 *   timestamp: number, pause: number, isError: boolean, event?: LogEvent, rendered?: Rendered, lines?: number,
 *   numbers?: number[], isLive?: boolean, written?: {first: number, last: number, count: number}, needs?: number[]}} Row
 * `pause` is how many milliseconds of silence were before it, where that is worth a word; else 0. Of a row of a screen,
 * `lines` is how many lines it has, and `numbers` which event each began with; `written` says which events wrote on it,
 * and `isLive` whether more may. `needs` are the blocks that have to be read before all of it is known. */

/** The most characters of a row that are interpreted. */
const INTERPRETED = 1 << 21;
/** How many blocks that are held are looked through at once for what sets the looks of the next one. */
const LOOKED_BACK = 16;
/** Silence from which on a divider says how long it was, in milliseconds. */
export const PAUSE = 5_000;

/** A silence, where it is worth a word; else 0.
 * @param {number} milliseconds */
export const worth = (milliseconds) => (milliseconds >= PAUSE ? milliseconds : 0);

/** @type {Row} */
const UNREAD = { kind: "unread", first: 0, last: 0, timestamp: NaN, pause: 0, isError: false };

export class Rows {
  #store;
  /** What each block's first line begins with, where that is known. */
  openings = new OpeningStyles();
  /** What finds that out where it isn't; null until it is there.
   * @type {import("./style-reader.js").StyleReader | null} */
  styles = null;
  /** Called when that is missed. */
  onUnknownStyle = () => {};
  /** Styles within the block that was asked for last.
   * @type {{k: number, upTo: number, style: import("./ansi.js").Style}} */
  #progress = { k: -1, upTo: 0, style: PLAIN };
  /** @type {Map<number, Row>} */ #cache = new Map();
  /** The row of the line that has no newline yet.
   * @type {{line: import("./blocks.js").Pending, row: Row} | null} */
  #pending = null;
  /** What shows the rows of a log that moves its cursor between lines; null for all others.
   * @type {import("./screen-rows.js").ScreenRows | null} */
  screen = null;
  /** @type {((message: string, columns?: number) => Rendered) | null} */ #raw = null;
  /** Where a filter lets rows through, those that are shown as the screen has them; all others are shown as events.
   * @type {{has(offset: number): boolean} | null} */
  onScreen = null;

  /** @param {import("./blocks.js").BlockStore} store */
  constructor(store) {
    this.#store = store;
  }

  /** Forgets rows that may look otherwise now. */
  invalidate() {
    this.#cache.clear();
    this.#pending = null;
    this.#progress.k = -1;
  }

  /** The offset of the last row that can be shown: the head, or that of the line behind it that has no newline yet. */
  get end() {
    return this.#laidOut?.end ?? this.#store.head + (this.#store.unfinished ? 1 : 0);
  }

  /** Whether each event is shown by itself, with all that it wrote. */
  get isRaw() {
    return this.#raw !== null;
  }

  /** What shows it so, or null. */
  set raw(/** @type {((message: string, columns?: number) => Rendered) | null} */ raw) {
    this.#raw = raw;
    this.invalidate();
  }

  /** The screen, where rows are its: not where each event is shown by itself. */
  get #laidOut() {
    return this.isRaw || this.onScreen ? null : this.screen;
  }

  /** Whether it is known how rows are laid out: not while a screen is read for the first time. */
  get isLaidOut() {
    return this.isRaw || !this.#store.moves || this.screen?.isReady === true;
  }

  /** What {@link count} counts: rows as far as a screen makes them, else events. */
  get noun() {
    return this.#laidOut ? "row" : "event";
  }

  /** @param {number} first @param {number} last */
  count(first, last) {
    return this.#laidOut?.count(first, last) ?? last - first + 1;
  }

  /** @param {number} offset */
  #onScreen(offset) {
    const screen = !this.isRaw && this.onScreen?.has(offset) ? this.screen : this.#laidOut;
    return screen?.at(offset);
  }

  /** The first offset of the row that an event wrote on; others may have written on it since.
   * @param {number} offset */
  home(offset) {
    return this.#laidOut?.home(offset) ?? this.start(offset);
  }

  /** The offsets of the rows from that on which one event wrote to that of another.
   * @param {number} first @param {number} last @returns {[number, number]} */
  span(first, last) {
    const { head } = this.#store;
    if (!this.#laidOut || first > head) return [first, last];
    const homes = [this.home(first), this.home(Math.min(last, head))];
    return [Math.min(...homes), last > head ? last : this.last(Math.max(...homes))];
  }

  /** The first offset of the row that shows this event.
   * @param {number} offset */
  start(offset) {
    const place = this.#onScreen(offset);
    if (place) return place.first;
    const hole = this.#store.missing.find(offset);
    if (hole) return hole[0];
    while (this.#goesOn(offset - 1)) offset--;
    return offset;
  }

  /** The last offset of the row that begins here.
   * @param {number} first */
  last(first) {
    const place = this.#onScreen(first);
    if (place) return place.last;
    const hole = this.#store.missing.find(first);
    if (hole) return hole[1];
    let last = first;
    while (last < this.#store.head && this.#goesOn(last)) last++;
    return last;
  }

  /** Whether the event is a piece that the next one goes on with.
   * @param {number} offset */
  #goesOn(offset) {
    if (offset < 1 || offset % PIECES === 0 || offset >= this.#store.head) return false;
    return this.#store.event(offset)?.partial === true && !this.#store.event(offset + 1)?.type;
  }

  /** What a row's height depends on: its lines, and the silence before it.
   * @param {number} first */
  shape(first) {
    const place = this.#onScreen(first);
    if (place?.lines?.length) return { lines: place.lines.length, pause: worth(place.lines[0].pause), isEnd: false };
    const event = place?.lines === null ? undefined : this.#store.event(first);
    return { lines: 1, pause: event ? this.#pause(first, event) : 0, isEnd: event?.type === "end" };
  }

  /** @param {number} first @param {LogEvent} event */
  #pause(first, event) {
    const before = first > 1 ? this.#store.event(first - 1)?.timestamp : undefined;
    return before === undefined || event.type === "missing" ? 0 : worth(event.timestamp - before);
  }

  /** @param {number} first the first offset of a row @returns {Row} */
  row(first) {
    const place = this.#onScreen(first);
    if (place && place.lines === null) return { ...UNREAD, first, last: place.last, needs: place.needs };
    if (place?.lines?.length) return this.screen?.row(place.first, place.last, place.lines) ?? UNREAD;
    const line = this.#store.unfinished;
    if (line && first === this.end) return this.#unfinished(first, line);
    const cached = this.#cache.get(first);
    if (cached) return cached;
    const event = this.#store.event(first);
    const last = this.last(first);
    const row = this.#make(first, last, event);
    if (this.#endsAt(last) && this.#isKnownBefore(first)) {
      if (this.#cache.size > 300) this.#cache.clear();
      this.#cache.set(first, row);
    }
    return row;
  }

  /** @param {number} first @param {number} last @param {LogEvent | undefined} event @returns {Row} */
  #make(first, last, event) {
    const needs = this.#store.event(last) ? [] : [blockOf(last)];
    const common = { first, last, timestamp: event?.timestamp ?? NaN, pause: 0, isError: false, event, needs };
    if (!event) return { ...common, kind: "unread" };
    if (event.type === "missing") {
      return { ...common, kind: "missing", rendered: render(missingText(last - first + 1), PLAIN) };
    }
    common.pause = this.#pause(first, event);
    if (event.type === "end" || event.type === "notice") {
      return { ...common, kind: event.type, rendered: render(textOf(event) ?? "", PLAIN) };
    }
    common.isError = event.stream === "stderr";
    if (this.#raw) return { ...common, kind: "line", rendered: this.#raw(this.message(first, last, INTERPRETED)) };
    const rendered = linked(render(this.message(first, last, INTERPRETED), this.#styleBefore(first)));
    return { ...common, kind: "line", rendered };
  }

  /** @param {number} first @param {import("./blocks.js").Pending} line @returns {Row} */
  #unfinished(first, line) {
    if (this.#pending?.line !== line || this.#pending.row.first !== first) {
      const rendered = linked(render(line.message, this.#styleBefore(first)));
      const row = /** @type {Row} */ ({
        kind: "pending", first, last: first, timestamp: NaN, pause: 0, isError: line.stream === "stderr", rendered,
      });
      this.#pending = { line, row };
    }
    return this.#pending.row;
  }

  /** The pieces' text, joined.
   * @param {number} first @param {number} last @param {number} limit in characters */
  message(first, last, limit) {
    let text = this.#store.event(first)?.message ?? "";
    for (let offset = first + 1; offset <= last && text.length < limit; offset++) {
      text += this.#store.event(offset)?.message ?? "";
    }
    return text;
  }

  /** The text that a reader would copy; undefined if it isn't held.
   * @param {number} first @returns {string | undefined} */
  text(first) {
    const row = this.row(first);
    if (row.kind === "unread") return undefined;
    if (row.kind !== "line") return note(row.rendered?.text ?? "");
    if (!row.rendered?.clipped) return row.rendered?.text ?? "";
    if (row.written) return this.screen?.text(row);
    const message = this.message(first, row.last, Infinity);
    return (this.#raw?.(message, Infinity) ?? render(message, this.#styleBefore(first), Infinity)).text;
  }

  /** What the lines before it left set: a guess, until what they begin with is known.
   * @param {number} first */
  #styleBefore(first) {
    const k = blockOf(first);
    if (this.#progress.k !== k || this.#progress.upTo > first) {
      this.#progress = { k, upTo: k * BLOCK + 1, style: this.#opening(k) };
    }
    const progress = this.#progress;
    for (; progress.upTo < first; progress.upTo++) {
      const { type = "line", message = "" } = this.#store.event(progress.upTo) ?? {};
      if (type === "line") progress.style = styleAfter(message, progress.style);
    }
    return progress.style;
  }

  /** What the block begins with: by the blocks before it as far as they are held, else by what is found out of them.
   * @param {number} k */
  #opening(k) {
    let [effect, at] = [NOTHING, k];
    let opening = this.openings.at(at);
    for (; !opening && !isKnown(effect) && k - at < LOOKED_BACK && this.#store.holds(at - 1); opening = this.openings.at(at)) {
      const lines = this.#store.lines(--at) ?? [];
      for (let i = lines.length - 1; i >= 0 && !isKnown(effect); i--) effect = withEvent(lines[i], effect);
    }
    const style = applied(opening ?? this.styles?.guess(at) ?? PLAIN, effect);
    if (opening || isDecided(effect)) {
      this.openings.add(k, k, style);
    } else if (this.styles) {
      this.styles.want(at);
    } else {
      this.onUnknownStyle();
    }
    return style;
  }

  /** Whether nothing that is still to come can be a piece of the row whose last event this is.
   * @param {number} last */
  #endsAt(last) {
    const event = this.#store.event(last);
    return event !== undefined && (!event.partial || last % PIECES === 0 || this.#store.event(last + 1) !== undefined);
  }

  /** Whether what stands before it can be seen: its pause, its style and its first piece depend on it.
   * @param {number} first */
  #isKnownBefore(first) {
    return first === 1 || this.#store.event(first - 1) !== undefined;
  }
}
