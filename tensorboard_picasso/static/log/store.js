// Loading: the index; then of each shown run what the first look needs, then the rest.
// Answers to superseded requests are discarded.

import { AllEdits } from "./alledits.js";
import { fetchAttributions, fetchIndex, fetchInputs, fetchMeans, fetchScores, isAbort } from "./api.js";
import { Grounds } from "./grounds.js";
import { firstGroup, imagesOf, missing, sizeOf, stepsOf } from "./missing.js";
import { Planes } from "./planes.js";
import { RunData } from "./rundata.js";
import { errorOf } from "../kit/format.js";
import { kept } from "../kit/lists.js";

/** @import { Step } from "../types.js" */
/** @import { Index, Method } from "./answers.js" */

const QUIET = 500; // milliseconds
const AHEAD = 96 << 20; // bytes of grids that are loaded before they are looked at
const FEW = 4; // images that are in sight at once, as a rule
const MANY = 1000; // records of a method and run that take so long to read that some come first

/**
 * What the store is told, and whom it tells.
 * @typedef {object} Listeners
 * @property {(what: Came) => void} changed what came
 * @property {() => {images: Set<number>, steps: Set<Step>, charted: Set<number>}} sight which images and
 *   steps are looked at, and of which images all steps are charted
 * @property {() => Promise<void>} settled resolves once it can be known which images are in sight
 * @property {() => "probe" | "classes"} means which means: over the probe, or over its classes too
 * @property {() => void} retry loads all again
 *
 * @typedef {"index" | "series" | "images" | "maps" | "errors" | "loading"} Came
 */

export class Store {
  /** @type {Index | null} */
  index = null;
  /**
   * What failed: a name to a message and a way to try again.
   * @type {Map<string, {message: string, retry: () => void}>}
   */
  errors = new Map();
  /** @type {Map<string, RunData>} */
  #runs = new Map();
  #abort = new AbortController();
  /** @type {Listeners} */
  #listeners;
  #loading = 0;
  /** @type {Map<string, AbortSignal>} */
  #asking = new Map();

  /** @param {Listeners} listeners */
  constructor(listeners) {
    this.#listeners = listeners;
    this.edits = new AllEdits({
      signal: () => this.#abort.signal,
      lists: (run, probe) => this.lists(run, probe, "edits"),
      data: (run, probe) => this.data(run, probe),
      track: (what, retry, work) => this.#track(what, retry, work),
      changed: () => listeners.changed("series"),
    });
    this.grounds = new Grounds(() => listeners.changed("images"), (error, retry) => this.#failed("images", error, retry));
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

  /**
   * Whether something of a run could not be loaded.
   * @param {string} run
   */
  failed(run) {
    return [`run ${run}`, `maps of run ${run}`, `edits of run ${run}`].some((what) => this.errors.has(what));
  }

  /**
   * One probe in one run, empty until it is loaded.
   * @param {string} run
   * @param {string} probe
   */
  data(run, probe) {
    const key = `${run}\n${probe}`;
    return kept(this.#runs, key, () => new RunData(run, probe));
  }

  /**
   * The methods that a run has logged for a probe, as the index lists them.
   * @param {string} run
   * @param {string | null} probe
   * @returns {Method[]}
   */
  methods(run, probe) {
    return this.#listed(run, probe)?.methods ?? [];
  }

  /**
   * Whether a run has logged scores of a probe, or edits.
   * @param {string} run
   * @param {string | null} probe
   * @param {"scored" | "edits"} what
   */
  lists(run, probe, what) {
    return this.#listed(run, probe)?.[what] ?? false;
  }

  /** @param {string} run @param {string | null} probe */
  #listed(run, probe) {
    const listed = this.index?.runs.find((each) => each.name === run);
    return listed?.probes.find((each) => each.name === probe);
  }

  async loadIndex() {
    await this.#track("index", () => this.#listeners.retry(), async () => {
      this.index = await fetchIndex();
      this.#listeners.changed("index");
    });
  }

  /**
   * Load what is shown; what was under way for something else is given up.
   * @param {string} probe
   * @param {string[]} runs
   * @param {string[]} labels
   */
  async show(probe, runs, labels) {
    this.#abort.abort();
    this.#abort = new AbortController();
    this.planes.supersede();
    await this.#each(probe, runs, labels, false);
  }

  /**
   * Look for new records of what is shown.
   * @param {string} probe
   * @param {string[]} runs
   * @param {string[]} labels
   */
  async refresh(probe, runs, labels) {
    await this.#each(probe, runs, labels, true);
  }

  /**
   * A stage begins when all runs are through the one before: what is in sight comes before what is not.
   * @param {string} probe
   * @param {string[]} runs
   * @param {string[]} labels
   * @param {boolean} again
   * @returns {Promise<void>}
   */
  async #each(probe, runs, labels, again) {
    const { signal } = this.#abort;
    /** @type {((data: RunData) => Promise<void>)[]} */
    const stages = [
      (data) => this.#open(data, labels, again, signal), (data) => this.#first(data, labels, signal),
      (data) => this.#rest(data, labels, signal), (data) => this.#fill(data, labels, signal),
    ];
    /** @type {Promise<void>[]} */
    let done = runs.map(() => Promise.resolve());
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

  /**
   * The methods of these labels that a run has logged.
   * @param {RunData} data
   * @param {string[]} labels
   */
  #logged({ run, probe }, labels) {
    const logged = new Map(this.methods(run, probe).map((each) => [each.label, each]));
    return labels.flatMap((label) => logged.get(label) ?? []);
  }

  /**
   * Scores and means; of methods what is new, or so little that nobody waits for it.
   * @param {RunData} data
   * @param {string[]} labels
   * @param {boolean} again
   * @param {AbortSignal} signal
   */
  async #open(data, labels, again, signal) {
    const { run, probe } = data;
    const means = this.#listeners.means();
    // Scores without labels would be judged by what the model says itself, and a map would ask for
    // its image once more: what is given comes first.
    /** @type {Promise<unknown> | null} */
    let given = null;
    /** @type {<T>(answer: Promise<T>, into: (pack: T) => void) => Promise<void>} */
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

  /**
   * Where reading all records takes a while: those of the images in sight.
   * @param {RunData} data
   * @param {string[]} labels
   * @param {AbortSignal} signal
   */
  async #first(data, labels, signal) {
    const wanted = this.#lacking(data, labels);
    if (!wanted.length || data.size <= MANY) return;
    await this.#listeners.settled();
    const { images } = this.#listeners.sight();
    const seen = data.images.filter((image) => images.has(image));
    if (seen.length === data.images.length) return;
    for (const label of wanted) await this.#take(data, label, seen.filter((image) => !data.attributions(label, image)), signal);
  }

  /**
   * The records of all other images.
   * @param {RunData} data
   * @param {string[]} labels
   * @param {AbortSignal} signal
   */
  async #rest(data, labels, signal) {
    for (const label of this.#lacking(data, labels)) {
      const rest = data.images.filter((image) => !data.attributions(label, image));
      await this.#take(data, label, rest.length === data.images.length ? null : rest, signal);
      if (!signal.aborted) data.whole.add(label);
    }
  }

  /** @param {RunData} data @param {string[]} labels */
  #lacking(data, labels) {
    return this.#logged(data, labels).map(({ label }) => label).filter((label) => !data.whole.has(label));
  }

  /**
   * @param {RunData} data
   * @param {string} label
   * @param {number[] | null} images null: all
   * @param {AbortSignal} signal
   */
  async #take(data, label, images, signal) {
    if (images?.length === 0 || signal.aborted) return;
    const pack = await fetchAttributions(data.run, data.probe, label, { images: images ?? undefined, grids: "overview" }, signal);
    if (signal.aborted) return;
    data.takeAttributions(label, pack, images);
    this.#listeners.changed("series");
  }

  /** @param {RunData} data @param {string[]} labels @param {AbortSignal} signal */
  async #fill(data, labels, signal) {
    for (const { label } of this.#logged(data, labels)) await this.#grids(data, label, signal);
  }

  /**
   * Load the maps of what came in sight.
   * @param {string} probe
   * @param {string[]} runs
   * @param {string[]} labels
   * @returns {Promise<void>}
   */
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
   * @param {RunData} data
   * @param {string} label
   * @param {AbortSignal} signal
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

  /**
   * The request for grids that comes next, and whether someone waits for it; null where none is left.
   * @param {RunData} data
   * @param {string} label
   */
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

  /** @param {string} what @param {() => void} retry @param {() => unknown} work */
  async #track(what, retry, work) {
    this.#loading++;
    this.#listeners.changed("loading");
    try {
      await work();
      if (this.errors.delete(what)) this.#listeners.changed("errors");
    } catch (error) {
      if (!isAbort(error)) this.#failed(what, errorOf(error), retry);
    } finally {
      this.#loading--;
      this.#listeners.changed("loading");
    }
  }

  /** @param {string} what @param {Error} error @param {() => void} retry */
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
