// B minus A on screen, with the numbers of both where the pointer is.

import { sameGrid } from "../shown/compare.js";
import { percent, signed } from "../kit/format.js";
import { percentile } from "../numbers/maps.js";
import { paletteOf } from "../numbers/palette.js";
import { hatched, pieceName } from "../numbers/places.js";
import { ofSegment } from "./card.js";
import { slicesText, whereText } from "../shown/look.js";
import { Picture } from "./picture.js";

/** @import { Difference as Between } from "../shown/compare.js" */
/** @import { Placed } from "../shown/look.js" */
/** @import { FoundMap, FoundMean, Spec } from "../shown/spec.js" */
/** @import { Reading, Size, Step, Windows } from "../types.js" */
/** @import { Given, Kind, Parts } from "./kind.js" */

/**
 * What is on screen, to be taken away: numbers, and what they are of.
 * @typedef {Between & Size & {geometry: Windows | null, probe: string, reading: Reading, sides: {a: Side, b: Side}}} Taken
 * @typedef {{run: string, step: Step, method: string | null, image: string, class?: string}} Side
 */

/**
 * @template {Spec} Of
 * @template {FoundMap | FoundMean} Found
 */
export class Difference extends Picture {
  #kind;
  /** @type {{between: Between, spec: Of, sides: {spec: Of, found: Found}[]} | null} what is painted */
  #map = null;
  /** @type {Of | null} */
  #spec = null;
  #painted = "";

  /**
   * @param {Given} given
   * @param {Kind<Of, Found>} kind
   * @param {Parts} parts
   */
  constructor(given, kind, { caption, reach = false }) {
    super(given, caption, reach);
    this.#kind = kind;
    this.element.classList.add("difference");
  }

  get image() {
    return this.#spec && this.#kind.key(this.#spec);
  }

  get images() {
    return this.#map ? this.#kind.images(this.#map.spec, this.#map.sides[1].found) : [];
  }

  /**
   * What is on screen; null where there is none.
   * @returns {Taken | null}
   */
  get taken() {
    if (!this.settings || !this.#map) return null;
    const { height, width, depth, geometry } = this.settings;
    const { between, spec, sides } = this.#map;
    const [a, b] = sides.map((each) => ({
      run: each.spec.data.run, step: each.spec.step, method: each.spec.label, ...this.#kind.of(this.given.scene, each.spec, each.found),
    }));
    return { ...between, height, width, depth, geometry, probe: spec.data.probe, reading: sides[1].found.reading, sides: { a, b } };
  }

  /**
   * Say why nothing is subtracted.
   * @param {string} why
   */
  none(why) {
    this.#painted = "";
    delete this.canvas.dataset.difference;
    return this.say(why);
  }

  /**
   * Show what lies between two maps; false while one of them is still loading.
   * @param {Of} specA
   * @param {Of} specB
   */
  show(specA, specB) {
    this.#spec = specB;
    const [a, b] = [this.#kind.look(this.given, specA), this.#kind.look(this.given, specB)];
    if (a.loading || b.loading) {
      this.#painted = "";
      return this.wait();
    }
    if (!a.record || !b.record) return this.none(a.record ? "no B" : "no A");
    this.#paint(a, b, specA, specB);
    if (this.settings) this.showRegions(b.input);
    return true;
  }

  /** @param {Found} a @param {Found} b @param {Of} specA @param {Of} specB */
  #paint(a, b, specA, specB) {
    const { scene, state } = this.given;
    /** @type {(spec: Of, found: Found) => string} */
    const key = ({ data, label, step, target }, { record }) => [data.run, label, step, target, record.wall].join("\t");
    const shared = this.#kind.scale(scene, specB, b);
    const same = [key(specA, a), key(specB, b), this.image, b.reading, shared, state.signedPalette, state.opacity, state.scale, b.ground.state].join("\n");
    if (same === this.#painted) {
      this.turn();
      return;
    }
    this.#painted = same;
    const between = this.#kind.between(a, b);
    if (between.why !== undefined) {
      this.say(between.why);
      return;
    }
    this.#map = { between, spec: specB, sides: [{ spec: specA, found: a }, { spec: specB, found: b }] };
    const own = () => percentile(between.values.map(Math.abs).filter(Number.isFinite).sort(), 99);
    const scale = state.scale === "map" && b.reading !== "score" ? own() : shared;
    const { settings } = b.record;
    // The window or segment under the pointer is B's where both have the same ones, else there is none.
    const common = sameGrid(a.record.settings.geometry, settings.geometry) ? settings : { ...settings, geometry: null };
    const unseen = hatched(b.plane?.unseen ?? b.input?.unseen ?? null, a.record.settings.geometry, settings.geometry);
    this.draw(common, between.values, b.ground, { palette: paletteOf(state.signedPalette), scale, opacity: state.opacity, unseen });
    const { data, of } = this.#kind.named(scene, specB, b);
    Object.assign(this.canvas.dataset, { difference: between.kind, run: specB.data.run, step: specB.step, scale, ...data });
    this.remark(state.scale === "map" ? "not comparable" : "");
    this.call(`difference of ${of}: step ${specB.step} minus A`);
  }

  /** @param {Placed} at */
  short(at) {
    if (!this.#map) return "";
    const { values, windows } = this.#map.between;
    if (windows) return at.position === undefined ? "" : signed(windows.values[at.position]);
    return signed(values[at.pixel]);
  }

  /**
   * Of the window or segment under the pointer, as A and B say theirs; without a grid in common of the pixel.
   * @param {Placed} at
   */
  lines(at) {
    if (!this.#map) return [];
    const { sides, between: { windows, kind, unit, ...pixels } } = this.#map;
    const [before, after] = sides.map(({ found }) => found.record.settings.geometry);
    if (windows && at.position === undefined) return [ofSegment(at)];
    const [of, place] = windows ? [windows, at.position ?? 0] : [pixels, at.pixel];
    const what = kind === "probability" ? "probability" : unit;
    const where = whereText(at);
    /** @type {(side: number, value: number) => string} */
    const said = (side, value) => {
      // Without windows in common numbers that are of windows say nothing of the pixel.
      const own = windows ? this.#kind.windowed?.(sides[side].found, at) : undefined;
      return own ?? (kind === "probability" ? percent(value) : signed(value));
    };
    const remark = windows && this.#kind.remark?.(sides[1].found);
    return [
      `B − A: ${signed(of.values[place])} ${what}${windows ? `, this ${pieceName(after)}${slicesText(at)}` : ""}`,
      `A ${said(0, of.a[place])} · B ${said(1, of.b[place])}`,
      ...(kind === "evidence" ? ["log of the ratio of both classes' probabilities"] : []),
      windows ? (after?.segments ? ofSegment(at) : `${where}: ${signed(pixels.values[at.pixel])} ${what}, mean of its windows`)
        : `${where}${before && after ? `: A and B have different ${pieceName(before.segments ? before : after)}s` : ""}`,
      ...(remark ? [remark] : []),
    ];
  }
}
