// What a row is made of. A line's text is one text node where nothing is special about it, else a span for each look and
// each match.

import { count } from "./connection-status.js";
import { cssColour, onGround, paletteColour, parseHex, readable } from "./colour.js";
import { make, setText } from "./page.js";
import { BOLD, DIM, INVERSE, ITALIC, STRIKE, UNDERLINE } from "./sgr.js";

/** @typedef {import("./ansi.js").Style} Style */

/** Characters that a font may give another width than a terminal does. */
const UNEVEN = /[\u1100-\u11ff\u2190-\uffff]/;

/** What gives them their columns, once it is loaded.
 * @type {{STRETCHES: number, forget(): void, appendColumns(parent: ParentNode, text: string, most: number): number} | null} */
let columns = null;
let isLoading = false;
/** Called when rows are to be drawn anew, because it is there now. */
let onColumns = () => {};

/** @param {() => void} restyle draws all rows anew */
export function keepColumns(restyle) {
  onColumns = restyle;
  matchMedia("(max-width: 960px)").addEventListener("change", () => {
    columns?.forget();
    restyle();
  });
}

function loadColumns() {
  if (isLoading) return;
  isLoading = true;
  import("./columns.js").then((loaded) => { columns = loaded; onColumns(); }, () => { isLoading = false; });
}

/** An empty row's elements. */
export function makeRow() {
  const element = make("div", "row");
  const pause = make("p", "pause");
  const gutter = make("span", "gutter");
  const number = make("a", "number");
  number.tabIndex = -1;
  const time = make("time", "time");
  const text = make("span", "text");
  gutter.append(number, time);
  element.append(pause, gutter, text);
  return { element, pause, number, time, text };
}

/** Says in a row's margin which event it is, or which ones wrote on it.
 * @param {HTMLElement} element @param {HTMLAnchorElement} number @param {import("./rows.js").Row} row */
export function showNumber(element, number, { kind, names: [name], isMore, written, isLive = false }) {
  const isNamed = kind !== "pending";
  setText(number, !isNamed ? "…" : isMore ? "" : String(name));
  if (isNamed) number.href = `#L${name}`;
  else number.removeAttribute("href");
  const several = written !== undefined && written.count > 1;
  element.classList.toggle("rewritten", several);
  element.classList.toggle("live", isLive);
  if (several) number.title = `Written by ${count(written.count, "event")}, ${written.first} to ${written.last}${isLive ? ", and may still change" : ""}. r shows each.`;
  else number.removeAttribute("title");
}

/** @param {HTMLElement} element @param {import("./ansi.js").Rendered} rendered @param {[number, number][]} marks */
export function fillText(element, rendered, marks) {
  const isUneven = UNEVEN.test(rendered.text);
  if (isUneven && !columns) loadColumns();
  const { breaks = [] } = rendered;
  if (marks.length + breaks.length === 0 && !(isUneven && columns) && rendered.runs.every((run) => isPlain(run.style) && !run.link)) {
    setText(element, rendered.text);
    // A browser copies nothing of an element that is empty.
    if (!rendered.text) element.append(make("br"));
    return;
  }
  const fragment = document.createDocumentFragment();
  let at = 0;
  let mark = 0;
  let room = columns?.STRETCHES ?? 0;
  let next = 0;
  const put = (/** @type {ParentNode} */ parent, /** @type {number} */ from, /** @type {number} */ to) => {
    for (; from < to; from = Math.min(breaks[next] ?? to, to)) {
      // A line goes on in the screen's next row.
      for (; breaks[next] <= from; next++) parent.append(make("br"));
      const text = rendered.text.slice(from, Math.min(breaks[next] ?? to, to));
      if (isUneven && columns && UNEVEN.test(text)) room -= columns.appendColumns(parent, text, room);
      else parent.append(text);
    }
    return parent;
  };
  for (const run of rendered.runs) {
    const parent = parentFor(run, fragment);
    const end = at + run.text.length;
    while (at < end) {
      const [from, to] = marks[mark] ?? [Infinity, Infinity];
      if (from >= end) {
        put(parent, at, end);
        at = end;
      } else {
        put(parent, at, from);
        parent.append(put(make("mark"), Math.max(at, from), Math.min(to, end)));
        at = Math.min(to, end);
        if (to <= end) mark++;
      }
    }
  }
  element.replaceChildren(fragment);
}

/** Moves the lines sideways so far that a match can be seen, and gives how many pixels it is too low.
 * @param {Element | null} mark @param {Element} log */
export function turnTo(mark, log) {
  if (!mark) return 0;
  const [{ left, right, bottom }, room] = [mark.getBoundingClientRect(), log.getBoundingClientRect()];
  const end = right - room.left + log.scrollLeft;
  if (right > room.right || left < room.left + room.width / 6) {
    log.scrollLeft = end < room.width ? 0 : end - room.width / 2;
  }
  return bottom - room.bottom;
}

/** @param {Style} style */
const isPlain = ({ fg, bg, flags }) => fg === null && bg === null && flags === 0;

/** @param {import("./ansi.js").Run} run @param {DocumentFragment} fragment */
function parentFor({ style, link }, fragment) {
  if (isPlain(style) && !link) return fragment;
  const element = link ? make("a") : make("span");
  if (link && element instanceof HTMLAnchorElement) {
    const rel = "noopener noreferrer nofollow";
    Object.assign(element, { href: link, title: link, target: "_blank", rel, tabIndex: -1 });
  }
  dress(element, style);
  fragment.append(element);
  return element;
}

/** @param {HTMLElement} element @param {Style} style */
function dress(element, style) {
  const { flags } = style;
  const isInverse = (flags & INVERSE) !== 0;
  const [fg, bg] = isInverse ? [style.bg, style.fg] : [style.fg, style.bg];
  const names = [];
  if (flags & BOLD) names.push("bold");
  // What has a colour would be too faint.
  if (flags & DIM && fg === null && bg === null) names.push("dim");
  if (flags & ITALIC) names.push("italic");
  if (flags & UNDERLINE) names.push("underline");
  if (flags & STRIKE) names.push("strike");
  element.className = names.join(" ");
  const ground = valueOf(bg) ?? (isInverse ? theme().ink : null);
  const colour = valueOf(fg);
  if (ground) {
    element.style.background = cssColour(ground);
    element.style.color = cssColour(colour ? readable(colour, ground) : onGround(ground));
  } else if (colour) {
    // Of the first sixteen, the theme has its own.
    const own = typeof fg === "number" && fg < 16;
    element.style.color = own ? `var(--c${fg})` : cssColour(readable(colour, theme().ground));
  }
}

/** @param {import("./ansi.js").Colour} colour */
function valueOf(colour) {
  if (colour === null) return null;
  return typeof colour === "number" ? paletteColour(colour) : parseHex(colour);
}

/** The theme's ground, and its text.
 * @returns {{ground: import("./colour.js").RGB, ink: import("./colour.js").RGB}} */
function theme() {
  const { theme } = document.documentElement.dataset;
  const isDark = theme === "dark" || (theme === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
  return isDark ? { ground: [15, 17, 19], ink: [223, 226, 230] } : { ground: [253, 253, 252], ink: [29, 31, 34] };
}
