// What hiding a region does to the answers for some images in one run. The predictions that change
// and how far the answers move come first: what one class loses on one image it may gain on another.

import { hiddenIn, hidingLoss, movesOf } from "./hidden.js";
import { newestOf } from "./newest.js";

/** @import { Answer, Hidden, Series, Step } from "../types.js" */
/** @import { Hiding } from "./hidden.js" */
/** @import { Newest } from "./newest.js" */

/** What an image loses or gains of a probability counts from here on. */
const LEAST = 0.05;
/** Of a mean that is less than so many standard errors the sign is not known. */
const ERRORS = 2;

/** @typedef {{scores: Map<number, Series<Answer>>}} Run what is read of one */

/**
 * A class beside the predicted one.
 * @template Data
 * @typedef {{name: string, of: (image: number, data: Data) => number | number[]}} Asked
 */

/** @typedef {{image: number, record: Answer, hidden: Hidden}} Known */

/**
 * @typedef {object} Effect
 * @property {Newest | null} moves how far the answers move; null: not recorded
 * @property {number} changed how many predictions are others at the newest step
 * @property {{before: number | null, after: number | null, image: number} | null} turned of a single image: what was
 *   predicted, and what is; null: several images
 * @property {{whole: number, hidden: number}|null} predicted mean probabilities of the class that is
 *   predicted with nothing hidden, at the newest step
 * @property {(Newest & {name: string, lost: number, gained: number})|null} own what
 *   is taken from the class asked about, how many images lose and gain enough to count; null: none is
 *   asked about
 */

/** @param {number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * @template {Run} Data
 * @param {{steps: Step[]}} scene
 * @param {Data} data a run
 * @param {number[]} images
 * @param {Hiding} hiding
 * @param {Asked<Data> | null} asked a class beside the predicted one
 * @returns {Effect | null} null where no region was hidden
 */
export function effect(scene, data, images, hiding, asked) {
  /** @type {<T>(read: (record: Answer, image: number) => T) => (T | null)[][]} */
  const over = (read) => images.map((image) => scene.steps.map((step) => {
    const record = data.scores.get(image)?.steps.get(step);
    return record ? read(record, image) : null;
  }));
  const moves = newestOf(over((record) => movesOf(record, hiding)));
  const own = asked ? ownOf(over((record, image) => hidingLoss(record, asked.of(image, data), hiding)), asked.name) : null;
  if (moves === null && !own) return null;
  const at = moves === null ? [] : over((record, image) => ({ image, record, hidden: hiddenIn(record, hiding) }))
    .map((each) => each[moves.newest]).flatMap((each) => (each?.hidden && each.hidden.moves !== null ? [{ ...each, hidden: each.hidden }] : []));
  return { moves, own, ...known(at) };
}

/**
 * What there is at the newest step.
 * @param {Known[]} at
 */
function known(at) {
  if (!at.length) return { changed: 0, turned: null, predicted: null };
  const [{ image, record, hidden }] = at;
  const scores = at.map((each) => {
    const predicted = each.record.predicted ?? NaN;
    return { whole: each.record.score(predicted), hidden: each.record.score(predicted, each.hidden.values) };
  });
  return {
    changed: at.filter((each) => each.hidden.flips).length,
    turned: at.length > 1 ? null : { before: record.predicted, after: hidden.predicted, image },
    predicted: { whole: mean(scores.map(({ whole }) => whole)), hidden: mean(scores.map(({ hidden }) => hidden)) },
  };
}

/** @param {(number | null)[][]} lists @param {string} name */
function ownOf(lists, name) {
  const found = newestOf(lists);
  if (found === null) return null;
  const last = lists.map((list) => list[found.newest]);
  return {
    ...found, name,
    lost: last.filter((each) => each !== null && each >= LEAST).length,
    gained: last.filter((each) => each !== null && each <= -LEAST).length,
  };
}

/**
 * Whether what some images lose is what others gain: then the mean says nothing.
 * @param {{mean: number, error: number | null, lost: number, gained: number}} own
 */
export function cancels({ mean: of, error, lost, gained }) {
  return lost > 0 && gained > 0 && (Math.abs(of) < LEAST || Math.abs(of) < ERRORS * (error ?? 0));
}
