// The elements that show rows: as many as are in view, used again for other rows.

import { makeRow } from "./row-text.js";

/** @typedef {{element: HTMLElement, pause: HTMLElement, number: HTMLAnchorElement, time: HTMLElement,
 *   text: HTMLElement, first: number, shows: import("./rows.js").Row | null, look: number}} Slot */

export class RowSlots {
  /** In the order of the document; those that show nothing are last.
   * @type {Slot[]} */
  #slots = [];
  #element;

  /** @param {HTMLElement} element that has them */
  constructor(element) {
    this.#element = element;
  }

  /** Those that show a row, from the top. */
  get used() {
    const end = this.#slots.findIndex(({ first }) => first === 0);
    return end < 0 ? this.#slots : this.#slots.slice(0, end);
  }

  /** Gives each of these rows one of the elements; those that show it already keep it.
   * @param {number[]} firsts @param {(slot: Slot, first: number) => void} fill */
  show(firsts, fill) {
    const wanted = new Set(firsts);
    const kept = new Map(this.#slots.filter((slot) => wanted.has(slot.first)).map((slot) => [slot.first, slot]));
    const free = this.#slots.filter((slot) => !wanted.has(slot.first));
    for (const slot of free) {
      // Those that are free stand behind the others, so that moving on by some rows moves only some elements.
      if (slot.first !== 0 && slot.element.nextSibling) this.#element.append(slot.element);
    }
    /** @type {Slot[]} */
    const slots = [];
    let next = this.#element.firstElementChild;
    for (const first of firsts) {
      const slot = kept.get(first) ?? free.shift() ?? { ...makeRow(), first: 0, shows: null, look: -1 };
      if (slot.element === next) next = next.nextElementSibling;
      else this.#element.insertBefore(slot.element, next);
      fill(slot, first);
      slots.push(slot);
    }
    for (const slot of free) {
      slot.element.hidden = true;
      slot.first = 0;
      slot.shows = null;
    }
    this.#slots = [...slots, ...free];
  }
}
