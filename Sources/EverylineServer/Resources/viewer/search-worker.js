// Searches blocks of lines beside the page, so that an expression that takes long holds nothing up: the page ends this
// worker if it doesn't answer.

import { compile, find } from "./matcher.js";

/** @typedef {{query: import("./matcher.js").Query} | {text: string, first: number}} Task */

/** @type {RegExp | undefined} */
let expression;

addEventListener("message", (/** @type {MessageEvent<Task>} */ { data }) => {
  if ("query" in data) expression = compile(data.query);
  else if (expression) postMessage(find(expression, data.text, data.first));
});
