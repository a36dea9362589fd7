// The keys of the log's page. The dialog that `?` opens lists most of them.

import { byId, changeTheme, isForPage, isTyping } from "./page.js";

/** @param {import("./log-view.js").LogView} view @param {import("./search-box.js").SearchBox} box
 * @param {import("./selection.js").Selection} selection @param {import("./selection-bar.js").SelectionBar} bar
 * @param {{cycleTime(): void, toggleWrap(): void, toggleRaw(): void, toggleRates(): void, open(name: string): void}} tools
 * @returns {(key: string) => void} what a key does */
export function listenToKeys(view, box, selection, bar, tools) {
  /** @param {1 | -1} direction @param {boolean} widens */
  const line = (direction, widens) => {
    if (selection.isEmpty) view.scrollBy(direction * 20);
    else selection.move(direction, widens);
  };
  const press = (/** @type {string} */ id) => () => byId(id).click();
  const toEnd = () => { view.follows = true; };
  const toStart = () => view.seek(1);
  /** @type {Record<string, (event: KeyboardEvent) => void>} */
  const keys = {
    "/": () => box.focus(),
    "&": () => { box.filter(true); box.focus(); },
    n: () => box.go(1),
    N: () => box.go(-1),
    f: () => { view.follows = !view.follows; },
    F: toEnd,
    G: toEnd,
    ">": toEnd,
    End: toEnd,
    "<": toStart,
    Home: toStart,
    j: () => line(1, false),
    k: () => line(-1, false),
    e: () => line(1, false),
    y: () => line(-1, false),
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
    u: () => view.page(-0.5),
    g: press("goto"),
    v: () => selection.begin(),
    c: () => void bar.copy(),
    l: () => void bar.copyLink(),
    t: tools.cycleTime,
    w: tools.toggleWrap,
    r: tools.toggleRaw,
    p: tools.toggleRates,
    T: changeTheme,
    d: press("download"),
    s: () => { if (!byId("stop").hidden) byId("stop").click(); },
    i: () => tools.open("details"),
    m: press("delivery"),
    x: press("back"),
    ":": () => tools.open("palette"),
    F3: (event) => box.go(event.shiftKey ? -1 : 1),
    "?": press("help"),
    Escape: () => { if (selection.isEmpty) box.leave(); else selection.clear(); },
  };
  const act = (/** @type {KeyboardEvent} */ event, key = event.key) => {
    if (!Object.hasOwn(keys, key)) return false;
    keys[key](event);
    return true;
  };
  document.addEventListener("keydown", (event) => {
    const jump = jumpOf(event);
    // The palette opens from a field too.
    if (jump && isTyping(event) && (jump !== ":" || document.querySelector("dialog[open]"))) return;
    if (!jump && !isForPage(event)) return;
    // A button that has the focus keeps the keys that press it.
    if ((event.key === " " || event.key === "Enter") && event.target instanceof HTMLButtonElement) return;
    if (act(event, jump)) event.preventDefault();
  });
  // What a page hears of itself isn't typed: keys of one character do this also while they are turned off.
  return (key) => {
    const [, ctrl, name] = /^(Ctrl )?(.+)$/.exec(key) ?? [];
    const event = new KeyboardEvent("keydown", { key: name, ctrlKey: ctrl !== undefined, cancelable: true });
    // What selects text listens for some of them itself.
    if (ctrl || name === "Escape") document.dispatchEvent(event);
    else act(event);
  };
}

/** What the browser's own ways to a page's ends, and to what it searches, mean here: the browser would go to the ends of the
 * empty belt, and find only what is drawn. (With the focus in the field, Ctrl+F is the browser's.)
 * @param {KeyboardEvent} event */
function jumpOf({ key, ctrlKey, metaKey, shiftKey }) {
  if ((ctrlKey || metaKey) && !shiftKey && key === "f") return "/";
  if (key === "F1" || (ctrlKey || metaKey) && (key === "k" || (shiftKey && key === "P"))) return ":";
  if (ctrlKey && (key === "Home" || key === "End")) return key;
  return metaKey ? { ArrowUp: "Home", ArrowDown: "End" }[key] : undefined;
}
