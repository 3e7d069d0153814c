// Where a map is strongest: the window of its grid, or of a full map the rectangle, that holds most.

import { boxOf } from "./places.js";

/** @import { Part, Place, Size, Windows } from "../types.js" */

/**
 * A part of an image; `value`: the number of a window, or what part of the map a rectangle holds; `ties`: how many
 * hold as much, of which it is the first, row by row.
 * @typedef {Place & {value: number, ties: number}} Strongest
 */

export const SIDE = 7; // a rectangle's sides are one part in so many of the map's
const ROUNDING = 1e-9; // of the whole map: sums that differ by less are equal

/**
 * The window with the largest value, or the rectangle around the segment that has it.
 * @param {ArrayLike<number>} values one a window, row by row, or one a segment; NaN: none
 * @param {Windows} geometry
 * @param {number} across the image: its width
 * @returns {Strongest | null} null where none is above zero, or all are alike
 */
export function strongestWindow(values, { tops, lefts, window: [height, width], segments }, across) {
  let best = -1;
  let ties = 0;
  let known = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (Number.isNaN(value)) continue;
    known++;
    if (best < 0 || value > values[best]) {
      best = i;
      ties = 1;
    } else if (value === values[best]) ties++;
  }
  if (best < 0 || !(values[best] > 0) || isNone(ties, known)) return null;
  if (segments) return { ...boxOf(segments, best, across), value: values[best], ties };
  const [row, column] = [Math.floor(best / lefts.length), best % lefts.length];
  return { top: tops[row], left: lefts[column], height, width, value: values[best], ties };
}

/**
 * Whether the strongest does not stand out: the first of equals would show how they are numbered, not what is in the map.
 * @param {number} ties
 * @param {number} count
 */
function isNone(ties, count) {
  return count > 1 && ties === count;
}

/**
 * Sides of the rectangle that is looked for in a full map.
 * @param {Size} size of the map
 * @returns {Size} a seventh of each side, one pixel at the least
 */
export function rectangleOf({ height, width }) {
  /** @type {(side: number) => number} */
  const part = (side) => Math.max(1, Math.round(side / SIDE));
  return { height: part(height), width: part(width) };
}

/**
 * The rectangle of that size that holds most of a map, at any pixel.
 * @param {ArrayLike<number>} values one a pixel, row by row; NaN: none
 * @param {Size} size
 * @param {Part} part of the map that counts; "negative" is not asked for
 * @param {Uint8Array | null} unseen 1 where the model never looks: nothing counts there
 * @returns {Strongest | null} its value a share, 0 to 1; null where nothing counts, or all rectangles hold as much
 */
export function strongestRectangle(values, size, part, unseen = null) {
  const sums = summed(weights(values, part, unseen), size);
  const { height, width } = rectangleOf(size);
  const [rows, columns] = [size.height - height + 1, size.width - width + 1];
  const line = size.width + 1;
  const total = sums[sums.length - 1];
  if (!(total > 0)) return null;
  const held = new Float64Array(rows * columns);
  let most = 0;
  for (let top = 0, i = 0; top < rows; top++) {
    const [above, below] = [top * line, (top + height) * line];
    for (let left = 0; left < columns; left++, i++) {
      held[i] = sums[below + left + width] - sums[below + left] - sums[above + left + width] + sums[above + left];
      if (held[i] > most) most = held[i];
    }
  }
  let first = -1;
  let ties = 0;
  for (let i = 0; i < held.length; i++) {
    if (held[i] < most - ROUNDING * total) continue;
    if (first < 0) first = i;
    ties++;
  }
  if (isNone(ties, held.length)) return null;
  return { top: Math.floor(first / columns), left: first % columns, height, width, value: held[first] / total, ties };
}

/**
 * What each pixel counts for. Where some are infinite, those alone do, alike.
 * @param {ArrayLike<number>} values
 * @param {Part} part
 * @param {Uint8Array | null} unseen
 */
function weights(values, part, unseen) {
  const result = new Float64Array(values.length);
  let infinite = false;
  for (let i = 0; i < values.length; i++) {
    const weight = part === "absolute" ? Math.abs(values[i]) : values[i];
    // What is not a number is not above zero.
    if (!(weight > 0) || unseen?.[i]) continue;
    result[i] = weight;
    if (weight === Infinity) infinite = true;
  }
  return infinite ? result.map((weight) => (weight === Infinity ? 1 : 0)) : result;
}

/**
 * Sums over all that lies above and left of each corner of a pixel.
 * @param {Float64Array} weight one a pixel
 * @param {Size} size
 * @returns {Float64Array} (height + 1) × (width + 1)
 */
function summed(weight, { height, width }) {
  const line = width + 1;
  const sums = new Float64Array((height + 1) * line);
  for (let y = 0, i = 0; y < height; y++) {
    let row = 0;
    for (let x = 0, at = (y + 1) * line + 1; x < width; x++, i++, at++) {
      row += weight[i];
      sums[at] = sums[at - line] + row;
    }
  }
  return sums;
}
