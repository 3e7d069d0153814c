// The slider over the slices of volumes; where images are pictures there is none.

import { button, el, setText } from "../kit/dom.js";
import { sliceOf, strongestShown, turnTo } from "../shown/slices.js";

/** @import { Needs } from "../shown/given.js" */

export class SliceSlider {
  #given;
  #slider;
  #text = el("span", { class: "now" });
  #mark = el("span", { class: "slicemark", hidden: true });
  #strongest;
  element;

  /** @param {Needs<"scene" | "state" | "store" | "say">} given */
  constructor(given) {
    this.#given = given;
    this.#slider = el("input", {
      type: "range", class: "slices", min: 0, max: 0, step: 1, "aria-label": "slice", title: "slice (keys Page Up, Page Down)",
      on: { input: () => turnTo(given, Number(this.#slider.value)) },
    });
    this.#strongest = button("◆", "", () => this.goToStrongest(), { class: "strongest" });
    this.element = el(
      "span", { class: "slicebar", hidden: true },
      el("span", { class: "quiet", "aria-hidden": "true", text: "slice" }), el("span", { class: "slicetrack" }, this.#slider, this.#mark), this.#text, this.#strongest,
    );
  }

  /** Whether there are slices. */
  get isShown() {
    return this.#given.scene.depth > 0;
  }

  /** Show the slice that is chosen, and where the map is strongest at this step. */
  move() {
    const { scene } = this.#given;
    this.element.hidden = !this.isShown;
    if (!this.isShown) return;
    const last = scene.depth - 1;
    const slice = sliceOf(this.#given);
    this.#slider.max = String(last);
    this.#slider.value = String(slice);
    this.#slider.disabled = last === 0;
    const text = `${slice} of 0 to ${last}`;
    this.#slider.setAttribute("aria-valuetext", `slice ${text}`);
    setText(this.#text, text);
    const found = strongestShown(this.#given);
    this.#mark.hidden = this.#strongest.hidden = found === null;
    if (!found) return;
    this.#mark.style.setProperty("--at", String(last ? found.slice / last : 0.5));
    const title = `slice ${found.slice}, where the map of ${scene.imageName(found.image)} is strongest (key m)`;
    if (this.#strongest.title === title) return;
    this.#strongest.title = title;
    this.#strongest.setAttribute("aria-label", `go to ${title}`);
  }

  /**
   * So many slices on, and say so.
   * @param {number} by
   */
  by(by) {
    turnTo(this.#given, sliceOf(this.#given) + by);
    this.announce();
  }

  goToStrongest() {
    const found = strongestShown(this.#given);
    if (found) turnTo(this.#given, found.slice);
    this.announce();
  }

  /** Say which slice is shown, for those who hear the page. */
  announce() {
    this.#given.say(`slice ${sliceOf(this.#given)} of 0 to ${this.#given.scene.depth - 1}`);
  }
}
