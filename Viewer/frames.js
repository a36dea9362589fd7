// What a message of a stream holds: event lines, a control line, or a control line with the event lines it introduces.
// The embedded server tells the cursor by the address; the gateway of the AWS form (its address says `opening=resume`)
// wants to be told by a message, names each opening's generation on every block, and has to be asked now and then
// whether all came.

/** @typedef {{lines: string[], control: {type: string, head?: number, after?: number, message?: string,
 *   stream?: string, code?: string, base?: number} | null}} Frame */

/** What was meant for another viewer, or for an earlier opening: the gateway may give a connection's id away.
 * @type {Frame} */
export const OTHERS = { lines: [], control: { type: "block" } };

export class Framing {
  #address;
  #speaksFirst;
  #execution;
  #generation;

  /** @param {string} address @param {string} execution
   * @param {number} generation above those of this page's earlier openings */
  constructor(address, execution, generation) {
    this.#address = new URL(address);
    this.#speaksFirst = this.#address.searchParams.get("opening") === "resume";
    this.#execution = execution;
    this.#generation = generation;
  }

  /** @param {number} after @param {string} [pageScheme] */
  addressAfter(after, pageScheme) {
    const address = new URL(this.#address);
    // Behind a proxy that ends TLS, a server may not know that it is reached by it.
    if (pageScheme === "https:") address.protocol = "wss:";
    if (!this.#speaksFirst) address.searchParams.set("after", String(after));
    return address.href;
  }

  /** What is to be said when the connection stands, or null.
   * @param {number} after */
  opening(after) {
    return this.#speaksFirst ? JSON.stringify({ action: "resume", gen: this.#generation, after }) : null;
  }

  /** What is to be said after 30 s of silence, or null.
   * @param {number} have */
  ping(have) {
    return this.#speaksFirst ? JSON.stringify({ action: "ping", have }) : null;
  }

  /** Silence that is unusual, in milliseconds: the server sends a heartbeat every 10 s by default, the gateway when it is asked. */
  get stall() {
    return this.#speaksFirst ? 35_000 : 20_000;
  }

  /** @param {string} message @returns {Frame} */
  read(message) {
    const lines = message.split("\n");
    if (lines.at(-1) === "") lines.pop();
    if (lines.length === 0) return { lines, control: null };
    // Without a block's head, the gateway meant them for another viewer, which had the connection's id before.
    if (lines[0].startsWith('{"offset":')) return this.#speaksFirst ? OTHERS : { lines, control: null };
    const control = JSON.parse(lines[0]);
    const { type, gen, execution } = control;
    const isBlock = type === "block";
    const isOthers = ((isBlock || gen !== undefined) && gen !== this.#generation) || (isBlock && execution !== this.#execution);
    return isOthers ? OTHERS : { lines: lines.slice(1), control };
  }
}

/** Says that the server was restored from a backup since what is known of a log. */
export const RESTORED = "other_incarnation";

/** How long to wait before the next attempt, in milliseconds.
 * @param {number} failures in a row
 * @param {number} code that the connection was closed with @param {number} [random] from 0 to 1 */
export function retryDelay(failures, code, random = Math.random()) {
  if (failures === 0 && code === 1001) return 0;
  const least = code === 1013 ? 2_000 : 150;
  return Math.min(10_000, Math.max(least, 250 * 2 ** Math.min(failures, 6))) * (0.5 + random / 2);
}

/** Whether a connection that was closed so may be tried again.
 * @param {number} code */
export const mayReconnect = (code) => code !== 1008 && code !== 4404 && code !== 4500;
