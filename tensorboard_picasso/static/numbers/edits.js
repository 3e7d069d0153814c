// What an answer survives: means over images with their intervals; the twin of Python's numbers/edits.

import { kept } from "../kit/lists.js";

export const RESAMPLES = 2000;
export const LEVEL = 0.05;
// By so much more than the same elsewhere an edit has to move answers to be flagged.
export const LEAST = 0.05;

/** @typedef {{value: number, low: number, high: number, count: number}} Estimate a mean and its interval, of so many images */
/** @typedef {{place: number, early: number | null, late: number | null}} Onset places of steps */

/** @param {number} number of 32 bits */
function hash(number) {
  let mixed = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** @type {Map<number, Uint32Array>} */
const drawn = new Map();

/**
 * The images of each resample, one after the other: `RESAMPLES` times as many as there are images.
 * @param {number} images
 */
export function draws(images) {
  return kept(drawn, images, () => Uint32Array.from({ length: RESAMPLES * images }, (_, i) => hash(i) % images));
}

/**
 * The mean of an image's numbers in each resample; NaN where none has one.
 * @param {ArrayLike<number>} values one an image
 */
export function resampled(values) {
  const images = values.length;
  const order = draws(images);
  return Float64Array.from({ length: RESAMPLES }, (_, sample) => {
    let sum = 0;
    let known = 0;
    for (let i = sample * images; i < (sample + 1) * images; i++) {
      const value = values[order[i]];
      if (!Number.isFinite(value)) continue;
      sum += value;
      known++;
    }
    return known ? sum / known : NaN;
  });
}

/**
 * Between two neighbours in order, as NumPy's percentile has it.
 * @param {ArrayLike<number>} ascending
 * @param {number} share
 */
function quantile(ascending, share) {
  const at = share * (ascending.length - 1);
  const below = Math.floor(at);
  const above = Math.min(below + 1, ascending.length - 1);
  return ascending[below] + (at - below) * (ascending[above] - ascending[below]);
}

/**
 * The mean of an image's numbers, and the interval in which it lies; what is no number does not count.
 * @param {ArrayLike<number>} values
 * @param {number} level how often the mean may lie outside
 * @returns {Estimate}
 */
export function estimate(values, level = LEVEL) {
  const known = Array.from(values).filter(Number.isFinite);
  if (!known.length) return { value: NaN, low: NaN, high: NaN, count: 0 };
  const value = known.reduce((sum, each) => sum + each, 0) / known.length;
  if (known.length < 2) return { value, low: NaN, high: NaN, count: 1 };
  const means = resampled(values).filter((mean) => !Number.isNaN(mean)).sort();
  return { value, low: quantile(means, level / 2), high: quantile(means, 1 - level / 2), count: known.length };
}

/**
 * By how much more an edit moves each answer than the same at other places.
 * @param {ArrayLike<number>} moves
 * @param {ArrayLike<number>[]} matched of each place
 */
export function beyond(moves, matched) {
  return Float64Array.from(moves, (move, image) => {
    const others = matched.map((each) => each[image]).filter(Number.isFinite);
    return move - others.reduce((sum, each) => sum + each, 0) / others.length;
  });
}

/**
 * The first place from which on all are true; null where the last one is not.
 * @param {boolean[]} above
 */
function since(above) {
  if (!above.at(-1)) return null;
  return above.lastIndexOf(false) + 1;
}

/**
 * Whether an edit is flagged, and since which of the steps; null where it is not at the last.
 * @param {ArrayLike<number>[]} differences of each step, as of `beyond`
 * @param {number} edits how many are asked about so
 * @returns {Onset | null}
 */
export function onset(differences, edits = 1) {
  if (!differences.length) return null;
  const low = differences.map((each) => estimate(each, LEVEL / edits).low);
  const place = since(low.map((each) => each > LEAST));
  if (place === null) return null;
  const means = differences.map((each) => resampled(each));
  const all = differences.length;
  const places = Array.from({ length: RESAMPLES }, (_, sample) => since(means.map((each) => each[sample] > LEAST)) ?? all).sort((a, b) => a - b);
  const [early, late] = [0.05, 0.95].map((share) => places[Math.floor(share * (places.length - 1))]).map((at) => (at === all ? null : at));
  return { place, early, late };
}
