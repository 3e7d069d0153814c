// What is known of one map: its record and numbers, or why there is none to show.

import { count } from "./format.js";
import { nearest } from "./maps.js";
import { shown } from "./reading.js";

/** Whether a step was never logged for a method, or logged and not kept by TensorBoard. */
function whyAbsent(data, label, image, step) {
  const damage = data.problem(label, image, step);
  if (damage) return damage.problem === "newer" ? `newer format at step ${step}` : `damaged at step ${step}`;
  const series = data.attributions(label, image);
  if (!series) return "not logged";
  const last = series.records.at(-1)?.step;
  if (last !== undefined && step > last) return `ends at step ${count(last)}`;
  const scores = data.scores.get(image);
  // Each series is sampled on its own, to one common limit: a series that holds fewer records
  // than its neighbour has reached no limit, so what it lacks was never logged.
  const logged = scores?.steps.has(step) && series.records.length < scores.records.length;
  return logged ? `not logged at step ${step}` : `not kept at step ${step}`;
}

/**
 * Look a map up.
 * @param {{scene: object, store: object}} app
 * @param {{data: object, image: number, label: string, step: number, target: number}} spec
 * @returns {{loading: true}|{why: string}|{record: object, plane: object|null, ground: object,
 *   input: object|null, reading: string, target: number}}
 */
export function look({ scene, store }, spec) {
  const { data, image, label, step, target } = spec;
  const record = data.attributions(label, image)?.steps.get(step) ?? null;
  if (!record) {
    if (!data.methods.has(label) && store.loading) return { loading: true };
    return { why: whyAbsent(data, label, image, step) };
  }
  if (!record.explained.includes(target)) return { why: `“${scene.className(image, target)}” not logged` };
  let plane = null;
  if (!record.settings.geometry) {
    plane = store.planes.get({ data, label, image }, record, target);
    if (plane.state === "loading") return { loading: true };
    if (plane.state) return { why: plane.state === "not kept" ? `not kept at step ${step}` : (plane.message ?? plane.state) };
  } else if (!record.grid) return { loading: true };
  const ground = store.ground(data, image, record.hash);
  if (ground.state === "loading") return { loading: true };
  return { record, plane, ground, input: data.input(image, record.hash), reading: scene.fittingReading(record.settings), target };
}

/** The numbers of a map that was found, one a pixel, as its reading shows them. */
export function valuesOf({ record, plane, target, reading }) {
  return shown(record, target, reading, plane);
}

/** Where a point (0..1 along each side) lies: the pixel, and the window whose centre is nearest. */
export function placeOf({ height, width, geometry }, { x, y }) {
  const row = Math.floor(y * height);
  const column = Math.floor(x * width);
  const at = { row, column, pixel: row * width + column, top: row, left: column, height: 1, width: 1 };
  if (!geometry) return at;
  const t = nearest(geometry.tops, geometry.window[0], y * height);
  const l = nearest(geometry.lefts, geometry.window[1], x * width);
  const [windowHeight, windowWidth] = geometry.window;
  return {
    ...at, position: t * geometry.lefts.length + l,
    top: geometry.tops[t], left: geometry.lefts[l], height: windowHeight, width: windowWidth,
  };
}
