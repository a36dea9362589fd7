// The list of executions: found, started, stopped, and a link to each one's log.

import { isTerminal, json, mayRun, mayStop, Refused, request, sending } from "./api.js";
import { Row } from "./execution-row.js";
import { setUpKeysChoice, setUpSheets, sheet } from "./dialogs.js";
import { announce, BACK, byId, changeTheme, isForPage, leaveList, leftList, make, setUpTheme, whoAmI } from "./page.js";
import { setUpKeeper, signOut } from "./session.js";
import { shellSyntax, splitWords } from "./typed-command.js";
import { commandLine } from "./shell-quoting.js";

/** @typedef {import("./api.js").Execution} Execution */

const PAGE = 50;
/** Of how many executions the list is kept fresh. */
const FRESH = 200;
/** How many are read at once, and at the most, to find what the filter asks for. */
const PORTION = 1_000;
const SEARCHED = 20_000;
const numbers = new Intl.NumberFormat("en");

/** @type {Execution[]} */
let executions = [];
/** @type {string | undefined} */
let cursor;
let statuses = "";
let asked = 0;
/** Which turn reads older executions; 0 if none does. */
let readingOn = 0;
/** How many rows are shown, and how many executions are read to find them, at the most. */
let room = PAGE;
let reach = SEARCHED;
/** How far the list was scrolled when it was left, in pixels, until it is there again. */
let leftAt = 0;
/** @type {import("./api.js").Me} */
let me;
/** @type {Map<string, Row>} */
const rows = new Map();
const filter = /** @type {HTMLInputElement} */ (byId("filter"));

setUpSheets(document);
setUpTheme();
setUpKeysChoice();
setUpFilters();
keepPlace();
open();

async function open() {
  me = await whoAmI();
  byId("account").replaceChildren(make("span", "", `${me.user} · ${me.role}`), signOutButton());
  byId("run").hidden = !mayRun(me);
  setUpRun();
  setUpStop();
  setUpKeys();
  await load();
  void setUpKeeper();
  setInterval(() => document.hidden || load(), 2_500);
  document.addEventListener("visibilitychange", () => document.hidden || load());
}

function signOutButton() {
  const button = make("button", "quiet", "Sign out");
  button.addEventListener("click", () => {
    signOut();
    location.reload();
  });
  return button;
}

/** Reads the newest executions again, as many as are shown. */
async function load() {
  // What is added at the list's end continues the list as it is now.
  if (readingOn) return;
  const turn = ++asked;
  const query = new URLSearchParams({ limit: String(Math.min(FRESH, Math.max(PAGE, executions.length))) });
  if (statuses) query.set("status", statuses);
  try {
    const answer = await json(`/executions?${query}`);
    if (turn !== asked) return;
    const known = new Set(answer.executions.map((/** @type {Execution} */ one) => one.execution_id));
    const last = answer.next_cursor ? answer.executions.at(-1).created_at : -1;
    const older = executions.filter((one) => one.created_at <= last && !known.has(one.execution_id));
    executions = [...answer.executions, ...older];
    if (older.length === 0) cursor = answer.next_cursor;
    byId("trouble").textContent = "";
  } catch (error) {
    failed(error);
  }
  show();
}

/** Reads executions that are older than those known.
 * @param {number} limit */
async function readOn(limit) {
  if (!cursor || readingOn) return;
  const query = new URLSearchParams({ limit: String(limit), cursor });
  if (statuses) query.set("status", statuses);
  const turn = (readingOn = ++asked);
  try {
    const answer = await json(`/executions?${query}`);
    if (turn !== asked) return;
    readingOn = 0;
    executions.push(...answer.executions);
    cursor = answer.next_cursor;
    show();
  } catch (error) {
    if (turn !== asked) return;
    readingOn = 0;
    failed(error);
  }
}

/** @param {unknown} error */
function failed(error) {
  // The page asks for another key then.
  if (error instanceof Refused && error.status === 401) location.reload();
  byId("trouble").textContent = error instanceof Error ? error.message : String(error);
}

function show() {
  const words = filter.value.trim().toLowerCase().split(/\s+/);
  const found = executions.filter((execution) => {
    const text = `${commandLine(execution.command)} ${execution.owner} ${execution.execution_id}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const isReading = found.length < room && cursor !== undefined && executions.length < reach;
  if (isReading) readOn(words[0] ? PORTION : Math.min(PORTION, Math.max(PAGE, room - found.length)));
  const isMore = found.length > room || (cursor !== undefined && !isReading);
  found.splice(room);
  const list = byId("list");
  const wanted = new Set(found.map((execution) => execution.execution_id));
  for (const [id, row] of rows) {
    if (wanted.has(id)) continue;
    row.element.remove();
    rows.delete(id);
  }
  let next = list.firstElementChild;
  for (const execution of found) {
    let row = rows.get(execution.execution_id);
    if (!row) rows.set(execution.execution_id, (row = new Row(execution.execution_id, askToStop)));
    if (row.element === next) next = next.nextElementSibling;
    else list.insertBefore(row.element, next);
    row.show(execution, !isTerminal(execution.status) && mayStop(me, execution.owner));
  }
  const empty = byId("empty");
  empty.hidden = found.length > 0;
  if (isReading) empty.textContent = "Looking further back…";
  else if (cursor) empty.textContent = `Nothing matches among the newest ${numbers.format(executions.length)}.`;
  else empty.textContent = executions.length === 0 && !statuses ? "Nothing has run yet." : "Nothing matches.";
  byId("table").hidden = found.length === 0;
  byId("more").hidden = !isMore;
  if (!isReading && leftAt > 0) {
    scrollTo(0, leftAt);
    leftAt = 0;
  }
}

/** Gives who comes back as many rows as there were, and the place among them. */
function keepPlace() {
  history.scrollRestoration = "manual";
  let left = history.state;
  if (location.hash === BACK) {
    left = leftList();
    history.replaceState(null, "", location.pathname + location.search);
  }
  if (left) [room, leftAt] = [left.room, left.top];
  addEventListener("pagehide", () => {
    history.replaceState({ room, top: scrollY }, "");
    leaveList({ room, top: scrollY, search: location.search });
  });
}

function setUpFilters() {
  const asked = new URLSearchParams(location.search);
  filter.value = asked.get("filter") ?? "";
  press(asked.get("status") ?? "");
  filter.addEventListener("input", () => {
    [room, reach] = [PAGE, SEARCHED];
    keepFilters();
    show();
  });
  byId("more").addEventListener("click", () => {
    room += PAGE;
    if (executions.length >= reach) reach += SEARCHED;
    show();
  });
  byId("help").addEventListener("click", () => sheet("help").showModal());
  byId("statuses").addEventListener("click", ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    press(target.dataset.statuses ?? "");
    keepFilters();
    executions = [];
    cursor = undefined;
    readingOn = 0;
    [room, reach] = [PAGE, SEARCHED];
    load();
  });
}

/** @param {string} wanted statuses; all, if there is no button for them */
function press(wanted) {
  const buttons = [...byId("statuses").querySelectorAll("button")];
  const pressed = buttons.find((button) => button.dataset.statuses === wanted) ?? buttons[0];
  for (const button of buttons) button.setAttribute("aria-pressed", String(button === pressed));
  statuses = pressed.dataset.statuses ?? "";
}

/** Keeps them in the address, so that the way back from a log finds them. */
function keepFilters() {
  const query = new URLSearchParams();
  if (filter.value) query.set("filter", filter.value);
  if (statuses) query.set("status", statuses);
  history.replaceState(null, "", `${location.pathname}?${query}`.replace(/\?$/, ""));
}

function setUpRun() {
  const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (byId(`run-${name}`));
  byId("run").addEventListener("click", () => {
    byId("run-trouble").textContent = "";
    sheet("run").showModal();
  });
  // The same order sent twice, because an answer was lost, starts one command.
  let idempotencyKey = "";
  let doubted = "";
  sheet("run").addEventListener("input", () => {
    idempotencyKey = "";
    byId("run-trouble").textContent = "";
  });
  const form = /** @type {HTMLFormElement} */ (byId("run-form"));
  // Enter alone is a line of the command.
  form.addEventListener("keydown", ({ key, ctrlKey, metaKey }) => {
    if (key === "Enter" && (ctrlKey || metaKey)) form.requestSubmit();
  });
  form.addEventListener("submit", async () => {
    const says = byId("run-trouble");
    const command = field("shell").checked ? ["sh", "-c", field("command").value] : splitWords(field("command").value);
    if (!command || command.length === 0) {
      says.textContent = command ? "Type a command." : "A quote isn’t closed.";
      return;
    }
    const syntax = field("shell").checked ? "" : shellSyntax(field("command").value);
    if (syntax && doubted !== field("command").value) {
      doubted = field("command").value;
      says.textContent = `Only a shell understands “${syntax}”: tick “through sh -c”, or press Run again to run it as it is.`;
      return;
    }
    /** @type {Record<string, unknown>} */
    const order = { command };
    if (field("split").checked) order.streams = "split";
    if (field("directory").value) order.working_directory = field("directory").value;
    if (field("timeout").value) order.timeout_seconds = Number(field("timeout").value);
    const environment = field("environment").value.split("\n").filter((line) => line.trim() !== "");
    if (environment.some((line) => line.indexOf("=") < 1)) {
      says.textContent = "Each line of the environment is NAME=value.";
      return;
    }
    if (environment.length > 0) {
      order.env = Object.fromEntries(environment.map((line) => {
        const at = line.indexOf("=");
        return [line.slice(0, at).trim(), line.slice(at + 1)];
      }));
    }
    idempotencyKey ||= Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join("");
    try {
      const options = sending("POST", order);
      options.headers = { ...options.headers, "Idempotency-Key": idempotencyKey };
      const answer = await json("/run", options);
      location.assign(`executions/${encodeURIComponent(answer.execution_id)}`);
    } catch (error) {
      says.textContent = error instanceof Error ? error.message : String(error);
    }
  });
}

/** @type {Execution | undefined} */
let stopping;

/** @param {Execution} execution */
function askToStop(execution) {
  stopping = execution;
  byId("stop-what").textContent = commandLine(execution.command);
  byId("stop-trouble").textContent = "";
  sheet("stop").showModal();
}

function setUpStop() {
  byId("stop-form").addEventListener("submit", async () => {
    if (!stopping) return;
    try {
      await request(`/executions/${stopping.execution_id}`, sending("DELETE"));
      sheet("stop").close();
      announce("It was asked to stop");
      await load();
    } catch (error) {
      byId("stop-trouble").textContent = error instanceof Error ? error.message : String(error);
    }
  });
}

function setUpKeys() {
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && event.target === filter) {
      filter.value = "";
      keepFilters();
      show();
      filter.blur();
    }
    if (!isForPage(event)) return;
    const links = /** @type {HTMLElement[]} */ ([...document.querySelectorAll("#list a.command")]);
    const at = links.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    switch (event.key) {
      case "/": filter.focus(); filter.select(); break;
      case "j": case "ArrowDown": links[Math.min(links.length - 1, at + 1)]?.focus(); break;
      case "k": case "ArrowUp": links[Math.max(0, at - 1)]?.focus(); break;
      case "r": if (!byId("run").hidden) byId("run").click(); break;
      case "T": changeTheme(); break;
      case "?": sheet("help").showModal(); break;
      default: return;
    }
    event.preventDefault();
  });
}
