// The numbers behind the maps: the browser's twin of maps.py, tested on the same cases.

/** Sigmoid of log-odds. */
export function probability(logOdds) {
  const small = Math.exp(-Math.abs(logOdds));
  return logOdds >= 0 ? 1 / (1 + small) : small / (1 + small);
}

/** log(sigmoid), exact also where the probability rounds to 1. */
export function logProbability(logOdds) {
  return Math.min(logOdds, 0) - Math.log1p(Math.exp(-Math.abs(logOdds)));
}

/** Log of the ratio of two classes' probabilities, from their log-odds. */
export function evidence(forClass, againstClass) {
  return logProbability(forClass) - logProbability(againstClass);
}

/** One class's column of a grid (tops, lefts, classes), each value read by `reading`. */
export function column(grid, geometry, classIndex, reading) {
  const classes = geometry.classes.length;
  const count = geometry.tops.length * geometry.lefts.length;
  const result = new Float64Array(count);
  for (let i = 0; i < count; i++) result[i] = reading(grid[i * classes + classIndex]);
  return result;
}

function spans(starts, window, size) {
  const count = new Float64Array(size);
  for (const start of starts) for (let p = start; p < start + window && p < size; p++) count[p]++;
  return count;
}

/** Spread one value a window over the image; overlapping windows are averaged. */
export function paint(values, geometry, height, width) {
  const {tops, lefts, window} = geometry;
  const rowCount = spans(tops, window[0], height);
  const columnCount = spans(lefts, window[1], width);
  const across = new Float64Array(tops.length * width);
  const bad = [];
  for (let i = 0; i < tops.length; i++) {
    for (let j = 0; j < lefts.length; j++) {
      const value = values[i * lefts.length + j];
      if (!Number.isFinite(value)) {
        bad.push([i, j, value]);
        continue;
      }
      const end = Math.min(lefts[j] + window[1], width);
      for (let x = lefts[j]; x < end; x++) across[i * width + x] += value;
    }
  }
  const result = new Float64Array(height * width);
  for (let i = 0; i < tops.length; i++) {
    const end = Math.min(tops[i] + window[0], height);
    for (let y = tops[i]; y < end; y++) {
      for (let x = 0; x < width; x++) result[y * width + x] += across[i * width + x];
    }
  }
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) result[y * width + x] /= rowCount[y] * columnCount[x];
  }
  for (const [i, j, value] of bad) {
    for (let y = tops[i]; y < Math.min(tops[i] + window[0], height); y++) {
      for (let x = lefts[j]; x < Math.min(lefts[j] + window[1], width); x++) {
        result[y * width + x] += value;
      }
    }
  }
  return result;
}

/** Largest stored level of 8-bit maps. */
export function levels(sign) {
  return sign === 'unsigned' ? 255 : 127;
}

/** Stored bytes of one plane, decompressed, to float64 values. */
export function dequantise(bytes, special, peak, sign, precision) {
  if (precision !== 'q8') return floats(bytes, precision);
  const n = levels(sign);
  const stored = sign === 'unsigned' ? bytes : new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const result = new Float64Array(stored.length);
  for (let i = 0; i < stored.length; i++) {
    const q = stored[i];
    result[i] = Math.fround(Math.sign(q) * (q / n) ** 2 * peak);
  }
  if (special) {
    const marks = [0, NaN, Infinity, -Infinity];
    for (let i = 0; i < special.length; i++) if (special[i]) result[i] = marks[special[i]];
  }
  return result;
}

function floats(bytes, precision) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (precision === 'float32') {
    return Float64Array.from({length: bytes.length / 4}, (_, i) => view.getFloat32(4 * i, true));
  }
  return Float64Array.from({length: bytes.length / 2}, (_, i) => half(view.getUint16(2 * i, true)));
}

function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction / 1024) : 2 ** -14 * (fraction / 1024));
}

/** Half the distance between the stored levels around a value. */
export function halfLevel(value, peak, sign) {
  const n = levels(sign);
  const root = peak > 0 ? Math.sqrt(Math.abs(value) / peak) : 0;
  return ((root + 0.5 / n) ** 2 - root ** 2) * peak;
}

/** Mean of |value| over finite values: what "times uniform" divides by. */
export function meanAbsolute(values) {
  let sum = 0;
  let count = 0;
  for (const value of values) {
    if (Number.isFinite(value)) {
      sum += Math.abs(value);
      count++;
    }
  }
  return count ? sum / count : 0;
}
