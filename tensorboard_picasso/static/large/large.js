// One image large: all methods and classes at this step, class scores over steps, numbers.

import { isComparing } from "../shown/compare.js";
import { button, el, refill, setText } from "../kit/dom.js";
import { filmFields, Films } from "./film.js";
import { stepText } from "../kit/format.js";
import { Legend } from "../pictures/legend.js";
import { Spread, titleOf } from "./spread.js";
import { Zoom } from "../kit/zoom.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { Blocked } from "./block.js" */

export class Large {
  #given;
  #back;
  /** @type {number | null} */
  #image = null;
  #spread;
  #name = el("h2", { tabindex: -1, id: "large-title" });
  #step = el("p", { class: "quiet" });
  #films;
  #fields = el("span", { class: "fields" });
  #chosen = "";
  #legend; // of what is compared

  /** @param {Needs<Blocked | "open" | "say" | "mark">} given @param {(image: number) => void} back */
  constructor(given, back) {
    this.#given = given;
    this.#back = back;
    this.#legend = new Legend(given);
    this.#films = new Films(given);
    this.#spread = new Spread(given);
    this.zoom = new Zoom(given.state);
    this.element = el(
      "section", { class: "sheet large", role: "dialog", "aria-labelledby": "large-title", hidden: true },
      el("div", { class: "bar" },
        button("←", "back to all images", () => this.close(), { class: "back" }), this.#name,
        this.#fields,
        button("whole image", "whole image (key 0)", () => this.zoom.reset(), { class: "whole" }),
        button("‹", "image before (key b)", () => this.go(-1)), button("›", "next image (key n)", () => this.go(1))),
      this.#legend.element,
      el("div", { class: "content" }, el("div", { class: "about" }, this.#spread.originals, this.#step), el("div", { class: "all" }, this.#films.element, this.#spread.blocks)),
    );
    this.zoom.follow(this.element);
  }

  get isOpen() {
    return this.#image !== null;
  }

  close() {
    this.#given.open(null);
  }

  /**
   * Open the image so many places on.
   * @param {number} by
   */
  go(by) {
    const { images } = this.#given.scene;
    if (this.#image !== null) this.#given.open(images[(images.indexOf(this.#image) + by + images.length) % images.length]);
  }

  get cards() {
    return this.isOpen ? [...this.#films.cards, ...this.#spread.cards] : [];
  }

  update() {
    const { scene, state } = this.#given;
    const image = scene.images.find((each) => each === state.open) ?? null;
    const opened = image !== null && image !== this.#image;
    const before = this.#image;
    this.#image = image;
    this.element.hidden = image === null;
    this.#given.mark("opened", image !== null);
    this.#spread.update(image);
    if (image === null) {
      if (before !== null) this.#back(before);
      return;
    }
    setText(this.#name, titleOf(scene, image));
    this.#choices();
    this.#films.update(image);
    this.#fields.hidden = this.#films.element.hidden;
    this.#legend.update();
    this.#legend.element.hidden ||= !isComparing(state);
    // From image to image the keyboard stays where it is.
    if (opened && before !== null && this.element.contains(document.activeElement)) this.#given.say(this.#name.textContent);
    else if (opened) this.#name.focus({ preventScroll: true });
  }

  /** The film's fields, made anew where something else was chosen, as by a pasted link. */
  #choices() {
    const { film, frames } = this.#given.state;
    const chosen = `${film} ${frames}`;
    if (chosen === this.#chosen) return;
    this.#chosen = chosen;
    refill(this.#fields, filmFields(this.#given));
  }

  paint() {
    if (!this.isOpen) return true;
    const { scene } = this.#given;
    setText(this.#step, scene.step === null ? "" : stepText(scene.step, scene.epoch(scene.step)));
    return [this.#films, this.#spread].map((part) => part.paint()).every(Boolean);
  }
}
