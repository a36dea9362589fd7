// What is printed: the selected lines, else those on the screen, as plain text, and how to get the rest. (The page itself
// is as high as its belt: thousands of sheets.)

import { count } from "./connection-status.js";
import { byId, make } from "./page.js";

/** The most lines that are printed: some 200 sheets. */
const PRINTED = 10_000;

/** @param {import("./log-view.js").LogView} view @param {import("./shown-rows.js").ShownRows} rows
 * @param {import("./blocks.js").BlockStore} store */
export function setUpPrinting(view, rows, store) {
  const sheet = make("section", "print");
  addEventListener("beforeprint", () => {
    const [first, last] = view.selection ?? view.range;
    const end = Math.min(last, store.head, first + PRINTED - 1);
    const title = make("h1", "", byId("command").textContent ?? "");
    const lines = make("pre", "", store.head > 0 ? textOf(rows, first, end) : "");
    sheet.replaceChildren(title, lines, make("p", "", restOf(view.selection !== null, end - first + 1, last - end, store)));
    document.body.append(sheet);
  });
  addEventListener("afterprint", () => sheet.remove());
}

/** @param {import("./shown-rows.js").ShownRows} rows @param {number} first @param {number} last */
function textOf(rows, first, last) {
  const texts = [];
  for (let row = rows.start(first); row <= last; row = rows.last(row) + 1) {
    texts.push(`${String(rows.shown(row)).padStart(String(last).length)}  ${rows.text(row) ?? "[not loaded: scroll there first]"}`);
  }
  return texts.join("\n");
}

/** @param {boolean} isSelected @param {number} printed @param {number} left @param {import("./blocks.js").BlockStore} store */
function restOf(isSelected, printed, left, store) {
  if (left > 0) return `The first ${count(printed, "line")} of what is selected. Download the log to print more.`;
  const whole = count(Math.max(0, store.end ? store.end - 1 : store.head), "line");
  if (isSelected) return `What was selected of ${whole}.`;
  return `What was on the screen, of ${whole}. Select lines to print them (click a number, shift-click another), or download the log.`;
}
