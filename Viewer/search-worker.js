// Searches blocks of lines beside the page, so that an expression that takes long holds nothing up: the page ends this
// worker if it doesn't answer.

import { compile } from "./marks.js";
import { Finder } from "./matcher.js";

/** @typedef {{query: import("./marks.js").Query, size?: import("./screen.js").Size} | {text: string, first: number}} Task */

/** @type {Finder | undefined} */
let finder;

addEventListener("message", (/** @type {MessageEvent<Task>} */ { data }) => {
  if ("query" in data) finder = new Finder(compile(data.query), data.query.isRegex, data.query.inverts, data.size);
  else if (finder) postMessage(finder.find(data.text, data.first));
});
