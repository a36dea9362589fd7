// The rows that are shown: all of a log's, or only those that a filter lets through. A row that is shown stands for what the
// filter hides behind it too (the first one also for what is before it): so a view of rows needs to know nothing of filters.

/** What a filter lets through: the next, and the last such offset, or 0.
 * @typedef {{from(offset: number): number, upTo(offset: number): number}} Shown */

/** @type {{has(offset: number): boolean}} */
const NONE = { has: () => false };

export class ShownRows {
  /** @type {Shown | null} */ #filter = null;
  #rows;
  #store;

  /** @param {import("./rows.js").Rows} rows @param {import("./blocks.js").BlockStore} store */
  constructor(rows, store) {
    this.#rows = rows;
    this.#store = store;
  }

  get filter() {
    return this.#filter;
  }

  /** @param {Shown | null} filter @param {import("./match-index.js").MatchIndex | null} onScreen those that a screen shows */
  setFilter(filter, onScreen) {
    this.#filter = filter;
    this.#rows.onScreen = filter && (onScreen ?? NONE);
  }

  /** Whether each event is shown by itself, with all that it wrote. */
  get isRaw() {
    return this.#rows.isRaw;
  }

  get isLaidOut() {
    return this.#rows.isLaidOut;
  }

  /** The row that shows what an event wrote.
   * @param {number} offset */
  home(offset) {
    return this.#filter ? this.start(offset) : this.#rows.home(offset);
  }

  /** Whether that is known by now.
   * @param {number} offset */
  isSure(offset) {
    return this.#rows.isSure(offset);
  }

  /** The events that rows from one to another stand for.
   * @param {number} first @param {number} last */
  events(first, last) {
    return this.#rows.events(first, last);
  }

  /** The rows that show one event to another, whether a filter shows them or not.
   * @param {number} first @param {number} last @returns {[number, number]} */
  span(first, last) {
    return this.#filter ? [first, last] : this.#rows.span(first, last);
  }

  /** The events that the row which begins here is named by.
   * @param {number} first */
  names(first) {
    return this.row(first).names;
  }

  /** @param {number} first */
  shape(first) {
    return this.#rows.shape(this.shown(first));
  }

  /** The offset of the last row that can be shown; 0 if there is none. */
  get end() {
    if (!this.filter) return this.#rows.end;
    return this.filter.from(1) ? this.#store.head : 0;
  }

  /** The last row but for that of a line that has no newline yet. */
  get lastLine() {
    return this.filter ? this.#store.head : this.#rows.lastLine;
  }

  /** The first offset of the row that stands for this one.
   * @param {number} offset */
  start(offset) {
    if (!this.filter) return this.#rows.start(offset);
    const shown = this.filter.upTo(offset);
    return shown && shown !== this.filter.from(1) ? shown : 1;
  }

  /** The last offset that the row which begins here stands for.
   * @param {number} first */
  last(first) {
    if (!this.filter) return this.#rows.last(first);
    const next = this.filter.from(Math.max(first, this.shown(first)) + 1);
    return next ? next - 1 : Math.max(first, this.#store.head);
  }

  /** The offset of what is to be seen of the row that begins here.
   * @param {number} first */
  shown(first) {
    return this.filter && first === 1 ? this.filter.from(1) || 1 : first;
  }

  /** What rows are: a screen's, else events. */
  get noun() {
    return this.#rows.noun;
  }

  /** How many rows or events are shown of those from one to another; no more than `most` are counted.
   * @param {number} first @param {number} last @param {number} most */
  count(first, last, most) {
    if (!this.filter) return last - first + 1;
    let count = 0;
    for (let at = this.filter.from(first); at && at <= last && count < most; at = this.filter.from(at + 1)) count++;
    return count;
  }

  /** @param {number} first */
  row(first) {
    return this.#rows.row(this.shown(first));
  }

  /** @param {number} first */
  text(first) {
    return this.#rows.text(this.shown(first));
  }
}
