// What the timeline's width counts: logged steps, training steps, epochs or time.
// Epochs and times of a step may differ from run to run, so each run has parts of its own.

import { evenParts } from "./chart.js";
import { count as grouped, stepText } from "./format.js";

export const AXIS_NAMES = {
  order: "logged steps", step: "step", log: "step (log)", epoch: "epoch", wall: "wall time",
};
const UNITS = [["h", 3600], ["min", 60], ["s", 1]];

/** Round numbers within a range, at most about six. */
export function roundNumbers(low, high) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / 5));
  const by = [1, 2, 5, 10].map((each) => each * power).find((each) => span / each <= 6);
  const first = Math.ceil(low / by - 1e-9);
  return Array.from({ length: Math.floor(high / by + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * by).toPrecision(12)));
}

function powers(low, high) {
  const found = [low];
  for (let power = 1; power < high; power *= 10) if (power > low) found.push(power);
  return [...found, high];
}

function orderTicks(steps) {
  const last = steps.length - 1;
  const places = [...new Set([0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * last)))];
  const parts = evenParts(steps.length);
  return places.filter((place) => place >= 0 && place <= last).map((place) => ({ part: parts[place], text: stepText(steps[place]) }));
}

/** Ticks without those that would stand in the way of the one after them. */
function thinned(ticks) {
  return ticks.filter(({ part }, i) => i === ticks.length - 1 || ticks.slice(i + 1).every((next) => next.part - part > 0.06));
}

/** What a run's steps are worth on the axis, null where that is not known. */
const MEASURES = {
  step: (data, steps) => steps,
  log: (data, steps) => steps.map((step) => Math.log1p(step - Math.min(steps[0], 0))),
  epoch: (data, steps) => steps.map((step) => data.epoch(step)),
  wall: (data, steps) => {
    const walls = steps.map((step) => data.wall(step));
    const start = walls.find((wall) => wall !== null);
    return walls.map((wall) => (wall === null ? null : wall - start));
  },
};

const TICKS = {
  step: (low, high) => roundNumbers(low, high).map((value) => ({ value, text: stepText(value) })),
  log: (low, high, steps) => {
    const shift = Math.min(steps[0], 0);
    const shown = powers(steps[0] - shift, steps.at(-1) - shift);
    return shown.map((value) => ({ value: Math.log1p(value), text: stepText(value + shift) }));
  },
  epoch: (low, high) => roundNumbers(low, high).map((value) => ({ value, text: `epoch ${grouped(value)}` })),
  wall: (low, high) => {
    const [name, seconds] = UNITS.find(([, each]) => high >= 2 * each) ?? UNITS.at(-1);
    return roundNumbers(low / seconds, high / seconds).map((value) => ({ value: value * seconds, text: `${grouped(value)} ${name}` }));
  },
};

/** Whether the shown runs recorded what an axis counts. */
export function hasAxis(kind, { datas, steps }) {
  return kind !== "epoch" || datas.some((data) => steps.some((step) => data.epoch(step) !== null));
}

/** The axis of what is shown; that of logged steps where the chosen one cannot be. */
export class Axis {
  #parts = new Map();
  #shared;

  constructor(asked, scene) {
    const { steps, datas } = scene;
    this.kind = steps.length > 1 && hasAxis(asked, scene) ? asked : "order";
    this.#shared = evenParts(steps.length);
    this.ticks = orderTicks(steps);
    if (this.kind === "order") return;
    const found = new Map(datas.map((data) => [data, MEASURES[this.kind](data, steps)]));
    const all = [...found.values()].flat().filter((value) => value !== null);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    const part = (value) => (value === null ? null : high > low ? (value - low) / (high - low) : 0.5);
    for (const [data, values] of found) this.#parts.set(data, values.map(part));
    this.ticks = thinned(TICKS[this.kind](low, high, steps).map(({ value, text }) => ({ part: part(value), text })));
  }

  /** Where each step of a run stands, as parts of the width. */
  parts(data) {
    return this.#parts.get(data) ?? this.#shared;
  }

  /** Where a run's cursor stands at a place: at its newest step that is not after it. */
  part(data, place) {
    return this.parts(data).slice(0, place + 1).findLast((part) => part !== null) ?? null;
  }

  /** The step nearest to a part of the width, in the first run that goes as far. */
  place(part) {
    const all = this.#parts.size ? [...this.#parts.values()] : [this.#shared];
    const end = (parts) => Math.max(...parts.filter((each) => each !== null));
    const furthest = all.reduce((a, b) => (end(b) > end(a) ? b : a));
    const parts = all.find((each) => end(each) >= part) ?? furthest;
    let found = 0;
    let least = Infinity;
    parts.forEach((each, place) => {
      if (each === null || Math.abs(each - part) >= least) return;
      least = Math.abs(each - part);
      found = place;
    });
    return found;
  }
}
