// The strip beside the log: it stands for the whole log, shows where the view is, what a search found and what is
// missing, and is the scrollbar.

/** @typedef {{head: number, top: number, bottom: number, hits: import("./match-index.js").MatchIndex | null, hitsSeen: number,
 *   current: number, selection: [number, number] | null, missing: [number, number][]}} Scene */

export class Minimap {
  #canvas;
  #context;
  #seek;
  /** @type {Scene | null} */ #scene = null;
  /** @type {{key: string, parts: Uint32Array} | null} */ #spread = null;
  /** As the theme sets them. To ask for them means to compute the whole page's style, so it is not done in each frame.
   * @type {Record<string, string>} */
  #colours = {};
  #width = 0;
  #height = 0;
  #drawn = "";

  /** @param {HTMLCanvasElement} canvas @param {(offset: number) => void} seek puts an offset at the upper edge */
  constructor(canvas, seek) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.#seek = seek;
    let grip = 0;
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      canvas.setPointerCapture(event.pointerId);
      const [top, size] = this.#thumb();
      // Taken by the thumb, it moves with the pointer; elsewhere, the thumb comes to it.
      const isOnThumb = event.offsetY >= top && event.offsetY <= top + size;
      grip = isOnThumb ? event.offsetY - top : size / 2;
      this.#moveTo(event.offsetY - grip);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (canvas.hasPointerCapture(event.pointerId)) this.#moveTo(event.offsetY - grip);
    });
    new ResizeObserver(() => this.#resized()).observe(canvas);
  }

  /** @param {Scene} scene */
  show(scene) {
    this.#scene = scene;
    const { head, top, bottom, hitsSeen, current, selection, missing } = scene;
    const state = [head, top, bottom, hitsSeen, current, selection, missing.length, this.#height].join();
    if (state === this.#drawn) return;
    this.#drawn = state;
    this.#canvas.setAttribute("aria-valuemax", String(Math.max(1, scene.head)));
    this.#canvas.setAttribute("aria-valuenow", String(Math.min(scene.top, Math.max(1, scene.head))));
    this.#canvas.setAttribute("aria-valuetext", `line ${scene.top} of ${scene.head}`);
    this.#draw(scene);
  }

  /** The theme is another one. */
  restyle() {
    for (const name of ["--selection-mark", "--hit-mark", "--current-mark", "--bad", "--thumb"]) {
      this.#canvas.style.color = `var(${name})`;
      this.#colours[name] = getComputedStyle(this.#canvas).color;
    }
    this.#drawn = "";
    if (this.#scene) this.show(this.#scene);
  }

  #resized() {
    const scale = devicePixelRatio || 1;
    this.#height = this.#canvas.clientHeight;
    this.#width = this.#canvas.clientWidth;
    this.#canvas.width = Math.round(this.#width * scale);
    this.#canvas.height = Math.round(this.#height * scale);
    this.#context.setTransform(scale, 0, 0, scale, 0, 0);
    this.restyle();
  }

  /** @returns {[number, number]} where the thumb begins, and its height */
  #thumb() {
    const { head, top, bottom } = this.#scene ?? { head: 1, top: 1, bottom: 1 };
    const lines = bottom - top + 1;
    const size = Math.min(this.#height, Math.max(24, (lines / Math.max(1, head)) * this.#height));
    const travel = Math.max(1, head - lines);
    return [Math.min(1, (top - 1) / travel) * (this.#height - size), size];
  }

  /** @param {number} y */
  #moveTo(y) {
    const { head, top, bottom } = this.#scene ?? { head: 1, top: 1, bottom: 1 };
    const [, size] = this.#thumb();
    const room = Math.max(1, this.#height - size);
    const share = Math.min(1, Math.max(0, y / room));
    this.#seek(share >= 1 ? head : 1 + Math.round(share * Math.max(0, head - (bottom - top + 1))));
  }

  /** @param {Scene} scene */
  #draw({ head, hits, hitsSeen, current, selection, missing }) {
    const [context, width, height] = [this.#context, this.#width, this.#height];
    const colour = (/** @type {string} */ name) => this.#colours[name];
    const at = (/** @type {number} */ offset) => ((offset - 1) / Math.max(1, head)) * height;
    context.clearRect(0, 0, width, height);
    if (selection) {
      context.fillStyle = colour("--selection-mark");
      context.fillRect(0, at(selection[0]), width, Math.max(2, at(selection[1] + 1) - at(selection[0])));
    }
    if (hits && height > 0) {
      const key = `${hitsSeen},${head},${height}`;
      if (this.#spread?.key !== key) this.#spread = { key, parts: hits.spread(head, Math.ceil(height)) };
      context.fillStyle = colour("--hit-mark");
      this.#spread.parts.forEach((found, y) => {
        if (found > 0) context.fillRect(6, y, width - 9, 1.5);
      });
      context.fillStyle = colour("--current-mark");
      if (current) context.fillRect(0, at(current) - 1, width, 3);
    }
    context.fillStyle = colour("--bad");
    for (const [first, last] of missing) context.fillRect(0, at(first), width, Math.max(2, at(last + 1) - at(first)));
    const [top, size] = this.#thumb();
    context.fillStyle = colour("--thumb");
    context.fillRect(0, top, width, size);
    context.fillRect(0, top, 3, size);
  }
}
