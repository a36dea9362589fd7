// Addresses that stand in a line's text become links, where no program made one of them.

import { webAddress } from "./sequences.js";

/** The most links in a row. */
const LINKS = 50;
/** An address; the marks of Chinese and Japanese sentences, between which there are no blanks, end it. */
const ADDRESS = /https?:\/\/[^\s<>"'`\\^{|}\u3000-\u303f\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f]+/gi;

/** @typedef {import("./ansi.js").Run} Run */

/** @param {import("./ansi.js").Rendered} rendered @returns {import("./ansi.js").Rendered} */
export function linked(rendered) {
  if (!rendered.text.includes("://")) return rendered;
  const found = addresses(rendered.text);
  return found.length === 0 ? rendered : { ...rendered, runs: rendered.runs.flatMap(splitter(found)) };
}

/** Cuts runs, one after the other, where addresses begin and end.
 * @param {{from: number, to: number, link: string}[]} found */
function splitter(found) {
  let at = 0;
  let next = 0;
  return (/** @type {Run} */ run) => {
    const end = at + run.text.length;
    if (run.link || !found[next] || found[next].from >= end) {
      at = end;
      while (found[next]?.to <= end) next++;
      return [run];
    }
    /** @type {Run[]} */
    const parts = [];
    const start = at;
    /** @param {number} to @param {string | null} link */
    const cut = (to, link) => {
      if (to > at) parts.push({ text: run.text.slice(at - start, to - start), style: run.style, link });
      at = Math.max(at, to);
    };
    while (found[next] && found[next].from < end) {
      const { from, to, link } = found[next];
      cut(from, null);
      cut(Math.min(to, end), link);
      if (to > end) break;
      next++;
    }
    cut(end, null);
    return parts;
  };
}

/** @param {string} text */
function addresses(text) {
  const found = [];
  for (const { 0: match, index = 0 } of text.matchAll(ADDRESS)) {
    const address = withoutPunctuation(match);
    const link = webAddress(address);
    if (link) found.push({ from: index, to: index + address.length, link });
    if (found.length === LINKS) break;
  }
  return found;
}

/** An address without what ends the sentence or the bracket that it stands in.
 * @param {string} address */
function withoutPunctuation(address) {
  let end = address.length;
  let open = address.split("(").length - address.split(")").length;
  let square = address.split("[").length - address.split("]").length;
  for (; end > 0; end--) {
    const last = address[end - 1];
    if (last === ")" && open < 0) open++;
    else if (last === "]" && square < 0) square++;
    else if (!".,;:!?*_~…”’»،؛؟".includes(last)) break;
  }
  return address.slice(0, end);
}
