// Ordinary scalars of a run and those beside it (loss, accuracy), joined to the probe's steps.

import { fetchScalar, fetchScalars } from "./api.js";
import { messageOf } from "../kit/format.js";
import { kept } from "../kit/lists.js";
import { advance, stepsOf } from "../kit/steps.js";

/** @import { Step } from "../types.js" */
/** @import { Beside } from "./answers.js" */

/**
 * One series as it was logged.
 * @typedef {{steps: Step[], walls: Float64Array, values: Float64Array}} Scalar
 */

/**
 * What was asked for; `value` of before stays while it is read again.
 * @template T
 * @typedef {{state: "loading" | "ready" | "failed" | "absent", stale?: boolean, value?: T, message?: string}} Asked
 */

/** Loads lists of tags, and the series that are charted. */
export class Scalars {
  /** @type {Map<string, Asked<Beside[]>>} */
  #tags = new Map();
  /** @type {Map<string, Asked<Scalar>>} */
  #series = new Map();
  #changed;

  /** @param {() => void} changed called when something came or failed */
  constructor(changed) {
    this.#changed = changed;
  }

  /**
   * What was logged beside a run: [{where, run, tags}]; empty until it is known.
   * @param {string} run
   */
  tags(run) {
    return this.#tags.get(run)?.value ?? [];
  }

  /**
   * Ask what was logged beside a run, where that is not known.
   * @param {string} run
   */
  find(run) {
    this.#ask(this.#tags, run, async () => (await fetchScalars(run)).scalars);
  }

  /**
   * One series.
   * @param {string} run
   * @param {string} tag
   * @returns {Asked<Scalar>}
   */
  series(run, tag) {
    return this.#ask(this.#series, JSON.stringify([run, tag]), async () => {
      const pack = await fetchScalar(run, tag);
      const { steps, walls, values } = pack.header;
      const { length } = steps;
      return { steps: stepsOf(pack.array(steps, length)), walls: pack.array(walls, length), values: pack.array(values, length) };
    });
  }

  /** Look for more of all that is known. */
  refresh() {
    for (const entries of [this.#tags, this.#series]) for (const entry of entries.values()) entry.stale = true;
    this.#changed();
  }

  /**
   * @template T
   * @param {Map<string, Asked<T>>} entries
   * @param {string} key
   * @param {() => Promise<T>} read
   * @returns {Asked<T>}
   */
  #ask(entries, key, read) {
    const entry = kept(entries, key, () => /** @type {Asked<T>} */ ({ state: "loading", stale: true }));
    if (!entry.stale) return entry;
    entry.stale = false;
    read().then(
      (value) => Object.assign(entry, { state: "ready", value }),
      (error) => Object.assign(entry, { state: "failed", message: messageOf(error) }),
    ).then(this.#changed);
    return entry;
  }
}

/**
 * Keras logs these once an epoch, under the epoch's number.
 * @param {string} tag
 */
export function isPerEpoch(tag) {
  return /(^|\/)epoch_/.test(tag);
}

/**
 * For each position the place in `keys` whose value holds there: the newest one that is not
 * after it. A value holds until the next is due, so not for long after the last one.
 * @param {Step[]} keys ascending
 * @param {(Step | null)[]} positions
 * @param {number} slack that a position may lack to a key
 * @returns {number[]} -1 where none holds
 */
export function holding(keys, positions, slack = 0) {
  let gap = keys.length > 1 ? 0 : Infinity;
  for (let i = 1; i < keys.length; i++) gap = Math.max(gap, advance(keys[i - 1], keys[i]));
  return positions.map((position) => {
    if (position === null) return -1;
    let low = 0;
    let high = keys.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (keys[middle] <= position || advance(position, keys[middle]) <= slack) low = middle + 1;
      else high = middle;
    }
    const place = low - 1;
    return place >= 0 && advance(keys[place], position) <= gap ? place : -1;
  });
}

/**
 * Where in a series each of the probe's steps finds its value.
 * @param {{steps: Step[]}} series
 * @param {boolean} perEpoch its steps are numbers of epochs, from 0, logged at their end
 * @param {Step[]} steps of the probe
 * @param {(number | null)[]} epochs recorded at them
 */
export function join(series, perEpoch, steps, epochs) {
  if (!perEpoch) return holding(series.steps, steps);
  // Epochs are sums of fractions: a rounding error must not cost a whole one.
  return holding(series.steps.map((epoch) => Number(epoch) + 1), epochs, 1e-9);
}
