// A search over a whole log, what is held and what isn't, and over what still comes.

import { MatchIndex, WithContext } from "./match-index.js";
import { compile } from "./marks.js";

/** How long one portion may take, in milliseconds. */
const PATIENCE = 5_000;

export class Search {
  /** What it has found: lines by their offsets, rows by those of the events that they began with. */
  hits = new MatchIndex();
  /** Those of them that are rows, of which no line matches by itself. */
  rows = new MatchIndex();
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
    return around > 0 ? new WithContext(this.hits, this.#store, around) : this.hits;
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
  #add({ lines, rows, shown }) {
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
