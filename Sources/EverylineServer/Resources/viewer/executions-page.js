// The list of executions: found, started, stopped, and a link to each one's log.

import { ago } from "./ago.js";
import { isTerminal, json, mayRun, mayStop, request, sending } from "./api.js";
import { commandLine } from "./command.js";
import {
  announce, byId, changeTheme, isTyping, make, reasonOf, setUpSheets, setUpTheme, sheet, showStatus, whoAmI,
} from "./page.js";
import { signOut } from "./session.js";
import { duration, fullTime } from "./time.js";
import { splitWords } from "./words.js";

/** @typedef {import("./api.js").Execution} Execution */

const PAGE = 50;
/** Of how many executions the list is kept fresh. */
const FRESH = 200;
const numbers = new Intl.NumberFormat("en");

/** @type {Execution[]} */
let executions = [];
/** @type {string | undefined} */
let cursor;
let statuses = "";
let asked = 0;
/** @type {import("./api.js").Me} */
let me;
/** @type {Map<string, Row>} */
const rows = new Map();
const filter = /** @type {HTMLInputElement} */ (byId("filter"));

setUpSheets(document);
setUpTheme();
setUpFilters();
open();

async function open() {
  me = await whoAmI();
  byId("account").replaceChildren(make("span", "", `${me.user} · ${me.role}`), signOutButton());
  byId("run").hidden = !mayRun(me);
  setUpRun();
  setUpStop();
  setUpKeys();
  await load();
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
  const turn = ++asked;
  const query = new URLSearchParams({ limit: String(Math.min(FRESH, Math.max(PAGE, executions.length))) });
  if (statuses) query.set("status", statuses);
  try {
    const answer = await json(`/executions?${query}`);
    if (turn !== asked) return;
    const known = new Set(answer.executions.map((/** @type {Execution} */ one) => one.execution_id));
    const older = executions.slice(FRESH).filter((one) => !known.has(one.execution_id));
    executions = [...answer.executions, ...older];
    if (older.length === 0) cursor = answer.next_cursor;
    byId("trouble").textContent = "";
  } catch (error) {
    byId("trouble").textContent = error instanceof Error ? error.message : String(error);
  }
  show();
}

async function loadMore() {
  if (!cursor) return;
  const query = new URLSearchParams({ limit: String(PAGE), cursor });
  if (statuses) query.set("status", statuses);
  const answer = await json(`/executions?${query}`);
  executions.push(...answer.executions);
  cursor = answer.next_cursor;
  show();
}

function show() {
  const words = filter.value.trim().toLowerCase().split(/\s+/);
  const found = executions.filter((execution) => {
    const text = `${commandLine(execution.command)} ${execution.owner} ${execution.execution_id}`.toLowerCase();
    return words.every((word) => text.includes(word));
  });
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
    if (!row) rows.set(execution.execution_id, (row = new Row(execution.execution_id)));
    if (row.element === next) next = next.nextElementSibling;
    else list.insertBefore(row.element, next);
    row.show(execution);
  }
  const empty = byId("empty");
  empty.hidden = found.length > 0;
  empty.textContent = executions.length === 0 && !statuses ? "Nothing has run yet." : "Nothing matches.";
  byId("table").hidden = found.length === 0;
  byId("more").hidden = !cursor;
}

class Row {
  element = make("tr");
  #status = make("span", "status");
  #link = make("a", "command");
  #owner = make("td", "owner");
  #started = make("td", "started");
  #took = make("td", "number took");
  #lines = make("td", "number lines");
  #stop = make("button", "icon danger");
  /** @type {Execution | undefined} */ #execution;

  /** @param {string} id */
  constructor(id) {
    const status = make("td", "state");
    status.append(this.#status);
    const command = make("td", "what");
    command.append(this.#link);
    const actions = make("td", "actions");
    actions.append(this.#stop);
    this.#link.href = `/executions/${encodeURIComponent(id)}`;
    this.#stop.innerHTML = '<svg><use href="#i-stop"/></svg>';
    this.#stop.title = "Stop";
    this.#stop.addEventListener("click", () => this.#execution && askToStop(this.#execution));
    this.element.append(status, command, this.#owner, this.#started, this.#took, this.#lines, actions);
  }

  /** @param {Execution} execution */
  show(execution) {
    this.#execution = execution;
    const line = commandLine(execution.command);
    showStatus(this.#status, execution.status, execution.exit_code);
    this.#status.title = reasonOf(execution);
    set(this.#link, line);
    this.#link.title = line;
    set(this.#owner, execution.owner);
    const started = execution.started_at ?? execution.created_at;
    set(this.#started, ago(started, Date.now()));
    this.#started.title = fullTime(started);
    set(this.#took, execution.started_at ? duration((execution.ended_at ?? Date.now()) - execution.started_at) : "");
    const lines = execution.last_offset - (isTerminal(execution.status) ? 1 : 0);
    set(this.#lines, numbers.format(lines));
    this.#stop.hidden = isTerminal(execution.status) || !mayStop(me, execution.owner);
    this.#stop.setAttribute("aria-label", `Stop ${line}`);
  }
}

/** @param {HTMLElement} element @param {string} text */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setUpFilters() {
  filter.addEventListener("input", show);
  byId("more").addEventListener("click", loadMore);
  byId("help").addEventListener("click", () => sheet("help").showModal());
  byId("statuses").addEventListener("click", ({ target }) => {
    if (!(target instanceof HTMLButtonElement)) return;
    for (const button of byId("statuses").querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === target));
    }
    statuses = target.dataset.statuses ?? "";
    executions = [];
    cursor = undefined;
    load();
  });
}

function setUpRun() {
  const field = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (byId(`run-${name}`));
  byId("run").addEventListener("click", () => {
    byId("run-trouble").textContent = "";
    sheet("run").showModal();
  });
  // The same order sent twice, because an answer was lost, starts one command.
  let idempotencyKey = "";
  sheet("run").addEventListener("input", () => { idempotencyKey = ""; });
  byId("run-form").addEventListener("submit", async () => {
    const says = byId("run-trouble");
    const command = field("shell").checked ? ["sh", "-c", field("command").value] : splitWords(field("command").value);
    if (!command || command.length === 0) {
      says.textContent = command ? "Type a command." : "A quote isn’t closed.";
      return;
    }
    /** @type {Record<string, unknown>} */
    const order = { command };
    if (field("split").checked) order.streams = "split";
    if (field("directory").value) order.working_directory = field("directory").value;
    if (field("timeout").value) order.timeout_seconds = Number(field("timeout").value);
    const environment = field("environment").value.split("\n").filter((line) => line.includes("="));
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
      location.assign(`/executions/${encodeURIComponent(answer.execution_id)}`);
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
      show();
      filter.blur();
    }
    if (isTyping(event) || event.ctrlKey || event.metaKey || event.altKey) return;
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
