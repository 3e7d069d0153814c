// A patch on the sheet: the part of one image where its map in a run is strongest, and what is said of it.

import { contextOf, el } from "../kit/dom.js";
import { count, percent, signed, stepText } from "../kit/format.js";
import { partOf } from "../numbers/reading.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Cut } from "../shown/patch.js" */
/** @import { MapSpec } from "../shown/spec.js" */
/** @import { Step } from "../types.js" */

export class Tile {
  #given;
  #data;
  #canvas = el("canvas", { width: 1, height: 1 });
  #context = contextOf(this.#canvas);
  #window = el("span", { class: "outline", hidden: true });
  #cutout = el("span", { class: "cutout" }, this.#canvas, this.#window);
  #strength = el("span", { class: "strength" });
  #painted = "";
  /** @type {{cut: Cut, spec: MapSpec} | null} */
  #shown = null;
  /** @type {boolean | null} whether it is in sight; null until that is known */
  visible = null;

  /** @param {Needs<"scene" | "state">} given @param {RunData} data @param {number} image */
  constructor(given, data, image) {
    this.#given = given;
    this.#data = data;
    this.image = image;
    this.button = el("button", { type: "button", class: "patch", tabindex: -1, data: { image } }, this.#cutout, this.#strength);
    this.element = el("div", { role: "listitem" }, this.button);
  }

  /** @param {Step} asked @returns {MapSpec} */
  spec(asked) {
    const { scene } = this.#given;
    return { data: this.#data, image: this.image, label: scene.label, step: this.#data.at(asked), asked, target: scene.target(this.image, this.#data) };
  }

  /** What it shows of its map, where it is shown. */
  get shown() {
    return this.element.hidden ? null : this.#shown;
  }

  /** There is no patch to show. */
  leave() {
    this.element.hidden = true;
    this.#shown = null;
    this.#painted = "";
  }

  /** What was painted stays, without its step, until the map is here. */
  wait() {
    delete this.#canvas.dataset.step;
    this.#painted = "";
  }

  /**
   * @param {Cut} cut
   * @param {MapSpec} spec
   */
  show(cut, spec) {
    if (this.element.hidden) {
      this.element.hidden = false;
      this.visible = true; // it may be in sight before that is told
    }
    this.#shown = { cut, spec };
    if (this.visible === false) return;
    const { top, left, height, width } = cut.strongest;
    const { around } = this.#given.state;
    const place = [top, left, height, width].join();
    const painted = [cut.record.hash, place, around].join();
    if (painted !== this.#painted.split("\n")[0]) this.#cut(cut, around === "some");
    const part = this.#part(cut);
    const same = [painted, spec.step, spec.target, cut.record.wall, part].join("\n");
    if (same === this.#painted) return;
    this.#painted = same;
    Object.assign(this.#canvas.dataset, { step: spec.step, place });
    this.#strength.style.setProperty("--part", String(part));
    this.button.setAttribute("aria-label", [this.#named(spec), ...measured(cut)].join(". "));
  }

  /**
   * Paint the pixels of the part, and where asked for those around it.
   * @param {Cut} cut
   * @param {boolean} around
   */
  #cut({ strongest: { top, left, height, width }, pixels }, around) {
    const [above, beside] = around ? [Math.ceil(height / 2), Math.ceil(width / 2)] : [0, 0];
    const [tall, wide] = [height + 2 * above, width + 2 * beside];
    if (this.#canvas.height !== tall || this.#canvas.width !== wide) Object.assign(this.#canvas, { height: tall, width: wide });
    // What lies beyond the image stays empty.
    else if (around) this.#context.clearRect(0, 0, wide, tall);
    this.#context.putImageData(pixels, beside - left, above - top, left - beside, top - above, wide, tall);
    this.#window.hidden = !around;
    /** @type {(part: number, whole: number) => string} */
    const part = (value, whole) => `${(100 * value) / whole}%`;
    Object.assign(this.#window.style, { top: part(above, tall), left: part(beside, wide), height: part(height, tall), width: part(width, wide) });
    const ends = [[top === 0, "top"], [left === 0, "left"], [top + height === pixels.height, "bottom"], [left + width === pixels.width, "right"]];
    this.#cutout.dataset.ends = around ? "" : ends.filter(([there]) => there).map(([, side]) => side).join(" ");
  }

  /** How strong the map is there, 0 to 1, on one scale for all steps and runs. @param {Cut} cut */
  #part({ record: { settings }, strongest: { value } }) {
    const { scene } = this.#given;
    const scale = settings.geometry ? scene.scales.shared(scene.label, "importance") : 1;
    return scale > 0 ? Math.min(value / scale, 1) : 0;
  }

  /** What it shows as a row of a table, which the sheet heads. */
  get row() {
    if (!this.#shown) return [];
    const { scene } = this.#given;
    const { cut: { record: { settings }, strongest }, spec: { data, image, label, target, step } } = this.#shown;
    const { top, left, height, width, value } = strongest;
    const of = settings.geometry ? settings.unit : wholeOf(settings);
    return [data.run, step, label, image, scene.imageName(image), scene.className(image, target, data), value, of, top, left, height, width];
  }

  /** What is said of it, line by line. */
  lines() {
    if (!this.#shown) return [];
    const { cut, spec } = this.#shown;
    const { data, step, asked = step } = spec;
    const only = step === asked ? "" : `, the newest of this run up to step ${count(asked)}`;
    return [this.#named(spec), `${data.run} · ${stepText(step, data.epoch(step))}${only}`, ...measured(cut)];
  }

  /** The image, and the class that its map is for. @param {MapSpec} spec */
  #named({ data, image, target }) {
    const { scene } = this.#given;
    const labels = scene.labelsOf(image, data);
    const truth = labels === null || labels.includes(target) ? "" : `, ${scene.labelText(image, data)}`;
    return `${scene.imageName(image)}: for ${scene.className(image, target, data)}${truth}`;
  }
}

/**
 * How strong the map is in a part, and where that lies, line by line.
 * @param {Cut} cut
 */
function measured({ record: { settings }, strongest: { top, left, height, width, value, ties }, pixels }) {
  const held = settings.geometry ? `importance ${signed(value)} ${settings.unit}` : `${percent(value)} of ${wholeOf(settings)}`;
  const where = `rows ${top} to ${top + height - 1}, columns ${left} to ${left + width - 1} of ${pixels.height} × ${pixels.width} pixels`;
  return [held, where, ...(ties > 1 ? [`the first of ${ties} that are alike`] : [])];
}

/**
 * Of what of a map without a grid the rectangle holds a share.
 * @param {Cut["record"]["settings"]} settings
 */
export function wholeOf(settings) {
  return partOf(settings) === "positive" ? "what supports the class" : "the map";
}
