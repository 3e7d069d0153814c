// Full-resolution maps: fetched when they are wanted, nearest need first; decoded once.

import { fetchMaps } from "./api.js";
import { dequantise, halves, sumUp } from "../numbers/maps.js";
import { inflate, pixels, unpackLater } from "./pack.js";

const BATCH = 96; // maps a request: about half a megabyte of 64×64 maps
const PARALLEL = 2;
const MAX_COMPRESSED = 256 << 20;
const MAX_DECODED = 192 << 20;

/** Drops what was used longest ago once there is too much. */
class Cache {
  #entries = new Map();
  #limit;
  size = 0;

  constructor(limit) {
    this.#limit = limit;
  }

  get(key) {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

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

async function decode(stored, target) {
  const { record, pack } = stored;
  const plane = record.planes.find((each) => each.target === target);
  const count = pixels(record.height, record.width);
  const bytes = pack.array(plane.values);
  const found = { peak: plane.peak, precision: record.precision, unseen: record.unseen };
  unpackLater(found, "unseen", pack, count);
  if (record.precision !== "q8") {
    const size = record.precision === "float16" ? 2 : 4;
    const plain = await inflate(bytes, size * count);
    if (size === 4) return { ...found, values: new Float32Array(plain.buffer) };
    const unit = plane.peak > 0 ? plane.peak / HALF_PEAK : 1;
    return { ...found, values: halves(plain).map((value) => value * unit) };
  }
  const plain = await inflate(bytes, count);
  if (plane.differences) sumUp(plain, record.width);
  const level = record.sign === "unsigned" ? plain : new Int8Array(plain.buffer);
  const values = dequantise(level, plane.peak, record.sign);
  if (plane.special !== null) {
    const marks = await inflate(pack.array(plane.special), count);
    marks.forEach((mark, i) => mark && (values[i] = SPECIAL[mark] ?? NaN));
  }
  return { ...found, values };
}

/** What is known of a map: `values` where it is ready, else `state`. */
const LOADING = Object.freeze({ state: "loading" });
const FAILED = Object.freeze({ state: "could not be loaded" });

export class Planes {
  #stored = new Cache(MAX_COMPRESSED);
  #decoded = new Cache(MAX_DECODED);
  #urgent = new Map();
  #later = new Map();
  #asked = new Set();
  #failed = new Set();
  #running = 0;
  #abort = new AbortController();
  #notify;
  #fail;

  /** `notify()` is called when maps came or were decoded, `fail(error)` when a request failed. */
  constructor(notify, fail) {
    this.#notify = notify;
    this.#fail = fail;
  }

  /**
   * One target's map.
   * @param {{data: object, label: string, image: number}} of
   * @param {object} record the attribution record that it belongs to
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
    if (stored.state) return stored;
    if (!stored.record.planes.some((each) => each.target === target)) return { state: "absent" };
    this.#decoded.set(`${key}\n${target}`, LOADING, 0);
    decode(stored, target)
      .catch((error) => ({ state: "damaged", message: error.message }))
      .then((result) => {
        this.#decoded.set(`${key}\n${target}`, result, result.values?.byteLength ?? 0);
        this.#notify();
      });
    return LOADING;
  }

  /** Fetch maps ahead of need, while there is room. */
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
      for (const each of list.values()) {
        if (each.of.data === first.of.data && each.of.label === first.of.label) batch.push(each);
        if (batch.length === BATCH) break;
      }
      for (const each of batch) {
        list.delete(each.key);
        this.#asked.add(each.key);
      }
      this.#running++;
      this.#fetch(batch, this.#abort.signal).finally(() => {
        this.#running--;
        this.#pump();
      });
    }
  }

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
      for (const each of pack.header.missing) this.#take(keys, each, { state: "not kept" }, 64);
      for (const each of pack.header.problems) {
        this.#take(keys, each, { state: each.problem, message: each.message }, 64);
      }
      this.#notify();
    } catch (error) {
      if (error.name === "AbortError") return;
      for (const each of batch) {
        this.#asked.delete(each.key);
        this.#failed.add(each.key);
      }
      this.#urgent.clear();
      this.#later.clear();
      this.#fail(error);
      this.#notify();
    }
  }

  #take(keys, { image, step }, value, bytes) {
    const key = keys.get(`${image}:${step}`);
    if (key === undefined) return;
    this.#asked.delete(key);
    this.#stored.set(key, value, bytes);
  }
}
