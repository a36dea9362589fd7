// Which rows of a screen show what an event wrote.

/** @typedef {import("./screen-index.js").Group} Group */
/** @typedef {import("./screen-index.js").Mark} Mark */
/** The first and the last of them, and what has to be read before that is certain.
 * @typedef {{first: number, last: number, needs: number[]}} Found */

/** Of so many events it is kept what began their rows, and where those are. */
const SOUGHT = 256;

export class EventRows {
  #index;
  #layOut;
  #missing;
  #held;
  /** The event that began the row that another one wrote on.
   * @type {Map<number, number>} */
  #begun = new Map();
  /** What is settled stays where it is.
   * @type {Map<number, Found>} from the least to the most recently sought */
  #settled = new Map();
  /** @type {WeakMap<Group[], Map<number, [number, number]>>} */ #named = new WeakMap();

  /** @param {import("./screen-index.js").ScreenIndex} index
   * @param {(mark: Mark) => Group[] | null} layOut gives a stretch's rows; null where it has to be read first
   * @param {(mark: Mark, through?: number) => number[]} missing the blocks that have to be read to lay a stretch out
   * @param {(offset: number) => import("./blocks.js").LogEvent} held an event that was read */
  constructor(index, layOut, missing, held) {
    this.#index = index;
    this.#layOut = layOut;
    this.#missing = missing;
    this.#held = held;
  }

  /** The rows that an event began; where it began none, that on which it wrote first.
   * @param {number} event @returns {Found} */
  of(event) {
    const settled = this.#settled.get(event);
    const found = settled ?? this.#beganBy(event) ?? this.#writtenBy(event);
    this.#settled.delete(event);
    if (found.needs.length === 0 && found.last < this.#index.settled) keep(this.#settled, event, found);
    return found;
  }

  /** @param {number} event @returns {Found | null} */
  #beganBy(event) {
    const mark = this.#index.stretchOf(event);
    const own = this.#layOut(mark);
    if (!own) return this.#about(mark, event, this.#missing(mark));
    // What it began may be on the screen still, or have left it late.
    const late = this.#index.late(event);
    const { newest } = this.#index;
    const live = mark === newest ? own : this.#layOut(newest) ?? [];
    const found = [...this.#in(own, mark, event), ...this.#in(live, newest, event), ...(late > 0 ? [late] : [])];
    return found.length > 0 ? this.#withRest({ first: Math.min(...found), last: Math.max(...found), needs: [] }, event) : null;
  }

  /** With those that were settled behind the next mark.
   * @param {Found} rows @param {number} event @returns {Found} */
  #withRest(rows, event) {
    for (;;) {
      const { mark, groups } = this.#index.find(rows.last);
      const next = this.#index.after(mark);
      if (!next || rows.last < next.base || next.begun !== event || !groups) return rows;
      const rest = this.#layOut(next);
      if (!rest) return { ...rows, needs: this.#missing(next) };
      const last = Math.max(...this.#in(rest, next, event));
      if (last <= rows.last) return rows;
      rows = { ...rows, last };
    }
  }

  /** The first and the last of a stretch's rows that an event began.
   * @param {Group[]} groups @param {Mark} mark @param {number} event */
  #in(groups, mark, event) {
    return (this.#names(groups).get(event) ?? []).map((at) => mark.base + 1 + at);
  }

  /** Which of these rows each event began, on the screen.
   * @param {Group[]} groups */
  #names(groups) {
    const known = this.#named.get(groups);
    if (known) return known;
    /** @type {Map<number, [number, number]>} */
    const names = new Map();
    this.#named.set(groups, names);
    groups.forEach(({ first, last, rows }, i) => {
      if (rows.length === 0) for (let event = first; event <= last; event++) names.set(event, [i, i]);
      for (const row of rows) names.set(row.first, [names.get(row.first)?.[0] ?? i, i]);
    });
    return names;
  }

  /** @param {number} event @returns {Found} */
  #writtenBy(event) {
    const began = this.#began(event);
    const mark = this.#index.stretchOf(event);
    if (began === 0) return this.#about(mark, event, this.#missing(this.#index.markBefore(event), event));
    return (began !== event && this.#beganBy(began)) || this.#about(mark, event, []);
  }

  /** The event that began the row that this one wrote on; 0 until what that depends on was read.
   * @param {number} event */
  #began(event) {
    const known = this.#begun.get(event);
    if (known !== undefined) return known;
    if (event > this.#index.offset) return event;
    if (this.#missing(this.#index.markBefore(event), event).length > 0) return 0;
    const began = this.#index.writtenBy(event, this.#held);
    keep(this.#begun, event, began);
    return began;
  }

  /** The row of a stretch that is about where the event's is, or was.
   * @param {Mark} mark @param {number} event @param {number[]} needs @returns {Found} */
  #about(mark, event, needs) {
    const end = this.#index.after(mark)?.base ?? this.#index.end;
    const [from, to] = this.#index.extent(mark);
    const share = Math.min(1, Math.max(0, (event - from) / Math.max(1, to - from)));
    const row = Math.min(Math.max(1, end), mark.base + 1 + Math.round(share * Math.max(0, end - mark.base - 1)));
    return { first: row, last: row, needs };
  }
}

/** @template T @param {Map<number, T>} map @param {number} event @param {T} value */
function keep(map, event, value) {
  if (map.size >= SOUGHT) map.delete(/** @type {number} */ (map.keys().next().value));
  map.set(event, value);
}
