// What the timeline's width counts: logged steps, training steps, epochs or time.
// Epochs and times of a step may differ from run to run, so each run has parts of its own.

import { evenParts } from "../kit/chart.js";
import { count as grouped, stepText } from "../kit/format.js";
import { advance, powersBetween, roundSteps } from "../kit/steps.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Scene } from "../shown/scene.js" */
/** @import { Choices, Step } from "../types.js" */

/** @typedef {Choices["x"]} Kind */

/** @type {Record<Kind, string>} */
export const AXIS_NAMES = {
  order: "logged steps", step: "step", log: "step (log)", epoch: "epoch", wall: "wall time",
};
// Of the width, where that is about 900 pixels.
const LETTER = 0.0063;
const GAP = 0.01;
/** @type {[string, number][]} */
const UNITS = [["h", 3600], ["min", 60], ["s", 1]];

/**
 * Round numbers within a range, at most about six.
 * @param {number} low
 * @param {number} high
 */
export function roundNumbers(low, high) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(span / 5));
  const by = [1, 2, 5, 10].map((each) => each * power).find((each) => span / each <= 6) ?? power;
  const first = Math.ceil(low / by - 1e-9);
  return Array.from({ length: Math.floor(high / by + 1e-9) - first + 1 }, (_, i) => Number(((first + i) * by).toPrecision(12)));
}

/** @param {Step[]} steps */
function orderTicks(steps) {
  const last = steps.length - 1;
  const places = [...new Set([0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * last)))];
  const parts = evenParts(steps.length);
  return thinned(places.filter((place) => place >= 0 && place <= last).map((place) => ({ part: parts[place], text: stepText(steps[place]) })));
}

/**
 * Ticks without those that would stand in each other's way: the last and the first come before
 * the others. `align` says which part of its text stands at a tick, so that none leaves the axis.
 * @param {{part: number, text: string}[]} ticks
 */
function thinned(ticks) {
  const all = ticks.map(({ part, text }) => {
    const width = Math.max(0.045, LETTER * text.length);
    const align = part < Math.max(0.03, width / 2) ? 0 : part > 1 - Math.max(0.03, width / 2) ? 1 : 0.5;
    return { part, text, align, start: part - align * width, end: part + (1 - align) * width };
  });
  /** @type {typeof all} */
  const kept = [];
  for (const tick of [...all.slice(-1), ...all.slice(0, -1).slice(0, 1), ...all.slice(1, -1).reverse()]) {
    if (kept.every(({ start, end }) => tick.end + GAP < start || end + GAP < tick.start)) kept.push(tick);
  }
  return kept.sort((a, b) => a.part - b.part);
}

/**
 * What steps are counted from: 0, or the first of negative ones.
 * @param {Step[]} steps
 */
function origin(steps) {
  return steps[0] < 0 ? steps[0] : 0;
}

/**
 * The logarithm of a step's distance from the origin, less that of the first step, exactly.
 * @param {Step[]} steps
 * @param {Step} step
 */
function logOf(steps, step) {
  return Math.log1p(advance(steps[0], step) / (1 + advance(origin(steps), steps[0])));
}

/**
 * What a run's steps are worth on the axis, null where that is not known.
 * @type {Record<Exclude<Kind, "order">, (data: RunData, steps: Step[]) => (number | null)[]>}
 */
const MEASURES = {
  step: (data, steps) => steps.map((step) => advance(steps[0], step)),
  log: (data, steps) => steps.map((step) => logOf(steps, step)),
  epoch: (data, steps) => steps.map((step) => data.epoch(step)),
  wall: (data, steps) => {
    const walls = steps.map((step) => data.wall(step));
    const start = walls.find((wall) => wall !== null) ?? 0;
    return walls.map((wall) => (wall === null ? null : wall - start));
  },
};

/**
 * @type {Record<Exclude<Kind, "order">, (low: number, high: number, steps: Step[]) => {value: number, text: string}[]>}
 */
const TICKS = {
  step: (low, high, steps) =>
    roundSteps(steps[0], steps[steps.length - 1]).map((step) => ({ value: advance(steps[0], step), text: stepText(step) })),
  log: (low, high, steps) =>
    powersBetween(steps[0], steps[steps.length - 1], origin(steps)).map((step) => ({ value: logOf(steps, step), text: stepText(step) })),
  epoch: (low, high) => roundNumbers(low, high).map((value) => ({ value, text: `epoch ${grouped(value)}` })),
  wall: (low, high) => {
    const [name, seconds] = UNITS.find(([, each]) => high >= 2 * each) ?? UNITS[UNITS.length - 1];
    return roundNumbers(low / seconds, high / seconds).map((value) => ({ value: value * seconds, text: `${grouped(value)} ${name}` }));
  },
};

/**
 * Whether the shown runs recorded what an axis counts.
 * @param {Kind} kind
 * @param {Scene} scene
 */
export function hasAxis(kind, { datas, steps }) {
  return kind !== "epoch" || datas.some((data) => steps.some((step) => data.epoch(step) !== null));
}

/** The axis of what is shown; that of logged steps where the chosen one cannot be. */
export class Axis {
  /** @type {Map<RunData, (number | null)[]>} */
  #parts = new Map();
  #shared;

  /** @param {Kind} asked @param {Scene} scene */
  constructor(asked, scene) {
    const { steps, datas } = scene;
    this.kind = steps.length > 1 && hasAxis(asked, scene) ? asked : "order";
    this.#shared = evenParts(steps.length);
    this.ticks = orderTicks(steps);
    if (this.kind === "order") return;
    const measure = MEASURES[this.kind];
    const measured = new Map(datas.map((data) => [data, measure(data, steps)]));
    const all = [...measured.values()].flat().filter((value) => value !== null);
    const [low, high] = [Math.min(...all), Math.max(...all)];
    /** @type {(value: number) => number} */
    const part = (value) => (high > low ? (value - low) / (high - low) : 0.5);
    for (const [data, values] of measured) this.#parts.set(data, values.map((value) => (value === null ? null : part(value))));
    this.ticks = thinned(TICKS[this.kind](low, high, steps).map(({ value, text }) => ({ part: part(value), text })));
  }

  /**
   * Where each step of a run stands, as parts of the width.
   * @param {RunData | null | undefined} data
   * @returns {(number | null)[]}
   */
  parts(data) {
    return (data && this.#parts.get(data)) ?? this.#shared;
  }

  /**
   * Where a run's cursor stands at a place: at its newest step that is not after it.
   * @param {RunData | null | undefined} data
   * @param {number} place
   */
  part(data, place) {
    return this.parts(data).slice(0, place + 1).findLast((part) => part !== null) ?? null;
  }

  /**
   * The step nearest to a part of the width, in the first run that goes as far.
   * @param {number} part
   */
  place(part) {
    const all = this.#parts.size ? [...this.#parts.values()] : [this.#shared];
    /** @type {(parts: (number | null)[]) => number} */
    const end = (parts) => Math.max(...parts.filter((each) => each !== null));
    const furthest = all.reduce((a, b) => (end(b) > end(a) ? b : a));
    const parts = all.find((each) => end(each) >= part) ?? furthest;
    let nearest = 0;
    let least = Infinity;
    parts.forEach((each, place) => {
      if (each === null || Math.abs(each - part) >= least) return;
      least = Math.abs(each - part);
      nearest = place;
    });
    return nearest;
  }
}
