// Selecting lines: by their numbers, by keys and by the address. A selection is offsets, so a link to it stays true for
// ever.

import { count } from "./connection-status.js";
import { announce, byId } from "./page.js";
import { fragmentOf } from "./time.js";

export class Selection {
  #bar;
  #store;
  #rows;
  #view;
  /** The end that stays when the other one moves. */
  #anchor = 0;
  #moving = 0;
  /** The log's head when lines beyond it were named, until they have come.
   * @type {number | null} */
  #awaited = null;

  /** @param {import("./selection-bar.js").SelectionBar} bar @param {import("./blocks.js").BlockStore} store
   * @param {import("./shown-rows.js").ShownRows} rows @param {import("./log-view.js").LogView} view */
  constructor(bar, store, rows, view) {
    this.#bar = bar;
    this.#store = store;
    this.#rows = rows;
    this.#view = view;
    this.#listen();
  }

  get isEmpty() {
    return this.#view.selection === null;
  }

  /** @returns {[number, number]} */
  get lines() {
    return this.#view.selection ?? [this.#view.lines[0], this.#view.lines[0]];
  }

  /** What of it is there. @returns {import("./copy.js").TextRange | null} */
  get range() {
    const [first, last] = this.#span;
    const end = Math.min(last, this.#rows.lastLine);
    if (first > end) return null;
    return { from: { offset: first, column: 0 }, to: { offset: end, column: Infinity }, endsLine: true };
  }

  /** The rows of it. */
  get #span() {
    return this.#view.selection ? this.#rows.span(...this.#view.selection) : [1, 0];
  }

  /** How many rows it has. */
  get size() {
    const [first, last] = this.#span;
    return this.#rows.count(first, last, Infinity);
  }

  get words() {
    const { size } = this;
    const [first, last] = this.lines;
    const lines = size === 1 || first === last ? `Line ${first}` : `Lines ${first}–${last} (${count(size, this.#rows.noun)})`;
    const absence = this.#store.end ? ": not there" : ": not there yet";
    return this.#awaited === null ? lines : lines + absence;
  }

  /** @param {number} anchor @param {number} moving @param {boolean} [tells] the address bar */
  set(anchor, moving, tells = true) {
    [this.#anchor, this.#moving] = [anchor, moving];
    const [first, last] = anchor <= moving ? [anchor, moving] : [moving, anchor];
    this.#view.selection = [first, last];
    if (tells) history.replaceState(null, "", fragmentOf(first, last));
    this.#awaited = first > this.#store.head ? this.#store.head : null;
    this.#bar.set(this);
    this.#view.restyle();
  }

  /** More has come: lines that were named before they were there may be there now. */
  advance() {
    const [first] = this.#view.selection ?? [0];
    if (this.#awaited === null || first === 0) return;
    if (first <= this.#store.head) {
      const stayed = this.#view.lines[1] >= this.#awaited;
      this.#awaited = null;
      // Who has gone elsewhere meanwhile stays there.
      if (stayed) this.#view.reveal(first);
    }
    this.#bar.set(this);
  }

  clear() {
    if (this.isEmpty) return;
    this.#view.selection = null;
    history.replaceState(null, "", location.pathname);
    this.#bar.unset(this);
    this.#view.restyle();
  }

  /** Begins at the match that is shown, or at the first line in view. */
  begin() {
    const [top, bottom] = this.#view.range;
    const { current } = this.#view;
    const home = current && this.#rows.home(current);
    const [first] = home >= top && home <= bottom ? [current] : this.#rows.names(this.#view.firstWhole);
    this.#view.follows = false;
    this.set(first, first);
    announce(`Line ${first} selected`);
  }

  /** @param {1 | -1} direction @param {boolean} widens */
  move(direction, widens) {
    const rows = [...this.#rows.span(this.#moving, this.#moving), this.#rows.home(this.#moving)];
    const next = direction > 0 ? this.#rows.last(Math.max(...rows)) + 1 : Math.min(...rows) - 1;
    if (next < 1 || next > this.#rows.lastLine) return;
    const begin = this.#rows.start(next);
    const [moving] = this.#rows.names(begin);
    this.set(widens ? this.#anchor : moving, moving);
    this.#view.reveal(moving);
    const lines = this.#view.selection?.join(" to ");
    announce(widens ? `Lines ${lines}` : `Line ${moving}: ${this.#rows.text(begin) ?? ""}`);
  }

  #listen() {
    const log = byId("log");
    let drags = false;
    const at = (/** @type {Event} */ { target }, /** @type {string} */ name) =>
      target instanceof Element ? target.closest(name) : null;
    const lines = (/** @type {Element} */ row) => {
      const { first, last } = /** @type {HTMLElement} */ (row).dataset;
      return [Number(first), Number(last)];
    };
    const isTouch = (/** @type {Event} */ event) => event instanceof PointerEvent && event.pointerType === "touch";
    /** @param {MouseEvent} event */
    const choose = (event) => {
      const row = at(event, ".row:not([data-kind=pending])");
      if (event.button !== 0 || !at(event, ".number") || !row || event.ctrlKey || event.metaKey) return;
      const [first, last] = lines(row);
      if (this.#view.isFiltered && !event.shiftKey) this.#view.showInPlace(first);
      const widens = event.shiftKey || (isTouch(event) && this.#anchor === this.#moving);
      if (!this.isEmpty && widens) this.set(this.#anchor, first < this.#anchor ? first : last);
      else this.set(first, last);
      event.preventDefault();
      // What is typed next is meant for what is selected, not for a field that was typed in before.
      log.focus({ preventScroll: true });
      this.#view.follows = false;
    };
    log.addEventListener("pointerdown", (event) => {
      // A finger may be about to scroll; whether it chose a number is known when it is lifted.
      const wasFiltered = this.#view.isFiltered;
      if (!isTouch(event)) choose(event);
      // Other rows stand under the pointer now.
      drags = event.defaultPrevented && !wasFiltered;
    });
    log.addEventListener("pointerover", (event) => {
      const row = drags ? at(event, ".row:not([data-kind=pending])") : null;
      if (!row) return;
      const [first, last] = lines(row);
      this.set(this.#anchor, first < this.#anchor ? first : last);
    });
    addEventListener("pointerup", () => { drags = false; });
    log.addEventListener("click", (event) => {
      if (isTouch(event)) choose(event);
      else if (at(event, ".number") && !event.ctrlKey && !event.metaKey) event.preventDefault();
    });
  }
}
