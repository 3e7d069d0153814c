// The numbers behind the maps: the twin of maps.py, which states what each is.
// Grids and maps are flat, row by row.

/** @import { Shares, Sign, Windows } from "../types.js" */

/** @param {number} logOdds */
export function probability(logOdds) {
  const small = Math.exp(-Math.abs(logOdds));
  return logOdds >= 0 ? 1 / (1 + small) : small / (1 + small);
}

/** @param {number} logOdds */
export function logProbability(logOdds) {
  return Math.min(logOdds, 0) - Math.log1p(Math.exp(-Math.abs(logOdds)));
}

/** @param {number} forClass @param {number} againstClass */
export function evidence(forClass, againstClass) {
  return subtract(logProbability(forClass), logProbability(againstClass));
}

/** @param {number} occluded @param {number} whole */
export function importance(occluded, whole) {
  return subtract(whole, occluded);
}

/**
 * Value minus other; what is saturated alike in both (equal infinities) stays so.
 * @param {number} value
 * @param {number} other
 */
export function subtract(value, other) {
  return value === other && Math.abs(value) === Infinity ? value : value - other;
}

/**
 * How many windows cover each row or column.
 * @param {number[]} starts
 * @param {number} window
 * @param {number} size
 */
function counts(starts, window, size) {
  const result = new Float64Array(size);
  for (const start of starts) for (let i = start; i < start + window; i++) result[i]++;
  return result;
}

/**
 * @param {Float64Array} out
 * @param {Float32Array | Float64Array | number[]} grid
 * @param {Windows & {width: number}} shape
 */
function spread(out, grid, { tops, lefts, window, width }) {
  const line = new Float64Array(width);
  for (let t = 0; t < tops.length; t++) {
    line.fill(0);
    for (let l = 0; l < lefts.length; l++) {
      const value = grid[t * lefts.length + l];
      for (let x = lefts[l]; x < lefts[l] + window[1]; x++) line[x] += value;
    }
    for (let y = tops[t]; y < tops[t] + window[0]; y++) {
      for (let x = 0, at = y * width; x < width; x++, at++) out[at] += line[x];
    }
  }
}

/** @type {WeakMap<Windows, Float64Array>} */
const dividers = new WeakMap();

/**
 * Which fronts' windows lie over each slice, from and to; a picture is one slice of one front.
 * @param {Windows} geometry
 */
function coveringFronts({ fronts = [0], window_depth: deep = 1 }) {
  const depth = fronts[fronts.length - 1] + deep;
  return Array.from({ length: depth }, (_, z) => [fronts.filter((front) => front + deep <= z).length, fronts.filter((front) => front <= z).length]);
}

/**
 * The sum of the values of all windows over each pixel, slice by slice.
 * @param {Float32Array | Float64Array | number[]} grid
 * @param {Windows} geometry
 * @param {number} height of the sheet
 * @param {number} width
 */
function summed(grid, geometry, height, width) {
  const out = new Float64Array(height * width);
  const covering = coveringFronts(geometry);
  const [windows, pixels] = [geometry.tops.length * geometry.lefts.length, out.length / covering.length];
  covering.forEach(([from, to], z) => {
    const before = covering[z - 1];
    if (before && before[0] === from && before[1] === to) {
      out.copyWithin(z * pixels, (z - 1) * pixels, z * pixels);
      return;
    }
    const values = new Float64Array(windows);
    for (let front = from; front < to; front++) for (let i = 0; i < windows; i++) values[i] += grid[front * windows + i];
    if (to > from) spread(out.subarray(z * pixels, (z + 1) * pixels), values, { ...geometry, width });
  });
  return out;
}

/**
 * Number of windows over each pixel, kept for each geometry.
 * @param {Windows} geometry
 * @param {number} height
 * @param {number} width
 */
function divider(geometry, height, width) {
  let made = dividers.get(geometry);
  if (!made) {
    const covering = coveringFronts(geometry);
    const tall = height / covering.length;
    const rows = counts(geometry.tops, geometry.window[0], tall);
    const columns = counts(geometry.lefts, geometry.window[1], width);
    made = new Float64Array(height * width);
    for (let y = 0; y < height; y++) {
      const [from, to] = covering[Math.floor(y / tall)];
      for (let x = 0; x < width; x++) made[y * width + x] = (to - from) * rows[y % tall] * columns[x];
    }
    dividers.set(geometry, made);
  }
  return made;
}

/**
 * Spread one value a window over the image; overlapping windows are averaged.
 * @param {Float32Array | Float64Array | number[]} grid tops × lefts values, of a volume those of each front
 * @param {Windows} geometry
 * @param {number} height of the image
 * @param {number} width of the image
 * @returns {Float64Array} NaN where no window reaches; a value that is not finite marks the
 *   pixels under its window
 */
export function paint(grid, geometry, height, width) {
  const special = grid.some((value) => !Number.isFinite(value));
  const out = summed(special ? grid.map((value) => (Number.isFinite(value) ? value : 0)) : grid, geometry, height, width);
  const count = divider(geometry, height, width);
  for (let i = 0; i < out.length; i++) out[i] /= count[i];
  if (!special) return out;
  const [above, below, nan] = [Infinity, -Infinity, NaN].map(
    (bad) => summed(Float64Array.from(grid, (value) => (Object.is(value, bad) ? 1 : 0)), geometry, height, width),
  );
  for (let i = 0; i < out.length; i++) {
    if (above[i] + below[i] > 0) out[i] = below[i] > above[i] ? -Infinity : Infinity;
    if (nan[i] > 0) out[i] = NaN;
  }
  return out;
}

/**
 * Linear interpolation between order statistics, as numpy.percentile.
 * @param {ArrayLike<number>} sorted
 * @param {number} percent
 */
export function percentile(sorted, percent) {
  if (!sorted.length) return 0;
  const where = (percent / 100) * (sorted.length - 1);
  const low = Math.floor(where);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low] + (where - low) * (sorted[high] - sorted[low]);
}

/**
 * A region's share of the positive, negative and absolute total; NaN: no share.
 * @param {ArrayLike<number>} values
 * @param {ArrayLike<number>} mask
 * @param {number} rounding
 * @returns {Shares}
 */
export function share(values, mask, rounding = 0) {
  let [positive, negative, positiveIn, negativeIn] = [0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value > 0 && value < Infinity) {
      positive += value;
      if (mask[i]) positiveIn += value;
    } else if (value < 0 && value > -Infinity) {
      negative -= value;
      if (mask[i]) negativeIn -= value;
    }
  }
  const floor = 10 * rounding * values.length;
  /** @type {(within: number, total: number) => number} */
  const part = (within, total) => (total > floor ? within / total : NaN);
  return {
    positive: part(positiveIn, positive),
    negative: part(negativeIn, negative),
    absolute: part(positiveIn + negativeIn, positive + negative),
  };
}

/**
 * Values divided by the mean of |value|; `mean` where it is known from the statistics.
 * @param {Float32Array | Float64Array | number[]} values
 * @param {number | null} mean
 */
export function timesUniform(values, mean = null) {
  let divisor = mean;
  if (divisor === null) {
    let total = 0;
    let count = 0;
    for (const value of values) {
      if (!Number.isFinite(value)) continue;
      total += Math.abs(value);
      count++;
    }
    divisor = count ? total / count : 0;
  }
  return divisor > 0 ? Float64Array.from(values, (value) => value / divisor) : Float64Array.from(values);
}

/**
 * Largest stored level of the 8-bit planes.
 * @param {Sign} sign
 */
export function levels(sign) {
  return sign === "unsigned" ? 255 : 127;
}

/**
 * Levels from their differences along both axes, modulo 256, in place.
 * @param {Uint8Array} bytes
 * @param {number} width
 */
export function sumUp(bytes, width) {
  for (let start = 0; start < bytes.length; start += width) {
    let change = 0;
    for (let i = start; i < start + width; i++) {
      change += bytes[i];
      bytes[i] = change + (start ? bytes[i - width] : 0);
    }
  }
  return bytes;
}

/**
 * Undo the square law: float32, as stored values are read in Python.
 * @param {ArrayLike<number>} level
 * @param {number} peak
 * @param {Sign} sign
 */
export function dequantise(level, peak, sign) {
  const n = levels(sign);
  const least = sign === "unsigned" ? 0 : -128;
  // A look-up for each pixel is much faster than a power.
  const table = new Float32Array(256);
  for (let i = 0, q = least; i < 256; i++, q++) table[i] = Math.sign(q) * (q / n) ** 2 * peak;
  const values = new Float32Array(level.length);
  for (let i = 0; i < values.length; i++) values[i] = table[level[i] - least];
  return values;
}

/**
 * Half the distance between the levels around a stored value.
 * @param {number} value
 * @param {number} peak
 * @param {Sign} sign
 */
export function halfLevel(value, peak, sign) {
  const n = levels(sign);
  const root = peak > 0 ? Math.sqrt(Math.abs(value) / peak) : 0;
  return ((root + 0.5 / n) ** 2 - root ** 2) * peak;
}

/**
 * Little-endian float16 to float32.
 * @param {Uint8Array} bytes
 */
export function halves(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: bytes.length / 2 }, (_, i) => {
    const bits = view.getUint16(2 * i, true);
    const sign = bits & 0x8000 ? -1 : 1;
    const exponent = (bits >> 10) & 31;
    const fraction = bits & 1023;
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
  });
}

/**
 * Index of the window whose centre is nearest to a position, along one axis.
 * @param {number[]} starts
 * @param {number} window
 * @param {number} position
 */
export function nearest(starts, window, position) {
  let best = 0;
  let least = Infinity;
  for (let i = 0; i < starts.length; i++) {
    const distance = Math.abs(starts[i] + window / 2 - position);
    if (distance < least) {
      least = distance;
      best = i;
    }
  }
  return best;
}
