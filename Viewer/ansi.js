// What a line looks like once a terminal has shown it: colours and attributes, links, and what `\r`, backspace, erasing
// and moving within the line leave behind. Everything else that a terminal would obey is dropped. Text stays text:
// nothing in here builds markup.

export const BOLD = 1, DIM = 2, ITALIC = 4, UNDERLINE = 8, INVERSE = 16, STRIKE = 32;

/** A colour: one of the palette's 256, `#rrggbb`, or null for the theme's own.
 * @typedef {number | string | null} Colour */
/** @typedef {{fg: Colour, bg: Colour, flags: number}} Style */
/** @typedef {{text: string, style: Style, link: string | null}} Run */
/** @typedef {{runs: Run[], text: string, clipped: number, style: Style}} Rendered
 * `clipped` is how many characters were left out at the end; `style` is what the next line begins with. */

/** @type {Style} */
export const PLAIN = Object.freeze({ fg: null, bg: null, flags: 0 });

/** The most characters, and pieces of one look, that a line shows. */
export const COLUMNS = 10_000;
export const RUNS = 400;
/** How far a sequence may move the cursor beyond the text: about as wide as terminals get. */
const REACH = 1_000;

const CONTROL = /[\x00-\x08\x0a-\x1f\x7f-\x9f]/;
const NEXT_CONTROL = new RegExp(CONTROL.source, "g");
const MOVES = /[\r\b]|\x1b\[[0-9;]*[CDGK`]/;
const CSI = /\x1b\[([0-?]*)([ -/]*)([@-~])/y;
const STRING = /\x1b([\]PX^_])([^\x07\x1b\x9c]*)(?:\x07|\x1b\\|\x9c)/y;
const OTHER = /\x1b[ -/]*[0-~]?/y;
const ANY = new RegExp(`${CSI.source}|${STRING.source}|${OTHER.source}|${CONTROL.source}`, "g");

/** The line's text as it would stand on a terminal, whole, without its looks.
 * @param {string} message */
export function plain(message) {
  if (!CONTROL.test(message)) return message;
  if (!MOVES.test(message)) return message.replace(ANY, "");
  return render(message, PLAIN, Infinity).text;
}

/** @param {string} message @param {Style} style what the line before it left set @param {number} [columns]
 * @returns {Rendered} */
export function render(message, style, columns = COLUMNS) {
  if (!CONTROL.test(message)) {
    const text = message.length > columns ? message.slice(0, columns) : message;
    const runs = text ? [{ text, style, link: null }] : [];
    return { runs, text, clipped: message.length - text.length, style };
  }
  const line = new TerminalLine(style, columns);
  line.write(message);
  return line.result();
}

/** What the line leaves set for the next one.
 * @param {string} message @param {Style} style @returns {Style} */
export function styleAfter(message, style) {
  if (!message.includes("\x1b")) return style;
  for (const match of message.matchAll(ANY)) {
    if (match[3] === "m" && !match[2]) style = select(match[1], style);
    else if (match[0] === "\x1bc") style = PLAIN;
  }
  return style;
}

/** One line of a terminal: cells, and a cursor. */
class TerminalLine {
  /** @type {string[]} */ #cells = [];
  /** @type {Style[]} */ #styles = [];
  /** @type {(string | null)[]} */ #links = [];
  #column = 0;
  #widest = 0;
  /** @type {string | null} */ #link = null;
  #style;
  #columns;

  /** @param {Style} style @param {number} columns */
  constructor(style, columns) {
    this.#style = style;
    this.#columns = columns;
  }

  /** @param {string} message */
  write(message) {
    let position = 0;
    while (position < message.length) {
      NEXT_CONTROL.lastIndex = position;
      const end = NEXT_CONTROL.exec(message)?.index ?? message.length;
      if (end > position) this.#put(message.slice(position, end));
      position = end < message.length ? this.#control(message, end) : end;
    }
  }

  /** @returns {Rendered} */
  result() {
    /** @type {Run[]} */
    const runs = [];
    let text = "";
    for (let i = 0; i < this.#cells.length; i++) {
      const last = runs.at(-1);
      if (last && ((last.style === this.#styles[i] && last.link === this.#links[i]) || runs.length >= RUNS)) {
        last.text += this.#cells[i];
      } else {
        runs.push({ text: this.#cells[i], style: this.#styles[i], link: this.#links[i] });
      }
      text += this.#cells[i];
    }
    return { runs, text, clipped: Math.max(0, this.#widest - this.#columns), style: this.#style };
  }

  /** @param {string} text */
  #put(text) {
    for (const character of text) {
      if (this.#column < this.#columns) {
        while (this.#cells.length < this.#column) this.#set(this.#cells.length, " ", PLAIN, null);
        this.#set(this.#column, character, this.#style, this.#link);
      }
      this.#column++;
    }
    this.#widest = Math.max(this.#widest, this.#column);
  }

  /** @param {number} at @param {string} character @param {Style} style @param {string | null} link */
  #set(at, character, style, link) {
    this.#cells[at] = character;
    this.#styles[at] = style;
    this.#links[at] = link;
  }

  /** Obeys or drops what begins at `at`, and gives where it ends.
   * @param {string} message @param {number} at */
  #control(message, at) {
    switch (message[at]) {
      case "\r": this.#column = 0; return at + 1;
      case "\b": this.#column = Math.max(0, this.#column - 1); return at + 1;
      case "\x1b": break;
      default: return at + 1;
    }
    CSI.lastIndex = STRING.lastIndex = OTHER.lastIndex = at;
    const csi = CSI.exec(message);
    if (csi) {
      if (!csi[2]) this.#command(csi[3], csi[1]);
      return CSI.lastIndex;
    }
    const string = STRING.exec(message);
    if (string) {
      if (string[1] === "]" && string[2].startsWith("8;")) this.#link = webAddress(string[2].slice(string[2].indexOf(";", 2) + 1));
      return STRING.lastIndex;
    }
    // A sequence that never ends hides nothing: only its introducer goes.
    OTHER.exec(message);
    if (message[at + 1] === "c") this.#style = PLAIN;
    return OTHER.lastIndex;
  }

  /** @param {string} final @param {string} parameters */
  #command(final, parameters) {
    const number = /^\d*$/.test(parameters) ? Number(parameters.slice(0, 6)) : NaN;
    const farthest = Math.max(this.#widest, REACH);
    switch (final) {
      case "m": this.#style = select(parameters, this.#style); break;
      case "C": if (number >= 0) this.#column = Math.min(farthest, this.#column + (number || 1)); break;
      case "D": if (number >= 0) this.#column = Math.max(0, this.#column - (number || 1)); break;
      case "G": case "`": if (number >= 0) this.#column = Math.min(farthest, Math.max(0, (number || 1) - 1)); break;
      case "K": this.#erase(number); break;
    }
  }

  /** @param {number} mode */
  #erase(mode) {
    if (mode === 0) {
      this.#cells.length = Math.min(this.#cells.length, this.#column);
      this.#widest = Math.min(this.#widest, this.#column);
    } else if (mode === 1) {
      for (let i = 0; i <= this.#column && i < this.#cells.length; i++) this.#set(i, " ", PLAIN, null);
    } else if (mode === 2) {
      this.#cells.length = this.#widest = 0;
    }
  }
}

/** An address, if it leads to the web and nowhere else.
 * @param {string} address @returns {string | null} */
export function webAddress(address) {
  if (!/^https?:\/\/[^\s]+$/i.test(address) || address.length > 2048) return null;
  try {
    return new URL(address).href;
  } catch {
    return null;
  }
}

/** The style that a "select graphic rendition" leads to.
 * @param {string} parameters @param {Style} style @returns {Style} */
function select(parameters, style) {
  if (/[<=>?]/.test(parameters)) return style;
  let { fg, bg, flags } = style;
  const codes = parameters.split(";");
  for (let i = 0; i < codes.length; i++) {
    const [head, ...parts] = codes[i].split(":");
    const code = Number(head);
    if (code === 0) [fg, bg, flags] = [null, null, 0];
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
