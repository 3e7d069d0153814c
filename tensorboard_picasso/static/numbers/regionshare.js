// A region's share of a map, and what it is to be compared with: twins of `share` and `ceiling` in
// maps.py. Windows are never painted: the map they make is constant between their edges.

import { importance, share } from "./maps.js";

/** Stretches of one axis between the edges of windows, each with the windows `from` … `to` over it. */
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
 * A region on a grid: how many pixels of each cell there are, and how many lie in the region.
 * @param {{tops: number[], lefts: number[], window: number[]}} geometry starts ascending
 * @param {ArrayLike<number>} mask 1 inside, row by row
 */
export function cellsOf(geometry, mask, height, width) {
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
 * A region's share of the map that is painted from one value a window: as `share` of `paint`.
 * @param {object} cells as `cellsOf` gives them
 * @param {ArrayLike<number>} values tops × lefts
 * @param {number} [rounding] of one value
 */
export function shareOfGrid({ rows, columns, area, inside, pixels, lefts }, values, rounding = 0) {
  let [positive, negative, positiveIn, negativeIn] = [0, 0, 0, 0];
  const line = new Float64Array(lefts);
  let at = 0;
  for (const row of rows) {
    line.fill(0);
    for (let t = row.from; t < row.to; t++) for (let l = 0; l < lefts; l++) line[l] += values[t * lefts + l];
    for (const column of columns) {
      let sum = 0;
      for (let l = column.from; l < column.to; l++) sum += line[l];
      const value = sum / ((row.to - row.from) * (column.to - column.from));
      // No window, or one whose value is not finite: such pixels count as zero.
      if (value > 0 && value < Infinity) {
        positive += value * area[at];
        positiveIn += value * inside[at];
      } else if (value < 0 && value > -Infinity) {
        negative -= value * area[at];
        negativeIn -= value * inside[at];
      }
      at++;
    }
  }
  const floor = 10 * rounding * pixels;
  const part = (within, total) => (total > floor ? within / total : NaN);
  return {
    positive: part(positiveIn, positive),
    negative: part(negativeIn, negative),
    absolute: part(positiveIn + negativeIn, positive + negative),
  };
}

/** The share that occlusion would give the region if it alone were used. */
export function ceilingOf(cells) {
  const { rows, columns, inside, tops, lefts } = cells;
  const hidden = new Float64Array(tops * lefts);
  rows.forEach((row, r) => columns.forEach((column, c) => {
    for (let t = row.from; t < row.to; t++) {
      for (let l = column.from; l < column.to; l++) hidden[t * lefts + l] += inside[r * columns.length + c];
    }
  }));
  return shareOfGrid(cells, hidden).positive;
}

/** What a region's share of a method's maps is to be compared with; a ceiling where there is a grid. */
export function referencesOf({ geometry, height, width }, mask) {
  const area = mask.reduce((sum, each) => sum + each, 0) / (height * width);
  return { area, ceiling: geometry ? ceilingOf(cellsFor({ geometry, height, width }, mask)) : null };
}

const EPSILON = 2 ** -23; // of float32

/**
 * The rounding of one value of a map, where a log does not say which maps have no share.
 * The log says it wherever a region was logged: whether a map has shares depends on its total, not
 * on the region. Elsewhere the size of the log-odds stands for that of the logits, and a gradient's
 * input is taken to span a range of one.
 */
function roundingOf(record, scores) {
  const { settings } = record;
  let size = settings.output === "raw" ? 0 : 1;
  for (const value of [...(record.whole ?? []), ...(scores?.values ?? [])]) {
    if (Number.isFinite(value)) size = Math.max(size, Math.abs(value));
  }
  return (EPSILON * size) / (settings.geometry ? 1 : settings.height * settings.width);
}

const known = new WeakMap();

/** `cellsOf` a mask on the grid of a record's settings, made once. */
function cellsFor({ geometry, height, width }, mask) {
  if (!known.has(mask)) known.set(mask, new WeakMap());
  const made = known.get(mask);
  if (!made.has(geometry)) made.set(geometry, cellsOf(geometry, mask, height, width));
  return made.get(geometry);
}

function shareOfRecord(record, target, mask, rounding) {
  const whole = record.wholeOf(target);
  const values = record.column(target).map((value) => importance(value, whole));
  return shareOfGrid(cellsFor(record.settings, mask), values, rounding);
}

/**
 * A region's share of one map.
 * @param {object} record an attribution whose grid is here
 * @param {number} target
 * @param {Uint8Array} mask of the region
 * @param {object|null} plane the map, where there is no grid
 * @param {object|null} scores of the same image and step
 * @returns {{positive: number, negative: number, absolute: number}} NaN where that total of the map
 *   is within ten times the rounding
 */
export function shareOf(record, target, mask, plane, scores) {
  const { settings } = record;
  const [logged] = record.statistics(target)?.shares ?? [];
  const rounding = logged ? 0 : roundingOf(record, scores);
  const found = settings.geometry ? shareOfRecord(record, target, mask, rounding) : share(plane.values, mask, rounding);
  for (const part of Object.keys(found)) if (logged && Number.isNaN(logged[part])) found[part] = NaN;
  return found;
}
