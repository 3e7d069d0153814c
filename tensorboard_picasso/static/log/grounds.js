// The pixels under the maps: one image's, or the mean of several.

import { RequestError } from "./api.js";
import { average } from "../numbers/average.js";
import { PictureError, pixelsOf } from "./image.js";
import { errorOf } from "../kit/format.js";
import { grey } from "../numbers/palette.js";
import { Pictures } from "./pictures.js";
import { distinct } from "./records.js";

/** @import { Ground, Member } from "../types.js" */
/** @import { RunData } from "./rundata.js" */

/**
 * A picture, on its way at first.
 * @typedef {{state: Ground["state"], pixels?: ImageData, grey?: Uint8Array}} Loading
 */

export class Grounds {
  /** @type {Map<string, Ground>} */
  #grounds = new Map();
  /** @type {Map<string, Ground>} */
  #meanGrounds = new Map();
  #pictures = new Pictures();
  #changed;
  #failed;

  /**
   * @param {() => void} changed called when one came
   * @param {(error: Error, retry: () => void) => void} failed
   */
  constructor(changed, failed) {
    this.#changed = changed;
    this.#failed = failed;
  }

  /**
   * The pixels of one input, and the greys under its maps.
   * @param {RunData} data
   * @param {number} image
   * @param {string} hash
   * @returns {Ground}
   */
  of(data, image, hash) {
    const key = `${data.probe}\n${image}\n${hash}`;
    const known = this.#grounds.get(key);
    if (known) return known;
    /** @type {Loading} */
    const entry = { state: "loading" };
    // The same object is ready later.
    const ground = /** @type {Ground} */ (entry);
    this.#grounds.set(key, ground);
    this.#load(entry, data, image, hash);
    return ground;
  }

  /**
   * The same for the mean of several images' pixels, of {image, hash} each.
   * @param {RunData} data
   * @param {Member[]} all
   * @returns {Ground}
   */
  ofMean(data, all) {
    const members = distinct(all);
    const key = [data.probe, ...members.map(({ image, hash }) => `${image} ${hash}`)].join("\n");
    const known = this.#meanGrounds.get(key);
    if (known) return known;
    const grounds = members.map(({ image, hash }) => this.of(data, image, hash));
    const ready = grounds.flatMap((ground) => (ground.state === "ready" ? [ground.pixels] : []));
    if (ready.length < grounds.length) {
      return grounds.find(({ state }) => state === "loading") ?? grounds.find(({ state }) => state !== "ready") ?? grounds[0];
    }
    const pixels = average(ready);
    /** @type {Ground} */
    const entry = pixels ? { state: "ready", pixels, grey: grey(pixels.data) } : { state: "not kept" };
    this.#meanGrounds.set(key, entry);
    return entry;
  }

  /** @param {Loading} entry @param {RunData} data @param {number} image @param {string} hash */
  async #load(entry, data, image, hash) {
    try {
      const pixels = await pixelsOf(data.png(image, hash) ?? (await this.#pictures.get(data, image, hash)));
      Object.assign(entry, { state: "ready", pixels, grey: grey(pixels.data) });
    } catch (error) {
      const gone = error instanceof RequestError && error.status === 404;
      const damaged = error instanceof PictureError || (gone && data.damagedInput(image));
      entry.state = damaged ? "damaged" : gone ? "not kept" : "failed";
      if (entry.state === "failed") {
        this.#failed(errorOf(error), () => {
          for (const [key, { state }] of this.#grounds) if (state === "failed") this.#grounds.delete(key);
          this.#changed();
        });
      }
    }
    this.#changed();
  }
}
