// Rows in a list, and which of them are in sight.

import { el, put } from "../kit/dom.js";

/** @import { Options } from "../kit/dom.js" */
/** @import { Listed } from "../shown/listed.js" */

const MARGIN = 200; // pixels beyond the screen that count as in sight

/**
 * @template {number | string | null} Key
 * @template {Listed} Item
 */
export class Listing {
  #make;
  #watch;
  /** @type {Map<Key, Item>} */
  #rows = new Map();
  /** @type {WeakMap<Element, Item>} */
  #byElement = new WeakMap();

  /**
   * @param {(key: Key) => Item} make
   * @param {() => void} looked called when other rows came in sight
   * @param {Options} options of the element
   */
  constructor(make, looked, options) {
    this.#make = make;
    this.element = el("div", options);
    this.#watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const row = this.#byElement.get(target);
        if (row) row.visible = isIntersecting;
      }
      looked();
    }, { rootMargin: `${MARGIN}px 0px` });
  }

  get rows() {
    return this.#rows;
  }

  get cards() {
    return [...this.#rows.values()].flatMap((row) => row.cards);
  }

  /** Whether the fixed columns of the rows in sight have all their maps. */
  get whole() {
    return [...this.#rows.values()].every((row) => !row.visible || row.whole);
  }

  /** What the rows in sight are of. */
  get inSight() {
    return [...this.#rows].filter(([, row]) => row.visible).map(([key]) => key);
  }

  /**
   * The row of an element.
   * @param {Element | null | undefined} element
   */
  of(element) {
    return element ? this.#byElement.get(element) : undefined;
  }

  /**
   * List rows of these, in this order.
   * @param {Key[]} keys
   */
  list(keys) {
    const before = this.#rows;
    this.#rows = new Map(keys.map((key) => [key, before.get(key) ?? this.#added(key)]));
    for (const [key, row] of before) if (!this.#rows.has(key)) this.#watch.unobserve(row.element);
    put(this.element, [...this.#rows.values()].map((row) => row.element));
  }

  /** @param {Key} key */
  #added(key) {
    const row = this.#make(key);
    this.#byElement.set(row.element, row);
    this.#watch.observe(row.element);
    return row;
  }

  /** Find out at once which rows are in sight: the observer tells it some frames after they moved. */
  measure() {
    for (const row of this.#rows.values()) {
      const { top, bottom } = row.element.getBoundingClientRect();
      row.visible = bottom > -MARGIN && top < window.innerHeight + MARGIN;
    }
  }

  /**
   * Paint the rows in sight; false while something is still loading.
   * @param {boolean} onlyNow
   */
  paint(onlyNow) {
    return [...this.#rows.values()].map((row) => (row.visible ? row.paint(onlyNow) : row.visible !== null)).every(Boolean);
  }
}
