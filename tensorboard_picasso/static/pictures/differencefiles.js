// B − A as it is shown, as a file: the numbers of both sides with their names and unit.

import { csv } from "../kit/files.js";
import { npz } from "../kit/npz.js";
import { shapeOf } from "../numbers/volumes.js";

/** @import { Differing } from "../shown/compare.js" */
/** @import { Side, Taken } from "./difference.js" */

/**
 * `run · step 40 · occlusion · image 3 · seven`
 * @param {Side} side
 */
function sideName({ run, step, method, image, class: name }) {
  return [run, `step ${step}`, method, image, name].filter((part) => part !== undefined).join(" · ");
}

/** @param {Taken} taken */
function unitOf({ kind, unit }) {
  return kind === "probability" ? "probability" : unit;
}

/**
 * What the file is called, without its ending.
 * @param {Taken} taken
 */
export function differenceName({ probe, sides: { a, b } }) {
  /** @type {(key: keyof Side) => unknown[]} */
  const both = (key) => (a[key] === b[key] ? [b[key]] : [b[key], "minus", a[key]]);
  return [probe, b.image, ...both("class"), ...both("method"), ...both("run"), "step", ...both("step")]
    .filter((part) => part !== undefined)
    .join(" ")
    .replaceAll(/[^\p{L}\p{N}.]+/gu, "-");
}

/**
 * One row a pixel, of a volume with its slice.
 * @param {Taken} taken
 */
export function differenceCsv(taken) {
  const { values, a, b, height, width, depth, sides } = taken;
  const tall = height / (depth ?? 1);
  const heads = [...(depth ? ["slice"] : []), "row", "column", `A: ${sideName(sides.a)}`, `B: ${sideName(sides.b)}`, `B − A (${unitOf(taken)})`];
  return csv([heads, ...Array.from(values, (value, i) => {
    const row = Math.floor(i / width);
    return [...(depth ? [Math.floor(row / tall)] : []), row % tall, i % width, a[i], b[i], value];
  })]);
}

/**
 * `a`, `b` and `difference` (height, width), of a volume (depth, height, width); where both sides have the same windows
 * the same of these, (tops, lefts) or (fronts, tops, lefts), with where they are, or the same segments (segments), with the segment of each pixel; what all of it is, as JSON in `metadata`.
 * @param {Taken} taken
 */
export function differenceNpz(taken) {
  const { probe, reading, kind, sides, geometry, windows } = taken;
  const shape = shapeOf(taken).slice(taken.depth ? 0 : 1);
  /** @type {(from: Differing, shape: number[], ending?: string) => Record<string, {values: ArrayLike<number>, shape: number[]}>} */
  const arrays = (from, shape, ending = "") => Object.fromEntries(
    Object.entries({ a: from.a, b: from.b, difference: from.values }).map(([name, values]) => [name + ending, { values, shape }]),
  );
  /** @type {(values: number[]) => {values: number[], shape: number[]}} */
  const list = (values) => ({ values, shape: [values.length] });
  const segments = geometry?.segments;
  const { fronts, window_depth: deep } = geometry ?? {};
  const counts = geometry && [...(fronts ? [fronts.length] : []), geometry.tops.length, geometry.lefts.length];
  const grid = windows && geometry && {
    ...arrays(windows, segments ? [segments.count] : (counts ?? []), "_windows"),
    ...(segments ? { segments: { values: segments.labels, shape } }
      : { ...(fronts ? { fronts: list(fronts) } : {}), tops: list(geometry.tops), lefts: list(geometry.lefts), window: list([...(deep ? [deep] : []), ...geometry.window]) }),
  };
  const about = { probe, reading, kind, unit: unitOf(taken), ...sides };
  return npz({ ...arrays(taken, shape), ...grid, metadata: JSON.stringify(about, (key, value) => (typeof value === "bigint" ? String(value) : value)) });
}
