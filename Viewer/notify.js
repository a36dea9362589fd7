// How an execution stands, also while its page isn't seen: the tab's picture, and a notification when it ends, if the user has allowed it.

import { byId } from "./page.js";

const NAME = "everyline.notify";

/** Over plain HTTP from another machine, browsers have none. */
const canNotify = "Notification" in globalThis && isSecureContext;

/** Lets the sheet of keys turn it on and off. */
export function setUpNotifyChoice() {
  const box = /** @type {HTMLInputElement} */ (byId("notify-on"));
  box.disabled = !canNotify;
  box.checked = canNotify && localStorage.getItem(NAME) === "on" && Notification.permission === "granted";
  box.addEventListener("change", async () => {
    box.checked = box.checked && (await Notification.requestPermission()) === "granted";
    localStorage.setItem(NAME, box.checked ? "on" : "off");
  });
}

/** @param {string} title @param {string} text @param {string} id of the execution: it is said once, in however many tabs */
export function notify(title, text, id) {
  if (!canNotify || !document.hidden || localStorage.getItem(NAME) !== "on" || Notification.permission !== "granted") return;
  const notification = new Notification(title, { body: text, tag: id });
  notification.onclick = () => {
    focus();
    notification.close();
  };
}

const PICTURES = /** @type {Record<string, string>} */ ({
  RUNNING: "2f81f7", TERMINATING: "d29922", SUCCEEDED: "2da44e", FAILED: "cf222e",
});
let shown = "";

/** Shows a status in the tab's picture.
 * @param {string} status */
export function keepFavicon(status) {
  if (status === shown) return;
  shown = status;
  const lines = "<path d='M3 4h10M3 8h6M3 12h5' stroke='%238a8f98' stroke-width='1.75' stroke-linecap='round'/>";
  const dot = `<circle cx='12' cy='11' r='3.5' fill='%23${PICTURES[status] ?? "8a8f98"}'/>`;
  const picture = `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>${lines}${dot}</svg>`;
  document.querySelector("link[rel=icon]")?.setAttribute("href", picture);
}
