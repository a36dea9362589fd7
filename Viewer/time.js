// Times and durations as they are shown and typed.

/** @typedef {"off" | "utc" | "local" | "elapsed"} TimeMode */

const two = (/** @type {number} */ n) => (n < 10 ? "0" + n : "" + n);
const three = (/** @type {number} */ n) => (n < 10 ? "00" + n : n < 100 ? "0" + n : "" + n);

/** Whether two times are of the same day, as the mode counts days.
 * @param {number} one @param {number} other @param {TimeMode} mode */
export const areOfOneDay = (one, other, mode) =>
  mode === "off" || mode === "elapsed" || Number.isNaN(one) || Number.isNaN(other) ||
  day(one, mode) === day(other, mode);

/** The date of a time.
 * @param {number} time @param {TimeMode} mode */
function day(time, mode) {
  const date = new Date(time);
  const [year, month, day] = mode === "utc"
    ? [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()]
    : [date.getFullYear(), date.getMonth(), date.getDate()];
  return `${year}-${two(month + 1)}-${two(day)}`;
}

/** A line's time.
 * @param {number} time @param {TimeMode} mode @param {number} start of the execution
 * @param {boolean} [isDated] whether the day is said, where a time of the day is shown */
export function lineTime(time, mode, start, isDated = false) {
  if (mode === "off" || Number.isNaN(time)) return "";
  if (mode === "elapsed") {
    const elapsed = Math.abs(time - start);
    const [minutes, seconds] = [Math.floor(elapsed / 60_000), Math.floor(elapsed / 1000) % 60];
    const sign = time < start ? "−" : "+";
    return `${sign}${Math.floor(minutes / 60)}:${two(minutes % 60)}:${two(seconds)}.${three(elapsed % 1000)}`;
  }
  const date = new Date(time);
  const [hours, minutes, seconds, milliseconds] = mode === "utc"
    ? [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds(), date.getUTCMilliseconds()]
    : [date.getHours(), date.getMinutes(), date.getSeconds(), date.getMilliseconds()];
  return `${isDated ? `${day(time, mode)} ` : ""}${two(hours)}:${two(minutes)}:${two(seconds)}.${three(milliseconds)}`;
}

/** The date and time in full.
 * @param {number} time */
export function fullTime(time) {
  return lineTime(time, "local", 0, true);
}

/** @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 0.9995) return `${Math.max(0, Math.round(milliseconds))} ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 48 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  return `${Math.floor(minutes / 1440)} d ${Math.floor(minutes / 60) % 24} h`;
}

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let value = bytes / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < 3) [value, unit] = [value / 1000, unit + 1];
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** The lines that a fragment names, or null.
 * @param {string} fragment @returns {[number, number] | null} */
export function linesIn(fragment) {
  const match = /^#L(\d{1,15})(?:-L?(\d{1,15}))?$/.exec(fragment);
  if (!match) return null;
  const first = Number(match[1]);
  const last = Number(match[2] ?? match[1]);
  return first < 1 || last < 1 ? null : first <= last ? [first, last] : [last, first];
}

/** @param {number} first @param {number} last */
export const fragmentOf = (first, last) => (first === last ? `#L${first}` : `#L${first}-L${last}`);
