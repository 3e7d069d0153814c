// The large view's image as it was given; runs that hold different ones under a number have one each.

import { runColour } from "../kit/chart.js";
import { el, setText } from "../kit/dom.js";
import { Outlines } from "../shown/outlines.js";

/** One image, with the runs that hold it where not all do. */
class Original {
  #app;
  #image;
  #canvas = el("canvas", { width: 1, height: 1, class: "original" });
  #pane = el("div", { class: "pane" }, this.#canvas);
  #runs = el("div", {});
  #facts = el("p", { class: "quiet" });
  #drawn = null;
  #regions;

  constructor(app, image) {
    this.#app = app;
    this.#image = image;
    this.#regions = new Outlines(app);
    this.element = el("div", { class: "given" }, this.#runs, el("div", { class: "frame" }, this.#pane), this.#facts);
  }

  /** @param {object[]|null} datas the runs to name; null: all have this one */
  update(input, datas) {
    const { scene } = this.#app;
    const named = (datas ?? []).map(({ run }) => el(
      "div", { class: "runof" }, el("span", { class: "swatch", style: { background: runColour(scene.runs, run) } }), el("span", { text: run }),
    ));
    this.#runs.replaceChildren(...named);
    const labels = datas ? scene.labelText(this.#image, datas[0]) : "";
    const display = input.display ? ", shown by another picture than the model was given" : "";
    const source = input.source_index === null ? "" : ` · example ${input.source_index} of the dataset`;
    setText(this.#facts, `${labels && `${labels} · `}${input.width} × ${input.height} pixels${display}${source}`);
  }

  paint(data, input) {
    this.#regions.show(this.#pane, [this.#image], input, input, true);
    const ground = this.#app.store.ground(data, this.#image, input.hash);
    if (ground.state !== "ready" || ground === this.#drawn) return;
    this.#drawn = ground;
    this.#canvas.width = ground.pixels.width;
    this.#canvas.height = ground.pixels.height;
    Object.assign(this.#canvas.dataset, { image: this.#image, hash: input.hash });
    this.#pane.style.setProperty("--ratio", `${ground.pixels.width} / ${ground.pixels.height}`);
    this.#canvas.getContext("2d").putImageData(ground.pixels, 0, 0);
  }
}

export class Originals {
  #app;
  #image = null;
  #held = new Map();
  element = el("div", { class: "originals" });

  constructor(app) {
    this.#app = app;
  }

  /** The runs that hold each image, by its hash. */
  #found() {
    const datas = this.#app.scene.datas.filter((data) => data.newestInput(this.#image));
    return Map.groupBy(datas, (data) => data.newestInput(this.#image).hash);
  }

  /** @param {number|null} image null: none is open */
  update(image) {
    const before = image === this.#image ? this.#held : new Map();
    this.#image = image;
    const found = this.#found();
    this.#held = new Map([...found.keys()].map((hash) => [hash, before.get(hash) ?? new Original(this.#app, image)]));
    const elements = [...this.#held.values()].map(({ element }) => element);
    if (elements.length !== this.element.children.length || elements.some((each, i) => each !== this.element.children[i])) {
      this.element.replaceChildren(...elements);
    }
    for (const [hash, datas] of found) this.#held.get(hash).update(datas[0].newestInput(image), found.size > 1 ? datas : null);
  }

  paint() {
    for (const [hash, [data]] of this.#found()) this.#held.get(hash)?.paint(data, data.newestInput(this.#image));
  }
}
