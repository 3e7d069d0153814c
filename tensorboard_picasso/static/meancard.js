// One mean map on screen: importance averaged over images, drawn over the mean of their pixels.

import { el } from "./dom.js";
import { percent, plural, signed } from "./format.js";
import { absence } from "./look.js";
import { paint } from "./maps.js";
import { PALETTES } from "./palette.js";
import { Picture } from "./picture.js";

export class MeanCard extends Picture {
  #group;
  #map = null;
  #painted = "";

  /** @param {number|null} group the class whose images are averaged; null: all */
  constructor(app, group) {
    super(app, el("figcaption"));
    this.#group = group;
  }

  get image() {
    return `mean ${this.#group}`;
  }

  /** Show one run's mean at a step; false while it is still loading. */
  show(data, label, step) {
    const { scene, state, store } = this.app;
    const series = data.mean(label, this.#group);
    const record = series?.steps.get(step);
    if (!record) {
      this.#painted = "";
      if (!data.means.has(label) && store.loading) return this.wait();
      const damage = data.meanProblem(label, this.#group, step);
      return this.say(absence(store, { run: data.run, series, damage, step }));
    }
    const { settings } = record;
    const ground = store.meanGround(data, settings.members);
    const scale = scene.scale(record, null, label, "importance");
    const palette = PALETTES.get(state.signedPalette);
    const same = [label, step, record.wall, scale, palette.name, state.opacity, ground.state, state.scale].join("\n");
    if (same === this.#painted) return true;
    this.#painted = same;
    const values = paint(record.means, settings.geometry, settings.height, settings.width);
    // Many images may be needed for the ground: the numbers do not wait for them.
    const below = ground.state === "loading" ? { state: "ready", grey: new Uint8Array(values.length).fill(128) } : ground;
    const beyond = this.draw(settings, values, below, { palette, scale, opacity: state.opacity });
    this.#map = { record, values };
    Object.assign(this.canvas.dataset, { run: data.run, group: this.#group ?? "probe", method: label, step, scale, ground: ground.state, images: settings.members.map(({ image }) => image).join() });
    this.canvas.setAttribute("aria-label", `mean ${label} map of ${plural(settings.members.length, "image")} at step ${step}`);
    this.#remark(values, beyond);
    return true;
  }

  #remark(values, beyond) {
    const parts = [];
    if (this.app.state.scale === "map") parts.push("not comparable");
    const none = values.filter(Number.isNaN).length;
    if (none) parts.push(`${none} NaN`);
    if (!parts.length && beyond > values.length / 20) parts.push(`${percent(beyond / values.length)} beyond`);
    this.remark(parts.join(" · "));
  }

  short(at) {
    return signed(this.#map.record.means[at.position]);
  }

  lines(at) {
    const { record, values } = this.#map;
    const { members, unit } = record.settings;
    const mean = record.means[at.position];
    const error = record.errors[at.position];
    const count = record.countAt(at.position);
    const images = plural(members.length, "image");
    if (Number.isNaN(mean)) return [`no finite importance in any of ${images}`];
    const spread = Number.isNaN(error) ? "" : ` ± ${signed(error).replace("+", "")}`;
    const of = count === members.length ? images : `${count} of ${images}; the others are saturated here`;
    return [
      `hide this window: importance ${signed(mean)}${spread} ${unit}`,
      `${spread ? "mean ± standard error of" : "mean of"} ${of}`,
      `pixel ${at.row}, ${at.column}: ${signed(values[at.pixel])} ${unit}, mean of its windows`,
    ];
  }
}
