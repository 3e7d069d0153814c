// Lines over the logged steps: how they are drawn, and how a pointer finds a step.

import { svg } from "./dom.js";
import { finite } from "./lists.js";

export const WIDTH = 1000;
export const HEIGHT = 100;
const DASH = 20; // of a line with a single value

// Found by a search for colours that stay apart for every eye, the first ones most, and are seen on
// a light and a dark ground; tests/numbers/test_colours.py holds them to it.
export const RUNS = ["#1e7869", "#a578f0", "#f05a96", "#969600", "#5a783c", "#a54b96", "#5a5ae1", "#4ba569"];
/** Of classes, or of fills, within one run. */
export const LINES = ["#965a4b", "#3c96ff", "#a5961e", "#ff0fb4", "#007878"];

// A run keeps its colour when others appear beside it.
/** @type {Map<string, number>} */
const places = new Map();

/**
 * The colour of a run: by its place among all runs of the probe, so that it never changes.
 * @param {string[]} runs
 * @param {string} run
 */
export function runColour(runs, run) {
  for (const name of [...runs, run]) if (!places.has(name)) places.set(name, places.size);
  return RUNS[(places.get(run) ?? 0) % RUNS.length];
}

/**
 * Place of a step, in units of the drawing.
 * @param {number} place
 * @param {number} count
 */
export function across(place, count) {
  return count > 1 ? (place / (count - 1)) * WIDTH : WIDTH / 2;
}

/** @param {number} value @param {number[]} range */
function up(value, range) {
  const [low, high] = range;
  return high > low ? HEIGHT - ((value - low) / (high - low)) * HEIGHT : HEIGHT / 2;
}

/**
 * Parts of the width at which steps stand that all take the same room.
 * @param {number} count
 */
export function evenParts(count) {
  return Array.from({ length: count }, (_, place) => across(place, count) / WIDTH);
}

/**
 * What of a line is a number and on the axis.
 * @param {(number | null)[]} values
 * @param {(number | null)[]} parts
 */
function pointsOf(values, parts) {
  return values.flatMap((value, place) => {
    const part = parts[place];
    return value !== null && Number.isFinite(value) && part !== null ? [{ place, part, value }] : [];
  });
}

/** @param {number} part of the width @param {number} value @param {number[]} range */
function placed(part, value, range) {
  return `${(part * WIDTH).toFixed(1)} ${up(value, range).toFixed(2)}`;
}

/**
 * The path of a line: null (no record there) is passed over, NaN and infinity leave a gap, a
 * single value is a dash.
 * @param {(number | null)[]} values
 * @param {number[]} range least and largest value
 * @param {(number | null)[]} parts of the width, 0..1, one a value; null: not on the axis
 */
export function line(values, range, parts = evenParts(values.length)) {
  const there = pointsOf(values, parts);
  if (there.length === 1) {
    // A dot would lie under the cursor: the step that is shown is the only one.
    const [{ part, value }] = there;
    return `M${(part * WIDTH - DASH / 2).toFixed(1)} ${up(value, range).toFixed(2)}h${DASH}`;
  }
  let path = "";
  let open = false;
  values.forEach((value, i) => {
    const part = parts[i];
    if (value === null || part === null) return;
    if (!Number.isFinite(value)) {
      open = false;
      return;
    }
    path += `${open ? "L" : "M"}${placed(part, value, range)}`;
    if (!open) path += "h0";
    open = true;
  });
  return path;
}

/**
 * The path of dots where a line has numbers.
 * @param {(number | null)[]} values
 * @param {number[]} range
 * @param {(number | null)[]} parts
 */
export function dots(values, range, parts = evenParts(values.length)) {
  return pointsOf(values, parts).map(({ part, value }) => `M${placed(part, value, range)}h0`).join("");
}

/**
 * The path around what lies between two lines.
 * @param {(number | null)[]} lows
 * @param {(number | null)[]} highs
 * @param {number[]} range
 * @param {(number | null)[]} parts
 */
export function band(lows, highs, range, parts) {
  /** @type {(own: (number | null)[], other: (number | null)[]) => string[]} */
  const edge = (own, other) => pointsOf(own, parts).flatMap(({ place, part, value }) => (Number.isFinite(other[place] ?? NaN) ? [placed(part, value, range)] : []));
  const [above, below] = [edge(highs, lows), edge(lows, highs)];
  return above.length < 2 ? "" : `M${above.join("L")}L${below.reverse().join("L")}Z`;
}

/**
 * Height of a value from the top, as a part of the drawing's.
 * @param {number} value
 * @param {number[]} range
 */
export function heightOf(value, range) {
  return up(value, range) / HEIGHT;
}

/**
 * 0..1 for probabilities, else from the least to the largest value.
 * @param {(number | null)[][]} lists
 * @param {boolean} raw
 */
export function rangeOf(lists, raw) {
  if (!raw) return [0, 1];
  const values = finite(lists.flat());
  return values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
}

/**
 * A drawing that stretches with its box while its lines keep their width.
 * @param {...SVGElement} children
 */
export function drawing(...children) {
  const box = `0 0 ${WIDTH} ${HEIGHT}`;
  return svg("svg", { viewBox: box, preserveAspectRatio: "none", "aria-hidden": "true" }, ...children);
}

/** @param {string} d @param {string | null} colour @param {string} name */
export function path(d, colour, name = "line") {
  return svg("path", { d, class: name, stroke: colour, "vector-effect": "non-scaling-stroke" });
}

/**
 * Where a pointer stands over an element, as a part of its width.
 * @param {Element} element
 * @param {number} clientX
 */
export function partAt(element, clientX) {
  const box = element.getBoundingClientRect();
  return Math.min(Math.max((clientX - box.left) / box.width, 0), 1);
}

/**
 * Let a chart seek: click and drag move to the step under the pointer.
 * @param {HTMLElement} element
 * @param {() => number} count of steps
 * @param {(place: number) => void} seek
 * @param {(part: number) => number} placeOf the step at a part of the width; by default all take
 *   the same room
 */
export function seekable(element, count, seek, placeOf = (part) => Math.round(part * (count() - 1))) {
  let held = false;
  /** @type {(event: PointerEvent) => void} */
  const move = (event) => held && seek(placeOf(partAt(element, event.clientX)));
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !count()) return;
    held = true;
    element.setPointerCapture(event.pointerId);
    move(event);
  });
  element.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => (held = false));
}
