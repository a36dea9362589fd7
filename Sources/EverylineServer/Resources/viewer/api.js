// The server's API, as far as the pages need it.

import * as session from "./session.js";

const BASE = "/api/v1";
/** How long a small answer may take, in milliseconds. */
const TIMEOUT = 15_000;
export const NDJSON = "application/x-ndjson";

/** @typedef {{execution_id: string, command: string[], status: string, exit_code?: number, reason?: string,
 *   owner: string,
 *   created_at: number, started_at?: number, ended_at?: number, last_offset: number, log_bytes: number}} Execution */
/** @typedef {{user: string, role: "viewer" | "developer" | "operator" | "admin"}} Me */

/** An answer that is no success; status 0 if there was none. */
export class Refused extends Error {
  /** @param {number} status @param {string} code @param {string} detail */
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
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
  throw new Refused(response.status, problem.code ?? "", problem.detail ?? `The server answered ${response.status}.`);
}

/** @param {string} path @param {RequestInit} [options] */
export async function json(path, options = {}) {
  // A network that swallows what is sent must not hold anything up for ever.
  const waiting = new AbortController();
  const timer = setTimeout(() => waiting.abort(new Refused(0, "timeout", "The server doesn’t answer.")), TIMEOUT);
  try {
    return await (await request(path, { ...options, signal: waiting.signal })).json();
  } finally {
    clearTimeout(timer);
  }
}

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
