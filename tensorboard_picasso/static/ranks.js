// How alike two maps order the same positions: the twin of maps.py's rank correlation.

/** Rank of each value, from 1; equal values share the mean of their ranks. */
export function ranks(values) {
  const sorted = Float64Array.from(values).sort();
  const distinct = [];
  const rank = [];
  for (let from = 0; from < sorted.length; ) {
    let to = from + 1;
    while (to < sorted.length && sorted[to] === sorted[from]) to++;
    distinct.push(sorted[from]);
    rank.push((from + 1 + to) / 2);
    from = to;
  }
  // Stored maps have few distinct values: a search among them beats sorting places.
  return Float64Array.from(values, (value) => {
    let low = 0;
    let high = distinct.length - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (distinct[middle] < value) low = middle + 1;
      else high = middle;
    }
    return rank[low];
  });
}

/**
 * Spearman's correlation over the positions where either map is not zero and both are finite.
 * @param {ArrayLike<number>} a
 * @param {ArrayLike<number>} b of the same length
 * @returns {number} -1 to 1; NaN where fewer than two positions are left or a map is constant
 */
export function rankCorrelation(a, b) {
  const places = [];
  for (let i = 0; i < a.length; i++) {
    if ((a[i] !== 0 || b[i] !== 0) && Number.isFinite(a[i]) && Number.isFinite(b[i])) places.push(i);
  }
  if (places.length < 2) return NaN;
  const [x, y] = [a, b].map((each) => ranks(places.map((i) => each[i])));
  const mean = (places.length + 1) / 2;
  let [xx, xy, yy] = [0, 0, 0];
  for (let i = 0; i < places.length; i++) {
    const [dx, dy] = [x[i] - mean, y[i] - mean];
    xx += dx * dx;
    xy += dx * dy;
    yy += dy * dy;
  }
  const spread = Math.sqrt(xx * yy);
  return spread > 0 ? xy / spread : NaN;
}
