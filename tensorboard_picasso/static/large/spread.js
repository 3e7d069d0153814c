// One image with all that was logged of it: as it was given, and run by run its maps and numbers.

import { Block } from "./block.js";
import { el, put } from "../kit/dom.js";
import { Originals } from "./originals.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Scene } from "../shown/scene.js" */
/** @import { Blocked } from "./block.js" */

/**
 * What an image is called, with its label where all runs have the same.
 * @param {Scene} scene
 * @param {number} image
 */
export function titleOf(scene, image) {
  const labels = scene.labelText(image);
  const alike = scene.datas.every((data) => !data.newestInput(image) || String(scene.labelsOf(image, data)) === String(scene.labelsOf(image)));
  return labels && alike ? `${scene.imageName(image)} · ${labels}` : scene.imageName(image);
}

export class Spread {
  #given;
  /** @type {number | null} */
  #image = null;
  /** @type {Map<RunData, Block>} */
  #blocks = new Map();
  #originals;
  blocks = el("div", { class: "blocks" });

  /** @param {Needs<Blocked>} given */
  constructor(given) {
    this.#given = given;
    this.#originals = new Originals(given);
  }

  /** The image as it was given. */
  get originals() {
    return this.#originals.element;
  }

  get cards() {
    return [...this.#blocks.values()].flatMap((block) => block.cards);
  }

  /** How many maps stand side by side, at most. */
  get columns() {
    return Math.max(0, ...[...this.#blocks.values()].map(({ columns }) => columns));
  }

  /** @param {number | null} image null: none is shown */
  update(image) {
    const { scene } = this.#given;
    const kept = image === this.#image ? this.#blocks : new Map();
    this.#image = image;
    this.#originals.update(image);
    this.#blocks = image === null ? new Map() : new Map(scene.datas.map((data) => [data, kept.get(data) ?? new Block(this.#given, data, image)]));
    put(this.blocks, [...this.#blocks.values()].map((block) => block.element));
    for (const block of this.#blocks.values()) block.update();
  }

  /** Show the current step; false while something is still loading. */
  paint() {
    this.#originals.paint();
    return [...this.#blocks.values()].map((block) => block.paint()).every(Boolean);
  }
}
