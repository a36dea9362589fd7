// A notification when an execution ends while its page isn't seen, if the user has allowed it.

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
