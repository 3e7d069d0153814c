// Lines over the logged steps. Every step takes the same room, however far training went between.

import { svg } from "./dom.js";

export const WIDTH = 1000;
export const HEIGHT = 100;

const COLOURS = ["#0e9384", "#9b59d0", "#d6487e", "#6a8f1f", "#4a7fd6", "#b7791f", "#5f6b7a", "#00a0c6"];

/** The colour of a run: by its place among all runs of the probe, so that it never changes. */
export function runColour(runs, run) {
  return COLOURS[Math.max(runs.indexOf(run), 0) % COLOURS.length];
}

/** Place of a step, in units of the drawing. */
export function across(place, count) {
  return count > 1 ? (place / (count - 1)) * WIDTH : WIDTH / 2;
}

function up(value, [low, high]) {
  return high > low ? HEIGHT - ((value - low) / (high - low)) * HEIGHT : HEIGHT / 2;
}

/** The path of a line: null (no record there) is passed over, NaN and infinity leave a gap. */
export function line(values, range) {
  let path = "";
  let open = false;
  values.forEach((value, i) => {
    if (value === null) return;
    if (!Number.isFinite(value)) {
      open = false;
      return;
    }
    path += `${open ? "L" : "M"}${across(i, values.length).toFixed(1)} ${up(value, range).toFixed(2)}`;
    if (!open) path += "h0";
    open = true;
  });
  return path;
}

/** 0..1 for probabilities, else from the least to the largest value. */
export function rangeOf(lists, raw) {
  if (!raw) return [0, 1];
  const values = lists.flat().filter((value) => value !== null && Number.isFinite(value));
  return values.length ? [Math.min(...values), Math.max(...values)] : [0, 1];
}

/** A drawing that stretches with its box while its lines keep their width. */
export function drawing(...children) {
  const box = `0 0 ${WIDTH} ${HEIGHT}`;
  return svg("svg", { viewBox: box, preserveAspectRatio: "none", "aria-hidden": "true" }, ...children);
}

export function path(d, colour, name = "line") {
  return svg("path", { d, class: name, stroke: colour, "vector-effect": "non-scaling-stroke" });
}

/** The place of the step nearest to the pointer. */
export function placeAt(element, clientX, count) {
  const box = element.getBoundingClientRect();
  const part = Math.min(Math.max((clientX - box.left) / box.width, 0), 1);
  return Math.round(part * (count - 1));
}

/** Let a chart seek: click and drag move to the step under the pointer. */
export function seekable(element, count, seek) {
  let held = false;
  const move = (event) => held && seek(placeAt(element, event.clientX, count()));
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || !count()) return;
    held = true;
    element.setPointerCapture(event.pointerId);
    move(event);
  });
  element.addEventListener("pointermove", move);
  for (const name of ["pointerup", "pointercancel"]) element.addEventListener(name, () => (held = false));
}
