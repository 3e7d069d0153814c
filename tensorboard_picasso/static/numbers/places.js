// Where the values of what was hidden lie on an image, windows or segments: the twin of places.py.

import { kept } from "../kit/lists.js";
import { paint as paintWindows } from "./maps.js";

/** @import { Place, Segments, Windows } from "../types.js" */

/**
 * What is hidden at a time, in a word.
 * @param {Windows | null | undefined} geometry
 */
export function pieceName(geometry) {
  return geometry?.segments ? "segment" : "window";
}

/**
 * How many values there are, one a window or segment.
 * @param {Windows} geometry
 */
export function countOf({ fronts, tops, lefts, segments }) {
  return segments ? segments.count : (fronts?.length ?? 1) * tops.length * lefts.length;
}

/**
 * Spread one value a window or segment over the image; NaN where no window reaches, and in no segment.
 * @param {Float32Array | Float64Array | number[]} values
 * @param {Windows} geometry
 * @param {number} height of the image
 * @param {number} width of the image
 * @returns {Float64Array}
 */
export function paint(values, geometry, height, width) {
  if (!geometry.segments) return paintWindows(values, geometry, height, width);
  const { labels } = geometry.segments;
  const out = new Float64Array(height * width);
  for (let i = 0; i < out.length; i++) out[i] = labels[i] < 0 ? NaN : values[labels[i]];
  return out;
}

/** @type {WeakMap<Segments, Uint8Array | null>} */
const outside = new WeakMap();

/**
 * Pixels that are never hidden, 1 each; null where there are none.
 * @param {Windows | null} geometry
 */
function untouched(geometry) {
  const segments = geometry?.segments;
  if (!segments) return null;
  return kept(outside, segments, () => (segments.labels.includes(-1) ? Uint8Array.from(segments.labels, (label) => (label < 0 ? 1 : 0)) : null));
}

/**
 * Pixels that are hatched as nothing is known of them: those that the model never sees, and those that are never hidden.
 * @param {Uint8Array | null} unseen 1 where the model never looks
 * @param {...(Windows | null)} geometries
 */
export function hatched(unseen, ...geometries) {
  return geometries.map(untouched).reduce((all, some) => (all && some ? all.map((each, i) => each | some[i]) : (all ?? some)), unseen);
}

/** @type {WeakMap<Segments, Int32Array>} */
const boxes = new WeakMap();

/**
 * The first and last rows and columns of all segments, four numbers each.
 * @param {Segments} segments
 * @param {number} width of the image
 */
function boxesOf({ count, labels }, width) {
  const ends = new Int32Array(4 * count);
  for (let number = 0; number < count; number++) ends.set([labels.length, labels.length, -1, -1], 4 * number);
  labels.forEach((label, i) => {
    if (label < 0) return;
    const row = Math.floor(i / width);
    const [column, at] = [i - row * width, 4 * label];
    ends[at] = Math.min(ends[at], row);
    ends[at + 1] = Math.min(ends[at + 1], column);
    ends[at + 2] = Math.max(ends[at + 2], row);
    ends[at + 3] = Math.max(ends[at + 3], column);
  });
  return ends;
}

/**
 * The least rectangle around a segment.
 * @param {Segments} segments
 * @param {number} number of it
 * @param {number} width of the image
 * @returns {Place}
 */
export function boxOf(segments, number, width) {
  const [top, left, bottom, right] = kept(boxes, segments, () => boxesOf(segments, width)).subarray(4 * number);
  return { top, left, height: bottom - top + 1, width: right - left + 1 };
}
