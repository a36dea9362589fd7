// The server's API, as far as the pages need it.

import * as session from "./session.js";

/** Beside the pages, wherever a proxy has put them: this file is /assets/VERSION/api.js. */
const BASE = new URL("../../api/v1", import.meta.url).pathname;
/** How long a small answer may take, in milliseconds. */
const TIMEOUT = 15_000;

/** @typedef {{execution_id: string, command: string[], status: string, exit_code?: number, reason?: string,
 *   stopped_by?: string, host?: string, host_user?: string, working_directory?: string,
 *   terminal?: {columns: number, rows: number}, cpu_ms?: number, peak_memory_bytes?: number, owner: string,
 *   created_at: number, started_at?: number, ended_at?: number, last_offset: number, log_bytes: number}} Execution */
/** @typedef {{user: string, role: "viewer" | "developer" | "operator" | "admin"}} Me */

/** An answer that is no success; status 0 if there was none. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} detail
   * @param {number} [base] up to which event a log is what was known of it, where the server was restored from a backup */
  constructor(status, code, detail, base) {
    super(detail);
    this.base = base;
    this.status = status;
    this.code = code;
  }

  /** Whether it would be the same the next time. */
  get isFinal() {
    return this.status >= 400 && this.status < 500 && this.status !== 429;
  }
}

/** @param {string} path @param {RequestInit} [options] @returns {Promise<Response>} */
export async function request(path, options = {}) {
  const headers = new Headers(options.headers);
  headers.set("Authorization", `Bearer ${session.key() ?? ""}`);
  let response;
  try {
    response = await fetch(BASE + path, { ...options, headers, credentials: "omit", redirect: "error" });
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Refused(0, "unreachable", "The server can’t be reached.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  throw new Refused(response.status, problem.code ?? "", problem.detail ?? `The server answered ${response.status}.`, problem.base);
}

/** Does something that a network which swallows what is sent must not hold up for ever.
 * @template T @param {number} time in milliseconds @param {(signal: AbortSignal) => Promise<T>} act
 * @param {AbortSignal} [signal] with which the caller gives up @returns {Promise<T>} */
export async function within(time, act, signal) {
  const ending = new AbortController();
  const giveUp = () => ending.abort(signal?.reason);
  const timer = setTimeout(() => ending.abort(new Refused(0, "timeout", "The server doesn’t answer.")), time);
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  try {
    return await act(ending.signal);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  }
}

/** @param {string} path @param {RequestInit} [options] */
export const json = (path, options = {}) =>
  within(TIMEOUT, async (signal) => (await request(path, { ...options, signal })).json());

/** @param {string} method @param {unknown} [body] @returns {RequestInit} */
export const sending = (method, body) => ({
  method,
  headers: { "Content-Type": "application/json" },
  body: body === undefined ? undefined : JSON.stringify(body),
});

/** Whether the key's role may stop what this user owns.
 * @param {Me} me @param {string} owner */
export const mayStop = (me, owner) =>
  me.role === "operator" || me.role === "admin" || (me.role === "developer" && me.user === owner);

/** @param {Me} me */
export const mayRun = (me) => me.role !== "viewer";

/** @param {string} status */
export const isTerminal = (status) => status === "SUCCEEDED" || status === "FAILED" || status === "STOPPED";
