// A region's share of a map, and what it is to be compared with: twins of `share` and `ceiling` in
// maps.py. Windows of pictures are never painted: the map they make is constant between their edges.

import { kept } from "../kit/lists.js";
import { importance, paint, share } from "./maps.js";

/** @import { Canvas, MapRecord, Part, Plane, Segments, Shares, Size, Windows } from "../types.js" */

/**
 * Pixels of one axis between the edges of windows, and which windows lie over them.
 * @typedef {{start: number, end: number, from: number, to: number}} Stretch
 *
 * A region on a grid; over segments each is a cell, and there are no rows and columns.
 * @typedef {object} Cells
 * @property {Stretch[]} rows
 * @property {Stretch[]} columns
 * @property {Float64Array} area pixels of each cell
 * @property {Float64Array} inside those in the region
 * @property {number} pixels of the image
 * @property {number} tops how many rows of windows
 * @property {number} lefts how many columns of them
 */

/**
 * Stretches of one axis between the edges of windows, each with the windows `from` … `to` over it.
 * @param {number[]} starts
 * @param {number} window
 * @param {number} size
 */
function stretches(starts, window, size) {
  const edges = new Set([0, size, ...starts, ...Array.from(starts, (start) => start + window)]);
  const sorted = [...edges].sort((a, b) => a - b);
  return sorted.slice(0, -1).map((start, i) => ({
    start,
    end: sorted[i + 1],
    from: starts.filter((each) => each + window <= start).length,
    to: starts.filter((each) => each <= start).length,
  }));
}

/**
 * @param {Segments} segments
 * @param {ArrayLike<number>} mask
 * @returns {Cells}
 */
function cellsOfSegments({ count, labels }, mask) {
  const [area, inside] = [new Float64Array(count), new Float64Array(count)];
  labels.forEach((label, i) => {
    if (label < 0) return;
    area[label]++;
    if (mask[i]) inside[label]++;
  });
  return { rows: [], columns: [], area, inside, pixels: labels.length, tops: count, lefts: 1 };
}

/**
 * A region on a grid: how many pixels of each cell there are, and how many lie in the region.
 * @param {Windows} geometry starts ascending
 * @param {ArrayLike<number>} mask 1 inside, row by row
 * @param {number} height
 * @param {number} width
 * @returns {Cells}
 */
export function cellsOf(geometry, mask, height, width) {
  if (geometry.segments) return cellsOfSegments(geometry.segments, mask);
  const rows = stretches(geometry.tops, geometry.window[0], height);
  const columns = stretches(geometry.lefts, geometry.window[1], width);
  const area = new Float64Array(rows.length * columns.length);
  const inside = new Float64Array(area.length);
  rows.forEach((row, r) => columns.forEach((column, c) => {
    const at = r * columns.length + c;
    area[at] = (row.end - row.start) * (column.end - column.start);
    for (let y = row.start; y < row.end; y++) {
      for (let x = column.start; x < column.end; x++) if (mask[y * width + x]) inside[at]++;
    }
  }));
  return { rows, columns, area, inside, pixels: height * width, tops: geometry.tops.length, lefts: geometry.lefts.length };
}

/**
 * The value that the map has in each cell.
 * @param {Cells} cells
 * @param {ArrayLike<number>} values one a window or segment
 */
function painted({ rows, columns, area, lefts }, values) {
  if (!rows.length) return values;
  const made = new Float64Array(area.length);
  const line = new Float64Array(lefts);
  let at = 0;
  for (const row of rows) {
    line.fill(0);
    for (let t = row.from; t < row.to; t++) for (let l = 0; l < lefts; l++) line[l] += values[t * lefts + l];
    for (const column of columns) {
      let sum = 0;
      for (let l = column.from; l < column.to; l++) sum += line[l];
      made[at] = sum / ((row.to - row.from) * (column.to - column.from));
      at++;
    }
  }
  return made;
}

/**
 * A region's share of the map that is painted from one value a window or segment: as `share` of `paint`.
 * @param {Cells} cells
 * @param {ArrayLike<number>} values tops × lefts, or one a segment
 * @param {number} rounding of one value
 * @returns {Shares}
 */
export function shareOfGrid(cells, values, rounding = 0) {
  const { area, inside, pixels } = cells;
  const made = painted(cells, values);
  let [positive, negative, positiveIn, negativeIn] = [0, 0, 0, 0];
  for (let at = 0; at < area.length; at++) {
    const value = made[at];
    // No window, or one whose value is not finite: such pixels count as zero.
    if (value > 0 && value < Infinity) {
      positive += value * area[at];
      positiveIn += value * inside[at];
    } else if (value < 0 && value > -Infinity) {
      negative -= value * area[at];
      negativeIn -= value * inside[at];
    }
  }
  const floor = 10 * rounding * pixels;
  /** @type {(within: number, total: number) => number} */
  const part = (within, total) => (total > floor ? within / total : NaN);
  return {
    positive: part(positiveIn, positive),
    negative: part(negativeIn, negative),
    absolute: part(positiveIn + negativeIn, positive + negative),
  };
}

/** What the share is called that `ceilingOf` gives, and what is said of it. */
export const ALONE = "alone, evenly used";
export const CALLED_ALONE = "Alone, evenly used: what a model gives that uses this region alone and each of its pixels alike. It is no bound: one that uses the middle of the region alone gives more, as fewer windows, or segments, over it reach beyond.";

/**
 * The share that occlusion would give the region if it alone were used, and evenly.
 * @param {Cells} cells
 */
export function ceilingOf(cells) {
  const { rows, columns, inside, tops, lefts } = cells;
  if (!rows.length) return shareOfGrid(cells, inside).positive;
  const hidden = new Float64Array(tops * lefts);
  rows.forEach((row, r) => columns.forEach((column, c) => {
    for (let t = row.from; t < row.to; t++) {
      for (let l = column.from; l < column.to; l++) hidden[t * lefts + l] += inside[r * columns.length + c];
    }
  }));
  return shareOfGrid(cells, hidden).positive;
}

/**
 * How many voxels of a region each window of a volume hides.
 * @param {Windows} geometry
 * @param {Uint8Array} mask of the sheet
 * @param {number} height of it
 * @param {number} width
 */
function hiddenOf({ fronts = [0], window_depth: deep = 1, tops, lefts, window }, mask, height, width) {
  const tall = height / (fronts[fronts.length - 1] + deep);
  return fronts.flatMap((front) => tops.flatMap((top) => lefts.map((left) => {
    let sum = 0;
    for (let z = front; z < front + deep; z++) {
      for (let y = top; y < top + window[0]; y++) {
        const row = (z * tall + y) * width;
        for (let x = left; x < left + window[1]; x++) sum += mask[row + x];
      }
    }
    return sum;
  })));
}

/**
 * What a region's share of a method's maps is to be compared with; a ceiling where there is a grid.
 * @param {Canvas} canvas
 * @param {Uint8Array} mask
 */
export function referencesOf({ geometry, height, width }, mask) {
  const area = mask.reduce((sum, each) => sum + each, 0) / (height * width);
  if (geometry?.fronts) return { area, ceiling: share(paint(hiddenOf(geometry, mask, height, width), geometry, height, width), mask).positive };
  return { area, ceiling: geometry ? ceilingOf(cellsFor(geometry, { height, width }, mask)) : null };
}

/** @type {Shares} */
const NO_SHARES = Object.freeze({ positive: NaN, negative: NaN, absolute: NaN });
const EPSILON = 2 ** -23; // of float32

/**
 * The rounding of one value of a map, where a log does not say which maps have no share.
 * The log says it wherever a region was logged: whether a map has shares depends on its total, not
 * on the region. Elsewhere the size of the log-odds stands for that of the logits, and a gradient's
 * input is taken to span a range of one.
 * @param {MapRecord} record
 * @param {{values: Float32Array} | null} scores
 */
function roundingOf(record, scores) {
  const { settings } = record;
  let size = settings.output === "raw" ? 0 : 1;
  for (const value of [...(record.whole ?? []), ...(scores?.values ?? [])]) {
    if (Number.isFinite(value)) size = Math.max(size, Math.abs(value));
  }
  return (EPSILON * size) / (settings.geometry ? 1 : settings.height * settings.width);
}

/** @type {WeakMap<ArrayLike<number>, WeakMap<Windows, Cells>>} */
const known = new WeakMap();

/**
 * `cellsOf` a mask on the grid of a record's settings, made once.
 * @param {Windows} geometry
 * @param {Size} size
 * @param {Uint8Array} mask
 */
function cellsFor(geometry, { height, width }, mask) {
  const made = kept(known, mask, () => new WeakMap());
  return kept(made, geometry, () => cellsOf(geometry, mask, height, width));
}

/** @param {MapRecord} record @param {number} target @param {Uint8Array} mask @param {number} rounding */
function shareOfRecord(record, target, mask, rounding) {
  const { settings } = record;
  const whole = record.wholeOf(target);
  const values = record.column(target)?.map((value) => importance(value, whole));
  if (values && settings.geometry?.fronts) return share(paint(values, settings.geometry, settings.height, settings.width), mask, rounding);
  return values && settings.geometry ? shareOfGrid(cellsFor(settings.geometry, settings, mask), values, rounding) : NO_SHARES;
}

/**
 * A region's share of one map.
 * @param {MapRecord} record an attribution whose grid is here
 * @param {number} target
 * @param {Uint8Array} mask of the region
 * @param {Plane | null} plane the map, where there is no grid
 * @param {{values: Float32Array} | null} scores of the same image and step
 * @returns {Shares} NaN where that total of the map
 *   is within ten times the rounding
 */
export function shareOf(record, target, mask, plane, scores) {
  const { settings } = record;
  const [logged] = record.statistics(target)?.shares ?? [];
  const rounding = logged ? 0 : roundingOf(record, scores);
  const counted = settings.geometry ? shareOfRecord(record, target, mask, rounding) : plane ? share(plane.values, mask, rounding) : NO_SHARES;
  /** @type {(part: Part) => number} */
  const known = (part) => (logged && Number.isNaN(logged[part]) ? NaN : counted[part]);
  return { positive: known("positive"), negative: known("negative"), absolute: known("absolute") };
}
