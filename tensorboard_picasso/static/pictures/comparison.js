// A, B and the difference of one image (or mean) in one run: side by side, or one under the other with a swipe.

import { Card } from "./card.js";
import { isItself, nameOf, sideA } from "../shown/compare.js";
import { Difference } from "./difference.js";
import { el, setText } from "../kit/dom.js";
import { count, number, percent, stepText } from "../kit/format.js";

// What a comparison of an image's maps is made of; meandifference.js has the same for means.
const OF_IMAGES = {
  card: (app, parts) => new Card(app, parts),
  difference: (app, parts) => new Difference(app, parts),
  /** The class that is explained, and its score. */
  said(scene, { data, image, step, target }) {
    const score = data.scores.get(image)?.steps.get(step)?.score(target);
    return [scene.className(image, target, data), score === undefined ? "" : scene.raw ? number(score) : percent(score)];
  },
};

/** `A 7 94 %`: which side, and what is said of it. */
class SideCaption {
  #side = el("span", { class: "side" });
  #name = el("span", { class: "class" });
  #score = el("span", { class: "score" });

  constructor() {
    this.element = el("figcaption", {}, this.#side, this.#name, this.#score);
  }

  show(side, [name, score]) {
    setText(this.#side, side);
    setText(this.#name, name);
    this.#name.hidden = !name;
    setText(this.#score, score);
  }
}

export class Comparison {
  #app;
  #swiping;
  #kind;
  #captions = [new SideCaption(), new SideCaption()];
  #a;
  #b;
  #difference;
  #name = el("span", { class: "score" });

  /** @param {{swiping: boolean, open?: () => void, reach?: boolean, kind?: object}} options reach as of `Picture` */
  constructor(app, { swiping, open = null, reach = false, kind = OF_IMAGES }) {
    this.#app = app;
    this.#swiping = swiping;
    this.#kind = kind;
    [this.#a, this.#b] = this.#captions.map(({ element }) => kind.card(app, { caption: element, reach }));
    this.#b.element.classList.add("now");
    this.#difference = kind.difference(app, {
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
    const app = this.#app;
    const line = el("input", {
      type: "range", class: "swipe", min: 0, max: 100, step: 1, value: app.state.swipe, "aria-label": "line between A and B",
      on: { input: () => app.state.set({ swipe: Number(line.value) }), click: (event) => event.stopPropagation() },
    });
    return el("div", { class: "swiped" }, this.#a.element, this.#b.element, line);
  }

  /** Paint for what B shows; false while something is still loading. */
  paint(spec) {
    const { scene, state } = this.#app;
    const a = sideA(scene, state, spec);
    this.#captions[0].show("A", this.#kind.said(scene, a));
    this.#captions[1].show("B", this.#kind.said(scene, spec));
    setText(this.#name, a.step === spec.step ? "" : `${count(a.step)} → ${count(spec.step)}`);
    this.#name.title = a.step === spec.step ? "" : `${stepText(a.step)} to ${stepText(spec.step)}`;
    this.#a.element.title = nameOf(state, (target) => scene.className(spec.image, target));
    const shown = [this.#a.show(a), this.#b.show(spec), isItself(a, spec) ? this.#difference.none("A is B itself") : this.#difference.show(a, spec)];
    return shown.every(Boolean);
  }
}
