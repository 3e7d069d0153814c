// Which slice of a volume is shown: the one chosen, at the same part of the depth of each.

import { PLANES, shapeOf, strongestSlice } from "../numbers/volumes.js";
import { look, valuesOf } from "./look.js";

/** @import { Cut, CutPlane, Size } from "../types.js" */
/** @import { Needs } from "./given.js" */
/** @import { FoundMap } from "./spec.js" */

/**
 * The slice chosen of the deepest volume, from 0 on; else its middle one.
 * @param {Needs<"scene" | "state">} given
 */
export function sliceOf({ scene, state }) {
  return Math.min(state.slice ?? Math.floor(scene.depth / 2), scene.depth - 1);
}

/**
 * Where an image is cut; null where it is a picture.
 * @param {Needs<"scene" | "state">} given
 * @param {Size} size of its sheet
 * @param {CutPlane} plane
 * @returns {Cut | null}
 */
export function cutOf(given, size, plane = "axial") {
  const { depth } = size;
  if (!depth) return null;
  const across = PLANES.indexOf(plane);
  // The edits may be those of another probe, whose images alone are volumes.
  if (across === 0 && !given.scene.depth) return { depth, plane, index: Math.floor(depth / 2) };
  if (across === 0) return { depth, plane, index: partOf(sliceOf(given), given.scene.depth, depth) };
  const whole = shapeOf(size)[across];
  return { depth, plane, index: Math.min(Math.floor(given.state.cross[across - 1] * whole), whole - 1) };
}

/**
 * The slice of a volume that lies as deep in it as one of another.
 * @param {number} slice
 * @param {number} of how many
 * @param {number} to how many
 */
function partOf(slice, of, to) {
  return of === to ? slice : Math.floor(((slice + 0.5) * to) / of);
}

/**
 * The crossing of the planes in a volume: slice, row and column.
 * @param {Needs<"scene" | "state">} given
 * @param {Size} size
 */
export function crossingOf(given, size) {
  return PLANES.map((plane) => cutOf(given, size, plane)?.index ?? 0);
}

/**
 * Move the crossing of a volume's planes.
 * @param {Needs<"scene" | "state">} given
 * @param {Size} size
 * @param {number[]} voxel slice, row and column
 */
export function crossAt({ scene, state }, size, voxel) {
  const shape = shapeOf(size);
  const [slice, row, column] = voxel.map((each, axis) => Math.min(Math.max(each, 0), shape[axis] - 1));
  // The middle of a row, so that rounding leads to no other one.
  state.set({ slice: partOf(slice, shape[0], scene.depth), cross: [(row + 0.5) / shape[1], (column + 0.5) / shape[2]] });
}

/**
 * Turn to a slice of the deepest volume.
 * @param {Needs<"scene" | "state">} given
 * @param {number} slice
 */
export function turnTo({ scene, state }, slice) {
  state.set({ slice: Math.min(Math.max(slice, 0), scene.depth - 1) });
}

/** @type {WeakMap<object, Map<string, number | null>>} */
const strongest = new WeakMap();

/** @param {FoundMap} found */
function strongestOf(found) {
  const { record, target, reading } = found;
  const known = strongest.get(record) ?? new Map();
  strongest.set(record, known);
  const key = `${target} ${reading}`;
  const values = known.has(key) ? null : valuesOf(found);
  if (values) known.set(key, strongestSlice(values, record.settings.depth ?? 1));
  return known.get(key) ?? null;
}

/**
 * Where the map of the image in focus, the open one or else the first, is strongest: a slice as the slider counts them,
 * and of which image; null where that is not known.
 * @param {Needs<"scene" | "state" | "store">} given
 * @returns {{slice: number, image: number} | null}
 */
export function strongestShown(given) {
  const { scene, state } = given;
  const [data] = scene.datas;
  const image = state.open ?? scene.images[0];
  if (!data || image === undefined || scene.step === null || !scene.depth) return null;
  const found = look(given, { data, image, label: scene.label, step: data.at(scene.step), target: scene.target(image, data) });
  const depth = found.record?.settings.depth;
  if (!found.record || !depth || found.reading === "score") return null;
  const slice = strongestOf(found);
  return slice === null ? null : { slice: partOf(slice, depth, scene.depth), image };
}
