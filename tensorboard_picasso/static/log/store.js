// Loading: the index; then of each shown run what the first look needs, then the rest.
// Answers to superseded requests are discarded.

import { AllEdits } from "./alledits.js";
import { FEW, fetchAttributions, fetchIndex, fetchInputs, fetchMeans, fetchScores, isAbort } from "./api.js";
import { Grounds } from "./grounds.js";
import { firstGroup, grouped, imagesOf, missing, sizeOf, stepsOf } from "./missing.js";
import { Planes } from "./planes.js";
import { RunData } from "./rundata.js";
import { errorOf } from "../kit/format.js";
import { kept } from "../kit/lists.js";

/** @import { Step } from "../types.js" */
/** @import { Index, Method } from "./answers.js" */
/** @import { Came, Listeners } from "./listeners.js" */

const AHEAD = 96 << 20; // bytes of grids that are loaded before they are looked at
const MANY = 1500; // records of a method that one answer holds, about, while others wait
const MOST = 100_000; // likewise where none does: of a probe that the server would refuse as a whole

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

  /** @param {Promise<Index>} [coming] the index, where it was asked for already */
  async loadIndex(coming) {
    await this.#track("index", () => this.#listeners.retry(), async () => {
      this.index = await (coming ?? fetchIndex());
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
    /** @type {Map<RunData, Promise<unknown>>} what the maps in sight do not wait for */
    const means = new Map();
    /** @type {((data: RunData) => Promise<void>)[]} */
    const stages = [
      (data) => this.#open(data, labels, again, signal, means), (data) => this.#first(data, labels, signal),
      async (data) => (await means.get(data), this.#rest(data, labels, signal)), (data) => this.#fill(data, labels, signal),
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
   * Scores; of means and of methods what is new, or where all images may be in sight the steps that are shown first.
   * @param {RunData} data
   * @param {string[]} labels
   * @param {boolean} again
   * @param {AbortSignal} signal
   * @param {Map<RunData, Promise<unknown>>} later where the means are put, which nothing here waits for
   */
  async #open(data, labels, again, signal, later) {
    const { run, probe } = data;
    const means = this.#listeners.means();
    const { brief, newest } = this.#listeners.sight();
    const steps = brief && newest ? "overview" : undefined;
    // Scores without labels would be judged by what the model says itself, and a map would ask for
    // its image once more: what is given comes first.
    /** @type {Promise<unknown> | null} */
    let given = null;
    /** @type {<T>(answer: Promise<T>, into: (pack: T) => void, what?: Came) => Promise<void>} */
    const take = async (answer, into, what = "records") => {
      const [pack] = await Promise.all([answer, given]);
      if (signal.aborted) return;
      into(pack);
      this.#listeners.changed(what);
    };
    const asked = [];
    const averaged = [];
    if (again || !data.scores.size) {
      given = fetchInputs(run, probe, !again, signal).then((pack) => signal.aborted || data.takeInputs(pack));
      asked.push(take(fetchScores(run, probe, signal), (pack) => data.takeScores(pack), "series"));
    }
    const images = this.#listed(run, probe)?.images ?? [];
    const few = images.length <= FEW;
    for (const method of this.#logged(data, labels)) {
      const { label } = method;
      if (method.means.length && (again || !data.hasMeans(label, means))) {
        const part = again ? undefined : steps;
        const answer = fetchMeans(run, probe, label, { groups: means === "probe" ? means : undefined, steps: part }, signal);
        averaged.push(take(answer, (pack) => data.takeMeans(label, means, pack, part !== undefined)));
      }
      const known = data.whole.has(label);
      if (known ? !again : !few) continue;
      const part = known ? undefined : steps;
      const groups = known ? grouped(images, data, MOST) : [images];
      for (const group of groups) {
        const some = groups.length > 1 ? group : null;
        const which = { images: some ?? undefined, steps: part, grids: known ? "none" : "overview" };
        const answer = fetchAttributions(run, probe, label, which, signal);
        asked.push(take(answer, (pack) => data.takeAttributions(label, pack, some, part !== undefined)));
      }
    }
    const whole = Promise.all(averaged);
    // Whoever waits for them is told what failed.
    whole.catch(() => {});
    later.set(data, whole);
    await Promise.all(asked);
  }

  /**
   * Of the images in sight: the steps on show, where nothing needs more, else all.
   * @param {RunData} data
   * @param {string[]} labels
   * @param {AbortSignal} signal
   */
  async #first(data, labels, signal) {
    const wanted = this.#lacking(data, labels).filter((label) => data.images.some((image) => !data.attributions(label, image)));
    if (!wanted.length) return;
    this.#listeners.settled();
    const { images, steps, brief } = this.#listeners.sight();
    for (const label of wanted) {
      const seen = data.images.filter((image) => images.has(image) && !data.attributions(label, image));
      await this.#take(data, label, { images: seen, ...(brief ? { steps: [...steps], grids: "all" } : { grids: "overview" }) }, signal);
    }
  }

  /**
   * What is left of the means and the records: a few images an answer, as others wait meanwhile.
   * @param {RunData} data
   * @param {string[]} labels
   * @param {AbortSignal} signal
   */
  async #rest(data, labels, signal) {
    const means = this.#listeners.means();
    for (const { label, means: groups } of this.#logged(data, labels)) {
      if (signal.aborted || !groups.length || data.hasMeans(label, means)) continue;
      await this.#listeners.rested();
      const pack = await fetchMeans(data.run, data.probe, label, { groups: means === "probe" ? means : undefined }, signal);
      data.takeMeans(label, means, pack);
      this.#listeners.changed("records");
    }
    for (const label of this.#lacking(data, labels)) {
      const rest = data.images.filter((image) => data.attributions(label, image)?.part ?? true);
      const seen = rest.filter((image) => data.attributions(label, image));
      // Images of which some steps are here have grids of those.
      for (const [images, grids] of /** @type {const} */ ([[seen, "none"], [rest.filter((image) => !seen.includes(image)), "overview"]])) {
        for (const group of grouped(images, data, MANY)) {
          await this.#listeners.rested();
          await this.#take(data, label, { images: group, grids }, signal);
        }
      }
      if (!signal.aborted) data.whole.add(label);
    }
  }

  /** @param {RunData} data @param {string[]} labels */
  #lacking(data, labels) {
    return this.#logged(data, labels).map(({ label }) => label).filter((label) => !data.whole.has(label));
  }

  /** @param {RunData} data @param {string} label @param {{images: number[], steps?: Step[], grids: string}} which @param {AbortSignal} signal */
  async #take(data, label, which, signal) {
    if (which.images.length === 0 || signal.aborted) return;
    const pack = await fetchAttributions(data.run, data.probe, label, which, signal);
    if (signal.aborted) return;
    data.takeAttributions(label, pack, which.images, which.steps !== undefined);
    this.#listeners.changed("records");
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
          await this.#listeners.rested();
          next = this.#next(data, label);
        }
        if (!next || signal.aborted) return;
        const pack = await fetchAttributions(data.run, data.probe, label, next, signal);
        if (signal.aborted) return;
        const before = missing(data, label).length;
        data.takeAttributions(label, pack, next.images);
        this.#listeners.changed("records");
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
