// Where the rows of a log are that has to be read as a terminal reads it. A row's key is the offset that the page knows it
// by: that of the event that the row began with, or the next one that is free, so that keys ascend from row to row. The
// log is read once from its beginning; every so many events what is on the screen is kept, and from there any part of the
// log can be laid out again.

import { Screen, UNKNOWN } from "./screen.js";
import { ScreenLine } from "./screen-line.js";

/** @typedef {import("./screen.js").ScreenState} ScreenState */
/** Rows with one key, from the top; none stands for an event that is no output: a notice, the end, what is missing.
 * @typedef {{first: number, rows: ScreenLine[]}} Group */
/** What was kept behind an event: the key of the last row that had been settled, and (once it is known) of the first one
 * that is settled from here to the next mark; 0 if there is none.
 * @typedef {{offset: number, key: number, state: ScreenState, next: number, rows: number, bytes: number, size: number}} Mark
 * `rows` is how many are settled from here to the next mark. */

/** Events, and characters of output, from mark to mark. */
const STRIDE = 1_024;
const SPAN = 2 << 20;
/** The most marks, and characters in them: of more than that every other one goes. */
const MARKS = 512;
const KEPT = 16 << 20;
/** The most characters of output from mark to mark: what is laid out again must fit into memory. */
const LONGEST = 8 << 20;
/** How many stretches from mark to mark are held laid out. */
const LAID_OUT = 6;

/** Lays rows out: gives them their keys. */
class Layout {
  /** @type {Group[]} */ groups = [];
  key;
  screen;
  /** Whether the last event is missing: what is missing is one row. */
  isMissing = false;
  /** The key that rows have at the most. */
  #latest = 0;

  /** @param {import("./screen.js").Size} size of the screen @param {number} key of the last row before @param {ScreenState} [state] */
  constructor(size, key, state) {
    this.key = key;
    this.screen = new Screen((row) => this.#settled(row), size);
    if (state) this.screen.state = state;
  }

  /** @param {import("./blocks.js").LogEvent} event */
  take(event) {
    const isOutput = event.type === undefined || event.type === "line";
    this.#latest = isOutput ? event.offset : event.offset - 1;
    this.screen.take(event);
    const goesOn = this.isMissing && event.type === "missing";
    this.isMissing = event.type === "missing";
    if (isOutput || goesOn) return;
    if (this.key === 0 && event.offset > 1) this.#add(1, new ScreenLine());
    this.groups.push({ first: (this.key = event.offset), rows: [] });
  }

  /** @param {ScreenLine} row */
  #settled(row) {
    this.#add(keyOf(row, this.key, this.#latest), row);
  }

  /** @param {number} key @param {ScreenLine} row */
  #add(key, row) {
    this.key = key;
    add(this.groups, key, row);
  }
}

/** @param {ScreenLine} row @param {number} before the key of the row before @param {number} latest */
const keyOf = (row, before, latest) => (before === 0 ? 1 : Math.max(before, Math.min(latest, Math.max(before + 1, row.first))));

/** @param {Group[]} groups @param {number} key @param {ScreenLine} row */
function add(groups, key, row) {
  const last = groups.at(-1);
  if (last?.first === key && last.rows.length > 0) last.rows.push(row);
  else groups.push({ first: key, rows: [row] });
}

/** How many rows there are with these keys; an event that is no output has one.
 * @param {Group[]} groups @param {number} first @param {number} last */
const rowsIn = (groups, first, last) =>
  groups.reduce((sum, group) => sum + (first <= group.first && group.first <= last ? group.rows.length || 1 : 0), 0);

export class ScreenIndex {
  /** Everything up to here was read. */
  offset = 0;
  #front;
  /** @type {Mark[]} */ #marks;
  #size;
  /** From the least to the most recently used.
   * @type {Map<Mark, Group[]>} */
  #laidOut = new Map();
  /** The stretch among them that was read last, as long as nothing of it was asked for: it makes room for the next one, so that
   * reading on takes away nothing that is shown.
   * @type {Mark | null} */
  #unseen = null;
  /** @type {{end: number, unfinished: object | null, groups: Group[]}} */
  #open = { end: -1, unfinished: null, groups: [] };
  #stride = STRIDE;
  /** The line behind the last one that has no newline yet: the screen shows it.
   * @type {import("./blocks.js").Pending | null} */
  unfinished = null;

  /** @param {import("./screen.js").Size} [size] of the screen */
  constructor(size = UNKNOWN) {
    this.#size = size;
    this.#front = new Layout(size, 0);
    this.#marks = [{ offset: 0, key: 0, state: this.#front.screen.state, next: 0, rows: 0, bytes: 0, size: 0 }];
  }

  /** Takes the log's next event.
   * @param {import("./blocks.js").LogEvent} event */
  take(event) {
    this.#front.take(event);
    this.offset = event.offset;
    const mark = this.#last;
    mark.bytes += event.message?.length ?? 0;
    const distance = this.offset - mark.offset;
    if ((distance < this.#stride && mark.bytes < SPAN) || this.#front.isMissing) return;
    // A row of the next event must not join one of this event: they would stand on both sides of the mark.
    if (this.#front.key < this.offset || distance > 4 * this.#stride) this.#mark();
  }

  get #last() {
    return this.#marks[this.#marks.length - 1];
  }

  #mark() {
    const { screen, groups, key } = this.#front;
    this.#last.next = groups[0]?.first ?? 0;
    this.#last.rows = rowsIn(groups, 0, Infinity);
    if (this.#unseen) this.#laidOut.delete(this.#unseen);
    this.#unseen = this.#last;
    this.#hold(this.#last, groups);
    const size = screen.rows.reduce((sum, row) => sum + (row.isShared ? 0 : row.widest), 0);
    this.#marks.push({ offset: this.offset, key, state: screen.state, next: 0, rows: 0, bytes: 0, size });
    this.#front.groups = [];
    if (this.#marks.length > MARKS || this.#marks.reduce((sum, { size }) => sum + size, 0) > KEPT) this.#thinOut();
  }

  #thinOut() {
    /** @type {Mark[]} */
    const kept = [];
    this.#marks.forEach((mark, i) => {
      const before = kept.at(-1);
      if (!before || i % 2 === 0 || mark === this.#last || before.bytes + mark.bytes > LONGEST) return kept.push(mark);
      before.bytes += mark.bytes;
      before.rows += mark.rows;
      before.next ||= mark.next;
      for (const gone of [before, mark]) this.#laidOut.delete(gone);
      return undefined;
    });
    this.#marks = kept;
    this.#stride *= 2;
  }

  /** @param {Mark} mark @param {Group[]} groups */
  #hold(mark, groups) {
    this.#laidOut.delete(mark);
    this.#laidOut.set(mark, groups);
    for (const oldest of this.#laidOut.keys()) {
      if (this.#laidOut.size <= LAID_OUT) break;
      this.#laidOut.delete(oldest);
    }
  }

  /** The key of the last row that is settled. */
  get settled() {
    return this.#front.key;
  }

  /** What was laid out since the last mark, with the rows that are on the screen and not settled yet.
   * @returns {Group[]} */
  get #newest() {
    const { end, unfinished } = this;
    if (this.#open.end === end && this.#open.unfinished === unfinished) return this.#open.groups;
    const { groups: settled, screen } = unfinished ? this.#withUnfinished(unfinished) : this.#front;
    /** @type {Group[]} */
    const live = [];
    let key = settled.at(-1)?.first ?? this.#front.key;
    for (const row of screen.rows) add(live, (key = keyOf(row, key, end)), row);
    // A row that is settled may have one key with those that follow.
    const first = settled.at(-1)?.first === live[0]?.first ? live.shift() : undefined;
    const groups = [...settled, ...live];
    if (first) groups[settled.length - 1] = { first: first.first, rows: [...groups[settled.length - 1].rows, ...first.rows] };
    this.#open = { end, unfinished, groups };
    return groups;
  }

  /** The last offset that there is a row for. */
  get end() {
    return this.offset + (this.unfinished ? 1 : 0);
  }

  /** @param {import("./blocks.js").Pending} line */
  #withUnfinished({ message, stream }) {
    const { groups, key, screen } = this.#front;
    const layout = new Layout(this.#size, key, screen.state);
    const event = { offset: this.offset + 1, timestamp: NaN, message, stream, partial: true };
    layout.take(/** @type {import("./blocks.js").LogEvent} */ (event));
    return { groups: [...groups, ...layout.groups], screen: layout.screen };
  }

  /** Where the row with the greatest key up to an offset is: in which stretch, among which groups. The groups are null
   * where they have to be laid out first.
   * @param {number} offset @returns {{first: number, mark: Mark, groups: Group[] | null, at: number} | null} */
  find(offset) {
    for (let wanted = offset, i = this.#before(wanted + 1); ; i = this.#before(wanted)) {
      const mark = this.#marks[i];
      const groups = this.#groups(mark);
      const next = groups ? (groups[0]?.first ?? 0) : mark.next;
      if (next > 0 && next <= wanted) {
        if (!groups) return { first: wanted, mark, groups, at: 0 };
        let [low, high] = [0, groups.length];
        while (high - low > 1) {
          const middle = (low + high) >> 1;
          if (groups[middle].first <= wanted) low = middle;
          else high = middle;
        }
        return { first: groups[low].first, mark, groups, at: low };
      }
      if (mark.key === 0) return null;
      wanted = mark.key;
    }
  }

  /** The key of the row behind that one; 0 if there is none.
   * @param {Mark} mark @param {Group[]} groups @param {number} at */
  after(mark, groups, at) {
    if (at + 1 < groups.length) return groups[at + 1].first;
    for (let i = this.#marks.indexOf(mark) + 1; i < this.#marks.length; i++) {
      const other = this.#marks[i];
      const next = other === this.#last ? (this.#groups(other)?.[0]?.first ?? 0) : other.next;
      if (next > 0) return next;
    }
    return 0;
  }

  /** How many rows have keys from one to another. Those of a stretch at either end that can't be laid out now count whole.
   * @param {number} first @param {number} last @param {(mark: Mark) => Group[] | null} layOut */
  count(first, last, layOut) {
    let count = 0;
    for (let i = this.#before(first); i < this.#marks.length && this.#marks[i].key <= last; i++) {
      const mark = this.#marks[i];
      const next = this.#marks[i + 1];
      const isWhole = next && first <= mark.key && next.key <= last;
      const groups = isWhole ? null : this.#groups(mark) ?? layOut(mark);
      count += groups ? rowsIn(groups, first, last) : mark.rows;
    }
    return count;
  }

  /** The last mark with a smaller key.
   * @param {number} key */
  #before(key) {
    let [low, high] = [0, this.#marks.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (this.#marks[middle].key < key) low = middle;
      else high = middle;
    }
    return low;
  }

  /** @param {Mark} mark @returns {Group[] | null} */
  #groups(mark) {
    if (mark === this.#last) return this.#newest;
    const groups = this.#laidOut.get(mark);
    if (!groups) return null;
    if (mark === this.#unseen) this.#unseen = null;
    this.#hold(mark, groups);
    return groups;
  }

  /** The events that have to be read to lay a stretch out.
   * @param {Mark} mark @returns {[number, number]} */
  extent(mark) {
    return [mark.offset + 1, this.#marks[this.#marks.indexOf(mark) + 1]?.offset ?? this.offset];
  }

  /** Lays a stretch out, and gives its groups.
   * @param {Mark} mark @param {(offset: number) => import("./blocks.js").LogEvent} event */
  layOut(mark, event) {
    const [first, last] = this.extent(mark);
    const layout = new Layout(this.#size, mark.key, mark.state);
    for (let offset = first; offset <= last; offset++) layout.take(event(offset));
    this.#hold(mark, layout.groups);
    return layout.groups;
  }

  /** The mark that the event is read behind.
   * @param {number} offset */
  markBefore(offset) {
    let found = this.#marks[0];
    for (const mark of this.#marks) if (mark.offset < offset) found = mark;
    return found;
  }

  /** The event that began the row that this one wrote on.
   * @param {number} offset @param {(offset: number) => import("./blocks.js").LogEvent} event */
  writtenBy(offset, event) {
    const mark = this.markBefore(offset);
    const layout = new Layout(this.#size, mark.key, mark.state);
    for (let at = mark.offset + 1; at <= offset; at++) layout.take(event(at));
    return layout.screen.began || offset;
  }
}
