// How a character looks: its colours and attributes, and what a "select graphic rendition" makes of them.

export const BOLD = 1, DIM = 2, ITALIC = 4, UNDERLINE = 8, INVERSE = 16, STRIKE = 32;
/** All of them. Above them stands which characters the letters are, from line to line. */
export const LOOKS = 63;
/** Of two sets of characters, whether each draws lines, and that the second one is in use. */
const DRAWS = [64, 128], SECOND = 256;

/** A colour: one of the palette's 256, `#rrggbb`, or null for the theme's own.
 * @typedef {number | string | null} Colour */
/** @typedef {{fg: Colour, bg: Colour, flags: number}} Style */

/** @type {Style} */
export const PLAIN = Object.freeze({ fg: null, bg: null, flags: 0 });

/** The style that a "select graphic rendition" leads to.
 * @param {string} parameters @param {Style} style @returns {Style} */
export function select(parameters, style) {
  if (/[<=>?]/.test(parameters)) return style;
  let { fg, bg, flags } = style;
  const codes = parameters.split(";");
  for (let i = 0; i < codes.length; i++) {
    const [head, ...parts] = codes[i].split(":");
    const code = Number(head);
    if (code === 0) [fg, bg, flags] = [null, null, flags & ~LOOKS];
    else if (code === 1) flags |= BOLD;
    else if (code === 2) flags |= DIM;
    else if (code === 3) flags |= ITALIC;
    else if (code === 4) flags = parts[0] === "0" ? flags & ~UNDERLINE : flags | UNDERLINE;
    else if (code === 21) flags |= UNDERLINE;
    else if (code === 7) flags |= INVERSE;
    else if (code === 9) flags |= STRIKE;
    else if (code === 22) flags &= ~(BOLD | DIM);
    else if (code === 23) flags &= ~ITALIC;
    else if (code === 24) flags &= ~UNDERLINE;
    else if (code === 27) flags &= ~INVERSE;
    else if (code === 29) flags &= ~STRIKE;
    else if (code >= 30 && code <= 37) fg = code - 30;
    else if (code >= 90 && code <= 97) fg = code - 82;
    else if (code === 39) fg = null;
    else if (code >= 40 && code <= 47) bg = code - 40;
    else if (code >= 100 && code <= 107) bg = code - 92;
    else if (code === 49) bg = null;
    else if (code === 38 || code === 48 || code === 58) {
      const own = parts.length > 0;
      const list = own ? parts : codes.slice(i + 1, i + 5);
      const colour = extended(list, own);
      if (!own) i += list[0] === "5" ? 2 : list[0] === "2" ? 4 : 0;
      if (colour !== undefined && code === 38) fg = colour;
      if (colour !== undefined && code === 48) bg = colour;
    }
  }
  return fg === null && bg === null && flags === 0 ? PLAIN : { fg, bg, flags };
}

/** A style without which characters the letters are.
 * @param {Style} style */
export const looks = (style) => (style.flags > LOOKS ? { ...style, flags: style.flags & LOOKS } : style);

/** Which of two sets of characters draw lines, and which one is in use.
 * @param {Style} style @returns {[boolean[], number]} */
export const setsOf = ({ flags }) => [DRAWS.map((bit) => (flags & bit) !== 0), flags & SECOND ? 1 : 0];

/** A style that says that too.
 * @param {Style} style @param {boolean[]} drawing @param {number} set @returns {Style} */
export function carried(style, [first, second], set) {
  const sets = (first ? DRAWS[0] : 0) | (second ? DRAWS[1] : 0) | (set ? SECOND : 0);
  return sets ? { ...style, flags: style.flags | sets } : style;
}

/** `5;n`, `2;r;g;b`, or with colons `2::r:g:b`.
 * @param {string[]} list @param {boolean} hasColons
 * @returns {Colour | undefined} */
function extended(list, hasColons) {
  if (list[0] === "5") {
    const index = Number(list[1]);
    return Number.isInteger(index) && index >= 0 && index <= 255 ? index : undefined;
  }
  if (list[0] !== "2") return undefined;
  const parts = (hasColons && list.length > 4 ? list.slice(2, 5) : list.slice(1, 4)).map(Number);
  if (parts.length < 3 || !parts.every((part) => Number.isInteger(part) && part >= 0 && part <= 255)) return undefined;
  return "#" + parts.map((part) => part.toString(16).padStart(2, "0")).join("");
}
