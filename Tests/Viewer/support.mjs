/** Event lines with these offsets. */
export const lines = (first, last, more = {}) =>
  Array.from({ length: Math.max(0, last - first + 1) }, (_, i) =>
    JSON.stringify({ offset: first + i, timestamp: 1_000 + first + i, message: `line ${first + i}`, ...more }));

/** A small generator of numbers from 0 to 1, the same for the same seed. */
export function random(seed) {
  return () => {
    seed = (seed * 1_664_525 + 1_013_904_223) % 4_294_967_296;
    return seed / 4_294_967_296;
  };
}
