// Many numbers as few: the mean over images and the middle half of them.

import { percentile } from "./maps.js";

/**
 * The mean and quartiles over several lists at each place.
 * @param {(number|null)[][]} lists of one length
 * @returns {{mean: number|null, low: number|null, high: number|null, count: number}[]} null where
 *   no list has anything, NaN where none has a finite number
 */
export function spread(lists) {
  return (lists[0] ?? []).map((_, place) => {
    const there = lists.map((list) => list[place]).filter((value) => value !== null);
    if (!there.length) return { mean: null, low: null, high: null, count: 0 };
    const finite = Float64Array.from(there.filter(Number.isFinite)).sort();
    if (!finite.length) return { mean: NaN, low: NaN, high: NaN, count: 0 };
    const mean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
    return { mean, low: percentile(finite, 25), high: percentile(finite, 75), count: finite.length };
  });
}
