// Taking the maps of one image away: links to files that the server makes.

import { exportAddress } from "./api.js";
import { el, refill } from "./dom.js";
import { isSigned } from "./reading.js";

const FORMATS = [["gif", "GIF"], ["webp", "WebP"], ["npz", "NPZ"], ["csv", "CSV"]];

export class Download {
  #app;
  #data;
  #image;
  #links = el("div", { class: "links" });

  constructor(app, data, image) {
    this.#app = app;
    this.#data = data;
    this.#image = image;
    this.element = el("details", { class: "download", on: { toggle: () => this.update() } }, el("summary", { text: "Download" }), this.#links);
  }

  /** A line of links a method, for the class, reading, palette and scale on show. */
  update() {
    if (!this.element.open) return;
    const { scene } = this.#app;
    const target = scene.target(this.#image, this.#data);
    const explains = ({ label }) => this.#data.attributions(label, this.#image)?.records.some((each) => each.explained.includes(target));
    refill(this.#links, [
      el("p", { class: "quiet", text: `All steps, for “${scene.className(this.#image, target, this.#data)}”: pictures as shown here, or the numbers.` }),
      ...scene.methods
        .filter(explains)
        .map(({ label }) => el("p", {}, el("span", { class: "quiet", text: label }), ...FORMATS.map(([format, text]) => this.#link(label, format, text)))),
    ]);
  }

  #link(label, format, text) {
    const { scene, state } = this.#app;
    const settings = scene.settings(label);
    const reading = scene.fittingReading(settings);
    const palette = isSigned(settings, reading) ? state.signedPalette : state.plainPalette;
    const query = {
      run: this.#data.run, probe: this.#data.probe, image: this.#image, label, format, target: state.target, reading,
      palette: reading === "score" ? null : palette, opacity: state.opacity, scale: state.scale, fps: Math.min(state.speed, 50),
    };
    return el("a", { href: exportAddress(query, scene.shown), download: true, text, "aria-label": `${label} as ${text}` });
  }
}
