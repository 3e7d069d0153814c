// The newest number of each of several images: their mean, and its standard error.

import { finite } from "../kit/lists.js";

/**
 * @typedef {object} Newest
 * @property {number} newest the newest kept step, as a place in the lists
 * @property {number} mean of the numbers there, NaN where none is one
 * @property {number | null} error its standard error (n − 1); null for a single image
 * @property {number} count of the images behind both
 */

/**
 * @param {(number | null)[][]} lists an image each: a number at each step, null where the step was
 *   not kept, NaN where there is no such number
 * @returns {Newest | null} null where no step was kept
 */
export function newestOf(lists) {
  const newest = (lists[0] ?? []).findLastIndex((_, place) => lists.some((list) => list[place] !== null));
  if (newest < 0) return null;
  const numbers = finite(lists.map((list) => list[newest]));
  const count = numbers.length;
  const mean = numbers.reduce((sum, each) => sum + each, 0) / count;
  const squares = numbers.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  return { newest, mean, error: count > 1 ? Math.sqrt(squares / (count - 1) / count) : null, count };
}
