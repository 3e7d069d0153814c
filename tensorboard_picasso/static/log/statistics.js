// Statistics of maps as answers hold them: rows of numbers, read by name.

import { PackError } from "./pack.js";

/** @import { Compared, Statistics } from "../types.js" */

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
    this.width = names.length + 3 * regions.length;
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
