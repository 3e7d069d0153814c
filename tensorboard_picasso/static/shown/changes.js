// How much a map changed: its rank correlation with another checkpoint's, or another run's.
// Only what is charted is counted, a little between frames, and kept.

import { rankCorrelation } from "../numbers/ranks.js";
import { windows } from "../numbers/reading.js";
import { sameGrid } from "./compare.js";

/** @import { MapsOf, Planes } from "../log/planes.js" */
/** @import { Attribution } from "../log/records.js" */
/** @import { ImageSeries, RunData } from "../log/rundata.js" */
/** @import { Series, Step } from "../types.js" */

/**
 * With what a map is compared: `step` of a pin, `data` of another run.
 * @typedef {"previous" | "first" | "pin" | "run"} Kind
 * @typedef {{kind: Kind, step?: Step, data?: RunData}} From
 * @typedef {{step: Step | undefined, other: Series<Attribution> | null}} Counterpart
 *
 * A pair of maps; `value` null until it is counted, NaN where there is none; `from` the step of the other.
 * @typedef {{record: Attribution, partner: Attribution, from: Step, value: number | null}} Result
 *
 * What is known of one series.
 * @typedef {object} Entry
 * @property {Series<Attribution> | null} series
 * @property {Series<Attribution> | null} other
 * @property {number} target
 * @property {Map<Step, Result>} results
 * @property {Result[]} todo
 * @property {MapsOf & {data: RunData}} of
 * @property {MapsOf & {data: RunData}} to
 */

const SLICE = 5; // milliseconds of counting between two frames
const AHEAD = 16; // pairs whose stored maps are decoded at one time
const SHOW = 250; // milliseconds between two updates of the charts

/**
 * Whether two records' numbers belong to the same positions and mean the same.
 * @param {Attribution} one
 * @param {Attribution} other
 */
function samePositions({ hash, settings: a }, { hash: other, settings: b }) {
  if (hash !== other || a.sign !== b.sign || a.unit !== b.unit || a.score !== b.score) return false;
  if (!a.geometry || !b.geometry) return !a.geometry && !b.geometry && a.height === b.height && a.width === b.width && a.depth === b.depth;
  return a.geometry === b.geometry || sameGrid(a.geometry, b.geometry);
}

/**
 * The record that a series' record at a place is compared with, null where there is none.
 * @type {Record<Kind, (series: Series<Attribution>, place: number, what: Counterpart) => Attribution | null>}
 */
const PARTNERS = {
  previous: ({ records }, place) => records[place - 1] ?? null,
  first: ({ records }, place) => (place ? records[0] : null),
  pin: ({ records }, place, { step }) => {
    const pinned = records.findLast((each) => step !== undefined && each.step <= step) ?? records[0];
    return pinned === records[place] ? null : pinned;
  },
  run: ({ records }, place, { other }) => other?.steps.get(records[place].step) ?? null,
};

/**
 * What is to be counted for a series, and what is known of it from `before`.
 * @param {Series<Attribution> | null} series
 * @param {Kind} kind
 * @param {Counterpart} what
 * @param {Map<Step, Result> | undefined} before
 */
function results(series, kind, what, before) {
  /** @type {Map<Step, Result>} */
  const byStep = new Map();
  series?.records.forEach((record, place) => {
    const partner = PARTNERS[kind](series, place, what);
    if (!partner) return;
    const known = before?.get(record.step);
    const same = known?.record.wall === record.wall && known.partner.wall === partner.wall && known.from === partner.step;
    byStep.set(record.step, { record, partner, from: partner.step, value: same && known ? known.value : null });
  });
  return byStep;
}

/**
 * A series whose checkpoints are all known: others would stand beside the wrong ones.
 * @param {ImageSeries<Attribution> | null} series
 */
function whole(series) {
  return series?.part ? null : series;
}

export class Changes {
  #store;
  #changed;
  /** @type {Map<string, Entry>} */
  #entries = new Map();
  /** @type {Set<Entry>} */
  #wanted = new Set();
  #timer = 0;
  #shown = 0;

  /** @param {{planes: Planes}} store @param {() => void} changed called when more is counted */
  constructor(store, changed) {
    this.#store = store;
    this.#changed = changed;
  }

  /** How many pairs of maps are wanted and not counted yet. */
  get left() {
    return [...this.#wanted].reduce((sum, { todo }) => sum + todo.length, 0);
  }

  /** Give up what was wanted: whoever still wants it asks again. */
  supersede() {
    this.#wanted.clear();
  }

  /**
   * Correlations of one image's maps with those of other checkpoints.
   * @param {MapsOf & {data: RunData, target: number}} of
   * @param {From} from
   * @returns {Map<Step, Result>} by step
   */
  of({ data, image, label, target }, from) {
    const key = [data.run, data.probe, label, image, target, from.kind, from.step, from.data?.run].join("\n");
    const [series, other] = [data, from.data].map((each) => whole(each?.attributions(label, image) ?? null));
    let entry = this.#entries.get(key);
    // A series is made anew when records or their grids came.
    if (entry?.series !== series || entry.other !== other) {
      const made = results(series, from.kind, { step: from.step, other }, entry?.results);
      if (entry) this.#wanted.delete(entry);
      entry = {
        series, other, target, results: made, todo: [...made.values()].filter(({ value }) => value === null),
        of: { data, label, image }, to: { data: from.data ?? data, label, image },
      };
      this.#entries.set(key, entry);
      this.#prefetch(entry);
    }
    if (entry.todo.length && !this.#wanted.has(entry)) {
      this.#wanted.add(entry);
      this.wake();
    }
    return entry.results;
  }

  /** @param {Entry} entry */
  #prefetch({ of, to, todo }) {
    const stored = todo.filter(({ record }) => !record.settings.geometry);
    this.#store.planes.prefetch(of, stored.map(({ record }) => record));
    this.#store.planes.prefetch(to, stored.map(({ partner }) => partner));
  }

  /** Go on: something that was waited for may have come. */
  wake() {
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.#work();
    });
  }

  #work() {
    const until = performance.now() + SLICE;
    let waiting = 0;
    let done = 0;
    for (const entry of this.#wanted) {
      entry.todo = entry.todo.filter((result) => {
        if (waiting === AHEAD || performance.now() > until) return true;
        result.value = this.#count(entry, result);
        if (result.value !== null) done++;
        else if (!result.record.settings.geometry) waiting++;
        return result.value === null;
      });
      if (!entry.todo.length) this.#wanted.delete(entry);
    }
    if (done && this.#wanted.size) this.wake();
    if (done && (!this.#wanted.size || performance.now() > this.#shown + SHOW)) {
      this.#shown = performance.now();
      this.#changed();
    }
  }

  /**
   * The correlation of a pair; null where a map is still on its way.
   * @param {Entry} entry
   * @param {Result} pair
   */
  #count({ of, to, target }, { record, partner }) {
    /** @type {(record: Attribution) => boolean} */
    const lacks = ({ settings, grid }) => Boolean(settings.geometry) && !grid;
    if (lacks(record) || lacks(partner)) return null;
    if (!samePositions(record, partner)) return NaN;
    if (!record.explained.includes(target) || !partner.explained.includes(target)) return NaN;
    const [a, b] = [this.#numbers(to, partner, target), this.#numbers(of, record, target)];
    if (a === null || b === null) return null;
    return a && b ? rankCorrelation(a, b) : NaN;
  }

  /**
   * One number a position; null where they are on their way, undefined where they are lost.
   * @param {MapsOf} of
   * @param {Attribution} record
   * @param {number} target
   */
  #numbers(of, record, target) {
    if (record.settings.geometry) return windows(record, target, "importance");
    const plane = this.#store.planes.get(of, record, target);
    return plane.values ?? (plane.state === "loading" ? null : undefined);
  }
}
