// B minus A on screen, with the numbers of both where the pointer is.

import { difference } from "./compare.js";
import { percent, signed } from "./format.js";
import { look } from "./look.js";
import { percentile } from "./maps.js";
import { PALETTES } from "./palette.js";
import { Picture } from "./picture.js";

/** Of an image's maps: `look`, `between`, `shared` and `named` say what is subtracted, for means otherwise. */
export class Difference extends Picture {
  #spec = null;
  #found = null;
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
    const own = () => percentile(found.values.map(Math.abs).filter(Number.isFinite).sort(), 99);
    const scale = state.scale === "map" && b.reading !== "score" ? own() : shared;
    const { geometry } = a.record.settings;
    const { settings } = b.record;
    // The window under the pointer is B's where both have the same grid, else there is none.
    const common = JSON.stringify(geometry) === JSON.stringify(settings.geometry) ? settings : { ...settings, geometry: null };
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
    return signed(this.#found.values[at.pixel]);
  }

  lines(at) {
    const { values, a, b, kind, unit } = this.#found;
    const what = kind === "probability" ? "probability" : unit;
    return [
      `B − A: ${signed(values[at.pixel])} ${what}`,
      `A ${this.#say(a[at.pixel])} · B ${this.#say(b[at.pixel])}`,
      `pixel ${at.row}, ${at.column}${kind === "evidence" ? ", log of the ratio of both classes' probabilities" : ""}`,
    ];
  }
}
