// The strip of rates: how many lines came when, from the log's first event to its last, or to now. A click goes to a time, a drag
// shows only what lies between two. It asks the server where a time lies in the log, and halves what isn't known yet, so that silence
// costs nothing and a log of any length some hundred small answers. It is loaded when it is to be seen.

import { count } from "./connection-status.js";
import { make } from "./page.js";
import { scaleOf, spread } from "./rates.js";
import { styled } from "./styles.js";
import { duration, fullTime } from "./time.js";

/** The most parts of time that are told from each other; fewer where lines are so long that each answer is large. */
const PARTS = 128;
const PARTS_OF_LARGE = 32;
/** How often a log that goes on is asked for more, in milliseconds. */
const REFRESH = 2_000;
/** A shorter way of the pointer is a click, in pixels. */
const CLICK = 4;

/** @typedef {{source: import("./source.js").Source, store: import("./blocks.js").BlockStore,
 *   view: import("./log-view.js").LogView}} Context */
/** @type {RateStrip | null} */
let strip = null;

/** Shows the strip, or doesn't any more; gives whether it does.
 * @param {Context} context */
export async function toggleRates(context) {
  await styled("rate-strip.css");
  if (!strip) {
    strip = new RateStrip(context);
    return true;
  }
  strip.remove();
  strip = null;
  return false;
}

class RateStrip {
  #context;
  #element = make("div", "rates");
  #canvas = make("canvas");
  #whole = make("button", "icon", "⤢");
  #pen = /** @type {CanvasRenderingContext2D} */ (this.#canvas.getContext("2d"));
  /** Lines before a time.
   * @type {Map<number, number>} */
  #known = new Map();
  /** The times of the first and the last event.
   * @type {[number, number] | null} */
  #times = null;
  /** The times that are shown, if not all.
   * @type {[number, number] | null} */
  #zoom = null;
  /** @type {import("./rates.js").Scale} */ #scale = { from: 0, width: 1, parts: 1 };
  /** @type {(number | undefined)[]} */ #borders = [0, 0];
  /** Where a drag began, and where it is.
   * @type {[number, number] | null} */
  #drag = null;
  #reading = 0;
  #isReading = false;
  /** The part that the keys are on. */
  #part = 0;
  #timer;
  #before;
  #restyle = () => { this.#colours = {}; this.#draw(); };
  /** @type {Record<string, string>} */ #colours = {};

  /** @param {Context} context */
  constructor(context) {
    this.#context = context;
    const { view } = context;
    const attributes = { role: "slider", tabindex: "0", "aria-label": "Lines over time", "aria-orientation": "vertical" };
    for (const [name, value] of Object.entries(attributes)) this.#canvas.setAttribute(name, value);
    Object.assign(this.#whole, { title: "All of the time", hidden: true, type: "button" });
    this.#whole.setAttribute("aria-label", "All of the time");
    this.#element.append(this.#canvas, this.#whole);
    document.getElementById("map")?.before(this.#element);
    this.#listen();
    this.#before = view.onMove;
    view.onMove = () => { this.#before(); this.#draw(); };
    addEventListener("everyline-themed", this.#restyle);
    new ResizeObserver(() => this.#resized()).observe(this.#canvas);
    this.#timer = setInterval(() => { if (!document.hidden && !this.#zoom && !this.#isDone) void this.#read(); }, REFRESH);
    void this.#read();
  }

  remove() {
    clearInterval(this.#timer);
    this.#reading++;
    this.#context.view.onMove = this.#before;
    removeEventListener("everyline-themed", this.#restyle);
    this.#element.remove();
  }

  /** Whether all that will ever come is shown. */
  get #isDone() {
    const { store } = this.#context;
    return store.end > 0 && this.#known.get(Infinity) === store.end;
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      this.#drag = [event.offsetY, event.offsetY];
    });
    canvas.addEventListener("pointermove", (event) => {
      canvas.title = this.#words(this.#partAt(event.offsetY));
      if (!this.#drag) return;
      this.#drag[1] = event.offsetY;
      this.#draw();
    });
    canvas.addEventListener("pointercancel", () => { this.#drag = null; this.#draw(); });
    canvas.addEventListener("pointerup", () => {
      if (!this.#drag) return;
      const [from, to] = this.#drag.map((y) => this.#timeAt(y)).sort((one, other) => one - other);
      const isClick = Math.abs(this.#drag[1] - this.#drag[0]) < CLICK;
      this.#drag = null;
      if (!isClick) this.#show([from, Math.max(from + 1, to)]);
      void this.#seek(from);
    });
    this.#whole.addEventListener("click", () => { this.#show(null); canvas.focus(); });
    canvas.addEventListener("keydown", (event) => {
      const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 }[event.key];
      const { from, width, parts } = this.#scale;
      if (step) {
        this.#part = Math.min(parts - 1, Math.max(0, this.#part + step));
        void this.#seek(from + this.#part * width);
      } else if (event.key === "+" && parts > 1) {
        const half = Math.max(1, (width * parts) / 4);
        const middle = from + (this.#part + 0.5) * width;
        this.#show([Math.max(from, Math.floor(middle - half)), Math.ceil(middle + half)]);
      } else if ((event.key === "-" || event.key === "Escape") && this.#zoom) {
        this.#show(null);
      } else {
        return;
      }
      event.preventDefault();
      event.stopPropagation();
    });
  }

  /** @param {[number, number] | null} zoom the times that are to be seen, or all */
  #show(zoom) {
    this.#zoom = zoom;
    this.#part = 0;
    this.#whole.hidden = zoom === null;
    this.#rescale();
    this.#draw();
    void this.#read();
  }

  /** Divides the time that is to be seen, with what is known of it. */
  #rescale() {
    const { source, store } = this.#context;
    const [first, last] = this.#times ?? [0, 0];
    const [from, to] = this.#zoom ?? [first, Math.max(last, store.end ? 0 : Date.now())];
    const most = source.blocksAtOnce === 1 ? PARTS_OF_LARGE : PARTS;
    const { width, parts } = (this.#scale = scaleOf(from, to, most));
    this.#part = Math.min(this.#part, parts - 1);
    return (this.#borders = Array.from({ length: parts + 1 }, (_, part) => this.#known.get(from + part * width)));
  }

  /** @param {number} time */
  async #seek(time) {
    const { source, view } = this.#context;
    const offset = await source.at(time).catch(() => 0);
    if (offset > 0) view.seek(offset);
    this.#draw();
  }

  /** Reads what isn't known of what is to be seen. */
  async #read() {
    const reading = ++this.#reading;
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      await this.#readOn(reading);
    } catch {
      // It is tried again, as long as the log isn't known.
    }
    this.#isReading = false;
    if (reading !== this.#reading && this.#element.isConnected) await this.#read();
  }

  /** @param {number} reading */
  async #readOn(reading) {
    const { source, store } = this.#context;
    const { end, head } = store;
    if (head === 0) return;
    const first = this.#times?.[0] ?? (await this.#timeOf(1));
    // A clock may have been set back meanwhile: then all that came stands at its first time.
    const last = Math.max(first, await this.#timeOf(head));
    this.#times = [first, last];
    const borders = this.#rescale();
    const { from, width, parts } = this.#scale;
    const time = (/** @type {number} */ part) => from + part * width;
    const learn = async (/** @type {number} */ part) => {
      if (borders[part] !== undefined) return;
      if (time(part) > last) {
        borders[part] = head;
        return;
      }
      borders[part] = (await source.at(time(part))) - 1;
      this.#known.set(time(part), borders[part] ?? 0);
    };
    await learn(0);
    await learn(parts);
    // The coarse comes first.
    const open = [[0, parts]];
    for (const [low, high] of open) {
      if (reading !== this.#reading) return;
      this.#draw();
      if (high - low < 2 || borders[low] === borders[high]) continue;
      const middle = (low + high) >> 1;
      await learn(middle);
      open.push([low, middle], [middle, high]);
    }
    if (end) this.#known.set(Infinity, end);
    this.#draw();
  }

  /** @param {number} offset @returns {Promise<number>} */
  async #timeOf(offset) {
    const held = this.#context.store.event(offset)?.timestamp;
    if (held !== undefined && !Number.isNaN(held)) return held;
    let time = NaN;
    await this.#context.source.fetch(offset - 1, 1, (_, lines) => { time = JSON.parse(lines[0]).timestamp; });
    return time;
  }

  /** @param {number} y */
  #partAt(y) {
    const { parts } = this.#scale;
    return Math.min(parts - 1, Math.max(0, Math.floor((y / Math.max(1, this.#canvas.clientHeight)) * parts)));
  }

  /** @param {number} y */
  #timeAt(y) {
    const { from, width, parts } = this.#scale;
    const share = Math.min(1, Math.max(0, y / Math.max(1, this.#canvas.clientHeight)));
    return Math.round(from + share * parts * width);
  }

  /** @param {number} part */
  #words(part) {
    const { from, width } = this.#scale;
    const events = Math.round(spread(this.#borders)[part] ?? 0);
    return `${fullTime(from + part * width)}, ${duration(width)}: ${events ? count(events, "event") : "silence"}`;
  }

  #resized() {
    const scale = devicePixelRatio || 1;
    this.#canvas.width = Math.round(this.#canvas.clientWidth * scale);
    this.#canvas.height = Math.round(this.#canvas.clientHeight * scale);
    this.#pen.setTransform(scale, 0, 0, scale, 0, 0);
    this.#draw();
  }

  /** @param {string} name */
  #colour(name) {
    if (this.#colours[name]) return this.#colours[name];
    this.#canvas.style.color = `var(${name})`;
    return (this.#colours[name] = getComputedStyle(this.#canvas).color);
  }

  #draw() {
    const [canvas, pen] = [this.#canvas, this.#pen];
    const { clientWidth: width, clientHeight: height } = canvas;
    const { from, width: part, parts } = this.#scale;
    const rates = spread(this.#borders);
    const most = Math.log2(1 + Math.max(1, ...rates));
    pen.clearRect(0, 0, width, height);
    const at = (/** @type {number} */ time) => ((time - from) / (parts * part)) * height;
    const [first, last] = this.#context.view.lines.map((offset) => this.#context.store.event(offset)?.timestamp ?? NaN);
    if (first <= last) {
      pen.fillStyle = this.#colour("--thumb");
      pen.fillRect(0, at(first), width, Math.max(3, at(last) - at(first)));
    }
    rates.forEach((lines, n) => {
      const [top, bottom] = [(n / parts) * height, ((n + 1) / parts) * height];
      // Few lines are no silence, and silence is no gap in the strip.
      pen.fillStyle = this.#colour(lines > 0 ? "--accent" : "--strong-edge");
      const length = lines > 0 ? Math.max(3, (Math.log2(1 + lines) / most) * (width - 4)) : 1;
      pen.fillRect(width - length, top, length, Math.max(1, bottom - top - 0.5));
    });
    if (this.#drag) {
      const [begin, end] = this.#drag;
      pen.fillStyle = this.#colour("--selection-mark");
      pen.fillRect(0, Math.min(begin, end), width, Math.abs(end - begin));
    }
    canvas.setAttribute("aria-valuemin", "1");
    canvas.setAttribute("aria-valuemax", String(parts));
    canvas.setAttribute("aria-valuenow", String(this.#part + 1));
    canvas.setAttribute("aria-valuetext", this.#words(this.#part));
  }
}
