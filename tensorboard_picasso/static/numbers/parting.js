// Where two lines part: from which step on what hiding a region does is large enough to count. A
// measurement by a fixed rule; what it means is for the reader to say.

import { finite } from "../kit/lists.js";

/** The least difference that counts: of two probabilities. */
export const LEAST = 0.05;
/** Over two images or more, it is also at least so many standard errors of its mean. */
export const ERRORS = 2;

/**
 * Mean, and its standard error (n − 1), of the finite numbers; null where there are none.
 * @param {(number | null)[]} differences
 */
function meanOf(differences) {
  const numbers = finite(differences);
  const count = numbers.length;
  if (!count) return null;
  const mean = numbers.reduce((sum, each) => sum + each, 0) / count;
  if (count === 1) return { mean, error: null, count };
  const squares = numbers.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  return { mean, error: Math.sqrt(squares / (count - 1) / count), count };
}

/**
 * Whether a mean is large enough to count, were it beyond noise.
 * @param {{mean: number}} of
 */
export function isLarge({ mean }) {
  return Math.abs(mean) >= LEAST;
}

/** @param {{mean: number, error: number | null}} of */
function isApart({ mean, error }) {
  return isLarge({ mean }) && (error === null || Math.abs(mean) >= ERRORS * error);
}

/**
 * @typedef {object} Parting
 * @property {number|null} from the first kept step from which on the two are apart, to one side, at
 *   every later one; null: they are not apart at the newest
 * @property {number|null} before the kept step before `from`; null: there is none
 * @property {number} kept how many kept steps there are from `from` on
 * @property {number|null} first the first step at which they are apart, to either side
 * @property {number|null} last the last such step
 * @property {boolean} noisy whether the mean is large enough at some step, but not beyond noise
 * @property {number} newest the newest step
 * @property {number} mean of the differences at the newest step, NaN where none is a number
 * @property {number|null} error its standard error; null for a single image
 * @property {number} count of the images behind both
 *
 * All steps are places in the lists.
 */

/**
 * From which step on two scores of the same images stay apart.
 * @param {(number|null)[][]} lists an image each: at each step one score minus the other, null where
 *   the step was not kept, NaN where there is no such number
 * @returns {Parting|null} null where no step was kept
 */
export function parting(lists) {
  /** @type {{place: number, average: ReturnType<typeof meanOf>, side: number}[]} */
  const steps = [];
  (lists[0] ?? []).forEach((_, place) => {
    const there = lists.map((list) => list[place]).filter((each) => each !== null);
    if (!there.length) return;
    const average = meanOf(there);
    steps.push({ place, average, side: average && isApart(average) ? Math.sign(average.mean) : 0 });
  });
  if (!steps.length) return null;
  const newest = steps[steps.length - 1];
  const start = newest.side ? steps.findLastIndex(({ side }) => side !== newest.side) + 1 : -1;
  const apart = steps.filter(({ side }) => side);
  return {
    from: steps[start]?.place ?? null,
    before: start > 0 ? steps[start - 1].place : null,
    kept: start < 0 ? 0 : steps.length - start,
    first: apart[0]?.place ?? null,
    last: apart.at(-1)?.place ?? null,
    noisy: steps.some(({ average, side }) => average && isLarge(average) && !side),
    newest: newest.place,
    ...(newest.average ?? { mean: NaN, error: null, count: 0 }),
  };
}
