// What an answer survives: means over images with their intervals; the twin of Python's numbers/edits.

import { kept } from "../kit/lists.js";

export const RESAMPLES = 2000;
export const LEVEL = 0.05;
// By so much more than the same elsewhere an edit has to move answers to be flagged.
export const LEAST = 0.05;

/** @typedef {{value: number, low: number, high: number, count: number}} Estimate a mean and its interval, of so many images */
/** @typedef {Estimate & {paired: boolean}} Difference of an edit in two runs; paired: of the same images, else of two means */
/** @typedef {{place: number, early: number | null, late: number | null}} Onset places of steps */

/** @param {number} number of 32 bits */
function hash(number) {
  let mixed = Math.imul(number ^ (number >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return (mixed ^ (mixed >>> 16)) >>> 0;
}

/** @type {Map<string, Uint16Array>} */
const drawn = new Map();

/**
 * The images of each resample, one after the other: `RESAMPLES` times as many as there are images.
 * @param {number} images
 * @param {number} of which images, where two sets are drawn independently
 */
export function draws(images, of = 0) {
  const count = RESAMPLES * images;
  return kept(drawn, `${images} ${of}`, () => Uint16Array.from({ length: count }, (_, i) => hash(of * count + i) % images));
}

/**
 * The sum of each resample's numbers. Here the tab spends its time: no call in it, no object.
 * @param {Float64Array} values
 * @param {Uint16Array} order as of `draws`
 */
function sums(values, order) {
  const found = new Float64Array(RESAMPLES);
  for (let sample = 0, i = 0; sample < RESAMPLES; sample++) {
    let sum = 0;
    for (const end = i + values.length; i < end; i++) sum += values[order[i]];
    found[sample] = sum;
  }
  return found;
}

/**
 * The mean of an image's numbers in each resample; NaN where none has one.
 * @param {ArrayLike<number>} values one an image
 * @param {number} of as of `draws`
 */
export function resampled(values, of = 0) {
  const order = draws(values.length, of);
  const given = Float64Array.from(values);
  if (given.every(Number.isFinite)) return sums(given, order).map((sum) => sum / given.length);
  const known = given.map((value) => Number(Number.isFinite(value)));
  const counts = sums(known, order);
  return sums(given.map((value, i) => (known[i] ? value : 0)), order).map((sum, sample) => sum / counts[sample]);
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
  return { value, ...middle(resampled(values), level), count: known.length };
}

/** @param {Float64Array} means @param {number} level */
function middle(means, level) {
  const ascending = means.filter((mean) => !Number.isNaN(mean)).sort();
  return { low: quantile(ascending, level / 2), high: quantile(ascending, 1 - level / 2) };
}

/**
 * By how much more an edit moves the answers of one run than those of another.
 * @param {ArrayLike<number>} own how far each answer moves in the one run
 * @param {ArrayLike<number>} other in the other, where there may be other images
 * @param {[number, number][] | null} pairs which are the same images, as of `paired`; null: they are not compared one by one
 * @returns {Difference}
 */
export function difference(own, other, pairs, level = LEVEL) {
  if (pairs) return { ...estimate(pairs.map(([mine, theirs]) => own[mine] - other[theirs]), level), paired: true };
  const [a, b] = [estimate(own, level), estimate(other, level)];
  const value = a.value - b.value;
  if (Math.min(a.count, b.count) < 2) return { value, low: NaN, high: NaN, count: a.count, paired: false };
  const theirs = resampled(other, 1);
  return { value, ...middle(resampled(own).map((mean, sample) => mean - theirs[sample]), level), count: a.count, paired: false };
}

/**
 * Places of the same images in two runs; null where both have images that the other has not: then they are two samples.
 * @param {string[]} own what each image of a run is known by
 * @param {string[]} other
 */
export function paired(own, other) {
  /** @type {Map<string, number[]>} */
  const places = Map.groupBy(other.keys(), (at) => other[at]);
  const found = own.flatMap((image, at) => {
    const place = places.get(image)?.shift();
    return place === undefined ? [] : [/** @type {[number, number]} */ ([at, place])];
  });
  return found.length === Math.min(own.length, other.length) ? found : null;
}

/**
 * By how much more an edit moves each answer than the same at the other place that moves it most.
 * @param {ArrayLike<number>} moves
 * @param {ArrayLike<number>[]} matched of each place
 */
export function beyond(moves, matched) {
  return Float64Array.from(moves, (move, image) => {
    const others = matched.map((each) => each[image]).filter(Number.isFinite);
    return others.length ? move - Math.max(...others) : NaN;
  });
}

/**
 * Whether the lower end of an interval is above a number; most often that takes no sorting.
 * @param {Float64Array} means of resamples
 * @param {number} level
 * @param {number} least
 */
function surelyAbove(means, level, least) {
  let [known, below] = [0, 0];
  for (const mean of means) {
    if (!Number.isNaN(mean)) known++;
    if (mean <= least) below++;
  }
  const at = (level / 2) * (known - 1);
  if (below <= Math.floor(at)) return known > 0;
  return below <= Math.floor(at) + 1 && middle(means, level).low > least;
}

/**
 * Whether that all images differ to one side, each as if by the toss of a coin, is rarer than a level.
 * @param {number} images
 * @param {number} level
 */
function enough(images, level) {
  return 0.5 ** images <= level / 2;
}

/**
 * Whether an edit is flagged, and since which of the steps; null where it is not at the last.
 * @param {ArrayLike<number>[]} differences of each step, as of `beyond`
 * @param {number} edits how many are asked about so
 * @param {number} least by so much more it has to move answers
 * @returns {Onset | null}
 */
export function onset(differences, edits = 1, least = LEAST) {
  const found = onsetOf(differences.length, (at) => differences[at], edits, least);
  for (;;) {
    const { done, value } = found.next();
    if (done) return value;
  }
}

/**
 * The same a step at a time, as many steps take a while.
 * @param {number} all how many steps
 * @param {(at: number) => ArrayLike<number>} of gives the differences of one
 * @param {number} edits
 * @param {number} least by so much more it has to move answers
 * @returns {Generator<void, Onset | null>}
 */
export function* onsetOf(all, of, edits, least = LEAST) {
  let place = all;
  // Back from the last step, until neither it nor any resample stays above.
  const places = new Int32Array(RESAMPLES).fill(all);
  for (let at = all - 1, staying = true; staying && at >= 0; at--) {
    const differences = Array.from(of(at));
    const means = resampled(differences);
    staying = place === at + 1 && enough(differences.filter(Number.isFinite).length, LEVEL / edits) && surelyAbove(means, LEVEL / edits, least);
    if (staying) place = at;
    if (place === all) return null;
    for (let sample = 0; sample < RESAMPLES; sample++) {
      if (places[sample] !== at + 1 || !(means[sample] > least)) continue;
      places[sample] = at;
      staying = true;
    }
    yield;
  }
  if (place === all) return null;
  places.sort();
  const [early, late] = [0.05, 0.95].map((share) => places[Math.floor(share * (RESAMPLES - 1))]).map((at) => (at === all ? null : at));
  return { place, early, late: late === null ? null : Math.max(late, place) };
}
