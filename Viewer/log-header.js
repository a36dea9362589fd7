// What stands above a log: its command, how that stands or ended, whose it is, when it began and how long it took.

import { isTerminal } from "./api.js";
import { reasonOf } from "./event-text.js";
import { byId, glyphOf, make, showStatus } from "./page.js";
import { commandLine } from "./shell-quoting.js";
import { duration, fullTime, size } from "./time.js";

/** @param {import("./api.js").Execution} execution */
export function showHeader(execution) {
  const { status, owner, started_at: started, created_at: created, ended_at: ended } = execution;
  const line = commandLine(execution.command);
  byId("command").textContent = line;
  byId("command").title = line;
  showStatus(byId("status"), status, execution.exit_code);
  const took = started ? duration((ended ?? Date.now()) - started) : "";
  const { stopped_by: user } = execution;
  // That a command was stopped its status says.
  const isStop = status === "TERMINATING" || (status === "STOPPED" && execution.reason === "stop_requested");
  const reason = !isStop ? reasonOf(execution) : user ? `by ${user}` : "";
  const bytes = ended ? `${size(execution.log_bytes)} as NDJSON` : "";
  const facts = [reason, owner, fullTime(started ?? created).slice(0, 16), took, bytes];
  byId("facts").replaceChildren(...facts.filter(Boolean).map((fact) => make("span", "", fact)));
  const ending = isTerminal(status) ? `${glyphOf(status)} ` : "";
  document.title = `${ending}${line.slice(0, 80)} — Everyline`;
}
