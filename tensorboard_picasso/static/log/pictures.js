// Pictures that did not come with the names of their images: one by one, or where many are wanted at once in few answers.

import { fetchImage, fetchInputs } from "./api.js";
import { errorOf } from "../kit/format.js";
import { kept } from "../kit/lists.js";

/** @import { RunData } from "./rundata.js" */

/** @typedef {{image: number, hash: string, take: (png: Blob) => void, fail: (error: Error) => void}} Wanted */

const FEW = 8; // each of which may come alone, and is then kept by the browser
const MOST = 400; // images that are named in one request

export class Pictures {
  /** @type {Map<RunData, Wanted[]>} */
  #wanted = new Map();

  /**
   * @param {RunData} data
   * @param {number} image
   * @param {string} hash
   * @returns {Promise<Blob>}
   */
  get(data, image, hash) {
    return new Promise((take, fail) => {
      const wanted = kept(this.#wanted, data, () => []);
      wanted.push({ image, hash, take, fail });
      // After the caller is done: all that one frame wants.
      if (wanted.length === 1) queueMicrotask(() => this.#ask(data));
    });
  }

  /** @param {RunData} data */
  async #ask(data) {
    let left = this.#wanted.get(data) ?? [];
    this.#wanted.delete(data);
    try {
      while (left.length > FEW) {
        const after = await taken(data, left);
        // What no answer has room for comes alone, as what was not kept is told.
        if (after.length === left.length) break;
        left = after;
      }
    } catch (error) {
      for (const each of left) each.fail(errorOf(error));
      return;
    }
    for (const { image, hash, take, fail } of left) fetchImage(data.run, data.probe, image, hash).then(take, fail);
  }
}

/**
 * Ask for pictures, as many as one answer has room for, and hand them over.
 * @param {RunData} data
 * @param {Wanted[]} wanted
 * @returns {Promise<Wanted[]>} those that did not come
 */
async function taken({ run, probe }, wanted) {
  const images = wanted.slice(0, MOST).map(({ image }) => image);
  const pack = await fetchInputs(run, probe, true, undefined, images);
  const found = new Map(pack.header.images.flatMap(({ image, records }) => records.map(({ hash, png }) => [`${image} ${hash}`, png])));
  return wanted.filter(({ image, hash, take }) => {
    const png = pack.array(found.get(`${image} ${hash}`) ?? null);
    if (png) take(new Blob([png], { type: "image/png" }));
    return !png;
  });
}
