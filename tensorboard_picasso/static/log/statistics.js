// Statistics of maps as answers hold them: rows of numbers, read by name.

import { PackError } from "./pack.js";

/** @import { Compared, Located, Statistics } from "../types.js" */

/** The parts of a region's share, and where it is found, in the order in which answers have them. */
export const SHARES = /** @type {const} */ (["positive", "negative", "absolute"]);
export const LOCATED = /** @type {const} */ (["pointing", "iou"]);

/** Rows of statistics, by the names that the answer gives them; behind those a share of each region. */
export class Rows {
  /**
   * @param {string[]} names of the statistics, in the order of a row
   * @param {Compared[]} regions
   * @param {Float64Array} numbers of all rows
   */
  constructor(names, regions, numbers) {
    this.names = names;
    this.regions = regions;
    this.width = names.length + SHARES.length * regions.length;
    if (numbers.length % this.width) throw new PackError(`statistics hold ${numbers.length} numbers, not rows of ${this.width}`);
    this.numbers = numbers;
  }

  /**
   * One row as an object, with `shares` of the regions.
   * @param {number} index
   * @returns {Statistics}
   */
  row(index) {
    const at = index * this.width;
    const shares = this.regions.map((region, i) => {
      const start = at + this.names.length + 3 * i;
      const [positive, negative, absolute] = this.numbers.subarray(start, start + 3);
      return { ...region, positive, negative, absolute };
    });
    const numbers = Object.fromEntries(this.names.map((name, i) => [name, this.numbers[at + i]]));
    return /** @type {Statistics} */ (/** @type {unknown} */ ({ ...numbers, shares }));
  }
}

/** Of each target's map where regions are found in it, and what shares they have: so many numbers each, by name. */
export class PerRegion {
  /**
   * @param {readonly string[]} names of the numbers
   * @param {Compared[]} regions
   * @param {Float64Array} numbers of all targets, by region
   */
  constructor(names, regions, numbers) {
    this.names = names;
    this.regions = regions;
    this.numbers = numbers;
  }

  /**
   * The numbers of a region in a target's map; null where there is no such region.
   * @param {number} row of the target
   * @param {string} name
   * @returns {Located | null}
   */
  of(row, name) {
    const place = this.regions.findIndex((each) => each.name === name);
    if (place < 0) return null;
    const at = (row * this.regions.length + place) * this.names.length;
    const numbers = Object.fromEntries(this.names.map((each, i) => [each, this.numbers[at + i]]));
    return /** @type {Located} */ (/** @type {unknown} */ (numbers));
  }
}

