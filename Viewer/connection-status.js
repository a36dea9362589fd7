// What can be said of how the log comes in, at any moment, in words. A value without clock and connection: it is told.

/** @typedef {"connecting" | "live" | "reconnecting" | "finishing" | "ended" | "refused"} Phase */
/** @typedef {{tone: "quiet" | "good" | "warn" | "bad", text: string}} Words */

/** Reasons after which what was written last may never have come to the server. */
const LOST = /** @type {Record<string, string>} */ ({ runner_lost: "runner", producer_lost: "producer" });

/** How long a resumption is shown, in milliseconds. */
const SHOWN = 10_000;

export const numbers = new Intl.NumberFormat("en");
export const count = (/** @type {number} */ n, /** @type {string} */ noun) =>
  `${numbers.format(n)} ${noun}${n === 1 ? "" : "s"}`;

const percent = (/** @type {number} */ part, /** @type {number} */ whole) =>
  `${Math.max(1, Math.floor((part / whole) * 100))} %`;

export class ConnectionStatus {
  /** @type {Phase} */ phase = "connecting";
  /** The newest offset that came. */
  cursor = 0;
  /** How often a connection was lost and taken up again. */
  resumptions = 0;
  reason = "";
  #resumedAfter = 0;
  #resumedAt = -Infinity;
  #retryAt = 0;
  #lost = false;
  /** @type {number | null} */ #restoredAfter = null;

  opened() {
    this.#resumedAfter = this.cursor;
    this.phase = "live";
  }

  /** The server goes on with what came before.
   * @param {number} now */
  confirmed(now) {
    if (!this.#lost) return;
    this.#resumedAt = now;
    this.resumptions++;
    this.#lost = false;
  }

  /** The server was restored from a backup: what came after this line is void, and was forgotten.
   * @param {number} base */
  restored(base) {
    this.#restoredAfter = base;
  }

  /** The log has ended, and what came of it meanwhile is being read. */
  finishing() {
    this.phase = "finishing";
  }

  /** @param {number} retryAt */
  lost(retryAt) {
    if (this.phase === "live") this.#lost = true;
    if (this.phase !== "connecting") this.phase = "reconnecting";
    this.#retryAt = retryAt;
  }

  ended() {
    this.phase = "ended";
  }

  /** @param {string} reason */
  refused(reason) {
    this.phase = "refused";
    this.reason = reason;
  }

  /** `silence` is 0 while it is nothing unusual.
   * @param {{now: number, silence: number, isOnline: boolean, end: number, received: number, missing: number,
   * reason?: string, way?: string}} facts `reason` is why it ended, `way` by which way it comes where that isn't the usual one
   * @returns {Words} */
  words({ now, silence, isOnline, end, received, missing, reason, way }) {
    if (this.phase === "refused") return { tone: "bad", text: this.reason };
    if (missing > 0) return { tone: "bad", text: `${count(missing, "event")} missing` };
    if (this.#restoredAfter !== null && (this.phase === "live" || this.phase === "ended")) {
      const after = numbers.format(this.#restoredAfter);
      return { tone: "warn", text: `The server was restored from a backup: what came after ${after} was void, and is read anew` };
    }
    switch (this.phase) {
      case "connecting": return { tone: "quiet", text: way ? `Connecting ${way}…` : "Connecting…" };
      case "finishing": return { tone: "good", text: `Ended: reading on after ${numbers.format(this.cursor)}` };
      case "ended":
        if (received >= end && LOST[reason ?? ""]) {
          return { tone: "warn", text: `Every line that was sent is here; the ${LOST[reason ?? ""]} was lost before the end` };
        }
        if (received >= end) return { tone: "quiet", text: "Complete: every line received" };
        return { tone: "quiet", text: `Ended: ${percent(received, end)} read here, nothing missing` };
      case "reconnecting": {
        if (!isOnline) return { tone: "warn", text: `Offline: goes on after ${numbers.format(this.cursor)}` };
        const seconds = Math.ceil((this.#retryAt - now) / 1000);
        const when = seconds >= 1 ? ` in ${seconds} s` : "";
        return { tone: "warn", text: `Reconnecting${when}: goes on after ${numbers.format(this.cursor)}` };
      }
      case "live":
        if (silence > 0) return { tone: "warn", text: `Stalled: nothing heard for ${Math.floor(silence / 1000)} s` };
        if (now - this.#resumedAt < SHOWN) {
          return { tone: "good", text: `Resumed after ${numbers.format(this.#resumedAfter)}, nothing missing` };
        }
        return { tone: "good", text: way ? `Live ${way}` : "Live" };
    }
  }
}
