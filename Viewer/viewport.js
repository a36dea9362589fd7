// Where the view stands: on a row, so many pixels into it. No height of a whole log is ever computed, so a log may have
// any number of rows of any height; only those around the view are asked for theirs.

/** @typedef {{start(offset: number): number, last(first: number): number}} RowBounds */

export class Viewport {
  /** The first offset of the row at the upper edge. */
  top = 1;
  /** How many pixels of that row are above the edge. */
  shift = 0;
  /** In pixels. */
  height = 0;
  /** The log's newest offset. */
  head = 0;
  #rows;
  #heightOf;

  /** @param {RowBounds} rows @param {(first: number) => number} heightOf a row's height in pixels, above zero */
  constructor(rows, heightOf) {
    this.#rows = rows;
    this.#heightOf = heightOf;
  }

  /** @param {number} pixels down, or up if negative */
  scrollBy(pixels) {
    this.shift += pixels;
    this.settle();
  }

  /** Shows the row with this event, so far below the upper edge.
   * @param {number} offset @param {number} [below] in pixels */
  show(offset, below = 0) {
    this.top = this.#rows.start(Math.min(Math.max(1, offset), Math.max(1, this.head)));
    this.shift = 0 - below;
    this.settle();
  }

  toEnd() {
    [this.top, this.shift] = this.#lowest();
  }

  get isAtEnd() {
    const [top, shift] = this.#lowest();
    return this.top > top || (this.top === top && this.shift >= shift - 1);
  }

  /** Puts the position where rows are, after a movement or when heights have become known. */
  settle() {
    // What a row begins with may have become known meanwhile.
    if (this.top <= this.head) this.top = this.#rows.start(this.top);
    while (this.shift < 0 && this.top > 1) {
      this.top = this.#before(this.top);
      this.shift += this.#heightOf(this.top);
    }
    if (this.shift < 0) this.shift = 0;
    for (;;) {
      const height = this.#heightOf(this.top);
      const next = this.#rows.last(this.top) + 1;
      if (this.shift < height || next > this.head) break;
      this.shift -= height;
      this.top = next;
    }
    const [top, shift] = this.#lowest();
    if (this.top > top || (this.top === top && this.shift > shift)) [this.top, this.shift] = [top, shift];
  }

  /** The rows to draw: those in view, and `more` on both sides.
   * @param {number} more @returns {number[]} */
  rows(more) {
    /** @type {number[]} */
    const rows = [];
    let first = this.top;
    for (let i = 0; i < more && first > 1; i++) rows.unshift((first = this.#before(first)));
    let room = this.height + this.shift;
    let after = more;
    for (let row = this.top; row <= this.head && (room > 0 || after-- > 0); row = this.#rows.last(row) + 1) {
      rows.push(row);
      room -= this.#heightOf(row);
    }
    return rows;
  }

  /** The last row of which anything is in view. */
  get bottom() {
    let room = this.height + this.shift - this.#heightOf(this.top);
    let row = this.top;
    for (let next = this.#rows.last(row) + 1; room > 0 && next <= this.head; next = this.#rows.last(row) + 1) {
      row = next;
      room -= this.#heightOf(row);
    }
    return row;
  }

  /** @param {number} row */
  #before(row) {
    return this.#rows.start(row - 1);
  }

  /** The position in which the log's last row ends at the lower edge.
   * @returns {[number, number]} */
  #lowest() {
    if (this.head < 1) return [1, 0];
    let row = this.#rows.start(this.head);
    let room = this.height - this.#heightOf(row);
    while (room > 0 && row > 1) {
      row = this.#before(row);
      room -= this.#heightOf(row);
    }
    return [row, Math.max(0, -room)];
  }
}
