// One map on screen, and what it says where the pointer is.

import { apart, number, percent, signed } from "../kit/format.js";
import { look, valuesOf } from "../shown/look.js";
import { halfLevel, probability } from "../numbers/maps.js";
import { GREY, PALETTES } from "../numbers/palette.js";
import { Picture } from "./picture.js";
import { comparable, isSigned, isZero, meanOf, rival, windows, ZERO } from "../numbers/reading.js";

export class Card extends Picture {
  #spec = null;
  #map = null;
  #painted = "";

  /** @param {{caption: HTMLElement, reach?: boolean}} parts as of `Picture` */
  constructor(app, { caption, reach = false }) {
    super(app, caption, reach);
  }

  get image() {
    return this.#spec?.image ?? null;
  }

  /**
   * Show a map.
   * @param {{data: object, image: number, label: string, step: number, target: number}} spec
   * @returns {boolean} false while it is still loading
   */
  show(spec) {
    this.#spec = spec;
    this.stands(spec);
    const found = look(this.app, spec);
    if (found.record) {
      this.#paint(found);
      this.showRegions(found.input);
      return true;
    }
    this.#painted = "";
    return found.loading ? this.wait() : this.say(found.why);
  }

  #paint(found) {
    const { scene, state } = this.app;
    const { label, step, target, image, data } = this.#spec;
    const { record, plane, ground, input, reading } = found;
    const scale = scene.scale(record, target, label, reading);
    const isScore = reading === "score";
    const palette = isScore ? GREY : PALETTES.get(isSigned(record.settings, reading) ? state.signedPalette : state.plainPalette);
    const same = [data.run, label, image, step, record.wall, target, reading, scale, palette.name, state.opacity, ground.state, state.scale].join("\n");
    if (same === this.#painted) return;
    this.#painted = same;
    const values = valuesOf(found);
    const unseen = plane?.unseen ?? input?.unseen ?? null;
    const clipped = this.draw(record.settings, values, ground, { palette, scale, opacity: state.opacity, opaque: isScore, unseen });
    this.#map = { record, values, plane, reading, scale };
    Object.assign(this.canvas.dataset, { run: data.run, image, method: label, step, target, reading, scale });
    this.remark(this.#remark(record, values, clipped, reading));
    this.call(`${label} map of ${scene.imageName(image)} for ${scene.className(image, target, data)} at step ${step}${isZero(values, reading) ? `: ${ZERO}` : ""}`);
  }

  /** The line below the map: only what must be said. */
  #remark(record, values, clipped, reading) {
    const { state } = this.app;
    const { target } = this.#spec;
    const parts = [];
    if (state.scale === "map" && reading !== "score") parts.push("not comparable");
    if (isZero(values, reading)) parts.push(ZERO);
    else if (!comparable(record.settings)) {
      const numbers = record.statistics(target);
      if (numbers) parts.push(`Σ ${number(numbers.positive - numbers.negative)}`);
    }
    let nan = 0;
    let infinite = 0;
    for (const value of values) {
      if (value !== value) nan++;
      else if (value === Infinity || value === -Infinity) infinite++;
    }
    if (infinite) parts.push(`${infinite} saturated`);
    if (nan) parts.push(`${nan} NaN`);
    if (!parts.length && clipped && clipped > values.length / 20) parts.push(`${percent(clipped / values.length)} beyond`);
    return parts.join(" · ");
  }

  short(at) {
    const { record, values, reading } = this.#map;
    if (at.position === undefined) return number(values[at.pixel]);
    const { target } = this.#spec;
    if (record.settings.output === "raw" || reading === "evidence") return signed(windows(record, target, reading)[at.position]);
    return percent(probability(record.column(target)[at.position]));
  }

  lines(at) {
    const { record, values, plane, reading } = this.#map;
    const { target, step } = this.#spec;
    const { settings } = record;
    const name = this.app.scene.className(this.#spec.image, target, this.#spec.data);
    const lines = at.position === undefined ? this.#pixelLines(at) : this.#windowLines(at, name);
    if (settings.geometry) {
      const unit = reading === "score" ? "" : ` ${settings.unit}`;
      const here = reading === "score" ? percent(values[at.pixel]) : `${signed(values[at.pixel])}${unit}`;
      lines.push(`pixel ${at.row}, ${at.column}: ${here}, mean of its windows`);
    } else if (plane) lines.push(`pixel ${at.row}, ${at.column} · step ${step}`);
    return lines;
  }

  #windowLines(at, name) {
    const { record, reading } = this.#map;
    const { target } = this.#spec;
    const { settings } = record;
    const before = record.wholeOf(target);
    const after = record.column(target)[at.position];
    if (settings.output === "raw") {
      return [`hide this window: the ${settings.unit} of ${name} goes from ${number(before)} to ${number(after)}`];
    }
    const [from, to] = apart(probability(before), probability(after));
    const verb = after < before ? "falls" : "rises";
    const first = from === to ? `stays at ${to}` : `${verb} from ${from} to ${to}`;
    const value = windows(record, target, reading)[at.position];
    const lines = [`hide this window: ${name} ${first}`];
    if (reading === "importance") lines.push(`importance ${signed(value)} ${settings.unit} (${number(before)} to ${number(after)})`);
    if (reading === "evidence") {
      const other = this.app.scene.className(this.#spec.image, rival(record, target), this.#spec.data);
      lines.push(`evidence for ${name} against ${other} changes by ${signed(-value)}`);
    }
    return lines;
  }

  #pixelLines(at) {
    const { record, values, plane } = this.#map;
    const { settings } = record;
    const mean = meanOf(record, this.#spec.target) || 1;
    const stored = plane.values[at.pixel];
    const half = plane.precision === "q8" && Number.isFinite(stored) ? ` ± ${number(halfLevel(stored, plane.peak, settings.sign))}` : "";
    const lines = [`${number(stored)}${half} ${settings.unit}`];
    if (!comparable(settings)) lines.push(`${number(values[at.pixel] ?? stored / mean)} times a uniform map`);
    return lines;
  }
}
