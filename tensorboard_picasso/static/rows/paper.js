// The page taken away: what is on screen as a picture; of one step alone all its images, and on paper.

import { save } from "../kit/files.js";
import { snapshot } from "../kit/snapshot.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { Rows } from "./rows.js" */

const WAIT = 100; // milliseconds until it is seen again whether all maps are here

/**
 * What it needs of the page's parts: its root and rows, whether a sheet covers these, and where it says what failed.
 * @typedef {{root: () => HTMLElement, rows: Rows, isCovered: () => boolean, failed: (error: unknown) => void}} Parts
 */

export class Paper {
  #given;
  #parts;

  /** @param {Needs<"scene" | "store" | "looked">} given @param {Parts} parts */
  constructor(given, parts) {
    this.#given = given;
    this.#parts = parts;
  }

  /** Let the browser save a picture. */
  async save() {
    const { scene } = this.#given;
    const { failed, isCovered, root } = this.#parts;
    try {
      const images = scene.alone && !isCovered() ? await this.#images() : undefined;
      save(await snapshot(root(), images), `${scene.probe ?? "picasso"} step ${scene.step ?? 0}.png`);
    } catch (error) {
      failed(error);
    }
  }

  /** Print the one step that is shown, a page an image. */
  async print() {
    try {
      await this.#images();
      window.print();
    } catch (error) {
      this.#parts.failed(error);
    }
  }

  /** All images of the one step, once their maps are here, or cannot be had. */
  async #images() {
    const { looked, store } = this.#given;
    looked();
    for (;;) {
      const { elements, whole } = this.#parts.rows.all();
      if (whole || store.errors.size) {
        // Pictures that have just come are not faint any more.
        await Promise.all(elements.flatMap((each) => each.getAnimations({ subtree: true })).map(({ finished }) => finished.catch(() => null)));
        return elements;
      }
      await new Promise((resolve) => setTimeout(resolve, WAIT));
    }
  }
}
