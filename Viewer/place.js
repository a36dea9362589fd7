// Places in a log as they are typed.

/** What was typed as a place in a log: a line (`1200`), a time of the day (`14:03`, `14:03:20.5`), a date with it
 * (`2026-01-31 14:03`), or a time since the start (`+90s`, `+1h5m`); a `Z` behind it means UTC.
 * @param {string} text @param {number} start of the execution @param {boolean} isUTC what a time without `Z` means
 * @param {number} now
 * @returns {{line: number} | {time: number} | null} */
export function place(text, start, isUTC, now) {
  const typed = text.trim();
  const line = /^[L#]*(\d[\d,_ ]*)$/i.exec(typed);
  if (line) return { line: Number(line[1].replace(/[,_ ]/g, "")) };
  const since = /^\+(?:(\d+)h)? ?(?:(\d+)m(?:in)?)? ?(?:(\d+(?:\.\d+)?)s)?$/i.exec(typed);
  if (since && (since[1] || since[2] || since[3])) {
    const [hours, minutes, seconds] = since.slice(1).map((part) => Number(part ?? 0));
    return { time: start + ((hours * 60 + minutes) * 60 + seconds) * 1000 };
  }
  const at = /^(?:(\d{4})-(\d\d?)-(\d\d?)[T ]+)?(\d\d?):(\d\d)(?::(\d\d(?:\.\d+)?))? ?(Z|UTC)?$/i.exec(typed);
  if (!at) return null;
  const utc = isUTC || at[7] !== undefined;
  const seconds = Number(at[6] ?? 0);
  const [hour, minute] = [Number(at[4]), Number(at[5])];
  if (hour > 23 || minute > 59 || seconds >= 60) return null;
  const clock = [hour, minute, Math.floor(seconds), Math.round((seconds % 1) * 1000)];
  const first = new Date(start);
  const day = at[1]
    ? [Number(at[1]), Number(at[2]) - 1, Number(at[3])]
    : utc
      ? [first.getUTCFullYear(), first.getUTCMonth(), first.getUTCDate()]
      : [first.getFullYear(), first.getMonth(), first.getDate()];
  const [y, m, d] = day;
  const named = new Date(Date.UTC(y, m, d));
  if (named.getUTCMonth() !== m || named.getUTCDate() !== d) return null;
  const [h, min, s, ms] = clock;
  const make = (/** @type {number} */ more) =>
    utc ? Date.UTC(y, m, d + more, h, min, s, ms) : new Date(y, m, d + more, h, min, s, ms).getTime();
  // A time of the day that is before the start is the next day's, if that has come.
  return { time: !at[1] && make(0) < start - 60_000 && make(1) <= now ? make(1) : make(0) };
}
