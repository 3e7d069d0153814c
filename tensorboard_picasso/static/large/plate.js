// An image at one step, as large as the page allows: what stands in place of a row where there is nothing to go through.

import { button, el, setText } from "../kit/dom.js";
import { Spread, titleOf } from "./spread.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { Listed } from "../shown/listed.js" */
/** @import { Blocked } from "./block.js" */

/** @implements {Listed} */
export class Plate {
  #given;
  #image;
  #spread;
  #name = el("h2", { tabindex: -1 });
  /** @type {boolean | null} */
  visible = null;
  stale = true;
  /** Whether all its pictures were here when it was painted last. */
  whole = true;

  /** @param {Needs<Blocked | "open">} given @param {number} image */
  constructor(given, image) {
    this.#given = given;
    this.#image = image;
    this.#spread = new Spread(given);
    const opener = button("enlarge", "enlarge this image alone, to zoom into its maps", () => given.open(image));
    this.element = el(
      "article", { class: "plate", data: { image } },
      el("div", { class: "bar" }, this.#name, opener),
      el("div", { class: "content" }, el("div", { class: "about" }, this.#spread.originals), this.#spread.blocks),
    );
  }

  get cards() {
    return this.#spread.cards;
  }

  ready() {
    if (!this.stale) return;
    this.stale = false;
    setText(this.#name, titleOf(this.#given.scene, this.#image));
    this.#spread.update(this.#image);
  }

  paint() {
    this.ready();
    this.whole = this.#spread.paint();
    this.element.style.setProperty("--columns", String(this.#spread.columns));
    return this.whole;
  }

  focus() {
    this.ready();
    this.#name.focus();
  }
}
