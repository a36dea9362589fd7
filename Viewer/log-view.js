// The rows on the screen. A fixed set of elements shows whatever rows are in view.

import { VirtualScroller } from "./virtual-scroller.js";
import { BLOCK, blockOf } from "./blocks.js";
import { make, setText } from "./page.js";
import { RowSlots } from "./row-slots.js";
import { fillText, keepColumns, showNumber, turnTo } from "./row-text.js";
import { count } from "./connection-status.js";
import { areOfOneDay, duration, fullTime, lineTime } from "./time.js";
import { Viewport } from "./viewport.js";

/** Pixels, as in log.css. */
export const ROW = 20, PAUSE = 28, END = 64;
/** Kept free below the last row. */
const MARGIN = 8;
const OVERSCAN = 4;
/** @type {[number, number]} */
const NOTHING = [1, 0];

/** @typedef {import("./rows.js").Row} Row */
/** @typedef {import("./row-slots.js").Slot} Slot */

export class LogView {
  #slots;
  #viewport;
  #belt;
  #frame = 0;
  #look = 0;
  #wraps = false;
  #follows = true;
  /** @type {Map<number, number>} measured, while lines are wrapped */ #heights = new Map();
  /** The events that are selected.
   * @type {[number, number] | null} */
  selection = null;
  /** The rows of them.
   * @type {[number, number]} */
  #selected = NOTHING;
  /** What is searched for, and where it was found. Only there is it marked: an expression that takes for ever on a line
   * must not be tried on it here.
   * @type {import("./search.js").Search | null} */
  search = null;
  /** The match that is shown. */
  current = 0;
  /** The row that it is on. */
  #home = 0;
  /** Whether it is still to be brought into view. */
  #turns = false;
  /** @type {import("./time.js").TimeMode} */ timeMode = "off";
  start = 0;
  /** The end of the execution, or now. */
  until = 0;
  /** The mode in which times were seen of more than one day: from then on they say which. @type {string} */
  #datedMode = "";
  onMove = () => {};
  /** Called when a line was shown in its place: there is no filter now. */
  onUnfiltered = () => {};
  /** Called when other rows stand on the screen, or other things on them. */
  onDraw = () => {};
  /** Called to change how rows are laid out.
   * @type {(change: () => void) => void} */
  onLayOut = (change) => change();
  /** What was gone to before it was known where it is.
   * @type {[number, number] | null} */
  #sought = null;
  /** @type {(line: number, text: string) => void} */
  onWhole = () => {};
  #scroller;
  #log;
  #rowsElement;
  #rows;
  #store;
  #source;

  /** @param {{scroller: HTMLElement, log: HTMLElement, rows: HTMLElement}} elements
   * @param {import("./shown-rows.js").ShownRows} rows @param {import("./blocks.js").BlockStore} store
   * @param {import("./source.js").Source} source */
  constructor(elements, rows, store, source) {
    ({ scroller: this.#scroller, log: this.#log, rows: this.#rowsElement } = elements);
    this.#slots = new RowSlots(this.#rowsElement);
    this.#rows = rows;
    this.#store = store;
    this.#source = source;
    this.#viewport = new Viewport(rows, (first) => this.#heightOf(first));
    this.#belt = new VirtualScroller(this.#scroller, (pixels) => this.scrollBy(pixels));
    this.#log.addEventListener("scroll", () => {
      this.#log.scrollTop = 0;
      this.#rowsElement.classList.toggle("sideways", this.#log.scrollLeft > 0);
    });
    new ResizeObserver(() => this.#resized()).observe(this.#scroller);
    keepColumns(() => this.restyle());
  }

  get follows() {
    return this.#follows;
  }

  set follows(follows) {
    if (this.#follows === follows) return;
    this.#follows = follows;
    this.#sought = null;
    this.#belt.rest();
    this.onMove();
    this.update();
  }

  /** The first row that is in view from its beginning. */
  get firstWhole() {
    const { top, bottom, shift } = this.#viewport;
    return this.#rows.shown(shift > 0 && top < bottom ? this.#rows.last(top) + 1 : top);
  }

  get wraps() {
    return this.#wraps;
  }

  set wraps(wraps) {
    this.#wraps = wraps;
    this.#rowsElement.classList.toggle("wraps", wraps);
    this.#heights.clear();
    this.#log.scrollLeft = 0;
    this.restyle();
  }

  /** Where the first row begins and the last one ends of which anything is in view.
   * @returns {[number, number]} */
  get range() {
    const { top, bottom } = this.#viewport;
    const last = this.isFiltered ? this.#rows.shown(bottom) : this.#rows.last(bottom);
    // What has no newline yet is no line that can be named.
    return [this.#rows.shown(top), Math.min(last, Math.max(1, this.#rows.lastLine))];
  }

  /** The events that are in view. */
  get lines() {
    return this.#rows.events(...this.range);
  }

  /** Whether anything of the last row is in view. */
  get seesEnd() {
    return this.#rows.last(this.#viewport.bottom) >= this.#rows.end;
  }

  get isFiltered() {
    return this.#rows.filter !== null;
  }

  /** Shows only these rows, or all of them; what stands at the upper edge stays near it.
   * @param {import("./shown-rows.js").Shown | null} filter
   * @param {import("./match-index.js").MatchIndex | null} [onScreen] those of them that are shown as a screen has them, not as an event */
  setFilter(filter, onScreen = null) {
    if (filter !== this.#rows.filter) this.layOut(() => this.#rows.setFilter(filter, onScreen));
  }

  /** Lays rows out otherwise; what stands at the upper edge stays near it.
   * @param {() => void} change */
  layOut(change) {
    const [top] = this.lines;
    this.onLayOut(change);
    this.#heights.clear();
    this.#viewport.head = this.#rows.end;
    if (!this.#follows) this.#goTo(top, 0);
    this.restyle();
  }

  /** Puts a line so far below the upper edge, and anew once it is known where it is.
   * @param {number} offset @param {number} below */
  #goTo(offset, below) {
    this.#viewport.show(this.#rows.home(offset), below);
    this.#sought = this.#rows.isSure(offset) ? null : [offset, below];
  }

  /** Shows a line in its place, with all that is around it.
   * @param {number} offset */
  showInPlace(offset) {
    this.setFilter(null);
    this.onUnfiltered();
    this.current = offset;
    this.seek(offset, Math.round(this.#viewport.height / 3));
    this.restyle();
  }

  /** Draws again in the next frame. */
  update() {
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.draw());
  }

  /** Draws every row anew: something changed that all of them show. */
  restyle() {
    this.#look++;
    this.update();
  }

  /** Rows may have other heights when they are drawn next. */
  remeasure() {
    this.#heights.clear();
  }

  /** @param {number} pixels */
  scrollBy(pixels) {
    if (pixels < 0) this.#follows = false;
    this.#sought = null;
    this.#viewport.scrollBy(pixels);
    if (pixels > 0 && this.#viewport.isAtEnd) this.#follows = true;
    this.onMove();
    this.update();
  }

  /** @param {number} share of the height */
  page(share) {
    this.scrollBy(Math.round((this.#viewport.height - 2 * ROW) * share));
  }

  /** Shows an event, a third below the upper edge unless it is in view anyway.
   * @param {number} offset */
  reveal(offset) {
    this.#turns = offset === this.current;
    const [top, bottom] = this.range;
    const home = this.#rows.home(offset);
    if (home > top && home < bottom && !this.#follows) return this.update();
    this.seek(offset, Math.round(this.#viewport.height / 3));
  }

  /** @param {number} offset @param {number} [below] */
  seek(offset, below = 0) {
    this.#follows = false;
    this.#belt.rest();
    this.#viewport.head = this.#rows.end;
    this.#goTo(offset, below);
    this.onMove();
    this.update();
  }

  #resized() {
    const stage = /** @type {HTMLElement} */ (this.#log.parentElement);
    stage.style.height = `${this.#scroller.clientHeight}px`;
    this.#viewport.height = this.#log.clientHeight - MARGIN;
    this.#belt.centre();
    this.#heights.clear();
    this.update();
  }

  /** @param {number} first */
  #heightOf(first) {
    const measured = this.#heights.get(first);
    if (measured !== undefined) return measured;
    const { lines, pause, isEnd } = this.#rows.shape(first);
    return isEnd ? END : ROW * lines + (pause > 0 ? PAUSE : 0);
  }

  /** Draws now: what came with this frame is to be seen with it. */
  draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    const viewport = this.#viewport;
    viewport.head = this.#rows.end;
    if (this.#sought) this.#goTo(...this.#sought);
    const home = this.current > 0 ? this.#rows.home(this.current) : 0;
    const selected = this.selection ? this.#rows.span(...this.selection) : NOTHING;
    if (home !== this.#home || selected.join() !== this.#selected.join()) this.#look++;
    [this.#home, this.#selected] = [home, selected];
    // What has just been drawn may turn out to be higher or lower than was thought.
    for (let round = 0; round < (this.#wraps ? 3 : 1); round++) {
      if (this.#follows) viewport.toEnd();
      else viewport.settle();
      this.#slots.show(viewport.head > 0 ? viewport.rows(OVERSCAN) : [], (slot, first) => this.#fill(slot, first));
      if (!this.#wraps || !this.#measure()) break;
    }
    if (this.#wraps) {
      if (this.#follows) viewport.toEnd();
      else viewport.settle();
    }
    let above = 0;
    for (const { first } of this.#slots.used) {
      if (first >= viewport.top) break;
      above += this.#heightOf(first);
    }
    this.#rowsElement.style.transform = `translateY(${-above - viewport.shift}px)`;
    this.onMove();
    this.onDraw();
    const row = this.#turns && this.#rowsElement.querySelector(".current:not([data-kind=unread])");
    if (!row) return;
    this.#turns = false;
    const low = turnTo(row.querySelector("mark"), this.#log);
    if (low <= 0) return;
    viewport.scrollBy(low + viewport.height / 3);
    this.update();
  }

  /** Measures what was drawn. Gives whether any row isn't as high as was thought. */
  #measure() {
    if (this.#heights.size > 20_000) this.#heights.clear();
    let isNew = false;
    for (const { first, element, shows } of this.#slots.used) {
      if (shows?.kind === "unread") continue;
      const height = element.offsetHeight;
      if (this.#heightOf(first) !== height) isNew = true;
      this.#heights.set(first, height);
    }
    return isNew;
  }

  /** @param {Slot} slot @param {number} begin where what the row stands for begins */
  #fill(slot, begin) {
    const row = this.#rows.row(begin);
    const [first, last] = row.names;
    if (row.event?.stream) this.#rowsElement.classList.add("split");
    const k = blockOf(first);
    for (const needed of row.needs ?? []) this.#source.want(needed);
    if (row.kind !== "unread" && !row.written && first > 1 && first === k * BLOCK + 1 && !this.#store.event(first - 1)) {
      this.#source.want(k - 1);
    }
    if (slot.first === begin && slot.shows === row && slot.look === this.#look) return;
    const { element, number, time, text, pause } = slot;
    [slot.first, slot.shows, slot.look] = [begin, row, this.#look];
    element.hidden = false;
    element.dataset.kind = row.kind;
    const isPending = row.kind === "pending";
    Object.assign(element.dataset, { first, last, from: row.first, to: row.last });
    if (isPending) element.title = "It has no newline yet. Search and copying leave it out.";
    else element.removeAttribute("title");
    element.classList.toggle("error", row.isError);
    const [from, to] = this.#selected;
    element.classList.toggle("selected", row.first <= to && row.last >= from);
    element.classList.toggle("around", this.isFiltered && this.search !== null && !this.#hasHit(row));
    element.classList.toggle("current", begin === this.#home);
    showNumber(element, number, row);
    pause.hidden = row.pause === 0;
    pause.textContent = row.pause ? `${duration(row.pause)} of silence` : "";
    this.#keepDates(row);
    setText(time, lineTime(row.timestamp, this.timeMode, this.start, this.#datedMode === this.timeMode));
    if (this.timeMode !== "off" && row.event) time.title = fullTime(row.timestamp);
    else time.removeAttribute("title");
    if (row.kind === "end") element.dataset.status = row.event?.status ?? "";
    if (row.rendered) this.#fillText(text, row, row.rendered, begin === this.#home);
    else text.textContent = "";
  }

  /** @param {Row} row */
  #keepDates({ timestamp }) {
    if (this.#datedMode === this.timeMode) return;
    const mode = this.timeMode;
    if (areOfOneDay(this.start, timestamp, mode) && areOfOneDay(this.start, this.until, mode)) return;
    this.#datedMode = mode;
    this.restyle();
  }

  /** @param {Row} row */
  #hasHit({ names: [first, last], written }) {
    const hit = this.search?.hits.from(written?.first ?? first) ?? 0;
    return hit > 0 && hit <= (written?.last ?? last);
  }

  /** @param {HTMLElement} text @param {Row} row @param {import("./ansi.js").Rendered} rendered @param {boolean} isCurrent */
  #fillText(text, row, rendered, isCurrent) {
    const search = this.#hasHit(row) ? this.search : null;
    // What may still change was never searched as it is now, and an expression may take for ever on it.
    const isTried = search && (!search.isRegex || !row.isLive);
    const marks = isTried ? search.marks(rendered.text) : [];
    fillText(text, rendered, marks);
    if (row.kind === "pending") text.prepend(make("span", "unseen", "Unfinished line: "));
    const whole = () => this.#rows.text(row.first) ?? "";
    if (rendered.clipped > 0) {
      const button = make("button", "whole", `+ ${count(rendered.clipped, "character")}`);
      button.addEventListener("click", () => this.onWhole(row.names[0], whole()));
      text.append(" ", button);
    }
    if (!search || marks.length > 0) return;
    const unseen = search.unseen(isTried && rendered.clipped > 0 ? whole() : "", isCurrent ? this.current : 0);
    if (unseen) text.append(" ", unseen);
  }
}
