// The pixels of an image as it was given, or of the mean of several, with the outlines of regions.

import { contextOf, el } from "../kit/dom.js";
import { Outlines } from "../shown/outlines.js";

/** @import { Options } from "../kit/dom.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Framed, Ground, Input } from "../types.js" */

export class Original {
  /** @type {Ground | null} */
  #drawn = null;
  #regions;
  #sized;

  /**
   * @param {Needs<"scene" | "state">} given
   * @param {HTMLElement} sized what is told the shape of the picture
   * @param {Options} options of the canvas
   */
  constructor(given, sized, options = {}) {
    this.#regions = new Outlines(given);
    this.#sized = sized;
    this.canvas = el("canvas", { width: 1, height: 1, ...options });
  }

  /**
   * Outline regions.
   * @param {HTMLElement} holder of the canvas
   * @param {number[]} images
   * @param {Framed | Input} input
   */
  outline(holder, images, input) {
    this.#regions.show(holder, images, input, input, true);
  }

  /**
   * Paint the pixels once they are here.
   * @param {Ground} ground
   * @param {Record<string, string | number>} data what the canvas says it shows
   */
  paint(ground, data) {
    if (ground.state !== "ready" || ground === this.#drawn) return;
    this.#drawn = ground;
    const { pixels } = ground;
    this.canvas.width = pixels.width;
    this.canvas.height = pixels.height;
    contextOf(this.canvas).putImageData(pixels, 0, 0);
    Object.assign(this.canvas.dataset, data);
    this.#sized.style.setProperty("--ratio", `${pixels.width} / ${pixels.height}`);
  }
}
