// Full-resolution maps: fetched when they are wanted, nearest need first; decoded once.

import { fetchMaps, isAbort } from "./api.js";
import { errorOf, messageOf } from "../kit/format.js";
import { dequantise, halves, sumUp } from "../numbers/maps.js";
import { inflate, pixels, withMask } from "./pack.js";

/** @import { MapRecord, Plane, Step } from "../types.js" */
/** @import { StoredPlanes } from "./answers.js" */
/** @import { Pack } from "./pack.js" */

const BATCH = 96; // maps a request: about half a megabyte of 64×64 maps
const PARALLEL = 2;
const MAX_COMPRESSED = 256 << 20;
const MAX_DECODED = 192 << 20;

/**
 * Which maps are meant.
 * @typedef {{data: {run: string, probe: string}, label: string, image: number}} MapsOf
 *
 * Maps of an image at a step as they came.
 * @typedef {{record: StoredPlanes, pack: Pack<unknown>}} StoredMap
 *
 * @typedef {Plane & {state?: undefined}} ReadyPlane
 *
 * Why there is no map.
 * @typedef {{state: string, message?: string, values?: undefined}} LackingPlane
 *
 * @typedef {{key: string, of: MapsOf, record: Pick<MapRecord, "step" | "wall">}} Wanted
 */

/**
 * Drops what was used longest ago once there is too much.
 * @template T
 */
class Cache {
  /** @type {Map<string, {value: T, bytes: number}>} */
  #entries = new Map();
  #limit;
  size = 0;

  /** @param {number} limit */
  constructor(limit) {
    this.#limit = limit;
  }

  /** @param {string} key */
  get(key) {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  /** @param {string} key @param {T} value @param {number} bytes */
  set(key, value, bytes) {
    this.size += bytes - (this.#entries.get(key)?.bytes ?? 0);
    this.#entries.delete(key);
    this.#entries.set(key, { value, bytes });
    for (const [old, entry] of this.#entries) {
      if (this.size <= this.#limit || old === key) break;
      this.#entries.delete(old);
      this.size -= entry.bytes;
    }
  }
}

const HALF_PEAK = 2 ** 15; // what the peak of a float16 plane is stored as
const SPECIAL = [0, NaN, Infinity, -Infinity];

/** @param {StoredMap} stored @param {number} target @returns {Promise<ReadyPlane>} */
async function decode(stored, target) {
  const { record, pack } = stored;
  const plane = record.planes.find((each) => each.target === target);
  if (!plane) throw new RangeError(`no map of class ${target}`);
  const count = pixels(record.height, record.width);
  const bytes = pack.array(plane.values);
  const { unseen } = withMask({}, "unseen", pack, record.unseen, count);
  /** @type {(values: Float32Array) => ReadyPlane} */
  const ready = (values) => ({ peak: plane.peak, precision: record.precision, unseen, values });
  if (record.precision !== "q8") {
    const size = record.precision === "float16" ? 2 : 4;
    const plain = await inflate(bytes, size * count);
    if (size === 4) return ready(new Float32Array(plain.buffer));
    const unit = plane.peak > 0 ? plane.peak / HALF_PEAK : 1;
    return ready(halves(plain).map((value) => value * unit));
  }
  const plain = await inflate(bytes, count);
  if (plane.differences) sumUp(plain, record.width);
  const level = record.sign === "unsigned" ? plain : new Int8Array(plain.buffer);
  const values = dequantise(level, plane.peak, record.sign);
  if (plane.special !== null) {
    const marks = await inflate(pack.array(plane.special), count);
    marks.forEach((mark, i) => {
      if (mark) values[i] = SPECIAL[mark] ?? NaN;
    });
  }
  return ready(values);
}

/**
 * What is known of a map: `values` where it is ready, else `state`.
 * @type {LackingPlane}
 */
const LOADING = Object.freeze({ state: "loading" });
/** @type {LackingPlane} */
const FAILED = Object.freeze({ state: "could not be loaded" });

export class Planes {
  /** @type {Cache<StoredMap | LackingPlane>} */
  #stored = new Cache(MAX_COMPRESSED);
  /** @type {Cache<ReadyPlane | LackingPlane>} */
  #decoded = new Cache(MAX_DECODED);
  /** @type {Map<string, Wanted>} */
  #urgent = new Map();
  /** @type {Map<string, Wanted>} */
  #later = new Map();
  /** @type {Set<string>} */
  #asked = new Set();
  /** @type {Set<string>} */
  #failed = new Set();
  #running = 0;
  #abort = new AbortController();
  #notify;
  #fail;

  /**
   * `notify()` is called when maps came or were decoded, `fail(error)` when a request failed.
   * @param {() => void} notify
   * @param {(error: Error) => void} fail
   */
  constructor(notify, fail) {
    this.#notify = notify;
    this.#fail = fail;
  }

  /**
   * One target's map.
   * @param {MapsOf} of
   * @param {MapRecord} record the attribution record that it belongs to
   * @param {number} target
   * @returns {ReadyPlane | LackingPlane}
   */
  get(of, record, target) {
    const key = `${of.data.run}\n${of.data.probe}\n${of.label}\n${of.image}\n${record.step}\n${record.wall}`;
    const ready = this.#decoded.get(`${key}\n${target}`);
    if (ready) return ready;
    const stored = this.#stored.get(key);
    if (this.#failed.has(key)) return FAILED;
    if (stored === undefined) {
      this.#want(this.#urgent, key, of, record);
      return LOADING;
    }
    if ("state" in stored) return stored;
    if (!stored.record.planes.some((each) => each.target === target)) return { state: "absent" };
    this.#decoded.set(`${key}\n${target}`, LOADING, 0);
    decode(stored, target)
      .catch((error) => /** @type {LackingPlane} */ ({ state: "damaged", message: messageOf(error) }))
      .then((result) => {
        this.#decoded.set(`${key}\n${target}`, result, result.values?.byteLength ?? 0);
        this.#notify();
      });
    return LOADING;
  }

  /**
   * Fetch maps ahead of need, while there is room.
   * @param {MapsOf} of
   * @param {MapRecord[]} records
   */
  prefetch(of, records) {
    for (const record of records) {
      const key = `${of.data.run}\n${of.data.probe}\n${of.label}\n${of.image}\n${record.step}\n${record.wall}`;
      if (this.#stored.get(key) === undefined) this.#want(this.#later, key, of, record);
    }
  }

  /** Ask again for what could not be loaded. */
  retry() {
    this.#failed.clear();
  }

  /** Forget what is wanted: the user looks at something else. */
  supersede() {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.#urgent.clear();
    this.#later.clear();
    this.#asked.clear();
  }

  /** @param {Map<string, Wanted>} list @param {string} key @param {MapsOf} of @param {MapRecord} record */
  #want(list, key, of, record) {
    if (this.#asked.has(key) || this.#failed.has(key)) return;
    list.set(key, { key, of, record });
    if (list === this.#urgent) this.#later.delete(key);
    // After the caller is done: one request for all that one frame wants.
    queueMicrotask(() => this.#pump());
  }

  #pump() {
    while (this.#running < PARALLEL) {
      const list = this.#urgent.size ? this.#urgent : this.#later;
      if (!list.size || (list === this.#later && this.#stored.size > 0.8 * MAX_COMPRESSED)) return;
      const [first] = list.values();
      const batch = [];
      for (const plane of list.values()) {
        if (plane.of.data === first.of.data && plane.of.label === first.of.label) batch.push(plane);
        if (batch.length === BATCH) break;
      }
      for (const plane of batch) {
        list.delete(plane.key);
        this.#asked.add(plane.key);
      }
      this.#running++;
      this.#fetch(batch, this.#abort.signal).finally(() => {
        this.#running--;
        this.#pump();
      });
    }
  }

  /** @param {Wanted[]} batch @param {AbortSignal} signal */
  async #fetch(batch, signal) {
    const { data } = batch[0].of;
    const { label } = batch[0].of;
    const wanted = batch.map(({ of, record }) => ({ image: of.image, step: record.step, wall: record.wall }));
    const keys = new Map(batch.map((each) => [`${each.of.image}:${each.record.step}`, each.key]));
    try {
      const pack = await fetchMaps(data.run, data.probe, label, wanted, signal);
      for (const record of pack.header.records) {
        const bytes = record.planes.reduce((sum, each) => sum + each.values.length, 512);
        this.#take(keys, record, { record, pack }, bytes);
      }
      for (const map of pack.header.missing) this.#take(keys, map, { state: "not kept" }, 64);
      for (const problem of pack.header.problems) {
        this.#take(keys, problem, { state: problem.problem, message: problem.message }, 64);
      }
      this.#notify();
    } catch (error) {
      if (isAbort(error)) return;
      for (const plane of batch) {
        this.#asked.delete(plane.key);
        this.#failed.add(plane.key);
      }
      this.#urgent.clear();
      this.#later.clear();
      this.#fail(errorOf(error));
      this.#notify();
    }
  }

  /**
   * @param {Map<string, string>} keys
   * @param {{image: number, step: Step}} at
   * @param {StoredMap | LackingPlane} value
   * @param {number} bytes
   */
  #take(keys, { image, step }, value, bytes) {
    const key = keys.get(`${image}:${step}`);
    if (key === undefined) return;
    this.#asked.delete(key);
    this.#stored.set(key, value, bytes);
  }
}
