// Readings: the ways in which the same stored numbers are shown.

import { evidence, importance, percentile, probability, subtract, timesUniform } from "./maps.js";
import { paint } from "./places.js";

/** @import { MapRecord, Part, Plane, Reading, Settings, Sign } from "../types.js" */

/**
 * Readings that fit a method's records; the first is the default.
 * @param {Settings | null} settings
 * @returns {Reading[]}
 */
export function readingsFor(settings) {
  if (!settings?.geometry) return ["importance"];
  if (settings.output === "raw") return ["importance"];
  return settings.geometry.classes.length > 1 ? ["importance", "score", "evidence"] : ["importance", "score"];
}

/**
 * The reading that is really used: the asked one where it fits.
 * @param {Reading} asked
 * @param {Settings | null} settings
 */
export function fitting(asked, settings) {
  const fit = readingsFor(settings);
  return fit.includes(asked) ? asked : fit[0];
}

/**
 * Whether values of different maps may be compared as they are: differences of scores.
 * @param {{sign: Sign}} settings
 */
export function comparable(settings) {
  return settings.sign === "contribution";
}

/**
 * Which part of a region's share is quoted.
 * @param {{sign: Sign}} settings
 * @returns {Part}
 */
export function partOf(settings) {
  return settings.sign === "contribution" ? "positive" : "absolute";
}

/**
 * Whether zero lies in the middle of the scale.
 * @param {{sign: Sign}} settings
 * @param {Reading} reading
 */
export function isSigned(settings, reading) {
  return reading !== "score" && settings.sign !== "unsigned";
}

/**
 * The strongest other class: what evidence is weighed against.
 * @param {MapRecord} record
 * @param {number} target
 */
export function rival(record, target) {
  const classes = record.settings.geometry?.classes ?? [];
  const whole = record.whole ?? [];
  let best = -1;
  classes.forEach((each, i) => {
    if (each !== target && (best < 0 || whole[i] > whole[best])) best = i;
  });
  return best < 0 ? null : classes[best];
}

/**
 * One number a window position or segment, as the reading shows it; null where the grid is not here.
 * @param {MapRecord} record
 * @param {number} target
 * @param {Reading} reading
 * @returns {Float64Array | null}
 */
export function windows(record, target, reading) {
  const column = record.column(target);
  if (column === null) return null;
  const whole = record.wholeOf(target);
  if (reading === "score") return column.map(probability);
  if (reading === "importance") return column.map((value) => importance(value, whole));
  const other = rival(record, target);
  const against = other === null ? null : record.column(other);
  if (other === null || against === null) return null;
  const before = evidence(whole, record.wholeOf(other));
  return column.map((value, i) => subtract(before, evidence(value, against[i])));
}

/**
 * Mean of |value| of a map, from its statistics; null where there are none.
 * @param {MapRecord} record
 * @param {number} target
 */
export function meanOf(record, target) {
  const numbers = record.statistics(target);
  if (!numbers) return null;
  return numbers.count ? (numbers.positive - numbers.negative) / numbers.count : 0;
}

/**
 * A map as it is shown, from a grid or from a stored plane.
 * @param {MapRecord} record
 * @param {number} target
 * @param {Reading} reading
 * @param {Plane | null} plane
 */
export function shown(record, target, reading, plane) {
  const { settings } = record;
  if (settings.geometry) {
    const grid = windows(record, target, reading);
    return grid && paint(grid, settings.geometry, settings.height, settings.width);
  }
  if (!plane) return null;
  return comparable(settings) ? plane.values : timesUniform(plane.values, meanOf(record, target));
}

/** What is said of a map without a value that is none. */
export const ZERO = "zero everywhere";

/**
 * Whether it is to be said of such values.
 * @param {Float32Array | Float64Array | number[]} values
 * @param {Reading} reading
 * @param {Uint8Array | null} apart pixels that do not count, 1 each
 */
export function isZero(values, reading, apart = null) {
  return reading !== "score" && values.every((value, i) => value === 0 || Boolean(apart?.[i]));
}

/** Maps that hold less than this part of the strength of all steps together set no scale. */
const SLIGHT = 0.01;

/**
 * The scale of one image's maps over training: the largest of their own. Of maps without a common unit
 * those are left out that have the largest scales and next to no strength, as of dead layers.
 * @param {{scale: number, strength: number|null}[]} maps strength null: in a common unit
 */
export function commonScale(maps) {
  const ordered = maps.toSorted((a, b) => b.scale - a.scale);
  const whole = ordered.reduce((sum, { strength }) => sum + (strength ?? 0), 0);
  let left = 0;
  const first = ordered.find(({ strength }) => strength === null || (left += strength) > SLIGHT * whole);
  return first?.scale ?? 0;
}

/**
 * What a map counts for in a common scale.
 * @param {MapRecord} record
 * @param {number} target
 * @param {Reading} reading
 */
export function weighed(record, target, reading) {
  const alone = reading !== "importance" || comparable(record.settings);
  return { scale: ownScale(record, target, reading), strength: alone ? null : (meanOf(record, target) ?? 0) };
}

/**
 * What a map alone would take as its scale: the 99th percentile of |value|.
 * @param {MapRecord} record
 * @param {number} target
 * @param {Reading} reading
 * @returns {number}
 */
export function ownScale(record, target, reading) {
  if (reading === "score") return 1;
  if (reading === "evidence") {
    const key = `evidence ${target}`;
    const known = record.peaks.get(key);
    if (known !== undefined) return known;
    const grid = windows(record, target, reading);
    if (grid === null) return 0;
    const peak = percentile(grid.map(Math.abs).filter(Number.isFinite).sort(), 99);
    record.peaks.set(key, peak);
    return peak;
  }
  if (comparable(record.settings)) return record.peak(target);
  const mean = meanOf(record, target);
  return mean ? record.peak(target) / mean : 0;
}
