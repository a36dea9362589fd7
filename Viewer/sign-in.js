// Asking for an API key.

import { make } from "./page.js";
import { styled } from "./styles.js";

/** @param {string} trouble @returns {Promise<string>} */
export async function askForKey(trouble) {
  await styled("dialogs.css");
  const dialog = make("dialog", "sheet sign-in");
  dialog.setAttribute("aria-labelledby", "sign-in-title");
  const form = make("form");
  const title = make("h2", "", "Sign in to Everyline");
  title.id = "sign-in-title";
  const label = make("label", "", "API key");
  const input = make("input");
  [label.htmlFor, input.id] = ["key", "key"];
  Object.assign(input, { type: "password", required: true, autocomplete: "off", spellcheck: false });
  input.setAttribute("aria-describedby", "key-help");
  const help = make("p", "hint", "It stays in this browser’s memory until its last tab of this server is closed.");
  help.id = "key-help";
  const says = make("p", "trouble", trouble);
  says.setAttribute("role", "alert");
  const ends = make("p", "ends");
  ends.append(make("button", "main", "Sign in"));
  form.append(title, label, input, help, says, ends);
  dialog.append(form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    // Browsers let a second Escape close it all the same, and behind it is nothing.
    dialog.addEventListener("close", () => dialog.showModal());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const key = input.value.trim();
      if (!/^[\x21-\x7e]+$/.test(key)) {
        says.textContent = "That is no API key: a key is one word, of plain letters, digits and signs.";
        return;
      }
      dialog.remove();
      resolve(key);
    });
  });
}
