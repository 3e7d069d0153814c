// What the shown runs say of images and classes: names, labels, predictions, and which class is meant.

import { OWN_CLASS, PREDICTED } from "./state.js";

/** @import { Scores } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Choice, MeanGroup, Step } from "../types.js" */
/** @import { State } from "./state.js" */

const PREDICTED_NAME = "the newest predicted class";

/** What is on show, as far as images and classes are named by it; `Scene` fills it in. */
export class Classes {
  #state;
  /** @type {RunData[]} the shown runs */
  datas = [];
  /** @type {number[]} all images, in the order asked for */
  every = [];

  /** @param {State} state */
  constructor(state) {
    this.#state = state;
  }

  /** @param {Step} step */
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
   * @param {number} image
   * @param {RunData | null} data
   */
  input(image, data = null) {
    for (const holder of data ? [data] : this.datas) {
      const input = holder.newestInput(image);
      if (input) return input;
    }
    return null;
  }

  /** @param {number} image @param {number} index @param {RunData | null} data */
  className(image, index, data = null) {
    return this.input(image, data)?.class_names[index] || String(index);
  }

  /**
   * A class's name where no image is meant.
   * @param {number} index
   */
  nameOfClass(index) {
    return this.className(this.every.find((image) => this.input(image)?.class_names.length) ?? -1, index);
  }

  /**
   * What the images of a mean are called; "" of the whole probe.
   * @param {MeanGroup} group
   */
  nameOfMean(group) {
    if (group === null) return "";
    return typeof group === "string" ? group : this.nameOfClass(group);
  }

  /**
   * What an image is called.
   * @param {number} image
   */
  imageName(image) {
    const name = this.input(image)?.name || String(image);
    // A bare number beside class names would be read as a class.
    return /^\d+$/.test(name) ? `image ${name}` : name;
  }

  /**
   * An image by its number and its name, where that is more than the number.
   * @param {number} image
   */
  numberedName(image) {
    const [number, name] = [`image ${image}`, this.imageName(image)];
    return name === number ? name : `${number}: ${name}`;
  }

  /**
   * Which example of the dataset an image was drawn from; "" where that is not known.
   * @param {number} image
   * @param {RunData | null} data
   */
  exampleName(image, data = null) {
    const index = this.input(image, data)?.source_index ?? null;
    return index === null ? "" : `example ${index}`;
  }

  /**
   * An image's true classes in a run (default: in any): one, or any number; null where they are not known.
   * @param {number} image
   * @param {RunData | null} data
   */
  labelsOf(image, data = null) {
    const { label = null, labels = null } = this.input(image, data) ?? {};
    return label === null ? labels : [label];
  }

  /**
   * An image's true classes in words; "" where they are not known.
   * @param {number} image
   * @param {RunData | null} data
   */
  labelNames(image, data = null) {
    const labels = this.labelsOf(image, data);
    if (labels === null) return "";
    return labels.length ? labels.map((each) => this.className(image, each, data)).join(", ") : "none true";
  }

  /**
   * The same as a sentence's end: "true class cat", "true classes cat, dog".
   * @param {number} image
   * @param {RunData | null} data
   */
  labelText(image, data = null) {
    const labels = this.labelsOf(image, data) ?? [];
    if (!labels.length) return this.labelNames(image, data);
    return `true class${labels.length > 1 ? "es" : ""} ${this.labelNames(image, data)}`;
  }

  /**
   * Whether what a record predicts is right; null where that is not known. Of independent labels
   * all must be: the ones predicted are the true ones.
   * @param {number} image
   * @param {RunData | null} data
   * @param {Scores | null | undefined} record
   */
  isRight(image, data, record) {
    const labels = this.labelsOf(image, data);
    const prediction = record?.prediction ?? null;
    if (!record || labels === null || prediction === null) return null;
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

  /** The class that is chosen for the maps, or a word for it; see state.js. */
  get choice() {
    return this.#state.target;
  }

  /** Whose score the rows chart: the truth's, or where it is chosen for the maps the prediction's. */
  get charted() {
    return this.choice === PREDICTED ? PREDICTED : null;
  }

  /**
   * The class that the maps of an image explain.
   * @param {number} image
   * @param {RunData | null} data
   * @returns {number}
   */
  target(image, data = null) {
    return this.chosen(this.#state.target, image, data);
  }

  /**
   * The class of an image that a choice stands for.
   * @param {Choice} choice
   * @param {number} image
   * @param {RunData | null} data
   * @returns {number}
   */
  chosen(choice, image, data = null) {
    if (choice === null || choice === OWN_CLASS) return this.truth(image, data);
    return choice === PREDICTED ? this.prediction(image, data) : choice;
  }

  /**
   * A choice of class in words.
   * @param {Choice} choice
   */
  choiceName(choice) {
    if (choice === null || choice === OWN_CLASS) return this.targetName;
    return choice === PREDICTED ? PREDICTED_NAME : `“${this.nameOfClass(choice)}”`;
  }

  /** What can be chosen instead of a class: the predicted one, where that is not meant already. */
  get words() {
    /** @type {[string, string][]} */
    const words = [[PREDICTED, PREDICTED_NAME]];
    return this.someLabelled ? words : [];
  }

  /**
   * An image's true classes, also none; where they are not known, the newest prediction.
   * @param {number} image
   * @param {RunData | null} data
   */
  truths(image, data = null) {
    return this.labelsOf(image, data) ?? [this.truth(image, data)];
  }

  /**
   * An image's first true class in a run (default: in any); where there is none, the newest prediction.
   * @param {number} image
   * @param {RunData | null} data
   */
  truth(image, data = null) {
    return this.labelsOf(image, data)?.[0] ?? this.prediction(image, data);
  }

  /**
   * What was predicted of an image at the newest step of a run (default: the first one).
   * @param {number} image
   * @param {RunData | null} data
   */
  prediction(image, data = null) {
    const records = (data ?? this.datas[0])?.scores.get(image)?.records ?? [];
    return records.findLast((record) => record.predicted !== null)?.predicted ?? 0;
  }
}
