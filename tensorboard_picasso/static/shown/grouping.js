// Groups of images: those that were given, such as hospitals, else two that are made of the scores.

import { finite, kept } from "../kit/lists.js";
import { natural } from "../kit/format.js";

/** @import { Scores } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Scene } from "./scene.js" */

// Of fewer labelled images, or kept steps, no groups are made.
const FEWEST_IMAGES = 8;
const FEWEST_STEPS = 5;
// Of the images, those that are hard; and of the steps, those that are early: no fewer than these.
const HARD = { part: 1 / 3, least: 3 };
const EARLY = { part: 1 / 10, least: 2 };

const HARD_EARLY = "hard early";
const WRONG_LATE = "wrong late";

/** How the groups are made that are made here. */
export const HOW_MADE = {
  [HARD_EARLY]: `the third of the images (at least ${HARD.least}) whose true class is least likely, on average over the first tenth of the kept steps (at least ${EARLY.least})`,
  [WRONG_LATE]: "those that are wrong at the newest step",
};

/**
 * Which image belongs where, of what is on show.
 * @typedef {Pick<Scene, "datas" | "labelsOf" | "isRight" | "raw">} Grouped
 */

export class Grouping {
  #scene;
  /** @type {string[] | null} */
  #given = null;
  /** @type {Map<RunData, Map<string, Set<number>>>} */
  #made = new Map();

  /** @param {Grouped} scene */
  constructor(scene) {
    this.#scene = scene;
  }

  /** Find all anew: data came, or other runs are shown. */
  clear() {
    this.#given = null;
    this.#made.clear();
  }

  /** The names of the groups that were given; none where none were. */
  get given() {
    const { datas } = this.#scene;
    /** @type {(data: RunData) => string[]} */
    const namesIn = (data) => data.images.flatMap((image) => data.newestInput(image)?.group ?? []);
    this.#given ??= [...new Set(datas.flatMap(namesIn))].sort(natural);
    return this.#given;
  }

  /** The names of all groups that images may be listed and charted by. */
  get names() {
    if (this.given.length) return this.given;
    const made = !this.#scene.raw && this.#scene.datas.some((data) => this.#told(data).length >= FEWEST_IMAGES);
    return made ? Object.keys(HOW_MADE) : [];
  }

  /**
   * Whether a group is one that is made here.
   * @param {string | null} name
   */
  isMade(name) {
    return name !== null && name in HOW_MADE && !this.given.length;
  }

  /**
   * How the groups are made, in a sentence; "" where they were given.
   * @param {string[]} names
   */
  about(names = this.names) {
    return Object.entries(HOW_MADE).flatMap(([name, how]) => (names.includes(name) && this.isMade(name) ? [`${name}: ${how}`] : [])).join("; ");
  }

  /**
   * The groups of an image in a run (default: in any of those that are shown).
   * @param {number} image
   * @param {RunData | null} data
   */
  of(image, data = null) {
    const names = this.given.length ? this.given : Object.keys(HOW_MADE);
    return names.filter((name) => this.has(name, image, data));
  }

  /**
   * Whether an image belongs to a group in a run (default: in any of those that are shown).
   * @param {string} name
   * @param {number} image
   * @param {RunData | null} data
   */
  has(name, image, data = null) {
    const { datas } = this.#scene;
    if (this.given.length) return (data ? [data] : datas).some((each) => each.newestInput(image)?.group === name);
    return (data ? [data] : datas).some((each) => this.#madeIn(each).get(name)?.has(image));
  }

  /**
   * Images of a run of which it is known at enough steps how likely the truth was.
   * @param {RunData} data
   */
  #told(data) {
    return data.images.filter((image) => this.#scene.labelsOf(image, data)?.length && (data.scores.get(image)?.records.length ?? 0) >= FEWEST_STEPS);
  }

  /** @param {RunData} data */
  #madeIn(data) {
    return kept(this.#made, data, () => {
      const told = this.#scene.raw ? [] : this.#told(data);
      /** @type {Map<string, Set<number>>} */
      const made = new Map();
      if (told.length < FEWEST_IMAGES) return made;
      const sure = told.map((image) => ({ image, mean: this.#sureAtFirst(image, data) })).filter(({ mean }) => Number.isFinite(mean));
      sure.sort((a, b) => a.mean - b.mean || a.image - b.image);
      made.set(HARD_EARLY, new Set(sure.slice(0, atLeast(sure.length, HARD)).map(({ image }) => image)));
      made.set(WRONG_LATE, new Set(told.filter((image) => this.#scene.isRight(image, data, recordsOf(image, data).at(-1)) === false)));
      return made;
    });
  }

  /**
   * How likely the truth was on average over the first steps.
   * @param {number} image
   * @param {RunData} data
   */
  #sureAtFirst(image, data) {
    const records = recordsOf(image, data);
    const truths = this.#scene.labelsOf(image, data) ?? [];
    const first = finite(records.slice(0, Math.max(EARLY.least, Math.ceil(EARLY.part * records.length))).map((record) => record.score(truths)));
    return first.reduce((sum, value) => sum + value, 0) / first.length;
  }
}

/**
 * @param {number} image
 * @param {RunData} data
 * @returns {Scores[]}
 */
function recordsOf(image, data) {
  return data.scores.get(image)?.records ?? [];
}

/**
 * So many of all.
 * @param {number} all
 * @param {{part: number, least: number}} of
 */
function atLeast(all, { part, least }) {
  return Math.max(least, Math.floor(part * all));
}
