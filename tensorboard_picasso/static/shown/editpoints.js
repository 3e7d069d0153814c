// What edits do to the answers of a run, in points, over its images and steps, with intervals: what rows, charts and
// the large view of an edit show.

import { finite, kept } from "../kit/lists.js";
import { estimate } from "../numbers/edits.js";

/** @import { Answered, Edits } from "../log/edits.js" */
/** @import { Estimate } from "../numbers/edits.js" */
/** @import { Point } from "../numbers/spread.js" */
/** @import { Among } from "./among.js" */
/** @import { Step } from "../types.js" */

export const POINTS = 100;
export const MEASURES = /** @type {const} */ (["moves", "flips", "follows", "costs"]);

/** @typedef {typeof MEASURES[number]} Measure */

/** What is told first: how far answers move, of raw outputs what the value loses. @param {Edits} edits @returns {Measure} */
export function mainMeasure({ asked }) {
  return asked.output === "raw" ? "costs" : "moves";
}

/**
 * Of each image, in points; of raw outputs what the value loses. NaN where that was not asked, and of images that
 * are not counted.
 * @param {Edits} edits
 * @param {Answered} record
 * @param {number} edit its place
 * @param {{measure?: Measure, among?: Among | null}} [which] among null: all
 * @returns {Float64Array}
 */
export function valuesOf(edits, record, edit, { measure = mainMeasure(edits), among = null } = {}) {
  const { output, images } = edits.asked;
  const times = output === "raw" ? 1 : POINTS;
  return Float64Array.from(record.each(edit, measure), (value, i) => (among?.has(images[i], i) ?? true ? times * value : NaN));
}

/**
 * The mean over the images; NaN where none was asked.
 * @param {ArrayLike<number>} values
 */
export function meanOf(values) {
  let [sum, known] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) continue;
    sum += values[i];
    known++;
  }
  return known ? sum / known : NaN;
}

/**
 * A mean whose interval is still to be found.
 * @param {ArrayLike<number>} values
 * @returns {Estimate}
 */
export function unsure(values) {
  return { value: meanOf(values), low: NaN, high: NaN, count: finite(Array.from(values)).length };
}

/** @type {WeakMap<Answered, Map<string, Estimate>>} */
const estimates = new WeakMap();

/**
 * The mean over the images with its interval, found once.
 * @param {Edits} edits
 * @param {Answered} record
 * @param {number} edit
 * @param {{measure?: Measure, among?: Among | null}} [which] as of `valuesOf`
 */
export function estimateOf(edits, record, edit, which = {}) {
  const own = kept(estimates, record, () => new Map());
  return kept(own, keyOf(edits, edit, which), () => estimate(valuesOf(edits, record, edit, which)));
}

/**
 * The same where it was found already, else null: intervals take a while, and what moves on does not wait for them.
 * @type {(...of: Parameters<typeof estimateOf>) => Estimate | null}
 */
export function knownEstimate(edits, record, edit, which = {}) {
  return estimates.get(record)?.get(keyOf(edits, edit, which)) ?? null;
}

/**
 * @param {Edits} edits
 * @param {number} edit
 * @param {{measure?: Measure, among?: Among | null}} which
 */
function keyOf(edits, edit, { measure = mainMeasure(edits), among = null }) {
  return `${edit} ${measure} ${among?.key ?? ""}`;
}

/**
 * The curve of an edit over steps: means, with the ends of their 95 % intervals.
 * @param {Step[]} steps
 * @param {Edits | null} edits of a run
 * @param {number} edit its place; -1: it was not asked
 * @param {{measure?: Measure, among?: Among | null, sure?: boolean}} [which] as of `valuesOf`; sure: with intervals
 * @returns {Point[]}
 */
export function curveOf(steps, edits, edit, { sure = true, ...which } = {}) {
  return steps.map((step) => {
    const record = edit < 0 ? null : (edits?.steps.get(step) ?? null);
    if (!edits || !record) return { mean: null, low: null, high: null, count: 0 };
    if (!sure) return { mean: meanOf(valuesOf(edits, record, edit, which)), low: null, high: null, count: 0 };
    const { value, low, high, count } = estimateOf(edits, record, edit, which);
    return { mean: value, low, high, count };
  });
}

/**
 * Names of the edits by how far they move the answers at the newest step, most first; not of those that are references.
 * @param {Edits[]} all
 * @param {Among | null} [among] of which images, as of `valuesOf`
 */
export function namesByMoves(all, among = null) {
  /** @type {Map<string, number>} */
  const most = new Map();
  for (const edits of all) {
    const newest = edits.at(null);
    edits.asked.edits.forEach((edit, i) => {
      if (edit.matched || !newest) return;
      const points = meanOf(valuesOf(edits, newest, i, { among }));
      most.set(edit.name, Math.max(most.get(edit.name) ?? -Infinity, Number.isNaN(points) ? -Infinity : points));
    });
  }
  return [...most.keys()].sort((a, b) => (most.get(b) ?? 0) - (most.get(a) ?? 0) || 0);
}
