// B minus A on screen, with the numbers of both where the pointer is.

import { difference } from "./compare.js";
import { percent, signed } from "./format.js";
import { look } from "./look.js";
import { percentile } from "./maps.js";
import { PALETTES } from "./palette.js";
import { Picture } from "./picture.js";

export class Difference extends Picture {
  #image = null;
  #found = null;
  #painted = "";

  constructor(app, { caption, reach = false }) {
    super(app, caption, reach);
    this.element.classList.add("difference");
  }

  get image() {
    return this.#image;
  }

  /** Show what lies between two maps; false while one of them is still loading. */
  show(specA, specB) {
    this.#image = specB.image;
    const [a, b] = [look(this.app, specA), look(this.app, specB)];
    if (a.loading || b.loading) {
      this.#painted = "";
      return this.wait();
    }
    if (!a.record || !b.record) {
      this.#painted = "";
      return this.say(a.record ? "no B" : "no A");
    }
    this.#paint(a, b, specA, specB);
    if (this.settings) this.showRegions(b.input);
    return true;
  }

  #paint(a, b, specA, specB) {
    const { scene, state } = this.app;
    const key = ({ data, label, step, target }, { record }) => [data.run, label, step, target, record.wall].join("\t");
    const shared = b.reading === "score" ? 1 : scene.scale(b.record, specB.target, specB.label, b.reading);
    const same = [key(specA, a), key(specB, b), specB.image, b.reading, shared, state.signedPalette, state.opacity, state.scale, b.ground.state].join("\n");
    if (same === this.#painted) return;
    this.#painted = same;
    const found = difference(a, b);
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
    Object.assign(this.canvas.dataset, { difference: found.kind, run: specB.data.run, image: specB.image, step: specB.step, target: specB.target, scale });
    this.remark(state.scale === "map" ? "not comparable" : "");
    this.canvas.setAttribute("aria-label", `difference of ${scene.imageName(specB.image)}: step ${specB.step} minus A`);
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
