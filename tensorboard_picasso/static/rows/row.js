// A row: an image or the mean over a group, a strip a run; what was given again where a run holds other pixels.

import { el, put } from "../kit/dom.js";
import { Strip } from "./strip.js";

/** @import { Options } from "../kit/dom.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { FoundMap, FoundMean, Spec } from "../shown/spec.js" */
/** @import { Rowed, Shown, Subject } from "./subject.js" */

/**
 * @template {Spec} Of
 * @template {FoundMap | FoundMean} Found
 */
export class Row {
  #given;
  #subject;
  /** @type {Map<RunData, Strip<Of, Found>>} */
  #strips = new Map();
  /** @type {Map<RunData, Shown>} */
  #originals = new Map();
  /** @type {boolean | null} whether it is in sight; null until that is known */
  visible = null;
  #stale = true;

  /**
   * @param {Needs<Rowed>} given
   * @param {Subject<Of, Found>} subject
   * @param {Options} options of the element
   */
  constructor(given, subject, options) {
    this.#given = given;
    this.#subject = subject;
    this.element = el("article", options);
  }

  /** Whether what it shows is out of date, and made when it is next in sight. */
  get stale() {
    return this.#stale;
  }

  set stale(value) {
    this.#stale = value;
    // What is out of date has another width, too.
    this.element.classList.toggle("stale", value);
  }

  get cards() {
    return [...this.#strips.values()].flatMap((strip) => strip.cards);
  }

  /** Whether the fixed columns have all their pictures. */
  get whole() {
    return [...this.#strips.values()].every((strip) => strip.whole);
  }

  update() {
    this.stale = false;
    const [strips, originals] = [this.#strips, this.#originals];
    this.#strips = new Map(this.#given.scene.datas.map((data) => [data, strips.get(data) ?? new Strip(this.#given, data, this.#subject)]));
    this.#originals = new Map(this.#distinct().map((data) => [data, originals.get(data) ?? this.#subject.original()]));
    const lines = [...this.#strips].map(([data, strip]) => [this.#originals.get(data)?.element, strip.element].filter((each) => each !== undefined));
    put(this.element, lines.flat());
    lines.forEach((line, i) => {
      for (const element of line) element.style.setProperty("grid-row", String(i + 1));
    });
    for (const [data, original] of this.#originals) original.update(data);
    [...this.#strips.values()].forEach((strip, i) => strip.update(i === 0));
  }

  /** Runs whose pixels are not those of the run above. */
  #distinct() {
    /** @type {string | undefined} */
    let above;
    return this.#given.scene.datas.filter((data, i) => {
      const pixels = this.#subject.pixels(data);
      const early = i === 0 && this.#subject.early;
      if (!early && (pixels === undefined || pixels === above)) return false;
      above = pixels;
      return true;
    });
  }

  /**
   * Paint what is in sight; false while something is still loading.
   * @param {boolean} onlyNow
   */
  paint(onlyNow) {
    this.ready();
    for (const [data, original] of this.#originals) original.paint(data);
    return [...this.#strips.values()].map((strip) => strip.paint(onlyNow)).every(Boolean);
  }

  /** Make what the keyboard can reach, also out of sight. */
  ready() {
    if (this.stale) this.update();
  }

  focus() {
    this.ready();
    [...this.#originals.values()][0]?.focus();
  }
}
