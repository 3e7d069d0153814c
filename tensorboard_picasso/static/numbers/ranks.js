// How alike two maps order the same positions: the twin of maps.py's rank correlation.

/**
 * Rank of each value, from 1; equal values share the mean of their ranks.
 * @param {ArrayLike<number>} values
 */
export function ranks(values) {
  const sorted = Float64Array.from(values).sort();
  const distinct = new Float64Array(sorted.length);
  const rank = new Float64Array(sorted.length);
  let count = 0;
  for (let from = 0; from < sorted.length; count++) {
    let to = from + 1;
    while (to < sorted.length && sorted[to] === sorted[from]) to++;
    distinct[count] = sorted[from];
    rank[count] = (from + 1 + to) / 2;
    from = to;
  }
  const result = new Float64Array(sorted.length);
  // Stored maps have few distinct values: a search among them beats sorting places.
  for (let i = 0; i < result.length; i++) {
    let low = 0;
    let high = count - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (distinct[middle] < values[i]) low = middle + 1;
      else high = middle;
    }
    result[i] = rank[low];
  }
  return result;
}

/**
 * Spearman's correlation over the positions where either map is not zero and both are finite.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b of the same length
 * @returns {number} -1 to 1; NaN where fewer than two positions are left or a map is constant
 */
export function rankCorrelation(a, b) {
  const left = [new Float64Array(a.length), new Float64Array(a.length)];
  let count = 0;
  for (let i = 0; i < a.length; i++) {
    if ((a[i] === 0 && b[i] === 0) || !Number.isFinite(a[i]) || !Number.isFinite(b[i])) continue;
    left[0][count] = a[i];
    left[1][count++] = b[i];
  }
  if (count < 2) return NaN;
  const [x, y] = left.map((each) => ranks(each.subarray(0, count)));
  const mean = (count + 1) / 2;
  let [xx, xy, yy] = [0, 0, 0];
  for (let i = 0; i < count; i++) {
    const dx = x[i] - mean;
    const dy = y[i] - mean;
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const spread = Math.sqrt(xx * yy);
  return spread > 0 ? xy / spread : NaN;
}
