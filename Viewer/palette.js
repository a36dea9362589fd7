// The palette: a list of everything that a log's page can do, found by typing. It is loaded when it is opened.

import { sheet } from "./dialogs.js";
import { byId, make } from "./page.js";

/** What the page can do, and the key that does it. */
const COMMANDS = [
  ["Search the whole log", "/"],
  ["Show only the lines that match", "&"],
  ["Next match", "n"],
  ["Previous match", "N"],
  ["Follow the log", "f"],
  ["Go to the end", "End"],
  ["Go to the beginning", "Home"],
  ["Go to a line or a time", "g"],
  ["Select a line", "v"],
  ["Select all text", "Ctrl A"],
  ["Copy what is selected", "c"],
  ["Copy a link to the lines", "l"],
  ["Show times: off, local, UTC, since the start", "t"],
  ["Show how many lines came when", "p"],
  ["Wrap long lines", "w"],
  ["Change the theme", "T"],
  ["Download the log", "d"],
  ["Details of the execution", "i"],
  ["Show lines as they were written, or as a terminal does", "r"],
  ["What came, and how (check every line)", "m"],
  ["Stop the execution", "s"],
  ["Keys", "?"],
  ["All executions", "x"],
];

/** @param {(key: string) => void} press does what the key does @returns {() => void} what opens it */
export function setUpPalette(press) {
  const field = /** @type {HTMLInputElement} */ (byId("palette-query"));
  const list = byId("palette-list");
  let chosen = 0;
  const options = COMMANDS.map(([words, key], index) => {
    const option = make("li", "", words);
    option.id = `palette-${index}`;
    option.setAttribute("role", "option");
    option.append(make("kbd", "", key));
    option.addEventListener("click", () => run(index));
    return option;
  });
  const found = () => options.filter((option) => !option.hidden);
  const run = (/** @type {number} */ index) => {
    sheet("palette").close();
    press(COMMANDS[index][1]);
  };
  const show = () => {
    const words = field.value.toLowerCase().split(/\s+/);
    for (const option of options) {
      const text = option.textContent?.toLowerCase() ?? "";
      option.hidden = !words.every((word) => text.includes(word));
    }
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
