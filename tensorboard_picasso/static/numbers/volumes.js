// Volumes: slices beneath each other in a sheet, cut across one of three axes; the twin of volumes.py.

/** @import { Cut, CutPlane, Size } from "../types.js" */

/** Across depth, height and width. @type {CutPlane[]} */
export const PLANES = ["axial", "coronal", "sagittal"];

/** What they count: slices, rows or columns. */
export const COUNTED = ["slice", "row", "column"];

/**
 * Which one it is, in words.
 * @param {Cut} cut
 */
export function cutText({ plane, index }) {
  return `${plane} plane, ${COUNTED[PLANES.indexOf(plane)]} ${index}`;
}

/**
 * Depth, height and width of a volume, one a plane that is cut across it.
 * @param {Size} sheet
 */
export function shapeOf({ height, width, depth = 1 }) {
  return [depth, height / depth, width];
}

/**
 * The axes of (depth, height, width) that rows and columns of a plane go along.
 * @param {CutPlane} plane
 */
export function axesOf(plane) {
  const [rows, columns] = [0, 1, 2].filter((axis) => axis !== PLANES.indexOf(plane));
  return { across: PLANES.indexOf(plane), rows, columns };
}

/**
 * Rows and columns of a slice; those of a picture without a cut.
 * @param {Size} sheet
 * @param {Cut | null} cut
 */
export function sizeOf(sheet, cut) {
  if (!cut) return { height: sheet.height, width: sheet.width };
  const [shape, axes] = [shapeOf({ height: sheet.height, width: sheet.width, depth: cut.depth }), axesOf(cut.plane)];
  return { height: shape[axes.rows], width: shape[axes.columns] };
}

/**
 * Slice, row and column in the volume of a pixel of a slice.
 * @param {Cut} cut
 * @param {number} row
 * @param {number} column
 */
export function voxelOf({ plane, index }, row, column) {
  const [axes, voxel] = [axesOf(plane), [0, 0, 0]];
  [voxel[axes.across], voxel[axes.rows], voxel[axes.columns]] = [index, row, column];
  return voxel;
}

/**
 * The numbers of a slice; an axial one shares the sheet's memory, as its rows lie together there.
 * @template {Float32Array | Float64Array | Uint8Array | Uint32Array | Int16Array} Numbers
 * @param {Numbers} sheet one number a pixel
 * @param {Size} size of it
 * @param {Cut | null} cut null: it is a picture
 * @returns {Numbers}
 */
export function cutOut(sheet, size, cut) {
  if (!cut) return sheet;
  const { height, width } = sizeOf(size, cut);
  const [, rows, columns] = shapeOf({ height: size.height, width: size.width, depth: cut.depth });
  const steps = [rows * columns, columns, 1];
  const axes = axesOf(cut.plane);
  const start = cut.index * steps[axes.across];
  if (axes.across === 0) return /** @type {Numbers} */ (sheet.subarray(start, start + height * width));
  const out = sheet.slice(0, height * width);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0, from = start + y * steps[axes.rows]; x < width; x++, at++, from += steps[axes.columns]) out[at] = sheet[from];
  }
  return /** @type {Numbers} */ (out);
}

/**
 * The slice with the largest sum of |value|, from 0 on; the first of several, null where all is zero.
 * @param {Float32Array | Float64Array} sheet
 * @param {number} depth
 */
export function strongestSlice(sheet, depth) {
  const pixels = sheet.length / depth;
  /** @type {number | null} */
  let best = null;
  let most = 0;
  for (let z = 0; z < depth; z++) {
    let sum = 0;
    for (let i = z * pixels; i < (z + 1) * pixels; i++) if (Number.isFinite(sheet[i])) sum += Math.abs(sheet[i]);
    if (sum > most) [best, most] = [z, sum];
  }
  return best;
}
