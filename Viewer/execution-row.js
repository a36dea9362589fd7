// An execution's row in the list. It keeps its elements, so that what has the focus keeps it.

import { ago } from "./ago.js";
import { reasonOf } from "./event-text.js";
import { make, showStatus } from "./page.js";
import { duration, fullTime } from "./time.js";
import { commandLine } from "./shell-quoting.js";

/** @typedef {import("./api.js").Execution} Execution */

const numbers = new Intl.NumberFormat("en");

export class Row {
  element = make("tr");
  #status = make("span", "status");
  #link = make("a", "command");
  #owner = make("td", "owner");
  #started = make("td", "started");
  #took = make("td", "number took");
  #events = make("td", "number events");
  #stop = make("button", "icon danger");
  /** @type {Execution | undefined} */ #execution;

  /** @param {string} id @param {(execution: Execution) => void} askToStop */
  constructor(id, askToStop) {
    const status = make("td", "state");
    status.append(this.#status);
    const command = make("td", "what");
    command.append(this.#link);
    const actions = make("td", "actions");
    actions.append(this.#stop);
    this.#link.href = `executions/${encodeURIComponent(id)}`;
    this.#stop.innerHTML = '<svg><use href="#i-stop"/></svg>';
    this.#stop.title = "Stop";
    this.#stop.addEventListener("click", () => this.#execution && askToStop(this.#execution));
    this.element.append(status, command, this.#owner, this.#started, this.#took, this.#events, actions);
  }

  /** @param {Execution} execution @param {boolean} isStoppable */
  show(execution, isStoppable) {
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
    set(this.#events, numbers.format(execution.last_offset));
    this.#stop.hidden = !isStoppable;
    this.#stop.setAttribute("aria-label", `Stop ${line}`);
  }
}

/** @param {HTMLElement} element @param {string} text */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
