// Loading: the index; then of each shown run what the first look needs, then the rest.
// Answers to superseded requests are discarded.

import { fetchAttributions, fetchImage, fetchIndex, fetchInputs, fetchMeans, fetchScores } from "./api.js";
import { average } from "../numbers/average.js";
import { PictureError, pixelsOf } from "./image.js";
import { grey } from "../numbers/palette.js";
import { Planes } from "./planes.js";
import { distinct, RunData } from "./records.js";
import { ascending } from "../kit/steps.js";

const CHUNK = 8 << 20; // bytes of grids a request
const QUIET = 500; // milliseconds
const AHEAD = 96 << 20; // bytes of grids that are loaded before they are looked at
const FEW = 4; // images that are in sight at once, as a rule
const MANY = 1000; // records of a method and run that take so long to read that some come first

export class Store {
  index = null;
  /** What failed: a name to a message and a way to try again. */
  errors = new Map();
  #runs = new Map();
  #grounds = new Map();
  #meanGrounds = new Map();
  #abort = new AbortController();
  #listeners;
  #loading = 0;
  #asking = new Map();

  /**
   * @param {{changed: (what: string) => void, sight: () => {images: Set<number>, steps: Set<number>,
   *   charted: Set<number>}, settled: () => Promise<void>, means: () => string, retry: () => void}} listeners
   *   `changed` is told what came: "index", "series", "images", "maps", "errors", "loading";
   *   `sight` says which images and steps are looked at, and of which images all steps are charted;
   *   `settled` resolves once it can be known which images are in sight;
   *   `means` says which means: over the "probe", or over its "classes" too; `retry` loads all again
   */
  constructor(listeners) {
    this.#listeners = listeners;
    this.planes = new Planes(
      () => listeners.changed("maps"),
      (error) => this.#failed("maps", error, () => {
        this.planes.retry();
        listeners.changed("maps");
      }),
    );
  }

  get loading() {
    return this.#loading > 0;
  }

  /** Whether something of a run could not be loaded. */
  failed(run) {
    return this.errors.has(`run ${run}`) || this.errors.has(`maps of run ${run}`);
  }

  /** One probe in one run, empty until it is loaded. */
  data(run, probe) {
    const key = `${run}\n${probe}`;
    if (!this.#runs.has(key)) this.#runs.set(key, new RunData(run, probe));
    return this.#runs.get(key);
  }

  /** The methods that a run has logged for a probe, as the index lists them. */
  methods(run, probe) {
    return this.#listed(run, probe)?.methods ?? [];
  }

  #listed(run, probe) {
    const found = this.index?.runs.find((each) => each.name === run);
    return found?.probes.find((each) => each.name === probe);
  }

  /** @param {Promise<object>} [coming] the index, where it was asked for already */
  async loadIndex(coming) {
    await this.#track("index", () => this.#listeners.retry(), async () => {
      this.index = await (coming ?? fetchIndex());
      this.#listeners.changed("index");
    });
  }

  /** Load what is shown; what was under way for something else is given up. */
  async show(probe, runs, labels) {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.planes.supersede();
    await this.#each(probe, runs, labels, false);
  }

  /** Look for new records of what is shown. */
  async refresh(probe, runs, labels) {
    await this.#each(probe, runs, labels, true);
  }

  /** A stage begins when all runs are through the one before: what is in sight comes before what is not. */
  async #each(probe, runs, labels, again) {
    const { signal } = this.#abort;
    const stages = [
      (data) => this.#open(data, labels, again, signal), (data) => this.#first(data, labels, signal),
      (data) => this.#rest(data, labels, signal), (data) => this.#fill(data, labels, signal),
    ];
    let done = runs.map(() => null);
    for (const stage of stages) {
      const before = Promise.allSettled(done);
      done = runs.map(async (run, i) => {
        await done[i];
        await before;
        if (!signal.aborted) await stage(this.data(run, probe));
      });
    }
    await Promise.all(runs.map((run, i) =>
      this.#track(`run ${run}`, () => this.#each(probe, [run], labels, again), () => done[i])));
  }

  /** The methods of these labels that a run has logged. */
  #logged({ run, probe }, labels) {
    const logged = new Map(this.methods(run, probe).map((each) => [each.label, each]));
    return labels.filter((label) => logged.has(label)).map((label) => logged.get(label));
  }

  /** Scores and means; of methods what is new, or so little that nobody waits for it. */
  async #open(data, labels, again, signal) {
    const { run, probe } = data;
    const means = this.#listeners.means();
    // Scores without labels would be judged by what the model says itself, and a map would ask for
    // its image once more: what is given comes first.
    let given = null;
    const take = async (answer, into) => {
      const [pack] = await Promise.all([answer, given]);
      if (signal.aborted) return;
      into(pack);
      this.#listeners.changed("series");
    };
    const asked = [];
    if (again || !data.scores.size) {
      given = fetchInputs(run, probe, !again, signal).then((pack) => signal.aborted || data.takeInputs(pack));
      asked.push(take(fetchScores(run, probe, signal), (pack) => data.takeScores(pack)));
    }
    const few = (this.#listed(run, probe)?.images.length ?? 0) <= FEW;
    for (const method of this.#logged(data, labels)) {
      const { label } = method;
      if (method.means.length && (again || !data.hasMeans(label, means))) {
        const answer = fetchMeans(run, probe, label, means === "probe" ? means : undefined, signal);
        asked.push(take(answer, (pack) => data.takeMeans(label, means, pack)));
      }
      const known = data.whole.has(label);
      if (known ? !again : !few) continue;
      const answer = fetchAttributions(run, probe, label, { grids: known ? "none" : "overview" }, signal);
      asked.push(take(answer, (pack) => data.takeAttributions(label, pack)));
    }
    await Promise.all(asked);
  }

  /** Where reading all records takes a while: those of the images in sight. */
  async #first(data, labels, signal) {
    const wanted = this.#lacking(data, labels);
    if (!wanted.length || data.size <= MANY) return;
    await this.#listeners.settled();
    const { images } = this.#listeners.sight();
    const seen = data.images.filter((image) => images.has(image));
    if (seen.length === data.images.length) return;
    for (const label of wanted) await this.#take(data, label, seen.filter((image) => !data.attributions(label, image)), signal);
  }

  /** The records of all other images. */
  async #rest(data, labels, signal) {
    for (const label of this.#lacking(data, labels)) {
      const rest = data.images.filter((image) => !data.attributions(label, image));
      await this.#take(data, label, rest.length === data.images.length ? null : rest, signal);
      if (!signal.aborted) data.whole.add(label);
    }
  }

  #lacking(data, labels) {
    return this.#logged(data, labels).map(({ label }) => label).filter((label) => !data.whole.has(label));
  }

  /** @param {number[]|null} images null: all */
  async #take(data, label, images, signal) {
    if (images?.length === 0 || signal.aborted) return;
    const pack = await fetchAttributions(data.run, data.probe, label, { images: images ?? undefined, grids: "overview" }, signal);
    if (signal.aborted) return;
    data.takeAttributions(label, pack, images);
    this.#listeners.changed("series");
  }

  async #fill(data, labels, signal) {
    for (const { label } of this.#logged(data, labels)) await this.#grids(data, label, signal);
  }

  /** Load the maps of what came in sight. */
  async look(probe, runs, labels) {
    const { signal } = this.#abort;
    await Promise.all(runs.map(async (run) => {
      const data = this.data(run, probe);
      await this.#track(`maps of run ${run}`, () => this.look(probe, runs, labels), async () => {
        for (const label of labels) await this.#grids(data, label, signal);
      });
    }));
  }

  /**
   * Fetch the grids that are not here yet: the steps in sight, then all steps of the images in
   * sight and of those charted, then those of the others while there is room.
   */
  async #grids(data, label, signal) {
    const key = `${data.run}\n${data.probe}\n${label}`;
    // One at a time: what else comes in sight meanwhile is seen by the one under way.
    if (this.#asking.get(key) === signal) return;
    this.#asking.set(key, signal);
    try {
      for (;;) {
        let next = this.#next(data, label);
        if (next && !next.urgent) {
          await quiet();
          next = this.#next(data, label);
        }
        if (!next || signal.aborted) return;
        const pack = await fetchAttributions(data.run, data.probe, label, next, signal);
        if (signal.aborted) return;
        const before = missing(data, label).length;
        data.takeAttributions(label, pack, next.images);
        this.#listeners.changed("series");
        // A record that has no grid to give would be asked for again and again.
        if (missing(data, label).length === before) return;
      }
    } finally {
      if (this.#asking.get(key) === signal) this.#asking.delete(key);
    }
  }

  /** The request for grids that comes next, and whether someone waits for it; null where none is left. */
  #next(data, label) {
    const lacking = missing(data, label);
    if (!lacking.length) return null;
    const { images, steps, charted } = this.#listeners.sight();
    const seen = lacking.filter(({ image }) => images.has(image));
    const soon = seen.filter(({ record }) => steps.has(record.step));
    if (soon.length) return { images: imagesOf(soon), grids: stepsOf(soon), urgent: true };
    const held = sizeOf(data, label, (record) => record.grid);
    const needed = seen.length ? seen : lacking.filter(({ image }) => charted.has(image));
    const rest = needed.length || held >= AHEAD ? needed : lacking;
    if (!rest.length) return null;
    const wanted = stepsOf(rest);
    return { images: firstGroup(rest), grids: wanted.length <= 40 ? wanted : "all", urgent: false };
  }

  /**
   * The pixels of one input, and the greys under its maps.
   * @returns {{state: "ready", grey: Uint8Array, pixels: ImageData}|{state: "loading"|"not kept"|"failed"|"damaged"}}
   */
  ground(data, image, hash) {
    const key = `${data.probe}\n${image}\n${hash}`;
    const known = this.#grounds.get(key);
    if (known) return known;
    const entry = { state: "loading" };
    this.#grounds.set(key, entry);
    this.#loadGround(entry, data, image, hash);
    return entry;
  }

  /** The same for the mean of several images' pixels, of {image, hash} each. */
  meanGround(data, all) {
    const members = distinct(all);
    const key = [data.probe, ...members.map(({ image, hash }) => `${image} ${hash}`)].join("\n");
    const known = this.#meanGrounds.get(key);
    if (known) return known;
    const grounds = members.map(({ image, hash }) => this.ground(data, image, hash));
    const lacking = grounds.find(({ state }) => state !== "ready");
    if (lacking) return { state: grounds.some(({ state }) => state === "loading") ? "loading" : lacking.state };
    const pixels = average(grounds.map((ground) => ground.pixels));
    const entry = pixels ? { state: "ready", pixels, grey: grey(pixels.data) } : { state: "not kept" };
    this.#meanGrounds.set(key, entry);
    return entry;
  }

  async #loadGround(entry, data, image, hash) {
    try {
      const pixels = await pixelsOf(data.png(image, hash) ?? (await fetchImage(data.run, data.probe, image, hash)));
      Object.assign(entry, { state: "ready", pixels, grey: grey(pixels.data) });
    } catch (error) {
      entry.state = error instanceof PictureError ? "damaged" : error.status === 404 ? "not kept" : "failed";
      if (entry.state === "failed") {
        this.#failed("images", error, () => {
          for (const [key, { state }] of this.#grounds) if (state === "failed") this.#grounds.delete(key);
          this.#listeners.changed("images");
        });
      }
    }
    this.#listeners.changed("images");
  }

  async #track(what, retry, work) {
    this.#loading++;
    this.#listeners.changed("loading");
    try {
      await work();
      if (this.errors.delete(what)) this.#listeners.changed("errors");
    } catch (error) {
      if (error.name !== "AbortError") this.#failed(what, error, retry);
    } finally {
      this.#loading--;
      this.#listeners.changed("loading");
    }
  }

  #failed(what, error, retry) {
    const again = () => {
      this.errors.delete(what);
      this.#listeners.changed("errors");
      retry();
    };
    this.errors.set(what, { message: error.message, retry: again });
    this.#listeners.changed("errors");
  }
}

/** Wait until the page has painted and has nothing to do: what is not waited for must not hold it up. */
function quiet() {
  return new Promise((resolve) => requestIdleCallback(resolve, { timeout: QUIET }));
}

/** Records of a method whose grid is not here. */
function missing(data, label) {
  const found = [];
  for (const { image, records } of data.methods.get(label)?.values() ?? []) {
    for (const record of records) if (record.settings.geometry && !record.grid) found.push({ image, record });
  }
  return found;
}

function bytesOf({ settings: { geometry } }) {
  return 4 * geometry.tops.length * geometry.lefts.length * geometry.classes.length;
}

/** Bytes of the grids of those records that a test picks. */
function sizeOf(data, label, test) {
  let size = 0;
  for (const { records } of data.methods.get(label)?.values() ?? []) {
    for (const record of records) if (record.settings.geometry && test(record)) size += bytesOf(record);
  }
  return size;
}

/** The first images whose missing grids fit into one answer; one at the least. */
function firstGroup(records) {
  const bytes = new Map();
  for (const { image, record } of records) bytes.set(image, (bytes.get(image) ?? 0) + bytesOf(record));
  const group = [];
  let room = CHUNK;
  for (const [image, size] of bytes) {
    if (group.length && size > room) break;
    group.push(image);
    room -= size;
  }
  return group;
}

function imagesOf(records) {
  return [...new Set(records.map(({ image }) => image))];
}

function stepsOf(records) {
  return [...new Set(records.map(({ record }) => record.step))].sort(ascending);
}
