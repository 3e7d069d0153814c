// A small picture that came with the log, painted once.

import { contextOf, el } from "../kit/dom.js";
import { pixelsOf } from "../log/image.js";

export class Still {
  /** @param {Uint8Array<ArrayBuffer>} png @param {string} name for those who hear the page; "" where words beside it say all */
  constructor(png, name) {
    this.element = el("canvas", { class: "original still", width: 1, height: 1, ...(name ? { role: "img", "aria-label": name } : { "aria-hidden": "true" }) });
    this.#paint(png);
  }

  /** @param {Uint8Array<ArrayBuffer>} png */
  async #paint(png) {
    try {
      const pixels = await pixelsOf(new Blob([png], { type: "image/png" }));
      this.element.width = pixels.width;
      this.element.height = pixels.height;
      this.element.style.setProperty("--ratio", `${pixels.width} / ${pixels.height}`);
      contextOf(this.element).putImageData(pixels, 0, 0);
      this.element.dataset.painted = "";
    } catch {
      this.element.title = "damaged picture";
    }
  }
}
