// What is printed: what is selected, else the rows on the screen, as plain text, and how to get the rest. (The page itself
// is as high as its belt: thousands of sheets.)

import { count } from "./connection-status.js";
import { heldText, readText, selectedText } from "./copy.js";
import { announce, byId, make } from "./page.js";
import { styled } from "./styles.js";

/** The most rows that are printed: some 200 sheets. */
const PRINTED = 10_000;

/** @param {import("./log-view.js").LogView} view @param {import("./shown-rows.js").ShownRows} rows
 * @param {import("./blocks.js").BlockStore} store @param {import("./source.js").Source} source
 * @param {import("./selection-bar.js").SelectionBar} bar */
export function setUpPrinting(view, rows, store, source, bar) {
  const sheet = /** @type {HTMLElement} */ (document.querySelector(".print"));
  void styled("print.css", "print");
  // What is drawn in colours is drawn anew.
  void styled("forced-colors.css", "(forced-colors: active)").then(() => dispatchEvent(new Event("everyline-styled")));
  /** What is printed, and whether that is less than what is selected. */
  const wanted = () => {
    const [first, last] = view.range;
    const { from, to } = bar.range ?? { from: { offset: first, column: 0 }, to: { offset: last, column: Infinity } };
    let end = from.offset - 1;
    for (let n = 0; n < PRINTED && end < to.offset; n++) end = rows.last(end < from.offset ? rows.start(from.offset) : end + 1);
    return { from, to: end < to.offset ? { offset: end, column: Infinity } : to, endsLine: false, isCut: end < to.offset };
  };
  addEventListener("beforeprint", () => {
    const range = wanted();
    const text = store.head > 0 ? textOf(rows, range) : "";
    sheet.replaceChildren(
      make("h1", "", byId("command").textContent ?? ""), make("pre", "", text),
      make("p", "", restOf(bar.range !== null, range.isCut, store.head)));
  });
  addEventListener("afterprint", () => sheet.replaceChildren());
  // A browser that prints waits for nothing: what is selected and isn't here is read before.
  document.addEventListener("keydown", async (event) => {
    const { key, ctrlKey, metaKey, shiftKey, altKey } = event;
    if (!(ctrlKey || metaKey) || shiftKey || altKey || key.toLowerCase() !== "p") return;
    event.preventDefault();
    try {
      if (heldText(wanted(), store, rows) === null) {
        announce("Reading to print");
        await readText(wanted, source, store, rows, () => {}, new AbortController().signal);
      }
      print();
    } catch (error) {
      announce(error instanceof Error ? error.message : String(error));
    }
  });
}

/** Rows with their numbers.
 * @param {import("./shown-rows.js").ShownRows} rows @param {import("./copy.js").TextRange} range */
function textOf(rows, range) {
  const texts = [];
  const { from, to } = range;
  const width = String(rows.names(to.offset)[1]).length;
  for (let row = rows.start(from.offset); row <= to.offset; row = rows.last(row) + 1) {
    const text = rows.text(row) === undefined ? "[not loaded: scroll there first]" : selectedText(row, range, rows);
    const { names: [name], isMore } = rows.row(row);
    if (text !== null) texts.push(`${(isMore ? "" : String(name)).padStart(width)}  ${text}`);
  }
  return texts.join("\n");
}

/** @param {boolean} isSelected @param {boolean} isCut @param {number} head */
function restOf(isSelected, isCut, head) {
  const whole = count(head, "event");
  if (isCut) return `The first ${count(PRINTED, "row")} of what is selected. Download the log to print more.`;
  if (isSelected) return `What was selected of ${whole}.`;
  return `What was on the screen, of ${whole}. Select text, or lines (click a number, shift-click another), to print it, or download the log.`;
}
