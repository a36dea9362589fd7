// A search over a whole log, what is held and what isn't, and over what still comes.

import { MatchIndex, WithContext } from "./match-index.js";
import { PIECES } from "./blocks.js";
import { excerpt } from "./excerpts.js";
import { compile, marks } from "./marks.js";
import { overwritten } from "./overwritten.js";

/** How long one portion may take, in milliseconds. */
const PATIENCE = 5_000;
/** The most characters of a line that a match is looked for in here. */
const LONGEST = 1 << 21;

export class Search {
  /** What it has found: lines by their offsets, rows by those of the events that they began with. */
  hits = new MatchIndex();
  /** Those of them that are rows, of which no line matches by itself. */
  rows = new MatchIndex();
  /** Events that go on with the line of the one before. */
  pieces = new MatchIndex();
  /** Those of rows that may still change.
   * @type {number[]} */
  #shown = [];
  /** Everything up to here was searched. */
  searched = 0;
  /** Why it stopped, if it did. */
  trouble = "";
  /** For marking what is in view. */
  expression;
  isRegex;
  #source;
  #store;
  #onChange;
  #ending = new AbortController();
  #worker = new Worker(new URL("search-worker.js", import.meta.url), { type: "module" });
  #wake = () => {};

  /** @param {import("./marks.js").Query} query @param {import("./source.js").Source} source
   * @param {import("./blocks.js").BlockStore} store @param {() => void} onChange throws a SyntaxError for what is no
   * expression @param {import("./screen.js").Size} [size] of the command's terminal */
  constructor(query, source, store, onChange, size) {
    this.expression = compile(query);
    this.isRegex = query.isRegex;
    this.#source = source;
    this.#store = store;
    this.#onChange = onChange;
    this.#worker.postMessage({ query, size });
    this.#run().catch((error) => this.#stopped(error));
  }

  end() {
    this.#ending.abort(new Error("ended"));
    this.#worker.terminate();
    this.#wake();
  }

  /** What it has found, and so many lines around each.
   * @param {number} around @returns {import("./shown-rows.js").Shown} */
  shown(around) {
    return around > 0 ? new WithContext(this.hits, this.pieces, () => this.searched, around) : this.hits;
  }

  /** Where it is in a text.
   * @param {string} text */
  marks(text) {
    return marks(this.expression, text);
  }

  /** A match that a row doesn't show, as it is shown behind it: beyond its end, or written over; null if there is none.
   * @param {string} text the row's, whole @param {number} line that has the match; 0 if that isn't the one that is shown */
  unseen(text, line) {
    const beyond = excerpt(text, this.expression);
    if (beyond || line === 0) return beyond;
    const part = overwritten(this.#message(line)).find((part) => part.search(this.expression) >= 0);
    return part === undefined ? null : excerpt(part, this.expression, `line ${line} wrote`);
  }

  /** All that a line wrote, as far as it is searched at once.
   * @param {number} line */
  #message(line) {
    let text = "";
    for (let offset = line; text.length < LONGEST; offset++) {
      const event = this.#store.event(offset);
      text += event?.message ?? "";
      if (!event?.partial || offset % PIECES === 0) break;
    }
    return text;
  }

  /** More has come. */
  advance() {
    this.#wake();
  }

  get isDone() {
    return this.searched >= this.#store.head || this.trouble !== "";
  }

  /** @param {unknown} error */
  #stopped(error) {
    if (this.#ending.signal.aborted) return;
    this.trouble = error instanceof Error ? error.message : String(error);
    this.#worker.terminate();
    this.#onChange();
  }

  async #run() {
    /** @type {Promise<void>} */
    let before = Promise.resolve();
    let reached = 0;
    while (!this.#ending.signal.aborted) {
      if (reached >= this.#store.head) {
        await before;
        await new Promise((resolve) => { this.#wake = () => resolve(undefined); });
        continue;
      }
      const lines = await this.#source.portion(reached, this.#ending.signal);
      // One portion is searched while the next one is read, no more.
      await before;
      before = this.#ask(lines.join("\n"), reached + 1, lines.length);
      before.catch(() => {});
      reached += lines.length;
    }
  }

  /** @param {import("./matcher.js").Found} found */
  #add({ lines, pieces, rows, shown }) {
    for (const offset of pieces) this.pieces.add(offset);
    for (const index of [this.hits, this.rows]) for (const offset of this.#shown) index.delete(offset);
    for (const offset of lines) this.hits.add(offset);
    const news = rows.filter((offset) => !this.hits.has(offset));
    this.#shown = shown.filter((offset) => !this.hits.has(offset) && !news.includes(offset));
    for (const index of [this.hits, this.rows]) for (const offset of [...news, ...this.#shown]) index.add(offset);
  }

  /** @param {string} text @param {number} first @param {number} size @returns {Promise<void>} */
  #ask(text, first, size) {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error("This expression takes too long.")), PATIENCE);
      this.#worker.onmessage = ({ data }) => {
        clearTimeout(timer);
        this.#add(data);
        this.searched = first + size - 1;
        this.#onChange();
        resolve();
      };
      this.#worker.onerror = () => reject(new Error("The search could not go on."));
      this.#worker.postMessage({ text, first });
    });
  }
}
