// By which way a log comes: WebSocket, else server-sent events, else reading blocks; and why not by a better one. A value
// without clock and connection: it is told.

/** @typedef {"websocket" | "events" | "blocks"} Way */
/** What a connection came to from which nothing came.
 * @typedef {"refused" | "silent"} Cause */

const WAYS = /** @type {Way[]} */ (["websocket", "events", "blocks"]);
const FAULTS = { refused: "are refused on the way", silent: "get no answer" };
/** A connection may be cut once by chance before anything came. */
const REFUSALS = 2;

export class Ways {
  #at = 0;
  #refusals = 0;
  /** @type {Cause | null} */ #suspicion = null;
  /** Why each better way is none.
   * @type {string[]} */
  #faults = [];

  get way() {
    return WAYS[this.#at];
  }

  /** How lines come, and why so; nothing of the best way. */
  get words() {
    if (this.#at === 0) return "";
    const how = this.way === "events" ? "by server-sent events" : "by reading every 2 s";
    return `${how} (${this.#faults.join(", ")})`;
  }

  /** A connection failed before anything was heard. That may be the way's fault, or the server is away.
   * @param {Cause} cause */
  suspect(cause) {
    this.#suspicion = cause;
  }

  /** The server answers a plain request: a suspicion is true then.
   * @param {boolean} hasEvents whether it has server-sent events at all */
  serverAnswers(hasEvents) {
    const cause = this.#suspicion;
    this.#suspicion = null;
    if (!cause || this.way === "blocks" || (cause === "refused" && ++this.#refusals < REFUSALS)) return;
    this.#faults.push(`${this.#at === 0 ? "WebSockets" : "events"} ${FAULTS[cause]}`);
    this.#at += hasEvents ? 1 : WAYS.length - 1;
    this.#refusals = 0;
  }

  /** The server doesn't answer at all: no way is to blame. */
  serverIsAway() {
    this.#suspicion = null;
  }

  /** Something came by a connection. */
  confirmed() {
    this.#suspicion = null;
    this.#refusals = 0;
  }

  /** Begins with the best way again. */
  restart() {
    this.#at = this.#refusals = 0;
    this.#suspicion = null;
    this.#faults = [];
  }
}
