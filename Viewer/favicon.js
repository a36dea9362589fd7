// The tab's picture says how the execution stands.

const COLOURS = /** @type {Record<string, string>} */ ({
  RUNNING: "2f81f7", TERMINATING: "d29922", SUCCEEDED: "2da44e", FAILED: "cf222e",
});
let shown = "";

/** @param {string} status */
export function keepFavicon(status) {
  if (status === shown) return;
  shown = status;
  const lines = "<path d='M3 4h10M3 8h6M3 12h5' stroke='%238a8f98' stroke-width='1.75' stroke-linecap='round'/>";
  const dot = `<circle cx='12' cy='11' r='3.5' fill='%23${COLOURS[status] ?? "8a8f98"}'/>`;
  const picture = `data:image/svg+xml,<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>${lines}${dot}</svg>`;
  document.querySelector("link[rel=icon]")?.setAttribute("href", picture);
}
