// The page of one log: puts its parts together, and keeps what is said around the rows true.

import { isTerminal, json, mayStop, Refused } from "./api.js";
import { BLOCK, BlockStore, blockOf } from "./blocks.js";
import { ConnectionStatus, numbers } from "./connection-status.js";
import { loadTextSelection } from "./early-selection.js";
import { showHeader } from "./log-header.js";
import { RESTORED } from "./frames.js";
import { listenToKeys } from "./log-keys.js";
import { LogView } from "./log-view.js";
import { Minimap } from "./minimap.js";
import { reasonOf } from "./event-text.js";
import { announce, BACK, byId, glyphOf, leftList, setUpTheme, whoAmI } from "./page.js";
import { Rows } from "./rows.js";
import { SearchBox } from "./search-box.js";
import { SelectionBar } from "./selection-bar.js";
import { Selection } from "./selection.js";
import * as session from "./session.js";
import { Source } from "./source.js";
import { ShownRows } from "./shown-rows.js";
import { Tail } from "./tail.js";
import { linesIn } from "./time.js";
import { commandLine } from "./shell-quoting.js";
import { setUpChoices } from "./view-choices.js";

/** @typedef {import("./api.js").Execution} Execution */

/** How many blocks before the end are asked for at first. */
const BACKLOG = 2;
/** Of how many milliseconds the rate of lines is taken. */
const RATE = 2_000;
/** Where more lines than can be read come between two frames, it is enough to show them so often, in milliseconds. */
const READABLE = 10;
const GLANCE = 50;
/** How long the first lines may take until something is shown in their place, in milliseconds. */
const SOON = 300;

const id = decodeURIComponent(location.pathname.split("/").at(-1) ?? "");
const store = new BlockStore();
const source = new Source(id, store);
const delivery = new ConnectionStatus();
const allRows = new Rows(store);
const rows = new ShownRows(allRows, store);
const view = new LogView({ scroller: byId("scroller"), log: byId("log"), rows: byId("rows") }, rows, store, source);
const tail = new Tail(id, source, store, delivery, changed, restored);
const map = new Minimap(byId("map"), (offset) => {
  if (offset >= store.head) view.follows = true;
  else view.seek(offset);
});
const box = new SearchBox(source, store, view, changed, () => execution?.terminal);
const bar = new SelectionBar(source, store, rows, view);
const selection = new Selection(bar, store, rows, view);
const texts = loadTextSelection(rows, view, bar);

/** @type {Execution} */
let execution;
/** The head when following was given up. */
let leftAt = 0;
/** @type {[number, number][]} times and heads, for the rate */
let pace = [];
let isDue = false;
/** When, and up to which line, what came was last shown. */
let shownAt = 0;
let shownTo = 0;
let isRefreshing = false;
/** What was said last of how the log comes and stands. */
let said = "";
let isLoadingScreen = false;
let isLoadingStyles = false;
/** Whether the first lines are shown, or it is known that there are none. */
let hasLines = false;
/** Does what a key does.
 * @type {(key: string) => void} */
let press = () => {};
/** Shows a status in the tab's picture, once that is loaded.
 * @type {(status: string) => void} */
let keepFavicon = () => {};
let ticks = 0;
/** Of how many digits the numbers' column is. */
let digits = 0;
/** When the log was opened. */
let begunAt = 0;

setUpTheme();
setUpTools();
/** @type {HTMLAnchorElement} */ (byId("back")).href = `../${leftList()?.search ?? ""}${BACK}`;
const choices = setUpChoices(view);
view.onMove = moved;
allRows.onUnknownStyle = loadStyles;
source.onArrival = store.onMoves = changed;
source.onFailure = failed;
document.addEventListener("visibilitychange", changed);
open();

/** The server was restored from a backup: what came after `base` is void, and with it rows, hits and selections. The page is loaded anew,
 * and says why.
 * @param {number} base */
function restored(base) {
  sessionStorage.setItem(RESTORED, `${id} ${base}`);
  location.reload();
}

/** Opens the log, as soon as the server lets it. */
async function open() {
  try {
    await begin();
  } catch (error) {
    byId("empty").hidden = false;
    byId("empty").textContent = error instanceof Error ? error.message : String(error);
    byId("words").textContent = "Not available";
    void session.setUpKeeper();
    if (error instanceof Refused && !error.isFinal) setTimeout(open, 2_000);
  }
}

async function begin() {
  await session.takeOver();
  const [log, base] = sessionStorage.getItem(RESTORED)?.split(" ") ?? [];
  sessionStorage.removeItem(RESTORED);
  if (log === id) delivery.restored(Number(base));
  // A page that has a key already saves two round trips.
  const early = session.key() ? json(`/executions/${id}`).catch(() => null) : null;
  if (early) source.address().catch(() => null);
  const me = await whoAmI();
  execution = (await early) ?? (await json(`/executions/${id}`));
  view.start = execution.started_at ?? execution.created_at;
  const { terminal } = execution;
  if (terminal) import("./row-check.js").then(({ eventNeedsScreen }) => {
    store.needsScreen = (line, before) => eventNeedsScreen(line, terminal.columns, before);
  }, () => {});
  source.size(execution.log_bytes, execution.last_offset);
  store.head = leftAt = execution.last_offset;
  if (isTerminal(execution.status)) {
    store.end = execution.last_offset;
    delivery.ended();
  } else {
    tail.follow(Math.max(0, blockOf(Math.max(1, store.head)) - BACKLOG) * BLOCK);
  }
  const open = setUpSheets(me);
  press = listenToKeys(view, box, selection, bar, { ...choices, toggleRaw, toggleRates, open });
  if (localStorage.getItem("everyline.rates")) toggleRates();
  showExecution();
  byId("stop").hidden = isTerminal(execution.status) || !mayStop(me, execution.owner);
  keepDigits();
  goToFragment();
  addEventListener("hashchange", goToFragment);
  setInterval(tick, 1_000);
  begunAt = performance.now();
  setTimeout(changed, SOON);
  changed();
}

/** A key that isn't valid any longer is asked for anew; whatever else keeps something from coming, the words say.
 * @param {unknown} error */
function failed(error) {
  if (error instanceof Refused && error.status === 401) location.reload();
  if (error instanceof Refused && error.code === RESTORED && error.base !== undefined) restored(error.base);
  return null;
}

/** Something came, or is known now; whatever shows it is brought up to date in the next frame. */
function changed() {
  if (isDue) return;
  isDue = true;
  // A hidden page has no frames, and yet must not fall behind in what it counts.
  if (document.hidden) setTimeout(show, 250);
  else requestAnimationFrame(show);
}

function show() {
  const now = performance.now();
  if (!document.hidden && store.head - shownTo > READABLE && now - shownAt < GLANCE) {
    requestAnimationFrame(show);
    return;
  }
  [isDue, shownAt, shownTo] = [false, now, store.head];
  keepDigits();
  // Rows that were not read yet are worth showing only if they take long.
  byId("rows").hidden = store.head > 0 && store.received.count === 0 && now < begunAt + SOON;
  keepScreen();
  box.advance();
  selection.advance();
  if (delivery.phase === "ended" && !isTerminal(execution?.status ?? "")) refresh();
  showWords();
  if (!document.hidden) view.draw();
  const isThere = store.received.count > 0 || (store.head === 0 && delivery.phase !== "connecting");
  if (isThere && !hasLines) setTimeout(setUpRest);
  hasLines = isThere;
}

/** Sets up what the first lines, which are shown now, don't need. */
function setUpRest() {
  void session.setUpKeeper();
  import("./notify.js").then((loaded) => { keepFavicon = loaded.keepFavicon; showExecution(); }, () => {});
  import("./print.js").then((print) => print.setUpPrinting(view, rows, store, source, bar), () => { hasLines = false; });
}

/** What depends on where the view is. */
function moved() {
  const [top, bottom] = view.lines;
  byId("follow").setAttribute("aria-pressed", String(view.follows));
  if (view.follows) leftAt = store.head;
  const news = store.head - leftAt;
  const pill = byId("pill");
  pill.hidden = view.follows || store.head === 0 || (news === 0 && view.seesEnd);
  pill.textContent = news > 0 ? `↓ ${numbers.format(news)} new` : "↓ End";
  // The end is no line.
  const lines = store.end ? store.end - 1 : store.head;
  const [first, last, all] = [top, bottom, lines].map((n) => numbers.format(Math.min(n, lines)));
  byId("where").textContent = lines > 0 ? `${first}–${last} of ${all}` : "";
  const { hits, seen } = box;
  map.show({
    head: store.head, top, bottom, hits, hitsSeen: seen, current: view.current, selection: view.selection,
    missing: store.missing.list,
  });
}

function showWords() {
  const words = delivery.words({
    now: performance.now(), silence: tail.silence, isOnline: navigator.onLine, end: store.end,
    received: store.received.count, missing: store.missing.count, way: tail.ways.words,
    reason: execution?.reason ?? (store.end ? store.event(store.end)?.reason : undefined),
  });
  const text = words.text;
  if (byId("words").textContent !== text) byId("words").textContent = text;
  // Counting aloud would be a torment; and what the end was is said with it.
  const hasEnded = isTerminal(execution?.status ?? "");
  const plain = text.replace(/ (in|for) \d+ s|\d+ % read here, | after [\d,]+$/, "");
  const aloud = hasEnded ? `${[byId("status").textContent, reasonOf(execution)].filter(Boolean).join(", ")}. ${plain}` : plain;
  if (aloud !== said && (hasEnded || delivery.phase !== "ended")) announce(said = aloud);
  byId("delivery").dataset.tone = words.tone;
  byId("try-now").hidden = !tail.canTry;
  const empty = byId("empty");
  empty.hidden = rows.end > 0 || (store.head === 0 && delivery.phase === "connecting");
  empty.textContent = store.head > 0 ? box.nothing : "No output yet.";
}

function tick() {
  tail.tick();
  void session.setUpKeeper();
  const now = performance.now();
  pace = [...pace.filter(([time]) => now - time <= RATE + 500), [now, store.head]];
  const [time, head] = pace[0];
  const rate = now > time ? Math.round(((store.head - head) / (now - time)) * 1000) : 0;
  const laidOut = Math.floor((allRows.screen?.progress ?? 1) * 100);
  const pending = laidOut < 100 ? `Cursor movements: ${laidOut} % read` : "";
  byId("rate").textContent = pending || (!store.end && rate > 0 ? `${numbers.format(rate)} events/s` : "");
  showWords();
  showExecution();
  const { status } = execution;
  if (!isTerminal(status) && ((status === "STARTING" && store.head > 0) || ++ticks % 5 === 0)) refresh();
}

/** Asks for the execution again: its status changes beside its log. */
async function refresh() {
  if (isRefreshing) return;
  isRefreshing = true;
  const answer = await json(`/executions/${id}`).catch(failed);
  isRefreshing = false;
  if (!answer) return;
  execution = answer;
  if (isTerminal(execution.status)) {
    store.end = execution.last_offset;
    store.head = Math.max(store.head, store.end);
    byId("stop").hidden = true;
    const { status, reason, command } = execution;
    const text = [glyphOf(status), status, reasonOf({ reason })].filter(Boolean).join(" ");
    import("./notify.js").then(({ notify }) => notify(text, commandLine(command), id)).catch(() => {});
  }
  showExecution();
  changed();
}

function showExecution() {
  view.until = execution.ended_at ?? Date.now();
  showHeader(execution);
  keepFavicon(execution.status);
}

/** Keeps the numbers' column as wide as the longest number. */
function keepDigits() {
  const wide = Math.max(4, String(store.head).length);
  if (wide !== digits) byId("rows").style.setProperty("--digits", String(digits = wide));
}

function goToFragment() {
  const lines = linesIn(location.hash);
  if (!lines) return selection.clear();
  selection.set(lines[0], lines[1], false);
  view.seek(Math.min(lines[0], Math.max(1, store.head)), 120);
}

function setUpTools() {
  byId("follow").addEventListener("click", () => { view.follows = !view.follows; });
  byId("pill").addEventListener("click", () => { view.follows = true; byId("log").focus({ preventScroll: true }); });
  byId("try-now").addEventListener("click", () => tail.tryNow());
  byId("map").addEventListener("keydown", (event) => {
    const step = { ArrowDown: 3, ArrowUp: -3 }[event.key];
    if (step) { view.scrollBy(step * 20); event.preventDefault(); event.stopPropagation(); }
  });
  const restyle = () => {
    view.restyle();
    map.restyle();
  };
  for (const name of ["themed", "styled"]) addEventListener(`everyline-${name}`, restyle);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", restyle);
}

/** What the sheets do is loaded when one is opened.
 * @param {import("./api.js").Me} me @returns {(name: string) => void} what opens one */
function setUpSheets(me) {
  const context = {
    id, execution: () => execution, me, source, store, view, delivery, changed, refresh,
    press: (/** @type {string} */ key) => press(key),
  };
  const cannot = () => announce("The server can’t be reached.");
  const open = (/** @type {string} */ name) =>
    void import("./log-dialogs.js").then((sheets) => sheets.open(name, context)).catch(cannot);
  for (const name of ["help", "goto", "download", "stop", "delivery"]) byId(name).addEventListener("click", () => open(name));
  view.onWhole = (line, text) =>
    void import("./log-dialogs.js").then((sheets) => sheets.openLine(context, line, text)).catch(cannot);
  return open;
}

/** Shows each event by itself, with all that it wrote, or what a terminal shows. */
const toggleRaw = () => void import("./raw.js").then(({ raw }) => {
  // Columns stand for other text now.
  texts()?.clear();
  view.layOut(() => { allRows.raw = allRows.isRaw ? null : raw; });
  byId("rows").classList.toggle("raw", allRows.isRaw);
  bar.refresh();
  announce(allRows.isRaw ? "Everything that was written is shown" : "Lines are shown as a terminal shows them");
  changed();
}, () => {});

/** Shows how many lines came when, or doesn't any more. */
const toggleRates = () => void import("./rate-strip.js").then(async (strip) => {
  localStorage.setItem("everyline.rates", (await strip.toggleRates({ source, store, view })) ? "on" : "");
}).catch(() => {});

/** Shows the log as a screen, once it is known that it needs one. */
function keepScreen() {
  if (allRows.screen) return allRows.screen.advance();
  if (!store.moves || isLoadingScreen) return;
  isLoadingScreen = true;
  import("./screen-rows.js").then(({ ScreenRows }) => {
    const read = () => {
      view.remeasure();
      dispatchEvent(new CustomEvent("everyline-laid-out", { detail: screen.progress }));
      changed();
    };
    const screen = (allRows.screen = new ScreenRows(store, source, read, execution?.terminal, (ready) => {
      view.layOut(ready);
      bar.refresh();
    }));
  }, () => setTimeout(() => { isLoadingScreen = false; changed(); }, 1_000));
}

/** Has found out what lines begin with, from when on a part is shown whose beginning isn't held. */
function loadStyles() {
  if (isLoadingStyles) return;
  isLoadingStyles = true;
  import("./style-reader.js").then(({ StyleReader }) => {
    const found = () => { allRows.invalidate(); changed(); };
    allRows.styles = new StyleReader(source, allRows.openings, found);
    found();
  }, () => { isLoadingStyles = false; });
}
