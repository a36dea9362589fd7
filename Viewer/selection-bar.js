// The bar that says what is selected, and copies it. Lines and text may both be selected: the bar is for what was selected
// last.

import { count, numbers } from "./connection-status.js";
import { announce, byId } from "./page.js";
import { fragmentOf } from "./time.js";

/** @typedef {import("./copy.js").TextRange} TextRange */
/** What has selected something: `words` say what, and `size` how many rows.
 * @typedef {{range: TextRange | null, lines: [number, number], words: string, size: number, clear(): void}} Owner */

/** The most lines that are copied at once. */
const LINES = 100_000;
const TOO_MUCH = `At most ${numbers.format(LINES)} can be copied: download the log instead.`;

/** What copies; loaded when something is selected.
 * @type {typeof import("./copy.js") | null} */
let copying = null;
const load = async () => (copying ??= await import("./copy.js"));

export class SelectionBar {
  /** The newest last.
   * @type {{owner: Owner, isSeen: boolean}[]} */
  #selected = [];
  /** Text that had to be read, for the next time, if that asks for the same.
   * @type {{range: string, text: string} | null} */
  #prepared = null;
  #reading = new AbortController();
  #source;
  #store;
  #rows;
  #view;

  /** @param {import("./source.js").Source} source @param {import("./blocks.js").BlockStore} store
   * @param {import("./shown-rows.js").ShownRows} rows @param {import("./log-view.js").LogView} view */
  constructor(source, store, rows, view) {
    this.#source = source;
    this.#store = store;
    this.#rows = rows;
    this.#view = view;
    byId("copy").addEventListener("click", () => this.copy());
    byId("copy-link").addEventListener("click", () => this.copyLink());
    byId("deselect").addEventListener("click", () => this.#newest?.owner.clear());
    document.addEventListener("copy", (event) => this.#copied(event));
  }

  /** What was selected last. */
  get range() {
    return this.#newest?.owner.range ?? null;
  }

  get #newest() {
    return this.#selected.at(-1);
  }

  /** @param {Owner} owner @param {boolean} [isSeen] whether the bar is */
  set(owner, isSeen = true) {
    this.#give();
    // If it can't be loaded now, copying says so.
    load().catch(() => {});
    this.#selected = [...this.#selected.filter((one) => one.owner !== owner), { owner, isSeen }];
    this.#say();
  }

  /** Says anew what is selected: other rows show it now. */
  refresh() {
    if (this.#newest) this.#say();
  }

  /** @param {Owner} owner */
  unset(owner) {
    this.#give();
    this.#selected = this.#selected.filter((one) => one.owner !== owner);
    this.#say();
  }

  /** Gives up what was read for the selection before. */
  #give() {
    this.#reading.abort(new Error("another selection"));
    this.#prepared = null;
  }

  #say() {
    const bar = byId("selection");
    const newest = this.#newest;
    const isHidden = !newest?.isSeen;
    if (isHidden && bar.contains(document.activeElement)) byId("log").focus({ preventScroll: true });
    bar.hidden = isHidden;
    const [isTooMuch, words] = [this.#isTooMuch, newest?.owner.words ?? ""];
    byId("copy").toggleAttribute("disabled", isTooMuch);
    byId("selected").textContent = isTooMuch ? `${words}. ${TOO_MUCH}` : words;
  }

  get #isTooMuch() {
    return (this.#newest?.owner.size ?? 0) > LINES;
  }

  /** Copies what is selected; what isn't here is read first. */
  async copy() {
    const { range } = this;
    if (!range) return;
    if (this.#isTooMuch) return announce(TOO_MUCH);
    try {
      const { copyText } = await load();
      const text = this.#textAtOnce(range) ?? (await this.#read());
      if (text !== null) this.#done(text, await copyText(text));
    } catch (error) {
      this.#tell(error instanceof Error ? error.message : String(error));
    }
  }

  async copyLink() {
    const [top] = this.#view.lines;
    const [first, last] = this.#newest?.owner.lines ?? [top, top];
    const { copyText } = await load();
    await copyText(`${location.origin}${location.pathname}${fragmentOf(first, last)}`);
    announce("Link copied");
    flash("copy-link");
  }

  /** The browser copies: what is here is given to it at once, over plain HTTP too.
   * @param {ClipboardEvent} event */
  #copied(event) {
    const { target } = event;
    if (target instanceof HTMLInputElement || target instanceof HTMLTextAreaElement) return;
    const { range } = this;
    if (!range) return;
    event.preventDefault();
    const text = this.#isTooMuch ? null : this.#textAtOnce(range);
    if (text !== null && event.clipboardData) {
      event.clipboardData.setData("text/plain", text);
      this.#done(text, true);
    } else {
      this.copy();
    }
  }

  /** @param {TextRange} range */
  #textAtOnce(range) {
    const held = copying?.heldText(range, this.#store, this.#rows) ?? null;
    return held === null && this.#prepared?.range === this.#nameOf(range) ? this.#prepared.text : held;
  }

  /** Says which range it is, and of what is shown of the log at present.
   * @param {TextRange} range */
  #nameOf(range) {
    const { isRaw, isLaidOut, filter } = this.#rows;
    return JSON.stringify([range, isRaw, isLaidOut, filter && this.#rows.count(range.from.offset, range.to.offset, LINES)]);
  }

  /** The text, once it is read; null if another selection was made meanwhile. */
  async #read() {
    const range = () => /** @type {TextRange} */ (this.range);
    const reading = (this.#reading = new AbortController());
    try {
      const { readText } = await load();
      const text = await readText(range, this.#source, this.#store, this.#rows, (share) => {
        byId("selection").hidden = false;
        byId("selected").textContent = `Reading to copy: ${Math.floor(share * 100)} %`;
      }, reading.signal);
      this.#prepared = { range: this.#nameOf(range()), text };
      return text;
    } catch (error) {
      if (reading.signal.aborted) return null;
      throw error;
    }
  }

  /** @param {string} text @param {boolean} isCopied */
  #done(text, isCopied) {
    if (text === "") return this.#tell("Nothing of what is selected is shown, or it is empty.");
    if (!isCopied) {
      this.#tell("It is read now. Copy once more: a browser copies only when it is asked.");
      return;
    }
    this.#say();
    const lines = text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
    announce(`${count(lines, "line")} copied`);
    flash("copy");
  }

  /** @param {string} words */
  #tell(words) {
    byId("selection").hidden = false;
    byId("selected").textContent = words;
    announce(words);
  }
}

/** @param {string} id */
function flash(id) {
  const button = byId(id);
  button.dataset.done = "✓";
  setTimeout(() => delete button.dataset.done, 1_200);
}
