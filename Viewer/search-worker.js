// Searches blocks of lines beside the page, so that an expression that takes long holds nothing up: the page ends this
// worker if it doesn't answer.

import { compile, Finder } from "./matcher.js";

/** @typedef {{query: import("./matcher.js").Query} | {text: string, first: number}} Task */

/** @type {Finder | undefined} */
let finder;

addEventListener("message", (/** @type {MessageEvent<Task>} */ { data }) => {
  if ("query" in data) finder = new Finder(compile(data.query), data.query.isRegex, data.query.inverts);
  else if (finder) postMessage(finder.find(data.text, data.first));
});
