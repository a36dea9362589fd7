// What both pages’ dialogs share.

import { byId, KEYS } from "./page.js";

/** @param {string} id @returns {HTMLDialogElement} */
export const sheet = (id) => byId(`sheet-${id}`);

/** Lets the sheet of keys turn those of one character off. */
export function setUpKeysChoice() {
  const box = /** @type {HTMLInputElement} */ (byId("keys-on"));
  box.checked = localStorage.getItem(KEYS) !== "off";
  box.addEventListener("change", () => localStorage.setItem(KEYS, box.checked ? "on" : "off"));
}

/** Lets a sheet's buttons close it.
 * @param {ParentNode} root */
export function setUpSheets(root) {
  for (const dialog of root.querySelectorAll("dialog")) {
    dialog.addEventListener("submit", (event) => event.preventDefault());
    dialog.addEventListener("click", ({ target }) => {
      if (!(target instanceof Element)) return;
      const isPlainForm = target instanceof HTMLButtonElement && target.type === "submit" && !target.form?.id;
      if (target === dialog || isPlainForm || target.matches("[data-close]")) dialog.close();
    });
  }
}
