// Records as they come in packs: scores, attributions and means.

import { plural } from "../kit/format.js";
import { probability, percentile } from "../numbers/maps.js";
import { Rows } from "./statistics.js";

/** @import { Hidden, MeanSettings, Member, Settings, Statistics } from "../types.js" */
/** @import { WireAttribution, WireMean, WireScores } from "./answers.js" */
/** @import { Numbers } from "./pack.js" */

/**
 * The place of a class in a record's lists, -1 where it is not there.
 * @param {number[] | null} classes
 * @param {number} index
 */
function place(classes, index) {
  return classes === null ? index : classes.indexOf(index);
}

/** What the model said of one image at one step. */
export class Scores {
  /** @param {WireScores} record @param {Numbers} pack */
  constructor(record, pack) {
    this.step = record.step;
    this.wall = record.wall;
    this.hash = record.hash;
    this.epoch = record.epoch;
    this.output = record.output;
    this.value_name = record.value_name;
    this.independent = record.independent;
    this.class_count = record.class_count;
    this.classes = record.classes;
    this.values = pack.array(record.values, record.classes?.length ?? record.class_count);
    /** @type {Hidden[]} */
    this.hidden = record.hidden.map((each) => ({ ...each, values: pack.array(each.values, this.values.length) }));
  }

  /** One output that stands for two classes: the second one's probability. */
  get binary() {
    return this.class_count === 1 && this.output !== "raw";
  }

  /**
   * Log-odds of a class (raw outputs: the value), in `values` or in those of a hidden region.
   * @param {number} index
   * @param {Float32Array} values
   */
  logOdds(index, values = this.values) {
    if (this.binary) return index === 0 ? -values[0] : values[0];
    const at = place(this.classes, index);
    return at >= 0 && at < values.length ? values[at] : NaN;
  }

  /**
   * Probability of a class, of several the mean; of raw outputs the value.
   * @param {number | number[]} index
   * @param {Float32Array} values
   * @returns {number}
   */
  score(index, values = this.values) {
    if (Array.isArray(index)) return index.reduce((sum, each) => sum + this.score(each, values), 0) / index.length;
    const value = this.logOdds(index, values);
    return this.output === "raw" || Number.isNaN(value) ? value : probability(value);
  }

  /** The class with the highest score; null where none is a number. */
  get predicted() {
    const [first] = this.values;
    if (this.binary) return Number.isNaN(first) ? null : Number(first >= 0);
    let best = -1;
    this.values.forEach((value, i) => {
      if (!Number.isNaN(value) && (best < 0 || value > this.values[best])) best = i;
    });
    if (best < 0) return null;
    return this.classes === null ? best : this.classes[best];
  }

  /**
   * The classes that are predicted, ascending: of independent labels those that are likelier than
   * not, else the first one; null where no score is a number.
   */
  get prediction() {
    const { predicted } = this;
    if (predicted === null || !this.independent) return predicted === null ? null : [predicted];
    return (this.classes ?? [...this.values.keys()]).filter((each) => this.logOdds(each) >= 0);
  }

  /**
   * Classes by score, best first: those of `values` or of a hidden region's.
   * @param {number} limit
   * @param {Float32Array} values
   */
  ranked(limit, values = this.values) {
    const classes = this.binary ? [0, 1] : (this.classes ?? [...this.values.keys()]);
    /** @type {(index: number) => number} */
    const rank = (index) => (Number.isNaN(this.logOdds(index, values)) ? -Infinity : this.logOdds(index, values));
    return [...classes].sort((a, b) => (rank(a) === rank(b) ? a - b : rank(b) - rank(a))).slice(0, limit);
  }
}

/** One method's answer for one image at one step. */
export class Attribution {
  #statistics;

  /**
   * @param {WireAttribution} record
   * @param {Settings} settings
   * @param {Numbers} pack
   * @param {string[]} names of the statistics in a row of the record's
   */
  constructor(record, settings, pack, names) {
    this.step = record.step;
    this.wall = record.wall;
    this.hash = record.hash;
    this.targets = record.targets;
    this.settings = settings;
    this.#statistics = new Rows(names, settings.regions, pack, record.statistics, record.targets.length);
    const geometry = settings.geometry;
    this.whole = geometry && pack.array(record.whole, geometry.classes.length);
    this.grid = geometry && pack.array(record.grid, geometry.tops.length * geometry.lefts.length * geometry.classes.length);
    this.agreement = record.second && pack.array(record.second.agreement, record.targets.length);
    /** @type {Map<number | string, number>} */
    this.peaks = new Map();
  }

  /**
   * Rank correlation with the map of a second seed, NaN where there is none; null: not computed.
   * @param {number} target
   */
  agreementOf(target) {
    const row = this.targets.indexOf(target);
    return row < 0 || !this.agreement ? null : this.agreement[row];
  }

  /**
   * Statistics of a target's map, or null where it is not a target at this step.
   * @param {number} target
   * @returns {Statistics | null}
   */
  statistics(target) {
    const row = this.targets.indexOf(target);
    return row < 0 ? null : this.#statistics.row(row);
  }

  /** Classes that a map can be shown for. */
  get explained() {
    return this.settings.geometry?.classes ?? this.targets;
  }

  /**
   * One class's values at all window positions; null where they are not here.
   * @param {number} target
   */
  column(target) {
    const classes = this.settings.geometry?.classes;
    const at = classes?.indexOf(target) ?? -1;
    if (at < 0 || !classes || !this.grid) return null;
    const result = new Float64Array(this.grid.length / classes.length);
    for (let i = 0; i < result.length; i++) result[i] = this.grid[i * classes.length + at];
    return result;
  }

  /** @param {number} target */
  wholeOf(target) {
    const at = this.settings.geometry?.classes.indexOf(target) ?? -1;
    return at < 0 || !this.whole ? NaN : this.whole[at];
  }

  /**
   * The 99th percentile of |value|: from the statistics, else over the window positions.
   * @param {number} target
   */
  peak(target) {
    const known = this.peaks.get(target);
    if (known !== undefined) return known;
    const peak = this.#peak(target);
    if (peak === null) return 0;
    this.peaks.set(target, peak);
    return peak;
  }

  /** @param {number} target */
  #peak(target) {
    const numbers = this.statistics(target);
    if (numbers) return numbers.p99;
    const column = this.column(target);
    if (!column) return null;
    const whole = this.wholeOf(target);
    return percentile(column.map((value) => Math.abs(whole - value)).filter(Number.isFinite).sort(), 99);
  }
}

/**
 * The members of a mean with each image once: with several true labels it is there with each.
 * @param {Member[]} members
 */
export function distinct(members) {
  return [...new Map(members.map((each) => [each.image, each])).values()];
}

/**
 * What a mean is over, in words: "12 images", or "15 labels of 12 images".
 * @param {Member[]} members
 */
export function membersText(members) {
  const images = plural(distinct(members).length, "image");
  return distinct(members).length === members.length ? images : `${plural(members.length, "label")} of ${images}`;
}

/** The mean over several images of a method's importance at one step. */
export class Mean {
  #statistics;

  /**
   * @param {WireMean} record
   * @param {MeanSettings} settings
   * @param {Numbers} pack
   * @param {string[]} names of the record's statistics
   */
  constructor(record, settings, pack, names) {
    const { tops, lefts } = settings.geometry;
    const count = tops.length * lefts.length;
    this.step = record.step;
    this.wall = record.wall;
    this.settings = settings;
    this.means = pack.array(record.means, count);
    this.errors = pack.array(record.errors, count);
    this.counts = pack.array(record.counts, count);
    this.#statistics = new Rows(names, settings.regions, pack, record.statistics);
  }

  /**
   * How many images have a finite importance at a window position.
   * @param {number} position
   */
  countAt(position) {
    return this.counts ? this.counts[position] : this.settings.members.length;
  }

  /** The 99th percentile of |value| over the image. */
  peak() {
    return this.#statistics.row(0).p99;
  }
}
