// The search field: what is typed becomes a search over the whole log, and its hits a way through it.

import { count, numbers } from "./connection-status.js";
import { announce, byId } from "./page.js";

/** How many lines around a match a filter shows, in turn. */
const AROUND = [0, 1, 3, 10];

export class SearchBox {
  /** Whether only matching lines are shown, and how many around them. */
  #filters = false;
  #around = 0;
  /** @type {import("./search.js").Search | null} */ #search = null;
  #source;
  #store;
  #view;
  #onChange;
  #size;
  /** Whether the first match that is found is to be shown. */
  #goes = false;
  /** Up to where has to be searched for the count to be said; 0 once it was. */
  #until = 0;
  /** Up to here what was found is marked on the screen. */
  #marked = 0;
  #input = /** @type {HTMLInputElement} */ (byId("query"));
  /** @type {ReturnType<typeof setTimeout> | undefined} */ #timer;

  /** @param {import("./source.js").Source} source @param {import("./blocks.js").BlockStore} store
   * @param {import("./log-view.js").LogView} view @param {() => void} onChange
   * @param {() => import("./screen.js").Size | undefined} size of the command's terminal, where that is known */
  constructor(source, store, view, onChange, size) {
    this.#size = size;
    this.#source = source;
    this.#store = store;
    this.#view = view;
    this.#onChange = onChange;
    this.#input.addEventListener("input", () => {
      clearTimeout(this.#timer);
      byId("found").ariaBusy = "true";
      this.#timer = setTimeout(() => this.start(), 150);
    });
    byId("search").addEventListener("submit", (event) => {
      event.preventDefault();
      clearTimeout(this.#timer);
      if (this.#search?.expression && this.#isCurrent) this.go(1);
      else this.start();
    });
    this.#input.addEventListener("keydown", (event) => this.#key(event));
    for (const name of ["matches-case", "is-regex"]) byId(name).addEventListener("click", () => this.toggle(name));
    byId("filters").addEventListener("click", () => this.filter(!this.#filters));
    byId("inverts").addEventListener("click", () => {
      this.#filters = true;
      this.toggle("inverts");
    });
    byId("around").addEventListener("click", () => {
      this.#filters = true;
      this.#around = AROUND[(AROUND.indexOf(this.#around) + 1) % AROUND.length];
      this.#filter();
      announce(`${count(this.#around, "line")} around each match`);
    });
    view.onUnfiltered = () => this.filter(false);
    byId("next").addEventListener("click", () => this.go(1));
    byId("previous").addEventListener("click", () => this.go(-1));
    byId("open-search").addEventListener("click", () => this.focus());
    byId("close-search").addEventListener("click", () => this.leave());
    this.#show();
  }

  /** @returns {import("./match-index.js").MatchIndex | null} */
  get hits() {
    return this.#search?.hits ?? null;
  }

  /** Grows with every hit. */
  get seen() {
    return this.#search ? this.#search.hits.count : -1;
  }

  /** Why no line is shown. */
  get nothing() {
    if (this.#search?.trouble) return "Nothing was found before the search was given up.";
    return !this.#search || this.#search.isDone ? "No line matches." : "Searching…";
  }

  focus() {
    // It takes what it needs while something is typed.
    import("./search.js").catch(() => {});
    document.body.classList.add("searching");
    this.#input.focus();
    this.#input.select();
  }

  /** Shows only the lines that match, or all.
   * @param {boolean} filters */
  filter(filters) {
    if (filters === this.#filters) return;
    this.#filters = filters;
    // What doesn't match is found only to be shown alone.
    if (!filters && byId("inverts").getAttribute("aria-pressed") === "true") this.toggle("inverts");
    else this.#filter();
    announce(filters ? "Only matching lines are shown" : "All lines are shown");
  }

  #filter() {
    byId("filters").setAttribute("aria-pressed", String(this.#filters));
    document.body.classList.toggle("filters", this.#filters);
    byId("around").textContent = `±${this.#around}`;
    const search = this.#filters ? this.#search : null;
    this.#view.setFilter(search && search.shown(this.#around), search?.rows);
    this.#onChange();
  }

  /** More has come. */
  advance() {
    this.#search?.advance();
  }

  /** Ends the search. */
  leave() {
    this.#input.value = "";
    this.filter(false);
    this.start();
    document.body.classList.remove("searching");
    byId("log").focus({ preventScroll: true });
  }

  /** @param {string} name */
  toggle(name) {
    const button = byId(name);
    button.setAttribute("aria-pressed", String(button.getAttribute("aria-pressed") !== "true"));
    this.start();
  }

  #typed = JSON.stringify(this.#query);
  get #query() {
    const isOn = (/** @type {string} */ name) => byId(name).getAttribute("aria-pressed") === "true";
    return {
      text: this.#input.value, isRegex: isOn("is-regex"), matchesCase: isOn("matches-case"), inverts: isOn("inverts"),
    };
  }

  get #isCurrent() {
    return this.#typed === JSON.stringify(this.#query);
  }

  async start() {
    const query = this.#query;
    this.#typed = JSON.stringify(query);
    byId("found").ariaBusy = "true";
    this.#search?.end();
    this.#search = null;
    this.#view.current = this.#marked = 0;
    this.#input.removeAttribute("aria-invalid");
    let trouble = "";
    if (query.text !== "") {
      try {
        const { Search } = await import("./search.js");
        if (!this.#isCurrent) return;
        this.#search = new Search(query, this.#source, this.#store, () => this.#found(), this.#size());
        this.#goes = true;
        this.#until = this.#store.head;
      } catch (error) {
        trouble = error instanceof SyntaxError ? "not an expression" : "can’t be searched now";
        this.#input.setAttribute("aria-invalid", "true");
        announce(trouble);
      }
    }
    this.#view.search = this.#search;
    this.#view.restyle();
    this.#filter();
    this.#show(trouble);
    this.#onChange();
  }

  /** The next match, or the previous one; at an end it goes on at the other.
   * @param {1 | -1} direction */
  go(direction) {
    const search = this.#search;
    if (!search || search.hits.count === 0) return;
    const from = this.#view.current || this.#view.lines[0] + (direction > 0 ? -1 : 0);
    const found = direction > 0
      ? search.hits.from(from + 1) || search.hits.from(1)
      : search.hits.upTo(from - 1) || search.hits.upTo(this.#store.head);
    this.#view.current = found;
    this.#view.reveal(found);
    this.#view.restyle();
    this.#show();
    announce(`Match ${numbers.format(search.hits.rank(found))} of ${numbers.format(search.hits.count)}, line ${found}`);
  }

  #found() {
    const search = this.#search;
    if (!search) return;
    const [top, bottom] = this.#view.lines;
    if (this.#marked <= bottom && search.searched >= top) this.#view.restyle();
    this.#marked = search.searched;
    // Who follows a log that goes on isn't taken away from its end.
    if (this.#view.follows && !this.#store.end) this.#goes = false;
    if (this.#goes && search.hits.count > 0) {
      // What is in view already is near enough; otherwise the first one from there on, once it is known.
      const from = this.#view.selection?.[0] ?? top;
      const near = search.hits.from(from) || (search.isDone ? search.hits.upTo(from) : 0);
      if (near) {
        this.#goes = false;
        this.#view.current = near;
        this.#view.reveal(near);
        this.#view.restyle();
      }
    }
    if (this.#until > 0 && (search.searched >= this.#until || search.trouble)) {
      this.#until = 0;
      announce(search.trouble || count(search.hits.count, "result"));
    }
    this.#show();
    this.#onChange();
  }

  /** @param {string} [trouble] */
  #show(trouble = this.#search?.trouble ?? "") {
    const search = this.#search;
    const found = byId("found");
    for (const name of ["next", "previous"]) byId(name).toggleAttribute("disabled", !search?.hits.count);
    found.classList.toggle("trouble", trouble !== "");
    const goesOn = search && !trouble && (search.searched < this.#until || (this.#goes && search.hits.count > 0));
    found.ariaBusy = String(goesOn || !this.#isCurrent);
    if (trouble || !search) {
      found.textContent = trouble;
      return;
    }
    const all = numbers.format(search.hits.count);
    const head = Math.max(1, this.#store.head);
    const text = this.#view.current ? `${numbers.format(search.hits.rank(this.#view.current))} of ${all}` : all;
    const percent = Math.floor((search.searched / head) * 100);
    found.textContent = search.searched < this.#until ? `${text} · ${percent} %` : text;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    if (event.key === "Escape") this.leave();
    else if (event.key === "Enter" && event.shiftKey) this.go(-1);
    else if (event.altKey && event.code === "KeyC") this.toggle("matches-case");
    else if (event.altKey && event.code === "KeyR") this.toggle("is-regex");
    else if (event.altKey && event.code === "KeyL") this.filter(!this.#filters);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
