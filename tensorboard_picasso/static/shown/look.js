// What is known of one map: its record and numbers, or why there is none to show.

import { count } from "../kit/format.js";
import { nearest } from "../numbers/maps.js";
import { boxOf } from "../numbers/places.js";
import { axesOf, sizeOf, voxelOf } from "../numbers/volumes.js";
import { shown } from "../numbers/reading.js";

/** @import { ReadyPlane } from "../log/planes.js" */
/** @import { Store } from "../log/store.js" */
/** @import { Canvas, Cut, Place, Problem, Series, Step } from "../types.js" */
/** @import { Needs, Within } from "./given.js" */
/** @import { Coming, FoundMap, FoundMean, Lacking, MapSpec, MeanSpec } from "./spec.js" */

/**
 * A place of a map: the pixel, and the window or segment (without a grid, and in no segment, the pixel again); `position`: which.
 * Of a volume `row` and `column` are those in it, `pixel` is that of its sheet; `slices`: first and last of the window.
 * @typedef {Place & {slice?: number, row: number, column: number, pixel: number, position?: number, slices?: [number, number]}} Placed
 */

/**
 * Why a series has no record of a step.
 * @param {Store} store
 * @param {{run: string, series: Series<{step: Step}> | null, damage: Problem | null, step: Step}} what the series,
 *   and what is known of an unreadable record
 */
function absence(store, { run, series, damage, step }) {
  if (store.failed(run)) return "could not be loaded";
  if (damage) return damage.problem === "newer" ? `newer format at step ${count(step)}` : `damaged at step ${count(step)}`;
  if (!series) return "not logged";
  const last = series.records.at(-1)?.step;
  if (last !== undefined && step > last) return `ends at step ${count(last)}`;
  return whyLacking(series, step, store.index?.samples);
}

/**
 * Whether a series lacks a step because TensorBoard, which keeps a sample of so many steps, let
 * go of it, or because it was never logged: a series below the limit is whole.
 * @param {Series<unknown> | null | undefined} series
 * @param {Step} step
 * @param {number | null | undefined} samples the limit, 0 where there is none, null where it is not known
 */
export function whyLacking(series, step, samples) {
  if (samples === null || samples === undefined) return `not logged or not kept at step ${count(step)}`;
  const full = samples > 0 && (series?.records.length ?? 0) >= samples;
  return full ? `not kept at step ${count(step)}` : `not logged at step ${count(step)}`;
}

/** @type {Record<string, (step: Step) => string>} */
const PLANE_STATES = {
  "not kept": (step) => `not kept at step ${count(step)}`,
  refused: () => "TensorBoard refuses to give this map: see docs/extending/http_api.md",
};

/**
 * Look a map up.
 * @param {Needs<"scene" | "store">} given
 * @param {MapSpec} spec
 * @returns {Coming | Lacking | FoundMap}
 */
export function look({ scene, store }, spec) {
  const { data, image, label, step, target } = spec;
  const record = data.attributions(label, image)?.steps.get(step) ?? null;
  if (!record || label === null) {
    const series = data.attributions(label, image);
    if ((!series || series.part) && !data.whole.has(label ?? "") && store.loading) return { loading: true };
    return { why: absence(store, { run: data.run, series, damage: data.problem(label, image, step), step }) };
  }
  if (!record.explained.includes(target)) return { why: `“${scene.className(image, target, data)}” not logged` };
  /** @type {ReadyPlane | null} */
  let plane = null;
  if (!record.settings.geometry) {
    const answer = store.planes.get({ data, label, image }, record, target);
    if (answer.state === "loading") return { loading: true };
    if (answer.state !== undefined) return { why: PLANE_STATES[answer.state]?.(step) ?? answer.message ?? answer.state };
    plane = answer;
  } else if (!record.grid) return store.failed(data.run) ? { why: "could not be loaded" } : { loading: true };
  const ground = store.grounds.of(data, image, record.hash);
  if (ground.state === "loading") return { loading: true };
  return { record, plane, ground, input: data.input(image, record.hash), reading: scene.fittingReading(record.settings), target };
}

/**
 * Look a mean over images up.
 * @param {Needs<"store" | "state">} given
 * @param {MeanSpec} spec
 *   whose images are averaged; null: all
 * @returns {Coming | Lacking | FoundMean} the ground may still be loading: many images may be needed for it, and the
 *   numbers do not wait for them
 */
export function lookMean({ store, state }, { data, group, label, step }) {
  const series = data.mean(label, group);
  const record = series?.steps.get(step);
  if (!record) {
    if (!data.hasMeans(label, state.means) && store.loading) return { loading: true };
    return { why: absence(store, { run: data.run, series, damage: data.meanProblem(label, group, step), step }) };
  }
  const { settings } = record;
  return { record, ground: store.grounds.ofMean(data, settings.members), input: data.commonInput(settings), reading: "importance" };
}

/**
 * The numbers of a map that was found, one a pixel, as its reading shows them.
 * @param {FoundMap} found
 */
export function valuesOf({ record, plane, target, reading }) {
  return shown(record, target, reading, plane);
}

/**
 * Where a point (0..1 along each side) lies: the pixel, and the window whose centre is nearest, or the segment.
 * @param {Canvas} canvas
 * @param {Within} within
 * @param {Cut | null} cut of a volume: which slice it is a point of
 * @returns {Placed}
 */
export function placeOf(canvas, within, cut = null) {
  if (cut) return placeInVolume(canvas, within, cut);
  const { height, width, geometry } = canvas;
  const { x, y } = within;
  const row = Math.floor(y * height);
  const column = Math.floor(x * width);
  const at = { row, column, pixel: row * width + column, top: row, left: column, height: 1, width: 1 };
  if (!geometry) return at;
  if (geometry.segments) {
    const position = geometry.segments.labels[at.pixel];
    return position < 0 ? at : { ...at, position, ...boxOf(geometry.segments, position, width) };
  }
  const t = nearest(geometry.tops, geometry.window[0], y * height);
  const l = nearest(geometry.lefts, geometry.window[1], x * width);
  const [windowHeight, windowWidth] = geometry.window;
  return {
    ...at, position: t * geometry.lefts.length + l,
    top: geometry.tops[t], left: geometry.lefts[l], height: windowHeight, width: windowWidth,
  };
}

/**
 * The same in a volume; top, left, height and width are those in the slice.
 * @param {Canvas} canvas
 * @param {Within} within
 * @param {Cut} cut
 * @returns {Placed}
 */
function placeInVolume(canvas, { x, y }, cut) {
  const { height, width } = sizeOf(canvas, cut);
  const { geometry } = canvas;
  const [top, left] = [Math.floor(y * height), Math.floor(x * width)];
  const [slice, row, column] = voxelOf(cut, top, left);
  const pixel = (slice * (canvas.height / cut.depth) + row) * canvas.width + column;
  const at = { slice, row, column, pixel, top, left, height: 1, width: 1 };
  if (!geometry) return at;
  if (geometry.segments) {
    const position = geometry.segments.labels[pixel];
    return position < 0 ? at : { ...at, position };
  }
  const { fronts = [0], window_depth: deep = 1, tops, lefts, window } = geometry;
  const [starts, sizes] = [[fronts, tops, lefts], [deep, ...window]];
  const axes = axesOf(cut.plane);
  // Across the plane the window is meant that lies nearest to its slice.
  const point = [slice + 0.5, row + 0.5, column + 0.5];
  [point[axes.rows], point[axes.columns]] = [y * height, x * width];
  const [f, t, l] = starts.map((each, axis) => nearest(each, sizes[axis], point[axis]));
  const first = [fronts[f], tops[t], lefts[l]];
  return {
    ...at, position: (f * tops.length + t) * lefts.length + l, slices: [fronts[f], fronts[f] + deep - 1],
    top: first[axes.rows], left: first[axes.columns], height: sizes[axes.rows], width: sizes[axes.columns],
  };
}

/**
 * Where a pixel lies, in words.
 * @param {Placed} at
 */
export function whereText({ slice, row, column }) {
  return slice === undefined ? `pixel ${row}, ${column}` : `slice ${slice}, row ${row}, column ${column}`;
}

/**
 * Through which slices the window goes, in words; nothing of a picture's.
 * @param {Placed} at
 */
export function slicesText({ slices }) {
  if (!slices) return "";
  return slices[0] === slices[1] ? ` of slice ${slices[0]}` : ` of slices ${slices[0]} to ${slices[1]}`;
}
