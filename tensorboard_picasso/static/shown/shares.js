// Shares of drawn regions: counted when they are asked for, a little in each frame, and kept.

import { shareOf } from "../numbers/regionshare.js";
import { kept } from "../kit/lists.js";
import { ascending } from "../kit/steps.js";

/** @import { Planes } from "../log/planes.js" */
/** @import { Attribution } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Shares as Parts } from "../types.js" */

const SLICE = 8; // milliseconds at a time: what is left of a frame stays for painting
const PAUSE = 150; // milliseconds between two tellings of what came
const FETCHING = 192; // maps asked for at once, so that what is looked at waits for few of them

/**
 * A list in another order: the two ends, then the middle of what lies between, and so on.
 * @template T
 * @param {T[]} list
 * @returns {T[]}
 */
export function coarseFirst(list) {
  /** @type {T[]} */
  const ordered = [];
  let gaps = [[-1, list.length]];
  if (list.length > 2) {
    ordered.push(list[0], list[list.length - 1]);
    gaps = [[0, list.length - 1]];
  }
  for (const [low, high] of gaps) {
    const middle = (low + high) >> 1;
    if (middle <= low) continue;
    ordered.push(list[middle]);
    gaps.push([low, middle], [middle, high]);
  }
  return ordered;
}

/**
 * A map in which a region is weighed.
 * @typedef {{data: RunData, label: string, image: number, record: Attribution, target: number}} Weighed
 *
 * @typedef {Weighed & {mask: Uint8Array}} Job
 */

export class Shares {
  #store;
  #notify;
  /**
   * For each record: mask and class to share.
   * @type {WeakMap<Attribution, Map<string, Parts | null>>}
   */
  #counted = new WeakMap();
  /** @type {Map<string, Job>} */
  #jobs = new Map();
  #ordered = true;
  /** @type {Set<string>} */
  #fetching = new Set();
  /** @type {WeakMap<object, number>} */
  #numbers = new WeakMap();
  #next = 0;
  #timer = 0;
  #told = 0;
  #done = 0;

  /**
   * `notify()` is called when shares came, now and then while there are more to come.
   * @param {{planes: Planes}} store
   * @param {() => void} notify
   */
  constructor(store, notify) {
    this.#store = store;
    this.#notify = notify;
  }

  /** Forget what was asked for: the charts ask again for what they still need. */
  supersede() {
    this.#jobs.clear();
    this.#fetching.clear();
  }

  /** How many shares were counted since none was awaited; null where none is. */
  get progress() {
    return this.#jobs.size ? { done: this.#done, all: this.#done + this.#jobs.size } : null;
  }

  /**
   * A region's share of one map.
   * @param {Weighed} of
   * @param {Uint8Array} mask of the region; the same object for the same region
   * @returns {Parts | null | undefined} NaN: the map has
   *   no such share; null: there is no such map; undefined: it is not counted yet
   */
  get(of, mask) {
    const { record, target } = of;
    if (!record.explained.includes(target)) return null;
    const share = this.#counted.get(record)?.get(this.#key(mask, target));
    if (share !== undefined) return share;
    // A grid that comes brings a new record, for which the charts ask again.
    if (record.settings.geometry && !record.grid) return undefined;
    this.#jobs.set(`${this.#number(record)} ${this.#key(mask, target)}`, { ...of, mask });
    this.#ordered = false;
    this.wake();
    return undefined;
  }

  /** Count anew: what could not be loaded may be there now. */
  forget() {
    this.#counted = new WeakMap();
    this.#notify();
  }

  /** Maps came: go on with what waited for them. */
  wake() {
    if (this.#jobs.size && !this.#timer) this.#timer = setTimeout(() => this.#work());
  }

  /** @param {object} object */
  #number(object) {
    return kept(this.#numbers, object, () => this.#next++);
  }

  /** @param {Uint8Array} mask @param {number} target */
  #key(mask, target) {
    return `${this.#number(mask)} ${target}`;
  }

  #work() {
    this.#timer = 0;
    const end = performance.now() + SLICE;
    let idle = true;
    if (!this.#ordered) this.#order();
    for (const [key, job] of this.#jobs) {
      const value = this.#count(key, job);
      if (value === undefined) continue;
      idle = false;
      this.#jobs.delete(key);
      this.#fetching.delete(key);
      this.#keep(job, value);
      this.#done++;
      if (performance.now() > end) break;
    }
    // Nothing to do but wait for maps: the store wakes.
    if (!idle) this.wake();
    this.#tell();
  }

  /** Steps far apart first, all images of each: a chart has its course long before it is whole. */
  #order() {
    const steps = [...new Set([...this.#jobs.values()].map(({ record }) => record.step))].sort(ascending);
    const place = new Map(coarseFirst(steps).map((step, i) => [step, i]));
    /** @type {(job: Job) => number} */
    const placeOf = ({ record }) => place.get(record.step) ?? 0;
    this.#jobs = new Map([...this.#jobs].sort(([, a], [, b]) => placeOf(a) - placeOf(b)));
    this.#ordered = true;
  }

  /**
   * A share; null where there is no map, undefined where it is on its way.
   * @param {string} key
   * @param {Job} job
   */
  #count(key, { data, label, image, record, target, mask }) {
    const scores = data.scores.get(image)?.steps.get(record.step) ?? null;
    if (record.settings.geometry) return shareOf(record, target, mask, null, scores);
    if (!this.#fetching.has(key) && this.#fetching.size >= FETCHING) return undefined;
    this.#fetching.add(key);
    const plane = this.#store.planes.get({ data, label, image }, record, target);
    if (plane.values) return shareOf(record, target, mask, plane, scores);
    return plane.state === "loading" ? undefined : null;
  }

  /** @param {Job} job @param {Parts | null} value */
  #keep({ record, target, mask }, value) {
    kept(this.#counted, record, () => new Map()).set(this.#key(mask, target), value);
  }

  #tell() {
    const now = performance.now();
    if (this.#jobs.size && now - this.#told < PAUSE) return;
    this.#told = now;
    if (!this.#jobs.size) this.#done = 0;
    this.#notify();
  }
}
