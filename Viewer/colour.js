// Colours that a program chose, made readable on the theme's ground (WCAG 2.2, 1.4.3: contrast 4.5 to 1).

/** A little more than is asked for, so that rounding leaves enough. */
const READABLE = 4.6;
const STEPS = [0, 95, 135, 175, 215, 255];
/** The first sixteen, as grounds, and as what stands on grounds. */
const FIRST = "24282d b3261e 16743c 7a5500 1557c0 8f2d9f 08697a d5d8dc 5d6067 ff8a82 7fdb9b f2cc6b 8ec4ff dfb8ff 7fdde7 ffffff";
/** @typedef {[number, number, number]} RGB */

/** The value of one of the palette's colours.
 * @param {number} index @returns {RGB} */
export function paletteColour(index) {
  if (index < 16) return parseHex("#" + FIRST.slice(index * 7, index * 7 + 6));
  if (index >= 232) {
    const grey = 8 + (index - 232) * 10;
    return [grey, grey, grey];
  }
  const n = index - 16;
  return [STEPS[Math.floor(n / 36)], STEPS[Math.floor(n / 6) % 6], STEPS[n % 6]];
}

/** @param {string} hex @returns {RGB} */
export function parseHex(hex) {
  const value = parseInt(hex.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

/** @param {RGB} rgb */
export const cssColour = (rgb) => `rgb(${rgb.map(Math.round).join(" ")})`;

/** @param {RGB} rgb */
function luminance(rgb) {
  const [r, g, b] = rgb.map((part) => {
    const value = part / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

/** @param {RGB} one @param {RGB} other */
export function contrast(one, other) {
  const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

/** The colour, or the nearest to it on its way to black or white that can be read on the ground.
 * @param {RGB} colour @param {RGB} ground @returns {RGB} */
export function readable(colour, ground) {
  if (contrast(colour, ground) >= READABLE) return colour;
  const target = luminance(ground) > 0.18 ? 0 : 255;
  let [low, high] = [0, 1];
  for (let i = 0; i < 8; i++) {
    const middle = (low + high) / 2;
    if (contrast(mix(colour, target, middle), ground) >= READABLE) high = middle;
    else low = middle;
  }
  return mix(colour, target, high);
}

/** @param {RGB} colour @param {number} target @param {number} share @returns {RGB} */
const mix = ([r, g, b], target, share) => [
  r + (target - r) * share, g + (target - g) * share, b + (target - b) * share,
];

/** Black or white, whichever reads better on the ground.
 * @param {RGB} ground @returns {RGB} */
export const onGround = (ground) => (luminance(ground) > 0.18 ? [0, 0, 0] : [255, 255, 255]);
