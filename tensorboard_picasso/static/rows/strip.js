// A strip: one run's pictures of an image, or of the mean over a group.

import { runColour } from "../kit/chart.js";
import { isComparing } from "../shown/compare.js";
import { Comparison } from "../pictures/comparison.js";
import { el, put } from "../kit/dom.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { FoundMap, FoundMean, Spec } from "../shown/spec.js" */
/** @import { Step } from "../types.js" */
/** @import { Cell, Rowed, Subject } from "./subject.js" */

/**
 * @template {Spec} Of
 * @template {FoundMap | FoundMean} Found
 */
export class Strip {
  #given;
  #data;
  #subject;
  /** @type {Cell<Of>[]} */
  #cells = [];
  /** @type {Step[]} of the cells */
  #steps = [];
  #now;
  /** @type {Comparison<Of, Found> | null} */
  #comparison = null;
  #tail;
  /** Whether the pictures of the fixed columns were all here when they were painted last. */
  whole = true;

  /**
   * @param {Needs<Rowed>} given
   * @param {RunData} data
   * @param {Subject<Of, Found>} subject
   */
  constructor(given, data, subject) {
    this.#given = given;
    this.#data = data;
    this.#subject = subject;
    this.#now = subject.cell(true);
    this.#now.card.element.classList.add("now");
    this.#tail = subject.tail(data, () => this.#comparison?.taken ?? null);
    this.element = el("div", { class: "strip", style: { "--run": runColour(given.scene.runs, data.run) }, data: { run: data.run } });
  }

  get cards() {
    return this.#comparison?.cards ?? [...this.#cells, this.#now].map(({ card }) => card);
  }

  /**
   * The columns or the data changed: the columns and now, or A, B and the difference.
   * @param {boolean} first whether it is the first run's
   */
  update(first) {
    const { scene, state } = this.#given;
    const { open, kind, reach } = this.#subject;
    const swiping = state.layout === "swipe";
    if (!isComparing(state)) this.#comparison = null;
    else if (this.#comparison?.swiping !== swiping) this.#comparison = new Comparison(this.#given, kind, { swiping, open, reach });
    const name = scene.datas.length > 1 ? this.#data.run : "";
    this.element.classList.toggle("several", name !== "");
    this.element.title = name;
    this.#steps = scene.columns;
    this.#cells = this.#steps.map((_, i) => this.#cells[i] ?? this.#subject.cell(false));
    this.#tail.update(name, first);
    put(this.element, [...(this.#comparison?.elements ?? this.cards.map((card) => card.element)), this.#tail.element]);
  }

  /**
   * Paint all pictures, or that of the current step alone; false while that one is still loading.
   * @param {boolean} onlyNow
   */
  paint(onlyNow) {
    const { step } = this.#given.scene;
    if (!onlyNow) this.whole = this.#comparison !== null || this.#cells.map((cell, i) => this.#show(cell, this.#steps[i])).every(Boolean);
    this.#tail.move();
    if (step === null) return true;
    return this.#comparison?.paint(this.#subject.spec(this.#data, step)) ?? this.#show(this.#now, step);
  }

  /** @param {Cell<Of>} cell @param {Step} step */
  #show(cell, step) {
    return cell.show(this.#subject.spec(this.#data, step));
  }
}
