// In which order parts of images stand, so that alike ones are neighbours.

/** @import { Place } from "../types.js" */

const CELLS = 4; // along each side of a part
const COLOURS = 3 * CELLS * CELLS;
const PLACE = 0.1; // what the image's whole side counts for, beside all of a colour's range
const ROUNDS = 6;
const LEAST = 1e-9; // by which a way must get shorter

/**
 * A part of an image in few numbers, which are as far from another's as the two look unlike: the root mean square of
 * how far their colours are apart, 0 to 1, and a little for their places.
 * @param {{data: ArrayLike<number>, height: number, width: number}} pixels RGBA, a byte each
 * @param {Place} place
 * @returns {Float64Array} mean colours of 4×4 cells, row by row, then the centre
 */
export function thumbnail(pixels, { top, left, height, width }) {
  const numbers = new Float64Array(COLOURS + 2);
  const scale = 1 / (255 * Math.sqrt(COLOURS));
  for (let cell = 0; cell < CELLS * CELLS; cell++) {
    const [y, bottom] = within(Math.floor(cell / CELLS), height);
    const [x, right] = within(cell % CELLS, width);
    const share = scale / ((bottom - y) * (right - x));
    for (let row = y; row < bottom; row++) {
      for (let column = x, at = 4 * ((top + row) * pixels.width + left + x); column < right; column++, at += 4) {
        for (let colour = 0; colour < 3; colour++) numbers[3 * cell + colour] += share * pixels.data[at + colour];
      }
    }
  }
  numbers[COLOURS] = (PLACE * (top + height / 2)) / pixels.height;
  numbers[COLOURS + 1] = (PLACE * (left + width / 2)) / pixels.width;
  return numbers;
}

/**
 * First and last pixel, exclusively, of a cell along a side: one pixel at the least.
 * @param {number} cell
 * @param {number} side
 */
function within(cell, side) {
  const first = Math.floor((cell * side) / CELLS);
  return [first, Math.max(first + 1, Math.floor(((cell + 1) * side) / CELLS))];
}

/**
 * An order in which alike ones are neighbours: from the one that is least like all others to the nearest that is left, and
 * so on; then turned round in parts as long as that makes the whole way shorter. Of its ends the darker one comes first.
 * @param {Float64Array[]} all as `thumbnail` gives them
 * @returns {number[]} their places in the list
 */
export function alikeOrder(all) {
  const count = all.length;
  const away = distances(all);
  const order = chain(away, count);
  for (let round = 0; round < ROUNDS && shorten(order, away, count); round++);
  const [first, last] = [order[0], order[count - 1]].map((each) => (count ? light(all[each]) : 0));
  return first > last ? order.reverse() : order;
}

/** @param {Float64Array} numbers */
function light(numbers) {
  return numbers.subarray(0, COLOURS).reduce((sum, each) => sum + each, 0);
}

/**
 * How far each is from each.
 * @param {Float64Array[]} all
 */
function distances(all) {
  const count = all.length;
  const away = new Float32Array(count * count);
  for (let a = 0; a < count; a++) {
    for (let b = 0; b < a; b++) {
      let sum = 0;
      for (let i = 0; i < all[a].length; i++) sum += (all[a][i] - all[b][i]) ** 2;
      away[a * count + b] = away[b * count + a] = Math.sqrt(sum);
    }
  }
  return away;
}

/**
 * From each to the nearest that is left.
 * @param {Float32Array} away
 * @param {number} count
 */
function chain(away, count) {
  /** @type {(of: number) => number} */
  const unlike = (of) => away.subarray(of * count, (of + 1) * count).reduce((sum, each) => sum + each, 0);
  const left = Array.from({ length: count }, (_, i) => i);
  /** @type {number[]} */
  const order = [];
  // The first of all is the farthest from all.
  let [at, most] = [0, -1];
  for (const each of left) {
    const sum = unlike(each);
    if (sum > most) [at, most] = [each, sum];
  }
  while (left.length) {
    left.splice(left.indexOf(at), 1);
    order.push(at);
    const from = at * count;
    let least = Infinity;
    for (const each of left) {
      if (away[from + each] < least) [at, least] = [each, away[from + each]];
    }
  }
  return order;
}

/**
 * Turn parts of an order round where that makes the way shorter, in place; whether it did anywhere.
 * @param {number[]} order
 * @param {Float32Array} away
 * @param {number} count
 */
function shorten(order, away, count) {
  let better = false;
  /** @type {(a: number | undefined, b: number | undefined) => number} an end has no way on */
  const way = (a, b) => (a === undefined || b === undefined ? 0 : away[a * count + b]);
  for (let i = 0; i < count - 1; i++) {
    for (let j = i + 1; j < count; j++) {
      const now = way(order[i - 1], order[i]) + way(order[j], order[j + 1]);
      const turned = way(order[i - 1], order[j]) + way(order[i], order[j + 1]);
      if (turned > now - LEAST) continue;
      for (let a = i, b = j; a < b; a++, b--) [order[a], order[b]] = [order[b], order[a]];
      better = true;
    }
  }
  return better;
}
