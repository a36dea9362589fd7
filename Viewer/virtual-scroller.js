// How far the reader moves the log. The browser's own scrolling moves an empty belt, and how far it moved is how far the
// view moves: so momentum and touch are the browser's, and no element is ever as high as the log. A wheel is taken before
// it scrolls: while a browser scrolls, it shows only every other frame that scripts draw.

/** Pixels, as in log.css. */
const LENGTH = 2_000_000;
/** What a wheel that counts lines means by one, in pixels. */
const LINE = 20;
/** Of what is left of a turn of the wheel, the share that the next frame moves by: an eye can follow that. */
const GLIDE = 0.4;

export class VirtualScroller {
  #element;
  #onMove;
  #at = 0;
  /** What is left of the wheel's turn. */
  #left = 0;
  #frame = 0;
  #stillness = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLElement} element that holds it @param {(pixels: number) => void} onMove down, or up if negative */
  constructor(element, onMove) {
    this.#element = element;
    this.#onMove = onMove;
    element.addEventListener("scroll", () => this.#scrolled());
    element.addEventListener("scrollend", () => this.centre());
    // A wheel over what lies beside or above the rows means the rows.
    element.parentElement?.addEventListener("wheel", (event) => this.#turned(event), { passive: false });
  }

  /** Goes back to its middle once it is far from there, so that it never comes to its end. */
  centre() {
    if (Math.abs(this.#at - LENGTH / 2) < LENGTH / 4) return;
    this.#element.scrollTop = LENGTH / 2;
    this.#at = this.#element.scrollTop;
  }

  /** Lets go of what is left of a wheel's turn: the reader wants to be elsewhere. */
  rest() {
    this.#left = 0;
  }

  #scrolled() {
    const at = this.#element.scrollTop;
    const moved = at - this.#at;
    this.#at = at;
    if (moved !== 0) this.#onMove(moved);
  }

  /** @param {WheelEvent} event */
  #turned(event) {
    const { deltaX, deltaY, deltaMode } = event;
    // Zooming and moving sideways stay the browser's.
    if (event.ctrlKey || event.shiftKey || Math.abs(deltaX) > Math.abs(deltaY)) return;
    event.preventDefault();
    if (deltaY * this.#left < 0) this.rest();
    this.#left += deltaY * [1, LINE, this.#element.clientHeight][deltaMode];
    if (this.#frame === 0) this.#glide();
  }

  #glide() {
    const isLast = this.#stillness.matches || Math.abs(this.#left) < LINE;
    const step = Math.trunc(isLast ? this.#left : this.#left * GLIDE);
    this.#left -= step;
    if (step !== 0) this.#onMove(step);
    this.#frame = Math.abs(this.#left) < 1 ? 0 : requestAnimationFrame(() => this.#glide());
  }
}
