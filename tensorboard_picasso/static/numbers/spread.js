// Many numbers as few: the mean over images and the middle half of them.

import { finite } from "../kit/lists.js";
import { percentile } from "./maps.js";

/**
 * Null where nothing is there, NaN where nothing is a finite number.
 * @typedef {{mean: number | null, low: number | null, high: number | null, count: number}} Point
 */

/**
 * The mean and quartiles over several lists at each place.
 * @param {(number|null)[][]} lists of one length
 * @returns {Point[]}
 */
export function spread(lists) {
  return (lists[0] ?? []).map((_, place) => {
    const there = lists.map((list) => list[place]).filter((value) => value !== null);
    if (!there.length) return { mean: null, low: null, high: null, count: 0 };
    const sorted = Float64Array.from(finite(there)).sort();
    if (!sorted.length) return { mean: NaN, low: NaN, high: NaN, count: 0 };
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    return { mean, low: percentile(sorted, 25), high: percentile(sorted, 75), count: sorted.length };
  });
}
