// How much a map changed: its rank correlation with another checkpoint's, or another run's.
// Only what is charted is counted, a little between frames, and kept.

import { rankCorrelation } from "./ranks.js";
import { windows } from "./reading.js";

const SLICE = 6; // milliseconds of counting between two frames
const AHEAD = 64; // pairs whose stored maps are decoded at one time
const SHOW = 250; // milliseconds between two updates of the charts

/** Whether two records' numbers belong to the same positions and mean the same. */
function samePositions({ hash, settings: a }, { hash: other, settings: b }) {
  if (hash !== other || a.sign !== b.sign || a.unit !== b.unit || a.score !== b.score) return false;
  if (!a.geometry || !b.geometry) return !a.geometry && !b.geometry && a.height === b.height && a.width === b.width;
  const shape = ({ window, tops, lefts }) => JSON.stringify([window, tops, lefts]);
  return a.geometry === b.geometry || shape(a.geometry) === shape(b.geometry);
}

/** The record that a series' record at a place is compared with, null where there is none. */
const PARTNERS = {
  previous: ({ records }, place) => records[place - 1] ?? null,
  first: ({ records }, place) => (place ? records[0] : null),
  pin: ({ records }, place, { step }) => {
    const pinned = records.findLast((each) => each.step <= step) ?? records[0];
    return pinned === records[place] ? null : pinned;
  },
  run: ({ records }, place, { other }) => other?.steps.get(records[place].step) ?? null,
};

/** What is to be counted for a series, and what is known of it from `before`. */
function results(series, kind, what, before) {
  const found = new Map();
  series?.records.forEach((record, place) => {
    const partner = PARTNERS[kind](series, place, what);
    if (!partner) return;
    const known = before?.get(record.step);
    const same = known?.record.wall === record.wall && known.partner.wall === partner.wall && known.from === partner.step;
    found.set(record.step, { record, partner, from: partner.step, value: same ? known.value : null });
  });
  return found;
}

export class Changes {
  #store;
  #changed;
  #counted = new Map();
  #wanted = new Map();
  #timer = 0;
  #shown = 0;

  /** @param {() => void} changed called when more is counted */
  constructor(store, changed) {
    this.#store = store;
    this.#changed = changed;
  }

  /** How many pairs of maps are wanted and not counted yet. */
  get left() {
    return this.#wanted.size;
  }

  /** Give up what was wanted: whoever still wants it asks again. */
  supersede() {
    this.#wanted.clear();
  }

  /**
   * Correlations of one image's maps with those of other checkpoints.
   * @param {{data: object, image: number, label: string, target: number}} of
   * @param {{kind: "previous"|"first"|"pin"|"run", step?: number, data?: object}} from what with:
   *   `step` of a pin, `data` of another run
   * @returns {Map<number, {value: number|null, from: number}>} by step: `value` null until it is
   *   counted, NaN where there is none; `from` the step of the other map
   */
  of({ data, image, label, target }, from) {
    const series = data.attributions(label, image);
    const other = from.data?.attributions(label, image) ?? null;
    const key = [data.run, data.probe, label, image, target, from.kind, from.step, from.data?.run].join("\n");
    let entry = this.#counted.get(key);
    // A series is made anew when records or their grids came.
    if (entry?.series !== series || entry.other !== other) {
      entry = { series, other, results: results(series, from.kind, { step: from.step, other }, entry?.results) };
      this.#counted.set(key, entry);
    }
    const to = { data: from.data ?? data, label, image };
    for (const [step, result] of entry.results) {
      if (result.value === null) this.#want(`${key}\n${step}`, { of: { data, label, image }, to, target, result });
    }
    return entry.results;
  }

  #want(key, job) {
    this.#wanted.set(key, job);
    const { of, to, result } = job;
    if (!result.record.settings.geometry) {
      this.#store.planes.prefetch(of, [result.record]);
      this.#store.planes.prefetch(to, [result.partner]);
    }
    this.wake();
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
    for (const [key, job] of this.#wanted) {
      if (performance.now() > until || waiting === AHEAD) break;
      const value = this.#count(job);
      if (value === null) {
        if (!job.result.record.settings.geometry) waiting++;
        continue;
      }
      job.result.value = value;
      this.#wanted.delete(key);
      done++;
    }
    if (done && this.#wanted.size) this.wake();
    if (done && (!this.#wanted.size || performance.now() > this.#shown + SHOW)) {
      this.#shown = performance.now();
      this.#changed();
    }
  }

  /** The correlation of a pair; null where a map is still on its way. */
  #count({ of, to, target, result: { record, partner } }) {
    const lacks = ({ settings, grid }) => settings.geometry && !grid;
    if (lacks(record) || lacks(partner)) return null;
    if (!samePositions(record, partner)) return NaN;
    if (!record.explained.includes(target) || !partner.explained.includes(target)) return NaN;
    const [a, b] = [this.#numbers(to, partner, target), this.#numbers(of, record, target)];
    if (a === null || b === null) return null;
    return a && b ? rankCorrelation(a, b) : NaN;
  }

  /** One number a position; null where they are on their way, undefined where they are lost. */
  #numbers(of, record, target) {
    if (record.settings.geometry) return windows(record, target, "importance");
    const plane = this.#store.planes.get(of, record, target);
    return plane.values ?? (plane.state === "loading" ? null : undefined);
  }
}
