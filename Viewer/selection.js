// Selecting lines: by their numbers, by keys and by the address. A selection is offsets, so a link to it stays true for
// ever.

import { count } from "./delivery.js";
import { announce, byId } from "./page.js";
import { fragmentOf } from "./time.js";

export class Selection {
  #source;
  #store;
  #rows;
  #view;
  /** The end that stays when the other one moves. */
  #anchor = 0;
  #moving = 0;
  /** The log's head when lines beyond it were named, until they have come.
   * @type {number | null} */
  #awaited = null;

  /** @param {import("./source.js").Source} source @param {import("./blocks.js").BlockStore} store
   * @param {import("./rows.js").Rows} rows @param {import("./log-view.js").LogView} view */
  constructor(source, store, rows, view) {
    this.#source = source;
    this.#store = store;
    this.#rows = rows;
    this.#view = view;
    this.#listen();
    byId("copy").addEventListener("click", () => this.copy());
    byId("copy-link").addEventListener("click", () => this.copyLink());
    byId("deselect").addEventListener("click", () => this.clear());
  }

  get isEmpty() {
    return this.#view.selection === null;
  }

  /** @param {number} anchor @param {number} moving @param {boolean} [tells] the address bar */
  set(anchor, moving, tells = true) {
    [this.#anchor, this.#moving] = [anchor, moving];
    const [first, last] = anchor <= moving ? [anchor, moving] : [moving, anchor];
    this.#view.selection = [first, last];
    // It may be copied next.
    import("./copy.js").catch(() => {});
    if (tells) history.replaceState(null, "", fragmentOf(first, last));
    byId("selection").hidden = false;
    this.#awaited = first > this.#store.head ? this.#store.head : null;
    this.#say(first, last);
    this.#view.restyle();
  }

  /** More has come: lines that were named before they were there may be there now. */
  advance() {
    const [first, last] = this.#view.selection ?? [0, 0];
    if (this.#awaited === null || first === 0) return;
    if (first <= this.#store.head) {
      const stayed = this.#view.range[1] >= this.#awaited;
      this.#awaited = null;
      // Who has gone elsewhere meanwhile stays there.
      if (stayed) this.#view.reveal(first);
    }
    this.#say(first, last);
  }

  /** @param {number} first @param {number} last */
  #say(first, last) {
    const lines = first === last ? `Line ${first}` : `Lines ${first}–${last} (${count(last - first + 1, "line")})`;
    const absence = this.#store.end ? ": not there" : ": not there yet";
    byId("selected").textContent = this.#awaited === null ? lines : lines + absence;
  }

  clear() {
    if (this.isEmpty) return;
    this.#view.selection = null;
    history.replaceState(null, "", location.pathname);
    const bar = byId("selection");
    if (bar.contains(document.activeElement)) byId("log").focus({ preventScroll: true });
    bar.hidden = true;
    this.#view.restyle();
  }

  /** Begins at the match that is shown, or at the first line in view. */
  begin() {
    const [top, bottom] = this.#view.range;
    const { current } = this.#view;
    const first = current >= top && current <= bottom ? current : this.#view.firstWhole;
    this.#view.follows = false;
    this.set(first, first);
    announce(`Line ${first} selected`);
  }

  /** @param {1 | -1} direction @param {boolean} widens */
  move(direction, widens) {
    const row = this.#rows.start(this.#moving);
    const next = direction > 0 ? this.#rows.last(row) + 1 : row - 1;
    if (next < 1 || next > this.#store.head) return;
    const moving = this.#rows.start(next);
    this.set(widens ? this.#anchor : moving, moving);
    this.#view.reveal(moving);
    const lines = this.#view.selection?.join(" to ");
    announce(widens ? `Lines ${lines}` : `Line ${moving}: ${this.#rows.text(moving) ?? ""}`);
  }

  async copy() {
    const first = this.#view.selection?.[0] ?? Infinity;
    const last = Math.min(this.#view.selection?.[1] ?? 0, this.#store.head);
    if (first > last) return;
    try {
      await (await import("./copy.js")).copyLines(first, last, this.#source, this.#store, this.#rows);
      announce(`${count(last - first + 1, "line")} copied`);
      flash("copy");
    } catch (error) {
      announce((byId("selected").textContent = error instanceof Error ? error.message : String(error)));
    }
  }

  async copyLink() {
    const [first, last] = this.#view.selection ?? [this.#view.range[0], this.#view.range[0]];
    const { copyText } = await import("./copy.js");
    await copyText(`${location.origin}${location.pathname}${fragmentOf(first, last)}`);
    announce("Link copied");
    flash("copy-link");
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
      const widens = event.shiftKey || (isTouch(event) && this.#anchor === this.#moving);
      if (!this.isEmpty && widens) this.set(this.#anchor, first < this.#anchor ? first : last);
      else this.set(first, last);
      event.preventDefault();
      this.#view.follows = false;
    };
    log.addEventListener("pointerdown", (event) => {
      // A finger may be about to scroll; whether it chose a number is known when it is lifted.
      if (!isTouch(event)) choose(event);
      drags = event.defaultPrevented;
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
    // Rows that move on under it would take a text selection with them.
    document.addEventListener("selectionchange", () => {
      const chosen = getSelection();
      if (chosen && !chosen.isCollapsed && log.contains(chosen.anchorNode)) this.#view.follows = false;
    });
    log.addEventListener("copy", (event) => {
      const text = getSelection()?.toString();
      if (!text || !event.clipboardData) return;
      event.clipboardData.setData("text/plain", text);
      event.preventDefault();
    });
  }
}

/** @param {string} id */
function flash(id) {
  const button = byId(id);
  button.dataset.done = "✓";
  setTimeout(() => delete button.dataset.done, 1_200);
}
