import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

import { COMMANDS } from "#viewer/commands.js";

const source = (name) => readFileSync(new URL(`../../Viewer/${name}`, import.meta.url), "utf8");
const listed = new Set(COMMANDS.map(([, key]) => key));
const buttons = new Set(COMMANDS.flatMap(([, , id]) => id ?? []));

/** The keys that the page listens to, as it names them. */
const keys = [...source("log-keys.js").matchAll(/^    (?:"([^"]+)"|(\w+)): /gm)].map(([, quoted, plain]) => quoted ?? plain);
/** Keys that do what another one does, which is listed. */
const SAME = {
  F: "End", G: "End", ">": "End", "<": "Home", e: "j", y: "k", ArrowDown: "j", ArrowUp: "k", PageDown: "Space", PageUp: "b",
  " ": "Space", ArrowRight: "→", ArrowLeft: "←", ":": null, F3: "n", Escape: "Esc",
};
/** Buttons that do what a key does, or close what they stand in. */
const BY_KEY = {
  "open-search": "/", "close-search": "Esc", deselect: "Esc", delivery: "m", pill: "End", "line-copy": null, "open-palette": null,
};

test("the palette lists what each key does", () => {
  assert.ok(keys.length > 35);
  for (const key of keys) {
    const name = key in SAME ? SAME[key] : key;
    assert.ok(name === null || listed.has(name), `${key} is not listed`);
  }
  // What the search's field and the selection listen to besides.
  const more = [...source("search-box.js").matchAll(/event\.code === "Key(.)"/g)].map(([, letter]) => `Alt ${letter}`);
  assert.deepEqual(more.sort(), ["Alt C", "Alt L", "Alt R"]);
  assert.ok(["Alt C", "Alt R", "&", "Ctrl A", "Ctrl P"].every((key) => listed.has(key)));
});

test("the palette lists what each button and each choice of the page and its dialogs does", () => {
  const elements = [...(source("log.html") + source("log-dialogs.html")).matchAll(/<(?:button|input)\b[^>]*\bid="([^"]+)"[^>]*>/g)];
  assert.ok(elements.length > 25);
  for (const [tag, id] of elements) {
    if (tag.startsWith("<input") && !tag.includes("checkbox")) continue;
    const key = /title="[^"]*\((?:.*, )?([^ )]+)\)"/.exec(tag)?.[1].replace("&amp;", "&");
    const isListed = buttons.has(id) || (id in BY_KEY ? BY_KEY[id] === null || listed.has(BY_KEY[id]) : key && listed.has(key)) ||
      (id === "filters" && listed.has("&"));
    assert.ok(isListed, `${tag} is not listed`);
  }
});

test("the palette lists nothing that the page can't do", () => {
  const names = { Esc: "Escape", Space: " ", "→": "ArrowRight", "←": "ArrowLeft" };
  const ids = source("log.html") + source("log-dialogs.html");
  for (const [words, key, id] of COMMANDS) {
    if (id) assert.ok(ids.includes(`id="${id}"`), words);
    else assert.ok(keys.includes(names[key] ?? key) || ["Ctrl A", "Ctrl P"].includes(key), words);
  }
  assert.equal(new Set(COMMANDS.map(([words]) => words)).size, COMMANDS.length);
});

test("the sheet of keys and the manual name each key that the palette lists", () => {
  const sheet = [...source("log-dialogs.html").matchAll(/<kbd>([^<]+)<\/kbd>/g)].map(([, key]) => key.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"));
  const manual = readFileSync(new URL("../../docs/viewer.md", import.meta.url), "utf8").split("## Keys")[1].split("## ")[0];
  const told = [...manual.matchAll(/`([^`]+)`/g)].map(([, key]) => key);
  for (const key of listed) {
    if (!key) continue;
    assert.ok(sheet.includes(key), `the sheet lacks ${key}`);
    assert.ok(told.includes(key), `docs/viewer.md lacks ${key}`);
  }
});
