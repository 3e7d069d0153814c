// The large view's image as it was given; runs that hold different ones under a number have one each.

import { runColour } from "../kit/chart.js";
import { el, put, setText } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { kept } from "../kit/lists.js";
import { shapeOf } from "../numbers/volumes.js";
import { Original } from "../pictures/original.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Input, Size } from "../types.js" */

/** @param {Size} size */
function sizeText(size) {
  const [depth, height, width] = shapeOf(size);
  return size.depth ? `${plural(depth, "slice")} of ${width} × ${height} pixels` : `${width} × ${height} pixels`;
}

/** One image, with the runs that hold it where not all do. */
class GivenImage {
  #given;
  #image;
  #pane = el("div", { class: "pane" });
  #picture;
  #runs = el("div", {});
  #facts = el("p", { class: "quiet" });

  /** @param {Needs<"scene" | "state" | "store">} given @param {number} image */
  constructor(given, image) {
    this.#given = given;
    this.#image = image;
    this.#picture = new Original(given, this.#pane, { class: "original" });
    this.#pane.append(this.#picture.canvas);
    this.element = el("div", { class: "given" }, this.#runs, el("div", { class: "frame" }, this.#pane), this.#facts);
  }

  /**
   * @param {Input} input
   * @param {RunData[] | null} datas the runs to name; null: all have this one
   */
  update(input, datas) {
    const { scene } = this.#given;
    const named = (datas ?? []).map(({ run }) => el(
      "div", { class: "runof" }, el("span", { class: "swatch", style: { background: runColour(scene.runs, run) } }), el("span", { text: run }),
    ));
    this.#runs.replaceChildren(...named);
    const labels = datas ? scene.labelText(this.#image, datas[0]) : "";
    const display = input.display ? ", shown by another picture than the model was given" : "";
    const source = input.source_index === null ? "" : ` · example ${input.source_index} of the dataset`;
    const groups = input.group ?? scene.grouping.of(this.#image, datas?.[0]).join(", ");
    const group = groups && ` · group ${groups}`;
    setText(this.#facts, `${labels && `${labels} · `}${sizeText(input)}${display}${group}${source}`);
  }

  /** @param {RunData} data @param {Input} input */
  paint(data, input) {
    this.#picture.outline(this.#pane, [this.#image], input);
    this.#picture.paint(this.#given.store.grounds.of(data, this.#image, input.hash), input, { image: this.#image, hash: input.hash });
  }
}

/**
 * An image, and the runs that hold it.
 * @typedef {{input: Input, datas: RunData[]}} Holders
 */

export class Originals {
  #given;
  /** @type {number | null} */
  #image = null;
  /** @type {Map<string, GivenImage>} by hash */
  #held = new Map();
  element = el("div", { class: "originals" });

  /** @param {Needs<"scene" | "state" | "store">} given */
  constructor(given) {
    this.#given = given;
  }

  /**
   * The runs that hold each image, by its hash.
   * @returns {Map<string, Holders>}
   */
  #originals() {
    /** @type {Map<string, Holders>} */
    const originals = new Map();
    const image = this.#image;
    if (image === null) return originals;
    for (const data of this.#given.scene.datas) {
      const input = data.newestInput(image);
      if (input) kept(originals, input.hash, () => ({ input, datas: [] })).datas.push(data);
    }
    return originals;
  }

  /** @param {number | null} image null: none is open */
  update(image) {
    const before = image === this.#image ? this.#held : new Map();
    this.#image = image;
    const originals = this.#originals();
    this.#held = new Map([...originals.keys()].map((hash) => [hash, before.get(hash) ?? new GivenImage(this.#given, image ?? 0)]));
    put(this.element, [...this.#held.values()].map(({ element }) => element));
    for (const [hash, { input, datas }] of originals) this.#held.get(hash)?.update(input, originals.size > 1 ? datas : null);
  }

  paint() {
    for (const [hash, { input, datas }] of this.#originals()) this.#held.get(hash)?.paint(datas[0], input);
  }
}
