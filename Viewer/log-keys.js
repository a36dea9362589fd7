// The keys of the log's page. The sheet that `?` opens lists them.

import { byId, changeTheme, isForPage, isTyping } from "./page.js";

/** @param {import("./log-view.js").LogView} view @param {import("./search-box.js").SearchBox} box
 * @param {import("./selection.js").Selection} selection @param {import("./selection-bar.js").SelectionBar} bar
 * @param {{cycleTime(): void, toggleWrap(): void, toggleRaw(): void}} tools */
export function listenToKeys(view, box, selection, bar, tools) {
  /** @param {1 | -1} direction @param {boolean} widens */
  const line = (direction, widens) => {
    if (selection.isEmpty) view.scrollBy(direction * 20);
    else selection.move(direction, widens);
  };
  const press = (/** @type {string} */ id) => () => byId(id).click();
  /** @type {Record<string, (event: KeyboardEvent) => void>} */
  const keys = {
    "/": () => box.focus(),
    "&": () => { box.filter(true); box.focus(); },
    n: () => box.go(1),
    N: () => box.go(-1),
    f: () => { view.follows = !view.follows; },
    G: () => { view.follows = true; },
    End: () => { view.follows = true; },
    Home: () => view.seek(1),
    j: () => line(1, false),
    k: () => line(-1, false),
    J: () => line(1, true),
    K: () => line(-1, true),
    ArrowDown: (event) => line(1, event.shiftKey),
    ArrowUp: (event) => line(-1, event.shiftKey),
    ArrowRight: () => byId("log").scrollBy(120, 0),
    ArrowLeft: () => byId("log").scrollBy(-120, 0),
    PageDown: () => view.page(1),
    PageUp: () => view.page(-1),
    " ": (event) => view.page(event.shiftKey ? -1 : 1),
    b: () => view.page(-1),
    g: press("goto"),
    v: () => selection.begin(),
    c: () => void bar.copy(),
    l: () => void bar.copyLink(),
    t: tools.cycleTime,
    w: tools.toggleWrap,
    r: tools.toggleRaw,
    T: changeTheme,
    d: press("download"),
    s: () => { if (!byId("stop").hidden) byId("stop").click(); },
    "?": press("help"),
    Escape: () => { if (selection.isEmpty) box.leave(); else selection.clear(); },
  };
  document.addEventListener("keydown", (event) => {
    const jump = isTyping(event) ? undefined : jumpOf(event);
    if (!jump && !isForPage(event)) return;
    // A button that has the focus keeps the keys that press it.
    if ((event.key === " " || event.key === "Enter") && event.target instanceof HTMLButtonElement) return;
    const key = jump ?? event.key;
    const act = Object.hasOwn(keys, key) ? keys[key] : undefined;
    if (!act) return;
    event.preventDefault();
    act(event);
  });
}

/** What the browser's own ways to a page's ends mean here: the browser would go to those of the empty belt.
 * @param {KeyboardEvent} event */
function jumpOf({ key, ctrlKey, metaKey }) {
  if (ctrlKey && (key === "Home" || key === "End")) return key;
  return metaKey ? { ArrowUp: "Home", ArrowDown: "End" }[key] : undefined;
}
