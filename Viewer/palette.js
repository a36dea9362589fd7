// The palette: a list of everything that a log's page can do, found by typing. It is loaded when it is opened.

import { COMMANDS } from "./commands.js";
import { sheet } from "./dialogs.js";
import { byId, make } from "./page.js";

/** What keys are called that have another name here. */
const NAMES = /** @type {Record<string, string>} */ ({ Esc: "Escape", Space: " ", "→": "ArrowRight", "←": "ArrowLeft" });

/** @param {(key: string) => void} press does what the key does @param {(name: string) => void} open opens a dialog
 * @returns {() => void} what opens it */
export function setUpPalette(press, open) {
  const field = /** @type {HTMLInputElement} */ (byId("palette-query"));
  const list = byId("palette-list");
  let chosen = 0;
  const options = COMMANDS.map(([words, key], index) => {
    const option = make("li", "", words);
    option.id = `palette-${index}`;
    option.setAttribute("role", "option");
    if (key) option.append(make("kbd", "", key));
    option.addEventListener("click", () => run(index));
    return option;
  });
  const found = () => options.filter((option) => !option.hidden);
  const run = (/** @type {number} */ index) => {
    sheet("palette").close();
    const [, key, id] = COMMANDS[index];
    if (!id) return press(NAMES[key] ?? key);
    const button = byId(id);
    const dialog = button.closest("dialog");
    if (dialog) open(dialog.id.replace("sheet-", ""));
    else if (button.closest("#search")) press("/");
    return button.click();
  };
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/);
    options.forEach((option, index) => {
      const text = option.textContent?.toLowerCase() ?? "";
      const [, , id] = COMMANDS[index];
      const isIdle = id !== undefined && byId(id).closest("dialog") === null && byId(id).hidden;
      option.hidden = isIdle || !words.every((word) => text.includes(word));
    });
    choose(0);
  };
  const choose = (/** @type {number} */ index) => {
    const all = found();
    chosen = Math.min(Math.max(0, index), Math.max(0, all.length - 1));
    for (const option of options) option.setAttribute("aria-selected", String(option === all[chosen]));
    if (all[chosen]) field.setAttribute("aria-activedescendant", all[chosen].id);
    else field.removeAttribute("aria-activedescendant");
    all[chosen]?.scrollIntoView({ block: "nearest" });
  };
  list.replaceChildren(...options);
  field.addEventListener("input", show);
  field.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) choose(chosen + step);
    else if (event.key === "Enter") found()[chosen]?.click();
    else return;
    event.preventDefault();
  });
  return () => {
    field.value = "";
    show();
    sheet("palette").showModal();
  };
}
