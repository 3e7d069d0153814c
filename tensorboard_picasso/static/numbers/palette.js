// Palettes and the pixel formula: the twin of palettes.py, which states both.

/**
 * Colours of levels from the least to the greatest, and beyond: of the greatest values, then of the least.
 * @typedef {{name: string, signed: boolean, colours: number[][], beyond: number[][]}} Palette
 *
 * How a map is painted.
 * @typedef {object} Overlay
 * @property {Palette} palette
 * @property {number} scale
 * @property {number} opacity
 * @property {boolean} [opaque]
 * @property {Uint8Array | null} [unseen] 1 where the model never looks
 */

/** Why a pixel is hatched. */
export const Mark = Object.freeze({ NAN: 1, PLUS_INFINITY: 2, MINUS_INFINITY: 3, UNSEEN: 4 });

const OKLAB_TO_LMS = [
  [1, 0.3963377774, 0.2158037573],
  [1, -0.1055613458, -0.0638541728],
  [1, -0.0894841775, -1.291485548],
];
const LMS_TO_RGB = [
  [4.0767416621, -3.3077115913, 0.2309699292],
  [-1.2684380046, 2.6097574011, -0.3413193965],
  [-0.0041960863, -0.7034186147, 1.707614701],
];

/** @param {number[]} anchor */
function lab([lightness, chroma, hue]) {
  const angle = (hue * Math.PI) / 180;
  return [lightness, chroma * Math.cos(angle), chroma * Math.sin(angle)];
}

/** @param {number[][]} matrix @param {number[]} vector */
function times(matrix, vector) {
  return matrix.map((row) => row[0] * vector[0] + row[1] * vector[1] + row[2] * vector[2]);
}

/** @param {number[]} point */
function rgb(point) {
  const light = times(OKLAB_TO_LMS, point).map((root) => root * root * root);
  return times(LMS_TO_RGB, light).map((each) => {
    const linear = Math.min(Math.max(each, 0), 1);
    const encoded = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
    return Math.floor(encoded * 255 + 0.5);
  });
}

/**
 * `count` colours at equal distances along the anchors.
 * @param {number[][]} anchors
 * @param {number} count
 */
function path(anchors, count) {
  const points = anchors.map(lab);
  const along = [0];
  for (let i = 1; i < points.length; i++) {
    const step = Math.hypot(...points[i].map((each, axis) => each - points[i - 1][axis]));
    along.push(along[i - 1] + step);
  }
  const total = along[along.length - 1];
  return Array.from({ length: count }, (_, i) => {
    const where = (i / (count - 1)) * total;
    let k = 1;
    while (k < along.length - 1 && where > along[k]) k++;
    const part = (where - along[k - 1]) / (along[k] - along[k - 1]);
    return rgb(points[k].map((each, axis) => points[k - 1][axis] + part * (each - points[k - 1][axis])));
  });
}

/** @param {string} name @param {number[][]} positive @param {number[][]} negative @returns {Palette} */
function signed(name, positive, negative) {
  const up = path(positive.slice(0, -1), 128);
  const down = path(negative.slice(0, -1), 128);
  // Level -128 does not occur: it repeats level -127.
  const colours = [down[127], ...down.slice(1).reverse(), ...up];
  const beyond = [rgb(lab(positive[positive.length - 1])), rgb(lab(negative[negative.length - 1]))];
  return { name, signed: true, colours, beyond };
}

/** @param {string} name @param {number[][]} anchors @returns {Palette} */
function sequential(name, anchors) {
  return { name, signed: false, colours: path(anchors.slice(0, -1), 256), beyond: [rgb(lab(anchors[anchors.length - 1]))] };
}

export const GREY = sequential("grey", [[0, 0, 0], [1, 0, 0], [1, 0, 0]]);

/** By name; the first signed and the first unsigned one are the defaults. */
export const PALETTES = new Map(
  [
    signed(
      "orange–blue",
      [[0.84, 0.13, 78], [0.76, 0.17, 62], [0.69, 0.2, 47], [0.56, 0.21, 30]],
      [[0.8, 0.1, 230], [0.68, 0.15, 245], [0.58, 0.19, 258], [0.44, 0.21, 268]],
    ),
    signed(
      "green–violet",
      [[0.9, 0.07, 130], [0.78, 0.17, 140], [0.66, 0.19, 145], [0.54, 0.16, 150]],
      [[0.86, 0.06, 310], [0.7, 0.17, 310], [0.58, 0.23, 308], [0.46, 0.24, 300]],
    ),
    sequential("ember", [[0.52, 0.15, 25], [0.68, 0.2, 45], [0.88, 0.17, 90], [0.97, 0.07, 105]]),
    sequential("lagoon", [[0.48, 0.14, 265], [0.66, 0.13, 215], [0.9, 0.16, 165], [0.98, 0.06, 150]]),
    GREY,
  ].map((palette) => [palette.name, palette]),
);

/**
 * Names of the palettes that fit a map with (or without) a sign.
 * @param {boolean} isSigned
 */
export function palettesFor(isSigned) {
  return [...PALETTES.values()].filter((each) => each.signed === isSigned && each !== GREY).map((each) => each.name);
}

/**
 * The palette of a name; state.js lets no other name in than those of palettes.
 * @param {string} name
 */
export function paletteOf(name) {
  return PALETTES.get(name) ?? GREY;
}

const WHITE = [255, 255, 255];

/**
 * The two colours of a kind of hatch.
 * @param {Palette} palette
 * @param {number} mark
 */
function hatch(palette, mark) {
  switch (mark) {
    case Mark.NAN: return [[190, 60, 160], [70, 70, 70]];
    case Mark.PLUS_INFINITY: return [palette.beyond[0], WHITE];
    case Mark.MINUS_INFINITY: return [palette.beyond[palette.beyond.length - 1], WHITE];
    default: return [[150, 150, 150], [115, 115, 115]];
  }
}

/**
 * RGBA bytes to greys, one byte a pixel; transparency shows white.
 * @param {ArrayLike<number>} rgba
 */
export function grey(rgba) {
  const result = new Uint8Array(rgba.length / 4);
  for (let i = 0, at = 0; i < result.length; i++, at += 4) {
    const alpha = rgba[at + 3] / 255;
    const value = 0.299 * rgba[at] + 0.587 * rgba[at + 1] + 0.114 * rgba[at + 2];
    result[i] = Math.floor(alpha * value + (1 - alpha) * 255 + 0.5);
  }
  return result;
}

/** @type {WeakMap<Palette, {n: number, alpha: Float64Array, colours: Float64Array}>} */
const tables = new WeakMap();

/**
 * Colours in a flat array and what each level hides of the ground.
 * @param {Palette} palette
 */
function table(palette) {
  let made = tables.get(palette);
  if (!made) {
    const n = palette.signed ? 127 : 255;
    const alpha = Float64Array.from({ length: n + 1 }, (_, level) => Math.sqrt(level / n));
    made = { n, alpha, colours: Float64Array.from(palette.colours.flat()) };
    tables.set(palette, made);
  }
  return made;
}

/**
 * Paint a map over an image's greys.
 * @param {Uint8ClampedArray} out RGBA of height × width pixels
 * @param {ArrayLike<number>} values the map as shown
 * @param {Uint8Array} ground greys
 * @param {Overlay & {width: number}} options
 * @returns {number} how many finite values lay beyond the scale
 */
export function overlay(out, values, ground, { width, palette, scale, opacity, opaque = false, unseen = null }) {
  const { n, alpha, colours } = table(palette);
  const centre = palette.signed ? 128 : 0;
  let beyond = 0;
  for (let i = 0, at = 0; i < values.length; i++, at += 4) {
    const value = values[i];
    let mark = 0;
    if (unseen !== null && unseen[i]) mark = Mark.UNSEEN;
    else if (value !== value) mark = Mark.NAN;
    else if (value === Infinity) mark = Mark.PLUS_INFINITY;
    else if (value === -Infinity) mark = Mark.MINUS_INFINITY;
    out[at + 3] = 255;
    if (mark) {
      const row = Math.floor(i / width);
      const column = i - row * width;
      const phase = ((mark === Mark.NAN ? column - row : column + row) >> 1) & 1;
      const colour = hatch(palette, mark)[phase];
      out[at] = colour[0];
      out[at + 1] = colour[1];
      out[at + 2] = colour[2];
      continue;
    }
    const size = Math.abs(value);
    const part = scale > 0 ? Math.min(size / scale, 1) : size > 0 ? 1 : 0;
    const level = Math.floor(part * n + 0.5);
    const a = opaque ? 1 : opacity * alpha[level];
    const rest = (1 - a) * (60 + ground[i] / 2);
    let red;
    let green;
    let blue;
    if (size > scale && size > 0) {
      beyond++;
      [red, green, blue] = palette.beyond[value > 0 ? 0 : palette.beyond.length - 1];
    } else {
      const index = 3 * (centre + (value < 0 && palette.signed ? -level : level));
      red = colours[index];
      green = colours[index + 1];
      blue = colours[index + 2];
    }
    out[at] = Math.floor(a * red + rest + 0.5);
    out[at + 1] = Math.floor(a * green + rest + 0.5);
    out[at + 2] = Math.floor(a * blue + rest + 0.5);
  }
  return beyond;
}
