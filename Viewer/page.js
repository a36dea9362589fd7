// What both pages have: finding elements, the theme, announcements, keys, and signing in.

import { json, Refused } from "./api.js";
import * as session from "./session.js";

/** @typedef {import("./api.js").Me} Me */

/** The element with this id, which the page has.
 * @template {HTMLElement} [E=HTMLElement] @param {string} id @returns {E} */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`there is no #${id}`);
  return /** @type {E} */ (element);
}

/** @template {keyof HTMLElementTagNameMap} K @param {K} name @param {string} [className] @param {string} [text]
 * @returns {HTMLElementTagNameMap[K]} */
export function make(name, className, text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

/** Sets an element's text, in the text node that it has: the tree of boxes stays as it is.
 * @param {Element} element @param {string} text */
export function setText(element, text) {
  const node = element.firstChild;
  if (node instanceof Text && node === element.lastChild && text) node.data = text;
  else element.textContent = text;
}

/** Says something to those who don't see the page.
 * @param {string} text */
export function announce(text) {
  const place = byId("announcement");
  if (place.textContent !== text) place.textContent = text;
}

/** What in the list's address asks for the place at which it was left. */
export const BACK = "#back";
const LIST = "everyline.list";

/** Notes how the list is left: which part of it was shown, and where.
 * @param {{room: number, top: number, search: string}} left */
export const leaveList = (left) => sessionStorage.setItem(LIST, JSON.stringify(left));

/** How this tab has left the list; null if it hasn't.
 * @returns {{room: number, top: number, search: string} | null} */
export const leftList = () => JSON.parse(sessionStorage.getItem(LIST) ?? "null");

/** The name of the choice whether keys of one character do anything. */
export const KEYS = "everyline.keys";

/** Whether keys belong to what has the focus.
 * @param {KeyboardEvent} event */
export const isTyping = ({ target }) =>
  document.querySelector("dialog[open]") !== null ||
  (target instanceof Element && target.matches("input, textarea, select") && !target.closest("dialog:not([open])"));

/** Whether a key is the page's: not the browser's, not for what has the focus, and not one of those of one character
 * while they are turned off (WCAG 2.2, 2.1.4).
 * @param {KeyboardEvent} event */
export function isForPage(event) {
  const { key, ctrlKey, metaKey, altKey } = event;
  if (isTyping(event) || ctrlKey || metaKey || altKey) return false;
  return key.length > 1 || key === " " || localStorage.getItem(KEYS) !== "off";
}

/** Whether a mouse press begins to select a log's text.
 * @param {MouseEvent} event */
export const pressesText = ({ target, button }) =>
  button === 0 && target instanceof Element && target.closest("#log") !== null && !target.closest(".number, button");

/** Whether a key selects all text, or moves the end of what is selected.
 * @param {KeyboardEvent} event */
export function selectsText(event) {
  const { key, shiftKey, ctrlKey, metaKey, altKey } = event;
  if (isTyping(event) || altKey) return false;
  return shiftKey ? /^(Arrow|Page|Home|End)/.test(key) : (ctrlKey || metaKey) && key.toLowerCase() === "a";
}

export function setUpTheme() {
  byId("theme").addEventListener("click", changeTheme);
  addEventListener("everyline-themed", (event) => {
    const theme = /** @type {CustomEvent<string>} */ (event).detail;
    byId("theme").title = `Theme: ${theme} (T)`;
    announce(`Theme: ${theme}`);
  });
}

export const changeTheme = () => void dispatchEvent(new Event("everyline-theme"));

/** Whom the server takes the key's holder for; asks for a key until there is a valid one.
 * @returns {Promise<Me>} */
export async function whoAmI() {
  if (!session.key()) await session.takeOver();
  for (let trouble = ""; ; ) {
    if (!session.key()) session.signIn(await (await import("./sign-in.js")).askForKey(trouble));
    try {
      return await json("/me");
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      trouble = error.message;
      if (error.status === 401) session.forget();
      else await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }
}

const GLYPHS = /** @type {Record<string, string>} */ ({
  STARTING: "◌", RUNNING: "●", TERMINATING: "◐", SUCCEEDED: "✓", FAILED: "✕", STOPPED: "■",
});

/** @param {string} status */
export const glyphOf = (status) => GLYPHS[status] ?? "";

/** @param {HTMLElement} element @param {string} status @param {number} [exitCode] */
export function showStatus(element, status, exitCode) {
  const word = status.charAt(0) + status.slice(1).toLowerCase();
  element.dataset.status = status;
  element.dataset.glyph = glyphOf(status);
  element.textContent = status === "FAILED" && exitCode !== undefined ? `${word} · exit ${exitCode}` : word;
}
