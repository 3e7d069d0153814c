// What is on show: the choices in the URL joined with what was logged.

import { counting, DRAWN, filterTest, fittingSort, isListed, sorted, sortsByMaps, sortsByTarget } from "./finding.js";
import { natural } from "../kit/format.js";
import { commonScale, fitting, ownScale, partOf, weighed } from "../numbers/reading.js";
import { distinct } from "../log/records.js";
import { drawnOn, namesOf } from "../numbers/regions.js";
import { OWN_CLASS, PREDICTED } from "./state.js";
import { ascending } from "../kit/steps.js";

const PREDICTED_NAME = "the newest predicted class";
const DEFAULT_RUNS = 4;
const COLUMNS = 5; // of the strip, besides "now"

export class Scene {
  #state;
  #store;
  #shares;
  #orders = new Map();
  #scales = new Map();

  probes = [];
  probe = null;
  runs = [];
  /** Runs with other probes only. */
  others = [];
  /** Runs that the filter leaves, and those of them on show. */
  listed = [];
  shown = [];
  datas = [];
  /** Methods of the shown runs, occlusion first, and the label of the one on show. */
  methods = [];
  label = null;
  reading = "importance";
  /** All images in the order asked for, and those of them that are listed. */
  every = [];
  images = [];
  /** While the order asked for waits for shares of a drawn region: which, and how many are counted. */
  awaited = null;
  steps = [];
  /** Steps of the strip before "now". */
  columns = [];

  constructor(state, store, shares) {
    this.#state = state;
    this.#store = store;
    this.#shares = shares;
  }

  /** Settings of the newest record of a method, or null. */
  settings(label = this.label) {
    for (const data of this.datas) {
      for (const { records } of data.methods.get(label)?.values() ?? []) {
        if (records.length) return records.at(-1).settings;
      }
    }
    return null;
  }

  /** Join everything again: after data came, or the choice of what is shown changed. */
  update() {
    const found = this.#store.index?.runs ?? [];
    this.probes = [...new Set(found.flatMap((run) => run.probes.map((each) => each.name)))].sort();
    this.probe = this.probes.includes(this.#state.probe) ? this.#state.probe : (this.probes[0] ?? null);
    this.runs = found
      .filter((run) => run.probes.some((each) => each.name === this.probe))
      .map((run) => run.name);
    this.runs.sort(natural);
    this.others = found.map((run) => run.name).filter((run) => !this.runs.includes(run));
    const test = filterTest(this.#state.filter);
    this.listed = test ? this.runs.filter(test) : this.runs;
    const chosen = this.#state.runs;
    this.shown =
      chosen === null ? this.listed.slice(0, DEFAULT_RUNS) : this.listed.filter((run) => chosen.includes(run));
    this.datas = this.shown.map((run) => this.dataOf(run));
    this.methods = this.#findMethods();
    this.label =
      this.methods.find((each) => each.label === this.#state.method)?.label ?? this.methods[0]?.label ?? null;
    this.reading = fitting(this.#state.reading, this.settings());
    this.every = this.#order();
    this.#joinSteps();
    this.images = this.every.filter((image) => isListed(this, this.#state, image));
    this.#scales.clear();
  }

  #findMethods() {
    const found = new Map();
    for (const run of this.shown) {
      for (const each of this.#store.methods(run, this.probe)) found.set(each.label, each);
    }
    // First the occlusion that most runs have: that without a label of its own.
    const rank = (each) => (each.method === "occlusion" ? (each.label === each.method ? 0 : 1) : 2);
    return [...found.values()].sort((a, b) => rank(a) - rank(b) || a.label.localeCompare(b.label));
  }

  /** Groups that the method on show has means of: null for the probe, then classes. */
  get groups() {
    const found = new Set();
    for (const run of this.shown) {
      const method = this.#store.methods(run, this.probe).find((each) => each.label === this.label);
      for (const group of method?.means ?? []) found.add(group);
    }
    return [...found].sort((a, b) => (a ?? -1) - (b ?? -1));
  }

  /** The images behind the newest mean of a group; null where none is here. */
  behindMean(group) {
    const newest = this.datas.map((data) => data.mean(this.label, group)?.records.at(-1)).find(Boolean);
    return newest ? distinct(newest.settings.members).map(({ image }) => image) : null;
  }

  #joinSteps() {
    const steps = new Set();
    for (const data of this.datas) {
      for (const { records } of data.scores.values()) for (const each of records) steps.add(each.step);
      for (const { records } of data.methods.get(this.label)?.values() ?? []) {
        for (const each of records) steps.add(each.step);
      }
    }
    this.steps = [...steps].sort(ascending);
    // Someone who looks at an older step keeps the columns that they compare it with.
    const kept = this.columns.length && this.columns.every((step) => steps.has(step));
    if (this.#state.step === null || !kept) this.columns = spread(this.steps);
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
    const found = sorted(this, [...present], sort);
    const ready = (data) => data.scores.size && (!sortsByMaps(sort) || data.whole.has(this.label));
    // What is sorted by the maps' change waits for the maps.
    const whole = sort !== "change" || !this.#store.loading;
    if (this.datas.length && this.datas.every(ready) && whole) this.#orders.set(key, found);
    return found;
  }

  /** The order that is meant. */
  get sort() {
    return fittingSort(this.#state.sort, this.settings(), this.drawn);
  }

  /** Names of the regions that were drawn. */
  get drawn() {
    return namesOf(this.#state.regions, this.probe);
  }

  /** A drawn region's share of the newest map of an image that is here: NaN where there is none, undefined until it is counted. */
  drawnShare(data, image, name) {
    const record = data.attributions(this.label, image)?.records.findLast(({ settings, grid }) => !settings.geometry || grid);
    if (!record) return this.#awaits(data, this.label) ? undefined : NaN;
    const region = drawnOn(this.#state.regions, this.probe, image, record.settings).find((each) => each.name === name);
    if (!region) return NaN;
    const found = this.#shares.get({ data, label: this.label, image, record, target: this.target(image, data) }, region.mask);
    return found === undefined ? undefined : (found?.[partOf(record.settings)] ?? NaN);
  }

  /** Place of the current step in `steps`, -1 where there is none. */
  get place() {
    const { step } = this.#state;
    if (step === null) return this.steps.length - 1;
    const after = this.steps.findIndex((each) => each > step);
    return after < 0 ? this.steps.length - 1 : Math.max(after - 1, 0);
  }

  /** One run of the probe, whether it is shown or not. */
  dataOf(run) {
    return this.#store.data(run, this.probe);
  }

  get step() {
    return this.steps[this.place] ?? null;
  }

  epoch(step) {
    for (const data of this.datas) {
      const epoch = data.epoch(step);
      if (epoch !== null) return epoch;
    }
    return null;
  }

  /**
   * What is known of an image: name, label, class names, regions.
   * Runs may hold other images under the same number: `data` is the run that is asked about.
   */
  input(image, data = null) {
    for (const each of data ? [data] : this.datas) {
      const found = each.newestInput(image);
      if (found) return found;
    }
    return null;
  }

  className(image, index, data = null) {
    return this.input(image, data)?.class_names[index] || String(index);
  }

  /** A class's name where no image is meant. */
  nameOfClass(index) {
    return this.className(this.every.find((image) => this.input(image)?.class_names.length), index);
  }

  /** What an image is called. */
  imageName(image) {
    const name = this.input(image)?.name || String(image);
    // A bare number beside class names would be read as a class.
    return /^\d+$/.test(name) ? `image ${name}` : name;
  }

  /** Which example of the dataset an image was drawn from; "" where that is not known. */
  exampleName(image, data = null) {
    const index = this.input(image, data)?.source_index ?? null;
    return index === null ? "" : `example ${index}`;
  }

  /** An image's true classes in a run (default: in any): one, or any number; null where they are not known. */
  labelsOf(image, data = null) {
    const { label = null, labels = null } = this.input(image, data) ?? {};
    return label === null ? labels : [label];
  }

  /** An image's true classes in words; "" where they are not known. */
  labelNames(image, data = null) {
    const labels = this.labelsOf(image, data);
    if (labels === null) return "";
    return labels.length ? labels.map((each) => this.className(image, each, data)).join(", ") : "none true";
  }

  /** The same as a sentence's end: "true class cat", "true classes cat, dog". */
  labelText(image, data = null) {
    const labels = this.labelsOf(image, data) ?? [];
    if (!labels.length) return this.labelNames(image, data);
    return `true class${labels.length > 1 ? "es" : ""} ${this.labelNames(image, data)}`;
  }

  /**
   * Whether what a record predicts is right; null where that is not known. Of independent labels
   * all must be: the ones predicted are the true ones.
   */
  isRight(image, data, record) {
    const labels = this.labelsOf(image, data);
    const prediction = record?.prediction ?? null;
    if (labels === null || prediction === null) return null;
    if (!record.independent) return labels.includes(prediction[0]);
    return labels.length === prediction.length && labels.every((each) => prediction.includes(each));
  }

  /** Whether all images have labels. */
  get labelled() {
    return this.every.every((image) => this.labelsOf(image) !== null);
  }

  /** Whether any number of classes may be true of an image. */
  get multilabel() {
    return this.every.some((image) => (this.input(image)?.labels ?? null) !== null);
  }

  /** Whether any image has one. */
  get someLabelled() {
    return this.every.some((image) => this.labelsOf(image) !== null);
  }

  /** The class that is meant where none is chosen, in words. */
  get truthName() {
    if (this.labelled) return this.multilabel ? "the true classes" : "the true class";
    return this.someLabelled ? "the true class, or the newest prediction" : PREDICTED_NAME;
  }

  /** The class whose maps are shown where none is chosen, in words. */
  get targetName() {
    return this.multilabel ? this.truthName.replace("true classes", "first true class") : this.truthName;
  }

  /** Whether scores are plain values. */
  get raw() {
    return this.datas.some((data) => [...data.scores.values()].some((each) => each.records[0]?.output === "raw"));
  }

  /** What scores are called: "probability", or what the log calls plain values. */
  get measure() {
    if (!this.raw) return "probability";
    const named = this.datas.flatMap((data) => [...data.scores.values()].flatMap((each) => each.records[0]?.value_name ?? []));
    return named.find(Boolean) ?? "value";
  }

  /** The reading for a method's records: the chosen one where it fits. */
  fittingReading(settings) {
    return fitting(this.#state.reading, settings);
  }

  /** The class that is chosen for the maps, or a word for it; see state.js. */
  get choice() {
    return this.#state.target;
  }

  /** Whose score the rows chart: the truth's, or where it is chosen for the maps the prediction's. */
  get charted() {
    return this.choice === PREDICTED ? PREDICTED : null;
  }

  /** The class that the maps of an image explain. */
  target(image, data = null) {
    return this.chosen(this.#state.target, image, data);
  }

  /** The class of an image that a choice stands for. */
  chosen(choice, image, data = null) {
    if (choice === null || choice === OWN_CLASS) return this.truth(image, data);
    return choice === PREDICTED ? this.prediction(image, data) : choice;
  }

  /** A choice of class in words. */
  choiceName(choice) {
    if (choice === null || choice === OWN_CLASS) return this.targetName;
    return choice === PREDICTED ? PREDICTED_NAME : `“${this.nameOfClass(choice)}”`;
  }

  /** What can be chosen instead of a class: the predicted one, where that is not meant already. */
  get words() {
    return this.someLabelled ? [[PREDICTED, PREDICTED_NAME]] : [];
  }

  /** An image's true classes, also none; where they are not known, the newest prediction. */
  truths(image, data = null) {
    return this.labelsOf(image, data) ?? [this.truth(image, data)];
  }

  /** An image's first true class in a run (default: in any); where there is none, the newest prediction. */
  truth(image, data = null) {
    return this.labelsOf(image, data)?.[0] ?? this.prediction(image, data);
  }

  /** What was predicted of an image at the newest step of a run (default: the first one). */
  prediction(image, data = null) {
    const records = (data ?? this.datas[0])?.scores.get(image)?.records ?? [];
    return records.findLast((record) => record.predicted !== null)?.predicted ?? 0;
  }

  /** Classes that some record explains, for the menu. */
  get targets() {
    const found = new Set();
    for (const data of this.datas) {
      for (const { records } of data.methods.get(this.label)?.values() ?? []) {
        for (const record of records) for (const each of record.explained) found.add(each);
      }
    }
    return [...found].sort((a, b) => a - b);
  }

  /** Scale of one map under the scale mode; `label` and `reading` as they are shown. */
  scale(record, target, label, reading) {
    if (reading === "score") return 1;
    const mode = this.#state.scale;
    if (mode === "map") return ownScale(record, target, reading);
    return this.#largest(label, reading, mode === "step" ? record.step : null);
  }

  /** Whether the records of some images, and so what they add to a scale, are still to come. */
  isPartial(label) {
    return this.datas.some((data) => this.#awaits(data, label));
  }

  /** Whether a run has logged a method, and the records of some images are still to come. */
  #awaits(data, label) {
    return !data.whole.has(label) && this.#store.methods(data.run, this.probe).some((each) => each.label === label);
  }

  /** The scale of all steps and runs. */
  sharedScale(label, reading) {
    return this.#largest(label, reading, null);
  }

  /** Scale of a mean under the scale mode: those over the probe (group null) share one, those over classes another. */
  meanScale(record, group, label) {
    const mode = this.#state.scale;
    return mode === "map" ? record.peak() : this.#largestMean(label, group === null, mode === "step" ? record.step : null);
  }

  /** The scale of such means of all steps and runs. */
  sharedMeanScale(group, label) {
    return this.#largestMean(label, group === null, null);
  }

  #largestMean(label, ofProbe, step) {
    const key = `${label}\nmeans\n${ofProbe}\n${step}`;
    if (!this.#scales.has(key)) {
      let largest = 0;
      for (const data of this.datas) {
        for (const [group, series] of data.means.get(label)?.groups ?? []) {
          if ((group === null) !== ofProbe) continue;
          const records = step === null ? series.records : [series.steps.get(step)];
          for (const each of records) if (each) largest = Math.max(largest, each.peak());
        }
      }
      this.#scales.set(key, largest);
    }
    return this.#scales.get(key);
  }

  /** The scale of the maps of a method, at one step or (null) at all: the largest of the images'. */
  #largest(label, reading, step) {
    const key = `${label}\n${reading}\n${step}`;
    if (!this.#scales.has(key)) {
      let largest = 0;
      for (const data of this.datas) {
        for (const [image, series] of data.methods.get(label) ?? []) {
          const target = this.target(image, data);
          const common = commonScale(series.records.map((each) => weighed(each, target, reading)));
          const record = step === null ? null : series.steps.get(step);
          const own = step === null ? common : record ? ownScale(record, target, reading) : 0;
          largest = Math.max(largest, Math.min(own, common));
        }
      }
      this.#scales.set(key, largest);
    }
    return this.#scales.get(key);
  }
}

/** The first step and four between it and the newest, without repeats. */
function spread(steps) {
  const last = steps.length - 1;
  const places = Array.from({ length: COLUMNS }, (_, k) => Math.round((k * last) / COLUMNS));
  return [...new Set(places)].filter((place) => place >= 0 && place < last).map((place) => steps[place]);
}
