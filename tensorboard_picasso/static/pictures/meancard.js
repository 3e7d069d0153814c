// One mean map on screen: importance averaged over images, drawn over the mean of their pixels.

import { el } from "../kit/dom.js";
import { number, percent, signed } from "../kit/format.js";
import { lookMean, slicesText, whereText } from "../shown/look.js";
import { paletteOf } from "../numbers/palette.js";
import { hatched, paint, pieceName } from "../numbers/places.js";
import { ofSegment } from "./card.js";
import { Picture } from "./picture.js";
import { isZero, ZERO } from "../numbers/reading.js";
import { distinct, membersText } from "../log/records.js";

/** @import { Mean } from "../log/records.js" */
/** @import { Placed } from "../shown/look.js" */
/** @import { FoundMean, MeanSpec } from "../shown/spec.js" */
/** @import { MeanGroup } from "../types.js" */
/** @import { Given, Parts } from "./kind.js" */

/**
 * What all pictures of a group are known by.
 * @param {MeanGroup} group
 */
export function nameOfMean(group) {
  return `mean ${group}`;
}

/**
 * The mean of a window or segment, and its standard error where there is one.
 * @param {Mean} record
 * @param {number} position
 */
export function withError(record, position) {
  const error = record.errors[position];
  const mean = signed(record.means[position]);
  return Number.isNaN(error) ? mean : `${mean} ± ${number(error)}`;
}

export class MeanCard extends Picture {
  /** @type {MeanSpec | null} */
  #spec = null;
  /** @type {{record: Mean, values: Float64Array} | null} */
  #map = null;
  #painted = "";

  /** @param {Given} given @param {Partial<Parts>} parts as of `Picture` */
  constructor(given, { caption = el("figcaption"), reach = false } = {}) {
    super(given, caption, reach);
  }

  get image() {
    return this.#spec && nameOfMean(this.#spec.group);
  }

  get images() {
    return this.#map ? distinct(this.#map.record.settings.members).map(({ image }) => image) : [];
  }

  /**
   * Show one run's mean at a step; false while it is still loading.
   * @param {MeanSpec} spec as of `lookMean`
   */
  show(spec) {
    this.#spec = spec;
    this.stands(spec);
    const looked = lookMean(this.given, spec);
    if (looked.record) {
      this.#paint(spec, looked);
      this.showRegions(looked.input);
      return true;
    }
    this.#painted = "";
    return looked.loading ? this.wait() : this.say(looked.why);
  }

  /** @param {MeanSpec} spec @param {FoundMean} found */
  #paint(spec, { record, ground }) {
    const { scene, state } = this.given;
    const { data, group, label, step } = spec;
    const { settings } = record;
    const scale = scene.scales.ofMean(record, group, label);
    const palette = paletteOf(state.signedPalette);
    const same = [data.run, label, step, record.wall, scale, palette.name, state.opacity, ground.state, state.scale].join("\n");
    if (same === this.#painted) {
      this.turn();
      return;
    }
    this.#painted = same;
    const values = paint(record.means, settings.geometry, settings.height, settings.width);
    const unseen = hatched(null, settings.geometry);
    const beyond = this.draw(settings, values, ground, { palette, scale, opacity: state.opacity, unseen });
    this.#map = { record, values };
    Object.assign(this.canvas.dataset, { run: data.run, group: group ?? "probe", method: label, step, scale, ground: ground.state, images: this.images.join() });
    this.call(`mean ${label} map of ${membersText(settings.members)} at step ${step}`);
    this.#remark(values, beyond, unseen);
  }

  /** @param {Float64Array} values @param {number} beyond @param {Uint8Array | null} unseen */
  #remark(values, beyond, unseen) {
    const parts = [];
    if (this.given.state.scale === "map") parts.push("not comparable");
    if (isZero(values, "importance", unseen)) parts.push(ZERO);
    const none = values.filter((value, i) => Number.isNaN(value) && !unseen?.[i]).length;
    if (none) parts.push(`${none} NaN`);
    if (!parts.length && beyond > values.length / 20) parts.push(`${percent(beyond / values.length)} beyond`);
    this.remark(parts.join(" · "));
  }

  /** @param {Placed} at */
  short(at) {
    return this.#map && at.position !== undefined ? signed(this.#map.record.means[at.position]) : "";
  }

  /** @param {Placed} at */
  lines(at) {
    if (!this.#map) return [];
    const { record, values } = this.#map;
    const { position } = at;
    const { members, unit, geometry } = record.settings;
    if (position === undefined) return [ofSegment(at)];
    const count = record.countAt(position);
    const images = membersText(members);
    if (Number.isNaN(record.means[position])) return [`no finite importance in any of ${images}`];
    const of = count === members.length ? images : `${count} of ${images}; the others are saturated here`;
    return [
      `hide this ${pieceName(geometry)}${slicesText(at)}: importance ${withError(record, position)} ${unit}`,
      `${Number.isNaN(record.errors[position]) ? "mean of" : "mean ± standard error of"} ${of}`,
      geometry.segments ? ofSegment(at) : `${whereText(at)}: ${signed(values[at.pixel])} ${unit}, mean of its windows`,
    ];
  }
}
