// Selecting text as an editor does: by dragging, also beyond the edges, by Shift-click, Ctrl+A and Shift with arrows. Both
// ends are an offset and a column, so what is selected stays so when its rows leave the screen; the browser's own
// selection only shows the part that is drawn.

import { count } from "./connection-status.js";
import { announce, byId, isTyping, pressesText } from "./page.js";
import {
  caretAt, characterAfter, characterBefore, isBefore, isSame, placeIn, wordAfter, wordAt, wordBefore,
} from "./text-places.js";

/** @typedef {import("./copy.js").Point} Point */

/** Pixels that one frame of dragging beyond an edge moves by, for each pixel beyond it. */
const PULL = 0.4;
/** More lines aren't counted where only some are shown. */
const MOST = 1_000_000;

export class TextSelection {
  /** @type {Point | null} */ #anchor = null;
  /** @type {Point | null} */ #focus = null;
  #rows;
  #view;
  #bar;
  #log = byId("log");
  /** The pointer while it drags.
   * @type {MouseEvent | null} */
  #drag = null;
  #frame = 0;
  #isMine = false;

  /** @param {import("./shown-rows.js").ShownRows} rows
   * @param {import("./log-view.js").LogView} view @param {import("./selection-bar.js").SelectionBar} bar
   * @param {boolean} isFinger whether the last press was a finger's */
  constructor(rows, view, bar, isFinger) {
    this.#rows = rows;
    this.#view = view;
    this.#bar = bar;
    view.onDraw = () => this.#paint();
    view.onLayOut = (change) => this.#layOut(change);
    this.#log.addEventListener("pointerdown", ({ pointerType }) => { isFinger = pointerType === "touch"; });
    this.#log.addEventListener("mousedown", (event) => isFinger || this.#pressed(event));
    addEventListener("mousemove", (event) => this.#drag && this.#dragged(event));
    addEventListener("mouseup", () => this.release());
    // A link that the drag began or ended on isn't followed.
    this.#log.addEventListener("click", (event) => this.isEmpty || isFinger || event.preventDefault());
    this.#log.addEventListener("dragstart", (event) => event.preventDefault());
    // Before the page's other keys: some of them mean something else when nothing is selected.
    document.addEventListener("keydown", (event) => this.#key(event), true);
    document.addEventListener("selectionchange", () => {
      // What a finger selects is the browser's, and rows that move on under it would take it with them.
      const chosen = getSelection();
      const isTheirs = this.isEmpty && chosen && !chosen.isCollapsed && this.#log.contains(chosen.anchorNode);
      if (isTheirs) view.follows = false;
    });
  }

  /** Does what a press, a drag or a key asks for that came before this was there.
   * @param {MouseEvent | KeyboardEvent} event */
  take(event) {
    if (event instanceof KeyboardEvent) this.#key(event);
    else if (event.type === "mousedown") this.#pressed(event);
    else if (this.#drag) this.#dragged(event);
  }

  /** The button is up: the selection ends where it is. */
  release() {
    this.#drag = null;
  }

  get isEmpty() {
    return this.range === null;
  }

  /** What is selected, in order; null if nothing is.
   * @returns {import("./copy.js").TextRange | null} */
  get range() {
    const [anchor, focus] = [this.#anchor, this.#focus];
    if (!anchor || !focus || isSame(anchor, focus)) return null;
    const [from, to] = isBefore(anchor, focus) ? [anchor, focus] : [focus, anchor];
    return { from, to, endsLine: false };
  }

  /** The lines that any of is selected.
   * @returns {[number, number]} */
  get lines() {
    const { from, to } = this.range ?? { from: { offset: 1 }, to: { offset: 1 } };
    return [this.#rows.names(from.offset)[0], this.#rows.names(to.offset)[1]];
  }

  /** The offsets of their rows. */
  get #span() {
    const { from, to } = this.range ?? { from: { offset: 1 }, to: { offset: 1 } };
    return [this.#rows.shown(from.offset), this.#rows.row(to.offset).last];
  }

  /** How many rows any of is selected. */
  get size() {
    const [first, last] = this.#span;
    return this.#rows.count(first, last, MOST);
  }

  /** What is selected, in words. */
  get words() {
    if (this.isEmpty) return "Nothing";
    const [first, last] = this.lines;
    return `Text of ${first === last ? `line ${first}` : `lines ${first}–${last} (${count(this.size, this.#rows.noun)})`}`;
  }

  /** Where rows are counted otherwise from then on, the ends stay on the lines that they are on.
   * @param {() => void} change */
  #layOut(change) {
    const { noun, lastLine } = this.#rows;
    const ends = [this.#anchor, this.#focus].map((at) => at && [at.offset < lastLine ? this.#rows.names(at.offset)[0] : Infinity, at.column]);
    change();
    if (!ends[0] || this.#rows.noun === noun) return;
    const isSure = ends.every((end) => !end || end[0] <= 1 || end[0] === Infinity || this.#rows.isSure(end[0]));
    if (!isSure) return this.clear();
    [this.#anchor, this.#focus] = ends.map((end) => end && {
      offset: end[0] <= 1 ? 1 : end[0] === Infinity ? this.#rows.lastLine : this.#rows.home(end[0]), column: end[1],
    });
  }

  clear() {
    if (this.#isMine) getSelection()?.removeAllRanges();
    this.#isMine = false;
    this.#anchor = this.#focus = null;
    this.#bar.unset(this);
  }

  selectAll() {
    if (this.#rows.lastLine < 1) return;
    this.#set(this.#begin, this.#end);
    announce(`${this.words} selected`);
  }

  /** @returns {Point} */
  get #begin() {
    return { offset: this.#rows.shown(1), column: 0 };
  }

  /** @returns {Point} */
  get #end() {
    return { offset: this.#rowOf(this.#rows.lastLine), column: Infinity };
  }

  /** The first offset of the row that shows an event, or of the one before it where a filter hides that.
   * @param {number} offset */
  #rowOf(offset) {
    return this.#rows.shown(this.#rows.start(Math.max(1, offset)));
  }

  /** @param {Point} anchor @param {Point} focus */
  #set(anchor, focus) {
    [this.#anchor, this.#focus] = [anchor, focus];
    this.#paint();
    if (this.isEmpty) return this.#bar.unset(this);
    const [first, last] = this.#span;
    const [top, bottom] = this.#view.range;
    // What is seen whole needs no words.
    this.#bar.set(this, first < top || last > bottom);
  }

  /** @param {MouseEvent} event */
  #pressed(event) {
    const { detail, shiftKey } = event;
    if (!pressesText(event)) return;
    const at = this.#pointAt(event);
    if (!at) return;
    event.preventDefault();
    this.#log.focus({ preventScroll: true });
    if (shiftKey && this.#anchor) {
      this.#set(this.#anchor, at);
    } else if (detail === 2) {
      const { from, to } = wordAt(this.#rows.row(at.offset).rendered?.text ?? "", at.column);
      this.#set({ ...at, column: from }, { ...at, column: to });
    } else if (detail > 2) {
      this.#set({ ...at, column: 0 }, { ...at, column: Infinity });
    } else {
      this.clear();
      this.#anchor = this.#focus = at;
    }
    if (!this.isEmpty) this.#view.follows = false;
    this.#drag = event;
  }

  /** @param {MouseEvent} event */
  #dragged(event) {
    // It was let go of outside of the window.
    if ((event.buttons & 1) === 0) {
      this.#drag = null;
      return;
    }
    this.#drag = event;
    this.#stretch();
    if (this.#frame === 0) this.#frame = requestAnimationFrame(() => this.#pull());
  }

  /** Moves the selection's end to the pointer. */
  #stretch() {
    const at = this.#drag && this.#pointAt(this.#drag);
    if (!at || !this.#anchor || (this.#focus && isSame(at, this.#focus))) return;
    this.#view.follows = false;
    this.#set(this.#anchor, at);
  }

  /** Moves the rows while the pointer is held beyond an edge. */
  #pull() {
    this.#frame = 0;
    if (!this.#drag) return;
    const { clientX, clientY } = this.#drag;
    const box = this.#log.getBoundingClientRect();
    const beyond = (/** @type {number} */ at, /** @type {number} */ low, /** @type {number} */ high) =>
      at < low ? at - low : Math.max(0, at - high);
    const [x, y] = [beyond(clientX, box.left, box.right), beyond(clientY, box.top, box.bottom)];
    if (y !== 0) this.#view.scrollBy(Math.round(y * PULL) || Math.sign(y));
    if (x !== 0) this.#log.scrollLeft += x * PULL;
    if (y !== 0) this.#view.follows = false;
    this.#stretch();
    if (x !== 0 || y !== 0) this.#frame = requestAnimationFrame(() => this.#pull());
  }

  /** The row and the column under the pointer; beyond an edge, the nearest.
   * @param {MouseEvent} event @returns {Point | null} */
  #pointAt({ clientX, clientY }) {
    const rows = this.#drawn;
    const box = this.#log.getBoundingClientRect();
    const y = Math.min(Math.max(clientY, box.top + 1), box.bottom - 1);
    const row = rows.find((element) => element.getBoundingClientRect().bottom > y) ?? rows.at(-1);
    const text = row?.querySelector(".text");
    if (!row || !text) return null;
    const offset = Number(row.dataset.from);
    const place = text.getBoundingClientRect();
    if (y >= place.bottom) return { offset, column: Infinity };
    if (y < place.top) return { offset, column: 0 };
    const x = Math.min(Math.max(clientX, place.left + 1, box.left + 1), place.right - 1, box.right - 1);
    const caret = caretAt(x, y);
    if (!caret || !text.contains(caret.node)) return { offset, column: clientX < place.left ? 0 : Infinity };
    const before = document.createRange();
    before.setStart(text, 0);
    before.setEnd(caret.node, caret.at);
    return { offset, column: before.toString().length };
  }

  /** @returns {HTMLElement[]} */
  get #drawn() {
    return [...byId("rows").querySelectorAll(".row:not([data-kind=pending])")].filter((row) => row instanceof HTMLElement && !row.hidden)
      .map((row) => /** @type {HTMLElement} */ (row));
  }

  /** Has the browser show as selected what is drawn of it. */
  #paint() {
    const chosen = getSelection();
    const range = this.range;
    if (!chosen || !range) return;
    const { from, to } = range;
    const drawn = this.#drawn.filter(({ dataset }) =>
      Number(dataset.to) >= from.offset && Number(dataset.from) <= to.offset);
    this.#isMine = true;
    if (drawn.length === 0) return chosen.removeAllRanges();
    const [first, last] = [drawn[0], drawn[drawn.length - 1]];
    const start = placeIn(first, Number(first.dataset.from) <= from.offset ? from.column : 0);
    const end = placeIn(last, Number(last.dataset.to) >= to.offset ? to.column : Infinity);
    if (chosen.anchorNode === start.node && chosen.anchorOffset === start.at &&
      chosen.focusNode === end.node && chosen.focusOffset === end.at) return;
    chosen.setBaseAndExtent(start.node, start.at, end.node, end.at);
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const { key, shiftKey, ctrlKey, metaKey, altKey } = event;
    if (isTyping(event) || altKey) return;
    const isCommand = ctrlKey || metaKey;
    if (isCommand && !shiftKey && key.toLowerCase() === "a") {
      this.selectAll();
    } else if (key === "Escape" && this.#anchor) {
      const isCollapsed = this.isEmpty;
      this.clear();
      // A place without anything selected isn't seen: the key means something else.
      if (isCollapsed) return;
    } else if (shiftKey && this.#view.selection === null) {
      const from = this.#focus ?? { offset: this.#view.firstWhole, column: 0 };
      const to = this.#moved(from, key, isCommand);
      if (!to) return;
      this.#set(this.#anchor ?? from, to);
      this.#view.reveal(this.#rows.names(to.offset)[0]);
      announce(`${this.words} selected`);
    } else {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** Where a key moves the selection's end to; null if it is none of those keys.
   * @param {Point} from @param {string} key @param {boolean} isCommand @returns {Point | null} */
  #moved({ offset: at, column }, key, isCommand) {
    const offset = this.#rowOf(at);
    const text = this.#rows.row(offset).rendered?.text ?? "";
    const own = Math.min(column, text.length);
    const before = this.#rowOf(offset - 1);
    const after = this.#rows.last(offset) + 1;
    const [isFirst, isLast] = [before >= offset, after > this.#rows.lastLine];
    const [top, bottom] = this.#view.range;
    switch (key) {
      case "ArrowLeft": return own > 0 || isFirst
        ? { offset, column: isCommand ? wordBefore(text, own) : characterBefore(text, own) }
        : { offset: before, column: Infinity };
      case "ArrowRight": return own < text.length || isLast
        ? { offset, column: isCommand ? wordAfter(text, own) : characterAfter(text, own) }
        : { offset: after, column: 0 };
      case "ArrowUp": return isFirst ? { offset, column: 0 } : { offset: before, column };
      case "ArrowDown": return isLast ? { offset, column: Infinity } : { offset: after, column };
      case "Home": return isCommand ? this.#begin : { offset, column: 0 };
      case "End": return isCommand ? this.#end : { offset, column: Infinity };
      case "PageUp": return { offset: this.#rowOf(offset - (bottom - top)), column };
      case "PageDown": return { offset: this.#rowOf(Math.min(this.#rows.lastLine, offset + bottom - top)), column };
      default: return null;
    }
  }
}
