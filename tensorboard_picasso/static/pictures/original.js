// The pixels of an image as it was given, or of the mean of several, with the outlines of regions.

import { contextOf, el } from "../kit/dom.js";
import { cutOut, sizeOf } from "../numbers/volumes.js";
import { Outlines } from "../shown/outlines.js";
import { cutOf } from "../shown/slices.js";

/** @import { Options } from "../kit/dom.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Cut, Framed, Ground, Input, Size } from "../types.js" */

/**
 * The pixels of a slice.
 * @param {ImageData} sheet
 * @param {Cut | null} cut null: it is a picture
 */
function sliceOf(sheet, cut) {
  if (!cut) return sheet;
  const { height, width } = sizeOf(sheet, cut);
  const words = cutOut(new Uint32Array(sheet.data.buffer), sheet, cut);
  const bytes = new Uint8ClampedArray(words.buffer, words.byteOffset, words.byteLength);
  return new ImageData(/** @type {Uint8ClampedArray<ArrayBuffer>} */ (bytes), width, height);
}

export class Original {
  /** @type {Ground | null} */
  #drawn = null;
  /** @type {number | undefined} which slice of it */
  #slice;
  #given;
  #regions;
  #sized;

  /**
   * @param {Needs<"scene" | "state">} given
   * @param {HTMLElement} sized what is told the shape of the picture
   * @param {Options} options of the canvas
   */
  constructor(given, sized, options = {}) {
    this.#given = given;
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
    this.#regions.show(holder, images, input, input, { isOriginal: true, cut: cutOf(this.#given, input) });
  }

  /**
   * Paint the pixels once they are here, of a volume those of the slice on show.
   * @param {Ground} ground
   * @param {Size} size of the image
   * @param {Record<string, string | number>} data what the canvas says it shows
   */
  paint(ground, size, data) {
    if (ground.state !== "ready") return;
    // What an image is shown by may have another size than the model is given.
    const cut = ground.pixels.height === size.height && ground.pixels.width === size.width ? cutOf(this.#given, size) : null;
    if (ground === this.#drawn && cut?.index === this.#slice) return;
    this.#drawn = ground;
    this.#slice = cut?.index;
    const pixels = sliceOf(ground.pixels, cut);
    this.canvas.width = pixels.width;
    this.canvas.height = pixels.height;
    contextOf(this.canvas).putImageData(pixels, 0, 0);
    Object.assign(this.canvas.dataset, data, cut ? { plane: cut.plane, slice: cut.index } : {});
    this.#sized.style.setProperty("--ratio", `${pixels.width} / ${pixels.height}`);
  }
}
