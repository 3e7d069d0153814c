// Palettes: ramps between OKLCH anchors, twin of palettes.py.
//
// A pixel is grey * (1 - a) + colour * a with a = opacity * |t|, where t is the
// value over the scale, clipped to -1..1, and colour the ramp's at |t|.

// Lightness, chroma, hue in degrees: at |t| = 0 and at |t| = 1.
export const SIGNED = {
  'orange-blue': {positive: [[0.82, 0.13, 75], [0.68, 0.2, 45]], negative: [[0.8, 0.1, 230], [0.52, 0.2, 258]]},
  'green-purple': {positive: [[0.85, 0.14, 135], [0.6, 0.18, 145]], negative: [[0.78, 0.11, 320], [0.48, 0.2, 315]]},
};
export const UNSIGNED = {
  ember: [[0.5, 0.16, 20], [0.92, 0.15, 95]],
  sea: [[0.45, 0.12, 265], [0.92, 0.13, 170]],
};

const LEVELS = 256;

/** sRGB 0..255 of an OKLCH colour (Björn Ottosson's OKLab), clipped to the gamut. */
export function toRgb([lightness, chroma, hue]) {
  const angle = (hue * Math.PI) / 180;
  const a = chroma * Math.cos(angle);
  const b = chroma * Math.sin(angle);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((linear) => {
    const value = Math.min(1, Math.max(0, linear));
    return 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
  });
}

/** 256 × 3 colours of a ramp between two OKLCH anchors. */
export function ramp([from, to]) {
  const colours = new Float64Array(LEVELS * 3);
  for (let i = 0; i < LEVELS; i++) {
    const t = i / (LEVELS - 1);
    colours.set(toRgb(from.map((value, k) => value + t * (to[k] - value))), 3 * i);
  }
  return colours;
}

const known = new Map();

/** {positive, negative} ramps of a palette by name. */
export function palette(name) {
  if (!known.has(name)) {
    const signed = SIGNED[name];
    const positive = ramp(signed ? signed.positive : UNSIGNED[name]);
    known.set(name, {positive, negative: signed ? ramp(signed.negative) : positive});
  }
  return known.get(name);
}

/** Fill RGBA `pixels` with a map over grey (0..255); returns how many values are clipped. */
export function overlay(pixels, values, grey, scale, colours, opacity, width) {
  let clipped = 0;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    const base = grey ? grey[i] : 128;
    const at = 4 * i;
    pixels[at + 3] = 255;
    if (!Number.isFinite(value)) {
      mark(pixels, at, i, width, Number.isNaN(value));
      continue;
    }
    const ratio = scale > 0 ? value / scale : 0;
    const strength = Math.min(1, Math.abs(ratio));
    if (Math.abs(ratio) > 1 + 1e-9) clipped++;
    const ramps = ratio < 0 ? colours.negative : colours.positive;
    const level = 3 * Math.round(strength * (LEVELS - 1));
    const alpha = opacity * strength;
    for (let k = 0; k < 3; k++) {
      pixels[at + k] = Math.round(base * (1 - alpha) + ramps[level + k] * alpha);
    }
  }
  return clipped;
}

/** Fill RGBA `pixels` with greys, 0 black to 1 white. */
export function greys(pixels, values, width) {
  for (let i = 0; i < values.length; i++) {
    const at = 4 * i;
    pixels[at + 3] = 255;
    if (!Number.isFinite(values[i])) mark(pixels, at, i, width, true);
    else pixels.fill(Math.round(255 * Math.min(1, Math.max(0, values[i]))), at, at + 3);
  }
}

// What is no number is hatched: NaN in magenta, infinite (saturated) in teal.
function mark(pixels, at, index, width, nan) {
  const stripe = ((index % width) + Math.floor(index / width)) % 4 < 2;
  const colour = nan ? [200, 0, 160] : [0, 150, 140];
  for (let k = 0; k < 3; k++) pixels[at + k] = stripe ? colour[k] : 40;
}

/** Hatch the pixels that the model never sees. */
export function hatch(pixels, unseen, width) {
  for (let i = 0; i < unseen.length; i++) {
    if (!unseen[i]) continue;
    const stripe = ((i % width) + Math.floor(i / width)) % 4 < 2;
    pixels.fill(stripe ? 150 : 90, 4 * i, 4 * i + 3);
  }
}
