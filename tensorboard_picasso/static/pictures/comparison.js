// A, B and the difference of one image (or mean) in one run: side by side, or one under the other with a swipe.

import { isItself, nameOf, sideA } from "../shown/compare.js";
import { Difference } from "./difference.js";
import { el, setText } from "../kit/dom.js";
import { count, stepText } from "../kit/format.js";

/** @import { FoundMap, FoundMean, Spec } from "../shown/spec.js" */
/** @import { Given, Kind } from "./kind.js" */

/** `A 7 94 %`: which side, and what is said of it. */
class SideCaption {
  #side = el("span", { class: "side" });
  #name = el("span", { class: "class" });
  #score = el("span", { class: "score" });

  constructor() {
    this.element = el("figcaption", {}, this.#side, this.#name, this.#score);
  }

  /** @param {string} side @param {[string, string]} said */
  show(side, [name, score]) {
    setText(this.#side, side);
    setText(this.#name, name);
    this.#name.hidden = !name;
    setText(this.#score, score);
  }
}

/**
 * @template {Spec} Of
 * @template {FoundMap | FoundMean} Found
 */
export class Comparison {
  #given;
  #swiping;
  #kind;
  #captions = [new SideCaption(), new SideCaption()];
  /** @type {ReturnType<Kind<Of, Found>["card"]>} */
  #a;
  /** @type {ReturnType<Kind<Of, Found>["card"]>} */
  #b;
  #difference;
  #name = el("span", { class: "score" });

  /**
   * @param {Given} given
   * @param {Kind<Of, Found>} kind
   * @param {{swiping: boolean, open?: (() => void) | null, reach?: boolean}} options reach as of `Picture`
   */
  constructor(given, kind, { swiping, open = null, reach = false }) {
    this.#given = given;
    this.#swiping = swiping;
    this.#kind = kind;
    const [a, b] = this.#captions.map(({ element }) => kind.card(given, { caption: element, reach }));
    [this.#a, this.#b] = [a, b];
    this.#b.element.classList.add("now");
    this.#difference = new Difference(given, kind, {
      caption: el("figcaption", {}, el("span", { class: "side", text: "B − A" }), this.#name),
      reach,
    });
    if (open) for (const card of this.cards) card.element.addEventListener("click", open);
    this.elements = swiping ? [this.#swipe(), this.#difference.element] : this.cards.map((card) => card.element);
  }

  get swiping() {
    return this.#swiping;
  }

  get cards() {
    return [this.#a, this.#b, this.#difference];
  }

  /** What B − A shows, to be taken away; null where nothing is subtracted. */
  get taken() {
    return this.#difference.taken;
  }

  /** B lies on A and is cut off at a line, which all comparisons of the page share. */
  #swipe() {
    const given = this.#given;
    const line = el("input", {
      type: "range", class: "swipe", min: 0, max: 100, step: 1, value: given.state.swipe, "aria-label": "line between A and B",
      on: { input: () => given.state.set({ swipe: Number(line.value) }), click: (event) => event.stopPropagation() },
    });
    return el("div", { class: "swiped" }, this.#a.element, this.#b.element, line);
  }

  /**
   * Paint for what B shows; false while something is still loading.
   * @param {Of} spec
   */
  paint(spec) {
    const { scene, state } = this.#given;
    const a = sideA(scene, state, spec);
    this.#captions[0].show("A", this.#kind.said(scene, a));
    this.#captions[1].show("B", this.#kind.said(scene, spec));
    setText(this.#name, a.step === spec.step ? "" : `${count(a.step)} → ${count(spec.step)}`);
    this.#name.title = a.step === spec.step ? "" : `${stepText(a.step)} to ${stepText(spec.step)}`;
    this.#a.element.title = nameOf(state, (target) => spec.image === undefined ? scene.nameOfClass(target) : scene.className(spec.image, target));
    const shown = [this.#a.show(a), this.#b.show(spec), isItself(a, spec) ? this.#difference.none("A is B itself") : this.#difference.show(a, spec)];
    return shown.every(Boolean);
  }
}
