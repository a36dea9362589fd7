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
 *   names: [number, number], timestamp: number, pause: number, isError: boolean, event?: LogEvent, rendered?: Rendered, lines?: number,
 *   goesOn?: boolean, isMore?: boolean, isLive?: boolean, written?: {first: number, last: number, count: number}, needs?: number[]}} Row
 * `first` and `last` are where the row is, `names` the events that it is named by; they differ on a screen, whose rows are counted.
 * `pause` is how many milliseconds of silence were before it, where that is worth a word; else 0. Of a row of a screen,
 * `lines` is how many lines high it is; `isMore` says whether the row before it has the same name, and `goesOn` whether both are
 * one line; `written` says which events wrote on it, and `isLive` whether more may. `needs` are the blocks that have to be read before all of it is known. */

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
const UNREAD = { kind: "unread", first: 0, last: 0, names: [0, 0], timestamp: NaN, pause: 0, isError: false };

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

  /** The last row that can be shown: that of the head, or of the line behind it that has no newline yet. */
  get end() {
    return this.#laidOut?.end ?? this.#store.head + (this.#store.unfinished ? 1 : 0);
  }

  /** The last row but for that of a line that has no newline yet. */
  get lastLine() {
    return this.#laidOut?.lastLine ?? this.#store.head;
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
    return !this.isRaw && !this.onScreen && this.screen?.isReady ? this.screen : null;
  }

  /** Whether it is known how rows are laid out: not while a screen is read for the first time. */
  get isLaidOut() {
    return this.isRaw || !this.#store.moves || this.screen?.isReady === true;
  }

  /** What rows are: a screen's, else events. */
  get noun() {
    return this.#laidOut ? "row" : "event";
  }

  /** @param {number} at @returns {import("./screen-rows.js").Place | undefined} */
  #onScreen(at) {
    const { screen } = this;
    if (!this.isRaw && screen?.isReady && this.onScreen?.has(at)) return screen.at(screen.home(at));
    return this.#laidOut?.at(at);
  }

  /** The row that shows what an event wrote.
   * @param {number} event */
  home(event) {
    return this.#laidOut?.home(event) ?? this.start(event);
  }

  /** Whether that is known by now.
   * @param {number} event */
  isSure(event) {
    return this.#laidOut?.isSure(event) ?? true;
  }

  /** The rows that show one event to another.
   * @param {number} first @param {number} last @returns {[number, number]} */
  span(first, last) {
    return this.#laidOut?.span(first, last) ?? [first, last];
  }

  /** The events that rows stand for.
   * @param {number} first @param {number} last @returns {[number, number]} */
  events(first, last) {
    return this.#laidOut?.events(first, last) ?? [first, last];
  }

  /** Where the row begins that stands for this one too.
   * @param {number} at */
  start(at) {
    if (this.#laidOut) return at;
    const hole = this.#store.missing.find(at);
    if (hole) return hole[0];
    while (this.#goesOn(at - 1)) at--;
    return at;
  }

  /** Where the row ends that begins here.
   * @param {number} first */
  last(first) {
    return this.#laidOut ? first : this.#lastOf(first);
  }

  /** The last event of what this one begins.
   * @param {number} first */
  #lastOf(first) {
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
    const group = place?.group;
    if (group?.rows.length) return { lines: group.rows.length, pause: worth(group.rows[0].pause), isEnd: false };
    const begin = group?.first ?? first;
    const event = group === null ? undefined : this.#store.event(begin);
    return { lines: 1, pause: event ? this.#pause(begin, event) : 0, isEnd: event?.type === "end" };
  }

  /** @param {number} first @param {LogEvent} event */
  #pause(first, event) {
    const before = first > 1 ? this.#store.event(first - 1)?.timestamp : undefined;
    return before === undefined || event.type === "missing" ? 0 : worth(event.timestamp - before);
  }

  /** @param {number} first where the row begins @returns {Row} */
  row(first) {
    const place = this.#onScreen(first);
    if (!place) return this.#eventRow(first);
    const { row, group, needs } = place;
    const screen = /** @type {import("./screen-rows.js").ScreenRows} */ (this.screen);
    if (!group) return { ...UNREAD, first, last: first, names: screen.events(row, row), needs };
    return group.rows.length > 0 ? screen.row(first, row, group) : screen.eventRow(first, group, this.#eventRow(group.first));
  }

  /** @param {number} first @returns {Row} */
  #eventRow(first) {
    const line = this.#store.unfinished;
    if (line && first === this.end) return this.#unfinished(first, line);
    const cached = this.#cache.get(first);
    if (cached) return cached;
    const event = this.#store.event(first);
    const last = this.#lastOf(first);
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
    const common = { first, last, names: /** @type {[number, number]} */ ([first, last]), timestamp: event?.timestamp ?? NaN, pause: 0, isError: false, event, needs };
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
        kind: "pending", first, last: first, names: [first, first], timestamp: NaN, pause: 0, isError: line.stream === "stderr", rendered,
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
    const group = this.#onScreen(first)?.group;
    if (row.written && group) return this.screen?.text(group);
    const message = this.message(...row.names, Infinity);
    return (this.#raw?.(message, Infinity) ?? render(message, this.#styleBefore(row.names[0]), Infinity)).text;
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
