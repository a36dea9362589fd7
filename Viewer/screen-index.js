// Where the rows of a log are that has to be read as a terminal reads it. They are counted from the first one, in the order in which
// they leave the screen, so that what has left it keeps its place for ever. The log is read once from its beginning; every so
// many events what is on the screen is kept, and from there any part of the log can be laid out again.

import { COLUMNS } from "./line.js";
import { Screen, UNKNOWN } from "./screen.js";
import { ScreenLine } from "./screen-line.js";

/** @typedef {import("./screen.js").ScreenState} ScreenState */
/** A row of the page: a screen's rows that are one line, which it had no room for on one; none for an event that is no output: a
 * notice, the end, what is missing. `first` is the event that it is named by, `last` differs from it for what is missing.
 * `goesOn` says that it is the rest of the row before it, of a line that is longer than one row of the page, and `isMore`
 * that the same event began both.
 * @typedef {{first: number, last: number, rows: ScreenLine[], goesOn: boolean, isMore: boolean}} Group */
/** What was kept behind an event: how many rows had been settled by then, the newest event that had begun one of them, and the last
 * row of the screen among them.
 * @typedef {{offset: number, base: number, begun: number, above: ScreenLine | null, state: ScreenState, bytes: number, size: number}} Mark */

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
/** The most rows of a screen that one row of the page shows. */
const JOINED = 50;
/** Of so many rows it is kept where they are though they were begun before one that was settled earlier. */
const LATE = 65_536;

/** Puts rows together that are one line. */
class Groups {
  /** @type {Group[]} */ list = [];
  /** The row before. */
  above;
  #joined;

  /** @param {number} columns @param {ScreenLine | null} above */
  constructor(columns, above) {
    this.#joined = Math.max(1, Math.min(JOINED, Math.floor(COLUMNS / columns)));
    this.above = above;
  }

  /** @param {ScreenLine} row */
  add(row) {
    const { above } = this;
    const group = this.list[this.list.length - 1];
    const goesOn = above !== null && above.goesOn && row.continues;
    this.above = row;
    if (goesOn && group && group.rows.length < this.#joined) group.rows.push(row);
    else this.list.push({ first: row.first, last: row.first, rows: [row], goesOn, isMore: above?.first === row.first });
  }

  /** @param {number} offset of an event that is no output */
  addEvent(offset) {
    this.above = null;
    this.list.push({ first: offset, last: offset, rows: [], goesOn: false, isMore: false });
  }

  /** The same, to which more may be added. */
  copy() {
    const copy = new Groups(1, this.above);
    copy.#joined = this.#joined;
    copy.list = this.list.slice();
    const last = copy.list.pop();
    if (last) copy.list.push({ ...last, rows: last.rows.slice() });
    return copy;
  }
}

/** Lays rows out: gives them their places. */
class Layout {
  screen;
  /** The newest event that began a row that is settled. */
  begun;
  /** Whether the last event is missing: what is missing is one row. */
  isMissing = false;
  /** @type {Groups} */ groups;
  #onLate;

  /** @param {import("./screen.js").Size} size of the screen @param {Mark | null} mark it goes on from
   * @param {(first: number, at: number) => void} [onLate] called for a row that one which was begun after it has left the screen before */
  constructor(size, mark, onLate = () => {}) {
    this.begun = mark?.begun ?? 0;
    this.groups = new Groups(size.columns, mark?.above ?? null);
    this.#onLate = onLate;
    this.screen = new Screen((row) => this.#settled(row), size);
    if (mark) this.screen.state = mark.state;
  }

  /** @param {import("./blocks.js").LogEvent} event */
  take(event) {
    this.screen.take(event);
    const goesOn = this.isMissing && event.type === "missing";
    this.isMissing = event.type === "missing";
    const { list } = this.groups;
    if (goesOn) {
      list[list.length - 1].last = event.offset;
    } else if (event.type !== undefined && event.type !== "line") {
      this.groups.addEvent(event.offset);
    } else {
      return;
    }
    this.begun = event.offset;
  }

  /** @param {ScreenLine} row */
  #settled(row) {
    this.groups.add(row);
    if (row.first < this.begun) this.#onLate(row.first, this.groups.list.length);
    else this.begun = row.first;
  }
}

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
  /** Where rows are that one which was begun after them has left the screen before.
   * @type {Map<number, number>} */
  #late = new Map();
  /** The line behind the last one that has no newline yet: the screen shows it.
   * @type {import("./blocks.js").Pending | null} */
  unfinished = null;

  /** @param {import("./screen.js").Size} [size] of the screen */
  constructor(size = UNKNOWN) {
    this.#size = size;
    this.#front = this.#layout(null);
    this.#marks = [{ offset: 0, base: 0, begun: 0, above: null, state: this.#front.screen.state, bytes: 0, size: 0 }];
  }

  /** @param {Mark | null} mark */
  #layout(mark) {
    return new Layout(this.#size, mark, (first, at) => {
      if (this.#late.size >= LATE) this.#late.delete(/** @type {number} */ (this.#late.keys().next().value));
      this.#late.set(first, (mark?.base ?? 0) + at);
    });
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
    // A line is best on one side of the mark.
    if (!this.#front.groups.above?.goesOn || distance > 4 * this.#stride) this.#mark();
  }

  get #last() {
    return this.#marks[this.#marks.length - 1];
  }

  #mark() {
    const { screen, groups, begun } = this.#front;
    if (this.#unseen) this.#laidOut.delete(this.#unseen);
    this.#unseen = this.#last;
    this.#hold(this.#last, groups.list);
    const size = screen.rows.reduce((sum, row) => sum + (row.isShared ? 0 : row.widest), 0);
    const base = this.#last.base + groups.list.length;
    this.#marks.push({ offset: this.offset, base, begun, above: groups.above, state: screen.state, bytes: 0, size });
    this.#front = this.#layout(this.#last);
    this.#open.end = -1;
    if (this.#marks.length > MARKS || this.#marks.reduce((sum, { size }) => sum + size, 0) > KEPT) this.#thinOut();
  }

  #thinOut() {
    /** @type {Mark[]} */
    const kept = [];
    this.#marks.forEach((mark, i) => {
      const before = kept.at(-1);
      if (!before || i % 2 === 0 || mark === this.#last || before.bytes + mark.bytes > LONGEST) return kept.push(mark);
      before.bytes += mark.bytes;
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

  /** The last row that is settled. */
  get settled() {
    return this.#last.base + this.#front.groups.list.length;
  }

  /** What was laid out since the last mark, with the rows that are on the screen and not settled yet; one row at least.
   * @returns {Group[]} */
  get #newest() {
    const { offset, unfinished } = this;
    if (this.#open.end === offset && this.#open.unfinished === unfinished) return this.#open.groups;
    const { groups, screen } = unfinished ? this.#withUnfinished(unfinished) : { groups: this.#front.groups.copy(), screen: this.#front.screen };
    for (const row of screen.rows) groups.add(row);
    if (this.#last.base === 0 && groups.list.length === 0) groups.add(Object.assign(new ScreenLine(), { first: 1 }));
    this.#open = { end: offset, unfinished, groups: groups.list };
    return groups.list;
  }

  /** The last row that there is. */
  get end() {
    return this.#last.base + this.#newest.length;
  }

  /** The last one but for those of a line that has no newline yet. */
  get lastLine() {
    const groups = this.#newest;
    let at = groups.length;
    while (at > 0 && groups[at - 1].first > this.offset) at--;
    return this.#last.base + at;
  }

  /** @param {import("./blocks.js").Pending} line */
  #withUnfinished({ message, stream }) {
    const { groups, screen } = this.#front;
    const layout = new Layout(this.#size, null);
    layout.groups = groups.copy();
    layout.screen.state = screen.state;
    const event = { offset: this.offset + 1, timestamp: NaN, message, stream, partial: true };
    layout.take(/** @type {import("./blocks.js").LogEvent} */ (event));
    return layout;
  }

  /** Where a row is: in which stretch, among which groups. The groups are null where they have to be laid out first.
   * @param {number} row @returns {{mark: Mark, groups: Group[] | null, at: number}} */
  find(row) {
    const mark = this.#before(({ base }) => base < row);
    return { mark, groups: this.groups(mark), at: row - mark.base - 1 };
  }

  /** The stretch in which the row is settled that an event began, unless one that was begun later is settled before it.
   * @param {number} event */
  stretchOf(event) {
    return this.#before(({ begun }) => begun < event);
  }

  /** Where a row that was begun by the event was settled, if one that was begun later was settled before it; else 0.
   * @param {number} event */
  late(event) {
    return this.#late.get(event) ?? 0;
  }

  /** The newest stretch, with what is on the screen. */
  get newest() {
    return this.#last;
  }

  /** The stretch that follows; null behind the last one.
   * @param {Mark} mark */
  after(mark) {
    return this.#marks[this.#marks.indexOf(mark) + 1] ?? null;
  }

  /** The last mark of which something holds that holds of all marks before it too.
   * @param {(mark: Mark) => boolean} holds */
  #before(holds) {
    let [low, high] = [0, this.#marks.length];
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if (holds(this.#marks[middle])) low = middle;
      else high = middle;
    }
    return this.#marks[low];
  }

  /** A stretch's rows; null where they have to be laid out first.
   * @param {Mark} mark @returns {Group[] | null} */
  groups(mark) {
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
    return [mark.offset + 1, this.after(mark)?.offset ?? this.offset];
  }

  /** Lays a stretch out, and gives its groups.
   * @param {Mark} mark @param {(offset: number) => import("./blocks.js").LogEvent} event */
  layOut(mark, event) {
    const [first, last] = this.extent(mark);
    const layout = new Layout(this.#size, mark);
    for (let offset = first; offset <= last; offset++) layout.take(event(offset));
    this.#hold(mark, layout.groups.list);
    return layout.groups.list;
  }

  /** The mark that the event is read behind.
   * @param {number} offset */
  markBefore(offset) {
    return this.#before((mark) => mark.offset < offset);
  }

  /** The event that began the row that this one wrote on.
   * @param {number} offset @param {(offset: number) => import("./blocks.js").LogEvent} event */
  writtenBy(offset, event) {
    const mark = this.markBefore(offset);
    const layout = new Layout(this.#size, mark);
    for (let at = mark.offset + 1; at <= offset; at++) layout.take(event(at));
    return layout.screen.began || offset;
  }
}
