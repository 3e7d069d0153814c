// What is on show: the choices in the URL joined with what was logged.

import { chosenOf } from "./chosen.js";
import { counting, DRAWN, fittingSort, isListed, sorted, sortsByMaps, sortsByTarget } from "./finding.js";
import { FlagTimes } from "./flags.js";
import { natural } from "../kit/format.js";
import { ordered } from "../kit/lists.js";
import { fitting, partOf } from "../numbers/reading.js";
import { distinct } from "../log/records.js";
import { drawnOn, namesOf } from "../numbers/regions.js";
import { Classes } from "./classes.js";
import { Grouping } from "./grouping.js";
import { Scales } from "./scales.js";
import { ascending } from "../kit/steps.js";

/** @import { Index, Method } from "../log/answers.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Store } from "../log/store.js" */
/** @import { MeanGroup, Reading, Settings, Step } from "../types.js" */
/** @import { Shares } from "./shares.js" */
/** @import { State } from "./state.js" */

const COLUMNS = 5; // of the strip, besides "now"

export class Scene extends Classes {
  #state;
  #store;
  #shares;
  /** @type {Map<string, number[]>} */
  #orders = new Map();

  /** @type {string[]} */
  probes = [];
  /** @type {string | null} */
  probe = null;
  /** @type {string[]} */
  runs = [];
  /**
   * Runs with other probes only.
   * @type {string[]}
   */
  others = [];
  /**
   * Runs that the filter leaves, and those of them on show.
   * @type {string[]}
   */
  listed = [];
  /** @type {string[]} */
  shown = [];
  /**
   * Methods of the shown runs, occlusion first, and the label of the one on show.
   * @type {Method[]}
   */
  methods = [];
  /** @type {string | null} */
  label = null;
  /**
   * The probe whose edits are shown: this one, or else the first that has some.
   * @type {string | null}
   */
  sample = null;
  /** @type {Reading} */
  reading = "importance";
  /**
   * Those of `every` that are listed.
   * @type {number[]}
   */
  images = [];
  /**
   * While the order asked for waits for shares of a drawn region: which, and how many are counted.
   * @type {{region: string, done: number, all: number} | null}
   */
  awaited = null;
  /** @type {Step[]} */
  steps = [];
  /**
   * Steps of the strip before "now".
   * @type {Step[]}
   */
  columns = [];
  /** Whether they were chosen from all steps that were to come. */
  #spread = false;
  /** Slices of the deepest volume, 0 where images are pictures. */
  depth = 0;
  /** Whether one step is shown alone, each image large: there is but one, or it is asked for. */
  alone = false;

  /** @param {State} state @param {Store} store @param {Shares} shares @param {() => void} flagged is told once it is known since when edits are flagged */
  constructor(state, store, shares, flagged) {
    super(state);
    this.flagTimes = new FlagTimes(flagged);
    this.#state = state;
    this.#store = store;
    this.#shares = shares;
    this.scales = new Scales(state, this);
    this.grouping = new Grouping(this);
  }

  /**
   * Settings of the newest record of a method, or null.
   * @param {string | null} label
   * @returns {Settings | null}
   */
  settings(label = this.label) {
    for (const data of this.datas) {
      for (const { records } of data.methods.get(label ?? "")?.values() ?? []) {
        if (records.length) return records[records.length - 1].settings;
      }
    }
    return null;
  }

  /** Join everything again: after data came, or the choice of what is shown changed. */
  update() {
    const indexed = this.#store.index?.runs ?? [];
    Object.assign(this, chosenOf(indexed, this.#state));
    this.datas = this.shown.map((run) => this.dataOf(run));
    this.grouping.clear();
    this.sample = sampleOf(indexed.filter(({ name }) => this.shown.includes(name)), this.probe);
    this.reading = fitting(this.#state.reading, this.settings());
    this.depth = this.#deepest();
    this.every = this.#order();
    this.#joinSteps();
    this.alone = this.#isAlone();
    this.images = this.every.filter((image) => isListed(this, this.#state, image));
    this.scales.clear();
  }

  #deepest() {
    const inputs = this.datas.flatMap((data) => [...data.inputs.values()].map(({ records }) => records.at(-1)?.depth ?? 0));
    return Math.max(this.settings()?.depth ?? 0, ...inputs);
  }

  /** What the method on show has means over: null for the probe, then classes, then groups. */
  get groups() {
    /** @type {Set<MeanGroup>} */
    const groups = new Set();
    for (const run of this.shown) {
      const method = this.#store.methods(run, this.probe).find((each) => each.label === this.label);
      for (const group of method?.means ?? []) groups.add(group);
    }
    return [...groups].sort(byKind);
  }

  /**
   * The images behind the newest mean of a group; null where none is here.
   * @param {MeanGroup} group
   */
  behindMean(group) {
    const newest = this.datas.map((data) => data.mean(this.label, group)?.records.at(-1)).find(Boolean);
    return newest ? distinct(newest.settings.members).map(({ image }) => image) : null;
  }

  #joinSteps() {
    /** @type {Set<Step>} */
    const steps = new Set();
    for (const data of this.datas) {
      for (const step of data.coming) steps.add(step);
      for (const { records } of data.scores.values()) for (const record of records) steps.add(record.step);
      for (const { records } of data.methods.get(this.label ?? "")?.values() ?? []) {
        for (const record of records) steps.add(record.step);
      }
    }
    for (const run of this.shown) {
      for (const record of this.#store.edits.of(run, this.sample)?.records ?? []) steps.add(record.step);
    }
    this.steps = [...steps].sort(ascending);
    // Someone who looks at an older step keeps the columns that they compare it with.
    const kept = this.#spread && this.columns.every((step) => steps.has(step));
    if (this.#state.step !== null && kept) return;
    this.columns = spread(this.steps);
    this.#spread = this.datas.length > 0 && this.datas.every((data) => this.#store.failed(data.run) || !this.#comes(data));
  }

  /**
   * Whether steps of a run are still to come.
   * @param {RunData} data
   */
  #comes(data) {
    const scores = this.#store.lists(data.run, data.probe, "scored") && !data.scores.size;
    return scores || this.#awaits(data, this.label) || this.edits(data.run) === "coming";
  }

  /**
   * What was logged of the sample's edits in a run; null where nothing was, or it cannot be read.
   * @param {string} run
   */
  edits(run) {
    const held = this.#store.edits.of(run, this.sample);
    const comes = !held && !this.#store.failed(run) && this.#store.lists(run, this.sample, "edits");
    return comes ? "coming" : held;
  }

  /**
   * The same of what is here.
   * @param {string} run
   */
  loggedEdits(run) {
    const edits = this.edits(run);
    return edits === "coming" ? null : edits;
  }

  #isAlone() {
    const { page } = this.#state;
    if (page !== null) return page === "step";
    return this.steps.length === 1 && this.datas.every(({ run, probe, scores }) => scores.size > 0 || this.#store.failed(run) || !this.#store.lists(run, probe, "scored"));
  }

  /** All images; their order is fixed once what it depends on is known. */
  #order() {
    const { target } = this.#state;
    const { sort } = this;
    const present = new Set(this.datas.flatMap((data) => data.images));
    const drawn = sort.startsWith(DRAWN) ? JSON.stringify(this.#state.regions.filter(({ name }) => name === sort.slice(DRAWN.length))) : "";
    const key = [this.probe, sort, sortsByMaps(sort) ? this.label : "", sortsByTarget(sort) ? target : "", drawn].join("\n");
    this.awaited = null;
    const order = this.#orders.get(key);
    if (order) {
      for (const image of present) if (!order.includes(image)) order.push(image);
      return order.filter((image) => present.has(image));
    }
    const counted = counting(this, [...present], sort);
    if (counted && counted.done < counted.all) {
      // Rows stay where they are until their order is known.
      this.awaited = { region: sort.slice(DRAWN.length), ...counted };
      const before = this.every.filter((image) => present.has(image));
      return [...before, ...[...present].filter((image) => !before.includes(image))];
    }
    const fresh = sorted(this, [...present], sort);
    /** @type {(data: RunData) => boolean} */
    const ready = (data) => data.scores.size > 0 && (!sortsByMaps(sort) || data.whole.has(this.label ?? ""));
    // What is sorted by the maps' change waits for the maps.
    const whole = sort !== "change" || !this.#store.loading;
    if (this.datas.length && this.datas.every(ready) && whole) this.#orders.set(key, fresh);
    return fresh;
  }

  /** The order that is meant. */
  get sort() {
    const { sort } = this.#state;
    return fittingSort(sort, this.settings(), this.drawn, sort === "group" && this.grouping.names.length > 0);
  }

  /** Names of the regions that were drawn. */
  get drawn() {
    return namesOf(this.#state.regions, this.probe);
  }

  /**
   * A drawn region's share of the newest map of an image that is here: NaN where there is none, undefined until it is counted.
   * @param {RunData} data
   * @param {number} image
   * @param {string} name
   */
  drawnShare(data, image, name) {
    const record = data.attributions(this.label, image)?.records.findLast(({ settings, grid }) => !settings.geometry || grid);
    if (!record || this.label === null) return this.#awaits(data, this.label) ? undefined : NaN;
    const region = drawnOn(this.#state.regions, this.probe, image, record.settings).find((each) => each.name === name);
    if (!region) return NaN;
    const share = this.#shares.get({ data, label: this.label, image, record, target: this.target(image, data) }, region.mask);
    return share === undefined ? undefined : (share?.[partOf(record.settings)] ?? NaN);
  }

  /** Place of the current step in `steps`, -1 where there is none. */
  get place() {
    const { step } = this.#state;
    if (step === null) return this.steps.length - 1;
    const after = this.steps.findIndex((each) => each > step);
    return after < 0 ? this.steps.length - 1 : Math.max(after - 1, 0);
  }

  /**
   * One run of the probe, whether it is shown or not.
   * @param {string} run
   */
  dataOf(run) {
    return this.#store.data(run, this.probe ?? "");
  }

  get step() {
    return this.steps[this.place] ?? null;
  }

  /**
   * The reading for a method's records: the chosen one where it fits.
   * @param {Settings | null} settings
   */
  fittingReading(settings) {
    return fitting(this.#state.reading, settings);
  }

  /** Classes that some record explains, for the menu. */
  get targets() {
    /** @type {Set<number>} */
    const targets = new Set();
    for (const data of this.datas) {
      for (const { records } of data.methods.get(this.label ?? "")?.values() ?? []) {
        for (const record of records) for (const target of record.explained) targets.add(target);
      }
    }
    return ordered(targets);
  }

  /**
   * The same as choices.
   * @returns {[string, string][]}
   */
  get targetChoices() {
    return this.targets.map((each) => [String(each), this.nameOfClass(each)]);
  }

  /**
   * Whether the records of some images, and so what they add to a scale, are still to come.
   * @param {string | null} label
   */
  isPartial(label) {
    return this.datas.some((data) => this.#awaits(data, label));
  }

  /**
   * Whether they are on their way.
   * @param {string | null} label
   */
  isComing(label) {
    return this.#store.loading && this.isPartial(label);
  }

  /**
   * Whether a run has logged a method, and the records of some images are still to come.
   * @param {RunData} data
   * @param {string | null} label
   */
  #awaits(data, label) {
    return !data.whole.has(label ?? "") && this.#store.methods(data.run, this.probe).some((each) => each.label === label);
  }

}

/**
 * The whole probe before classes, and these before groups.
 * @param {MeanGroup} a
 * @param {MeanGroup} b
 */
function byKind(a, b) {
  if (typeof a === "string" && typeof b === "string") return natural(a, b);
  if (typeof a === "string" || typeof b === "string") return typeof a === "string" ? 1 : -1;
  return (a ?? -1) - (b ?? -1);
}

/**
 * The first step and four between it and the newest, without repeats.
 * @param {Step[]} steps
 */
function spread(steps) {
  const last = steps.length - 1;
  const places = Array.from({ length: COLUMNS }, (_, k) => Math.round((k * last) / COLUMNS));
  return [...new Set(places)].filter((place) => place >= 0 && place < last).map((place) => steps[place]);
}

/**
 * @param {Index["runs"]} runs
 * @param {string | null} probe the one whose maps are shown
 */
function sampleOf(runs, probe) {
  const names = [...new Set(runs.flatMap((run) => run.probes).filter((each) => each.edits).map((each) => each.name))].sort();
  return names.find((name) => name === probe) ?? names[0] ?? null;
}
