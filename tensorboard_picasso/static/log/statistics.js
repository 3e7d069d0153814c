// Statistics of maps as answers hold them: rows of numbers, read by name.

/** @import { Compared, Reference, Statistics } from "../types.js" */
/** @import { Numbers } from "./pack.js" */

/** Rows of statistics, by the names that the answer gives them; behind those a share of each region. */
export class Rows {
  /**
   * @param {string[]} names of the statistics, in the order of a row
   * @param {Compared[]} regions
   * @param {Numbers} pack
   * @param {Reference<Float64Array>} reference to the numbers of all rows
   * @param {number} count of rows
   */
  constructor(names, regions, pack, reference, count = 1) {
    this.names = names;
    this.regions = regions;
    this.width = names.length + 3 * regions.length;
    this.numbers = pack.array(reference, this.width * count);
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
