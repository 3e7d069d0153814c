// One map on screen, and what it says where the pointer is.

import { apart, number, percent, signed, stays } from "../kit/format.js";
import { finite } from "../kit/lists.js";
import { look, slicesText, valuesOf, whereText } from "../shown/look.js";
import { halfLevel, probability } from "../numbers/maps.js";
import { GREY, paletteOf } from "../numbers/palette.js";
import { hatched, pieceName } from "../numbers/places.js";
import { orFill } from "./legend.js";
import { Picture } from "./picture.js";
import { comparable, isSigned, isZero, meanOf, rival, windows, ZERO } from "../numbers/reading.js";

/** @import { Attribution } from "../log/records.js" */
/** @import { Placed } from "../shown/look.js" */
/** @import { FoundMap, MapSpec } from "../shown/spec.js" */
/** @import { Plane, Reading } from "../types.js" */
/** @import { Given, Parts } from "./kind.js" */

/**
 * What is painted.
 * @typedef {{spec: MapSpec, record: Attribution, values: Values, plane: Plane | null, reading: Reading, unseen: Uint8Array | null}} Painted
 *
 * @typedef {Float32Array | Float64Array} Values
 */

const SHADES = 0.05; // of a scale from 0 to 1: nearer ones look alike

/**
 * That a map of probabilities is all one shade, and which.
 * @param {Values} values
 */
function alike(values) {
  const known = finite(values);
  if (!known.length) return [];
  const [least, most] = known.reduce(([low, high], each) => [Math.min(low, each), Math.max(high, each)], [1, 0]);
  if (most - least >= SHADES) return [];
  return [stays(least, most) ? `everywhere ${percent(least)}` : `everywhere ${apart(least, most).join(" to ")}`];
}

/**
 * Which segment a place is of.
 * @param {Placed} at
 */
export function ofSegment(at) {
  return `${whereText(at)}: ${at.position === undefined ? "in no segment, never hidden" : `segment ${at.position}`}`;
}

export class Card extends Picture {
  /** @type {MapSpec | null} */
  #spec = null;
  /** @type {Painted | null} */
  #map = null;
  #painted = "";

  /**
   * @param {Given} given
   * @param {Parts} parts as of `Picture`
   */
  constructor(given, { caption, reach = false, plane = "axial" }) {
    super(given, caption, reach, plane);
  }

  get image() {
    const image = this.#spec?.image ?? null;
    // Elsewhere a point of another plane lies at another place.
    return this.plane === "axial" || image === null ? image : `${this.plane} ${image}`;
  }

  get images() {
    return this.#spec ? [this.#spec.image] : [];
  }

  /**
   * Show a map.
   * @param {MapSpec} spec
   * @returns {boolean} false while it is still loading
   */
  show(spec) {
    this.#spec = spec;
    this.stands(spec);
    const looked = look(this.given, spec);
    if (looked.record) {
      this.#paint(spec, looked);
      this.showRegions(looked.input);
      return true;
    }
    this.#painted = "";
    return looked.loading ? this.wait() : this.say(looked.why);
  }

  /** @param {MapSpec} spec @param {FoundMap} looked */
  #paint(spec, looked) {
    const { scene, state } = this.given;
    const { label, step, target, image, data } = spec;
    const { record, plane, ground, input, reading } = looked;
    const scale = scene.scales.of(record, target, label, reading);
    const isScore = reading === "score";
    const palette = isScore ? GREY : paletteOf(isSigned(record.settings, reading) ? state.signedPalette : state.plainPalette);
    const same = [data.run, label, image, step, record.wall, target, reading, scale, palette.name, state.opacity, ground.state, state.scale].join("\n");
    if (same === this.#painted) {
      this.turn();
      return;
    }
    const values = valuesOf(looked);
    if (!values) return;
    this.#painted = same;
    const unseen = hatched(plane?.unseen ?? input?.unseen ?? null, record.settings.geometry);
    const clipped = this.draw(record.settings, values, ground, { palette, scale, opacity: state.opacity, opaque: isScore, unseen });
    this.#map = { spec, record, values, plane, reading, unseen };
    Object.assign(this.canvas.dataset, { run: data.run, image, method: label, step, target, reading, scale });
    this.remark(this.#remark(this.#map, clipped));
    this.call(`${label} map of ${scene.imageName(image)} for ${scene.className(image, target, data)} at step ${step}${isZero(values, reading, unseen) ? `: ${ZERO}` : ""}`);
  }

  /**
   * The line below the map: only what must be said.
   * @param {Painted} painted
   * @param {number} clipped how many values lie beyond the scale
   */
  #remark({ spec, record, values, reading, unseen }, clipped) {
    const { state } = this.given;
    const parts = [];
    if (state.scale === "map" && reading !== "score") parts.push("not comparable");
    if (isZero(values, reading, unseen)) parts.push(ZERO);
    else if (!comparable(record.settings)) {
      const numbers = record.statistics(spec.target);
      if (numbers) parts.push(`total ${number(numbers.positive - numbers.negative)}`);
    }
    let nan = 0;
    let infinite = 0;
    for (let i = 0; i < values.length; i++) {
      const value = values[i];
      if (unseen?.[i]) continue;
      if (value !== value) nan++;
      else if (value === Infinity || value === -Infinity) infinite++;
    }
    if (infinite) parts.push(`${infinite} saturated`);
    if (nan) parts.push(`${nan} NaN`);
    if (reading === "score") parts.push(...alike(values));
    if (!parts.length && clipped && clipped > values.length / 20) parts.push(`${percent(clipped / values.length)} beyond`);
    return parts.join(" · ");
  }

  /** @param {Placed} at */
  short(at) {
    if (!this.#map) return "";
    const { spec, record, values, reading } = this.#map;
    if (at.position === undefined) return record.settings.geometry ? "" : number(values[at.pixel]);
    const after = record.column(spec.target)?.[at.position] ?? NaN;
    if (record.settings.output !== "raw" && reading !== "evidence") return percent(probability(after));
    return signed(windows(record, spec.target, reading)?.[at.position] ?? NaN);
  }

  /** @param {Placed} at */
  lines(at) {
    if (!this.#map) return [];
    const { spec, record, values, plane, reading } = this.#map;
    const { settings } = record;
    const lines = at.position !== undefined ? this.#windowLines(this.#map, at, at.position) : plane ? this.#pixelLines(this.#map, plane, at.pixel) : [];
    if (settings.geometry?.segments) lines.push(ofSegment(at));
    else if (settings.geometry) {
      const unit = reading === "score" ? "" : ` ${settings.unit}`;
      const here = reading === "score" ? percent(values[at.pixel]) : `${signed(values[at.pixel])}${unit}`;
      lines.push(`${whereText(at)}: ${here}, mean of its windows`);
    } else if (plane) lines.push(`${whereText(at)} · step ${spec.step}`);
    return lines;
  }

  /** @param {Painted} painted @param {Placed} at @param {number} position of a window or segment */
  #windowLines({ spec, record, reading }, at, position) {
    const { data, image, target } = spec;
    const { scene } = this.given;
    const { settings } = record;
    const name = scene.className(image, target, data);
    const piece = `${pieceName(settings.geometry)}${slicesText(at)}`;
    const before = record.wholeOf(target);
    const after = record.column(target)?.[position] ?? NaN;
    if (settings.output === "raw") {
      return [`hide this ${piece}: the ${settings.unit} of ${name} goes from ${number(before)} to ${number(after)}`];
    }
    const [p, q] = [probability(before), probability(after)];
    const [from, to] = apart(p, q);
    const first = stays(p, q) ? `stays at ${percent(p)}` : `${after < before ? "falls" : "rises"} from ${from} to ${to}`;
    const value = windows(record, target, reading)?.[position] ?? NaN;
    const lines = [`hide this ${piece}: ${name} ${first}`];
    if (reading === "importance") lines.push(`importance ${signed(value)} ${settings.unit} (${number(before)} to ${number(after)})`);
    if (reading === "importance" && after > before && !stays(p, q)) lines.push(`it opposes ${name}${orFill(settings)}`);
    const other = reading === "evidence" ? rival(record, target) : null;
    if (other !== null) lines.push(`evidence for ${name} against ${scene.className(image, other, data)} changes by ${signed(-value)}`);
    return lines;
  }

  /** @param {Painted} painted @param {Plane} plane @param {number} pixel */
  #pixelLines({ spec, record, values }, plane, pixel) {
    const { settings } = record;
    const mean = meanOf(record, spec.target) || 1;
    const stored = plane.values[pixel];
    const half = plane.precision === "q8" && Number.isFinite(stored) ? ` ± ${number(halfLevel(stored, plane.peak, settings.sign))}` : "";
    const lines = [`${number(stored)}${half} ${settings.unit}`];
    if (!comparable(settings)) lines.push(`${number(values[pixel] ?? stored / mean)} times a uniform map`);
    return lines;
  }
}
