// B minus A on screen, with the numbers of both where the pointer is.

import { difference, sameGrid } from "../shown/compare.js";
import { percent, signed } from "../kit/format.js";
import { look } from "../shown/look.js";
import { percentile } from "../numbers/maps.js";
import { PALETTES } from "../numbers/palette.js";
import { Picture } from "./picture.js";

/** Of an image's maps: `look`, `between`, `shared` and `named` say what is subtracted, for means otherwise. */
export class Difference extends Picture {
  #spec = null;
  #found = null;
  #sides = null;
  #painted = "";

  constructor(app, { caption, reach = false }) {
    super(app, caption, reach);
    this.element.classList.add("difference");
  }

  get image() {
    return this.#spec?.image ?? null;
  }

  /** What `difference` says of the maps that are shown. */
  get found() {
    return this.#found;
  }

  /** What is on screen, to be taken away: numbers, and what they are of; null where there is none. */
  get taken() {
    if (!this.settings) return null;
    const { height, width, geometry } = this.settings;
    const [a, b] = this.#sides.map(({ spec, found }) => ({ run: spec.data.run, step: spec.step, method: spec.label, ...this.of(spec, found) }));
    return { ...this.#found, height, width, geometry, probe: this.#spec.data.probe, reading: this.#sides[1].found.reading, sides: { a, b } };
  }

  /** What is known of one side. */
  look(spec) {
    return look(this.app, spec);
  }

  between(a, b) {
    return difference(a, b);
  }

  /** The scale that the difference shares with the maps, for B. */
  shared({ label, target }, { record, reading }) {
    return reading === "score" ? 1 : this.app.scene.scale(record, target, label, reading);
  }

  /** What the canvas says it shows: data, and a name. */
  named({ image, target }) {
    return { data: { image, target }, of: this.app.scene.imageName(image) };
  }

  /** What a side is of, beside run, step and method. */
  of({ data, image, target }) {
    const { scene } = this.app;
    return { image: scene.imageName(image), class: scene.className(image, target, data) };
  }

  /** Say why nothing is subtracted. */
  none(why) {
    this.#painted = "";
    delete this.canvas.dataset.difference;
    return this.say(why);
  }

  /** Show what lies between two maps; false while one of them is still loading. */
  show(specA, specB) {
    this.#spec = specB;
    const [a, b] = [this.look(specA), this.look(specB)];
    if (a.loading || b.loading) {
      this.#painted = "";
      return this.wait();
    }
    if (!a.record || !b.record) return this.none(a.record ? "no B" : "no A");
    this.#paint(a, b, specA, specB);
    if (this.settings) this.showRegions(b.input);
    return true;
  }

  #paint(a, b, specA, specB) {
    const { state } = this.app;
    const key = ({ data, label, step, target }, { record }) => [data.run, label, step, target, record.wall].join("\t");
    const shared = this.shared(specB, b);
    const same = [key(specA, a), key(specB, b), this.image, b.reading, shared, state.signedPalette, state.opacity, state.scale, b.ground.state].join("\n");
    if (same === this.#painted) return;
    this.#painted = same;
    const found = this.between(a, b);
    if (found.why) {
      this.say(found.why);
      return;
    }
    this.#found = found;
    this.#sides = [{ spec: specA, found: a }, { spec: specB, found: b }];
    const own = () => percentile(found.values.map(Math.abs).filter(Number.isFinite).sort(), 99);
    const scale = state.scale === "map" && b.reading !== "score" ? own() : shared;
    const { settings } = b.record;
    // The window under the pointer is B's where both have the same grid, else there is none.
    const common = sameGrid(a.record.settings.geometry, settings.geometry) ? settings : { ...settings, geometry: null };
    const unseen = b.plane?.unseen ?? b.input?.unseen ?? null;
    this.draw(common, found.values, b.ground, { palette: PALETTES.get(state.signedPalette), scale, opacity: state.opacity, unseen });
    const { data, of } = this.named(specB, b);
    Object.assign(this.canvas.dataset, { difference: found.kind, run: specB.data.run, step: specB.step, scale, ...data });
    this.remark(state.scale === "map" ? "not comparable" : "");
    this.call(`difference of ${of}: step ${specB.step} minus A`);
  }

  #say(value) {
    return this.#found.kind === "probability" ? percent(value) : signed(value);
  }

  short(at) {
    const { values, windows } = this.#found;
    return signed(windows ? windows.values[at.position] : values[at.pixel]);
  }

  /** Of the window under the pointer, as A and B say theirs; without a grid in common of the pixel. */
  lines(at) {
    const { windows, kind, unit, ...pixels } = this.#found;
    const onGrids = this.#sides.every(({ found }) => found.record.settings.geometry);
    const [of, place] = windows ? [windows, at.position] : [pixels, at.pixel];
    const what = kind === "probability" ? "probability" : unit;
    const where = `pixel ${at.row}, ${at.column}`;
    return [
      `B − A: ${signed(of.values[place])} ${what}${windows ? ", this window" : ""}`,
      this.sides([of.a[place], of.b[place]].map((value) => this.#say(value)), at),
      ...(kind === "evidence" ? ["log of the ratio of both classes' probabilities"] : []),
      windows ? `${where}: ${signed(pixels.values[at.pixel])} ${what}, mean of its windows` : `${where}${onGrids ? ": A and B have different windows" : ""}`,
    ];
  }

  /** The numbers of both sides, in words. */
  sides([a, b]) {
    return `A ${a} · B ${b}`;
  }
}
