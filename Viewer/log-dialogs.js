// The sheets of the log's page: going somewhere, downloading, stopping, how the log came, and a line in full.

import { request, sending } from "./api.js";
import { BLOCK } from "./blocks.js";
import { copyText } from "./copy.js";
import { count } from "./connection-status.js";
import { reasonOf, TextWriter } from "./event-text.js";
import { setUpNotifyChoice } from "./notify.js";
import { setUpKeysChoice, setUpSheets, sheet } from "./dialogs.js";
import { announce, byId, make } from "./page.js";
import { setUpPalette } from "./palette.js";
import { place } from "./place.js";
import { styled } from "./styles.js";
import { duration, fullTime, size } from "./time.js";
import { commandLine } from "./shell-quoting.js";

/** @typedef {{id: string, execution: () => import("./api.js").Execution, me: import("./api.js").Me,
 *   source: import("./source.js").Source, store: import("./blocks.js").BlockStore,
 *   view: import("./log-view.js").LogView,
 *   delivery: import("./connection-status.js").ConnectionStatus, changed: () => void, refresh: () => Promise<void>,
 *   press: (key: string) => void}} Context */

/** How many lines are read at once while a whole log is read. */
const PORTION = 64 * BLOCK;

/** @type {Promise<void> | undefined} */
let loading;
/** @type {Record<string, () => void>} */
let openings;

/** Opens the sheet with this name.
 * @param {string} name @param {Context} context */
export async function open(name, context) {
  await (loading ??= load(context));
  openings[name]();
}

/** @param {Context} context */
async function load(context) {
  const response = await fetch(new URL("log-dialogs.html", import.meta.url)).catch((error) => {
    loading = undefined;
    throw error;
  });
  const sheets = new DOMParser().parseFromString(await response.text(), "text/html");
  await styled("dialogs.css");
  document.body.append(...sheets.querySelectorAll("dialog"));
  setUpSheets(document);
  setUpKeysChoice();
  setUpNotifyChoice();
  byId("open-palette").addEventListener("click", () => {
    sheet("help").close();
    openings.palette();
  });
  openings = {
    help: () => sheet("help").showModal(),
    goto: setUpGoing(context),
    download: setUpDownload(context),
    stop: setUpStop(context),
    delivery: setUpDelivery(context),
    details: setUpDetails(context),
    palette: setUpPalette(context.press, (name) => openings[name]()),
  };
}

/** @param {Context} context */
function setUpGoing({ source, store, view }) {
  const field = /** @type {HTMLInputElement} */ (byId("place"));
  const trouble = byId("place-trouble");
  byId("goto-form").addEventListener("submit", async () => {
    const where = place(field.value, view.start, view.timeMode === "utc", Date.now());
    if (!where) {
      trouble.textContent = "That is neither a line nor a time.";
      return;
    }
    try {
      const line = "line" in where
        ? Math.min(Math.max(1, where.line), Math.max(1, store.head))
        : await source.at(where.time);
      sheet("goto").close();
      view.seek(line, 120);
      view.current = line;
      view.restyle();
      const isBeyond = "line" in where && where.line > line;
      announce(isBeyond ? `There is no line ${where.line}${store.end ? "" : " yet"}: line ${line} is the last` : `Line ${line}`);
      byId("log").focus({ preventScroll: true });
    } catch (error) {
      trouble.textContent = error instanceof Error ? error.message : String(error);
    }
  });
  return () => {
    trouble.textContent = "";
    sheet("goto").showModal();
    field.select();
  };
}

/** Reads the whole log as it is now.
 * @param {Context} context
 * @param {(first: number, lines: string[]) => void} take @param {(share: number) => void} progress
 * @param {AbortSignal} signal */
async function readAll({ source, store }, take, progress, signal) {
  const head = store.head;
  let portion = source.blocksAtOnce > 1 ? PORTION : BLOCK;
  for (let after = 0; after < head; progress(after / head)) {
    const to = Math.min(after + portion, head);
    try {
      await source.fetch(after, to - after, (first, lines) => {
        take(first, lines);
        after = first + lines.length - 1;
      }, signal);
      after = to;
    } catch (error) {
      // Long lines may stand side by side: an answer can be longer than a browser's strings.
      if (signal.aborted || portion === BLOCK) throw error;
      portion = BLOCK;
    }
  }
}

/** @param {Context} context */
function setUpDownload(context) {
  const { id, store, execution } = context;
  const bar = /** @type {HTMLProgressElement} */ (byId("download-progress"));
  const says = byId("download-says");
  let running = new AbortController();
  sheet("download").addEventListener("close", () => running.abort(new Error("closed")));
  /** @param {"text" | "events"} form */
  const download = async (form) => {
    running = new AbortController();
    bar.hidden = false;
    bar.value = 0;
    /** @type {Blob[]} */
    const parts = [];
    const writer = new TextWriter();
    /** @param {number} first @param {string[]} lines */
    const take = (first, lines) => {
      // A blob's content isn't held in the page's own memory.
      parts.push(new Blob([form === "events" ? lines.join("\n") + "\n" : writer.write(first, lines)]));
    };
    try {
      await readAll(context, take, (share) => { bar.value = share; }, running.signal);
      save(new Blob(parts), `${id}.${form === "events" ? "ndjson" : "log"}`);
      sheet("download").close();
      announce("Downloaded");
    } catch (error) {
      if (!running.signal.aborted) says.textContent = error instanceof Error ? error.message : String(error);
    }
  };
  byId("download-text").addEventListener("click", () => download("text"));
  byId("download-events").addEventListener("click", () => download("events"));
  return () => {
    bar.hidden = true;
    says.textContent = `${count(store.head, "event")}${store.end ? `, ${size(execution().log_bytes)} as NDJSON` : " up to now"}.`;
    sheet("download").showModal();
  };
}

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const link = make("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** @param {Context} context */
function setUpStop({ id, refresh }) {
  const trouble = byId("stop-trouble");
  byId("stop-form").addEventListener("submit", async () => {
    try {
      await request(`/executions/${id}`, sending("DELETE"));
      sheet("stop").close();
      // The button that opened it may be gone by now.
      byId("log").focus({ preventScroll: true });
      await refresh();
    } catch (error) {
      trouble.textContent = error instanceof Error ? error.message : String(error);
    }
  });
  return () => {
    trouble.textContent = "";
    sheet("stop").showModal();
  };
}

/** @param {Context} context */
function setUpDelivery(context) {
  const { store, delivery, execution, changed } = context;
  const facts = byId("delivery-facts");
  const verify = byId("verify");
  const show = () => {
    const received = store.received.count;
    const total = store.end || store.head;
    const { missing } = store;
    const all = received >= total ? "all of them, " : "";
    const list = [
      ["State", byId("words").textContent ?? ""],
      ["Received here", `${count(received, "event")} of ${count(total, "event")}, ${all}each in its place`],
      ["Missing", missing.count === 0 ? "nothing" : missing.list.map(([first, last]) => `${first}–${last}`).join(", ")],
      ["Resumed", delivery.resumptions === 0 ? "never" : count(delivery.resumptions, "time")],
      ["End", store.end ? `event ${store.end}, ${fullTime(execution().ended_at ?? NaN)}` : "not yet"],
      ["Held in memory", size(store.bytes)],
    ];
    showFacts(facts, list);
    verify.hidden = received >= total;
  };
  let running = new AbortController();
  sheet("delivery").addEventListener("close", () => running.abort(new Error("closed")));
  verify.addEventListener("click", async () => {
    running = new AbortController();
    verify.toggleAttribute("disabled", true);
    const take = (/** @type {number} */ first, /** @type {string[]} */ lines) =>
      store.received.add(first, first + lines.length - 1);
    await readAll(context, take, show, running.signal).catch(() => {});
    verify.toggleAttribute("disabled", false);
    show();
    changed();
  });
  return () => {
    show();
    sheet("delivery").showModal();
  };
}

/** @param {HTMLElement} element @param {string[][]} list names and values */
function showFacts(element, list) {
  element.replaceChildren(...list.map(([name, value]) => {
    const row = make("div");
    row.append(make("dt", "", name), make("dd", "", value));
    return row;
  }));
}

/** A fact, where it is known.
 * @param {string} name @param {string | undefined} value */
const known = (name, value) => (value === undefined ? [] : [[name, value]]);

/** @param {Context} context */
function setUpDetails({ id, execution, store }) {
  return () => {
    const { command, status, owner, exit_code: code, reason, stopped_by, log_bytes: bytes, ...more } = execution();
    const at = (/** @type {number | undefined} */ time) => (time ? fullTime(time) : "not yet");
    const took = more.started_at ? duration((more.ended_at ?? Date.now()) - more.started_at) : "not started";
    const outcome = [status, code === undefined ? "" : `exit code ${code}`, reasonOf({ reason, stopped_by })].filter(Boolean).join(", ");
    const { cpu_ms: cpu, peak_memory_bytes: peak } = more;
    showFacts(byId("details-facts"), [
      ["Command", commandLine(command)], ["Outcome", outcome], ["Owner", owner],
      ...known("Host", more.host), ...known("User", more.host_user), ...known("Directory", more.working_directory),
      ...known("Terminal", more.terminal && `${more.terminal.columns}x${more.terminal.rows}`), ["Id", id],
      ["Made", at(more.created_at)], ["Started", at(more.started_at)], ["Ended", at(more.ended_at)], ["Took", took],
      ...known("CPU time", cpu === undefined ? cpu : duration(cpu)),
      ...known("Peak memory", peak === undefined ? peak : `${size(peak)}, of its largest process`),
      ["Log", `${count(store.head, "event")}, ${size(bytes)} as NDJSON`],
    ]);
    sheet("details").showModal();
  };
}

/** Shows a line in full.
 * @param {Context} context @param {number} line @param {string} text */
export async function openLine(context, line, text) {
  await (loading ??= load(context));
  const area = /** @type {HTMLTextAreaElement} */ (byId("line-text"));
  byId("line-title").textContent = `Line ${line}, ${count(text.length, "character")}`;
  area.value = text;
  byId("line-copy").onclick = () => copyText(area.value);
  sheet("line").showModal();
}
