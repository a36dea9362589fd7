// What selects text is loaded when the pointer comes to the rows or a key selects: most logs are only read.

import { pressesText, selectsText } from "./page.js";

/** Loads it. It gets the presses and the keys that came before it was there, and what they select is copied if that was asked for
 * meanwhile.
 * @param {import("./shown-rows.js").ShownRows} rows
 * @param {import("./log-view.js").LogView} view @param {import("./selection-bar.js").SelectionBar} bar
 * @returns {() => import("./text-selection.js").TextSelection | null} what it is, once it is loaded */
export function loadTextSelection(rows, view, bar) {
  /** @type {import("./text-selection.js").TextSelection | null} */
  let texts = null;
  let isLoading = false;
  let isFinger = false;
  let isPressed = false;
  /** @type {Event[]} */
  let early = [];
  const signs = ["pointerover", "pointerdown", "mousedown", "mousemove", "mouseup", "keydown", "copy"];
  const load = async () => {
    isLoading = true;
    try {
      const { TextSelection } = await import("./text-selection.js");
      for (const name of signs) removeEventListener(name, note, true);
      texts = new TextSelection(rows, view, bar, isFinger);
      for (const event of early) {
        if (event.type === "copy") void bar.copy();
        else texts.take(/** @type {MouseEvent | KeyboardEvent} */ (event));
      }
      if (!isPressed) texts.release();
    } catch {
      // The next sign tries again.
      isLoading = false;
      early = [];
    }
  };
  const note = (/** @type {Event} */ event) => {
    if (event instanceof PointerEvent) isFinger = event.pointerType === "touch";
    const isItsOwn = event instanceof KeyboardEvent
      ? selectsText(event) && (!event.shiftKey || view.selection === null)
      : event.type === "copy" ? early.length > 0
        : event.type === "mousemove" ? isPressed
          : event.type === "mousedown" && !isFinger && pressesText(/** @type {MouseEvent} */ (event));
    if (event.type === "mousedown") isPressed = isItsOwn;
    if (event.type === "mouseup") isPressed = false;
    if (isItsOwn) {
      // What is dragged over stays where it is, and only where the pointer is at last counts.
      if (event.type === "mousemove") view.follows = false;
      if (event.type === "mousemove" && early.at(-1)?.type === "mousemove") early.pop();
      early.push(event);
      event.preventDefault();
      event.stopImmediatePropagation();
    }
    const isNear = event.type === "pointerover" && event.target instanceof Element && event.target.closest("#log");
    if (!isLoading && (isItsOwn || isNear)) void load();
  };
  for (const name of signs) addEventListener(name, note, true);
  return () => texts;
}
