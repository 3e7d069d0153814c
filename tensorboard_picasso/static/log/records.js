// Records as they come in packs: scores, attributions and means.

import { plural } from "../kit/format.js";
import { stepsOf } from "../kit/steps.js";
import { probability, percentile } from "../numbers/maps.js";
import { countOf } from "../numbers/places.js";
import { PackError } from "./pack.js";
import { LOCATED, PerRegion, Rows, SHARES } from "./statistics.js";

/** @import { Hidden, MeanSettings, Member, Settings, Statistics, Step } from "../types.js" */
/** @import { AttributionsAnswer, ScoresAnswer, ScoresSettings, WireAttributions, WireMean, WireScores } from "./answers.js" */
/** @import { Numbers, Pack } from "./pack.js" */

const SECOND = [...SHARES, ...LOCATED];

/**
 * The place of a class in a record's lists, -1 where it is not there.
 * @param {number[] | null} classes
 * @param {number} index
 */
function place(classes, index) {
  return classes === null ? index : classes.indexOf(index);
}

/**
 * The records of an image's scores, from an answer's columns.
 * @param {WireScores} image
 * @param {Pack<ScoresAnswer>} pack
 */
export function scoresOf(image, pack) {
  const { header } = pack;
  const steps = stepsOf(pack.array(image.steps));
  const count = steps.length;
  const [walls, epochs] = [image.walls, image.epochs].map((each) => pack.array(each, count));
  const [hashes, settings] = [image.hashes, image.settings].map((each) => pack.array(each, count));
  const columns = { values: pack.array(image.values), moves: pack.array(image.moves), flips: pack.array(image.flips), predicted: pack.array(image.predicted) };
  let value = 0;
  let hidden = 0;
  const records = steps.map((step, i) => {
    const of = listed(header.settings, settings[i]);
    const epoch = Number.isNaN(epochs[i]) ? null : epochs[i];
    const record = new Scores({ step, wall: walls[i], epoch, hash: listed(header.hashes, hashes[i]) }, of, columns, value, hidden);
    value += record.values.length * (1 + of.hidden.length);
    hidden += of.hidden.length;
    return record;
  });
  if (value !== columns.values.length || [columns.moves, columns.flips, columns.predicted].some(({ length }) => length !== hidden)) {
    throw new PackError(`scores of image ${image.image} do not fill their records`);
  }
  return records;
}

/**
 * @template T
 * @param {T[]} list
 * @param {number} index
 */
function listed(list, index) {
  if (!(index in list)) throw new PackError(`entry ${index} is none of the answer's`);
  return list[index];
}

/** What the model said of one image at one step. */
export class Scores {
  /**
   * @param {{step: Step, wall: number, epoch: number | null, hash: string}} at
   * @param {ScoresSettings} settings
   * @param {{values: Float32Array, moves: Float32Array, flips: Uint8Array, predicted: Int32Array}} columns
   * @param {number} value place of its first value in them
   * @param {number} first place of its first hidden region
   */
  constructor(at, settings, columns, value, first) {
    this.step = at.step;
    this.wall = at.wall;
    this.hash = at.hash;
    this.epoch = at.epoch;
    this.output = settings.output;
    this.value_name = settings.value_name;
    this.independent = settings.independent;
    this.class_count = settings.class_count;
    this.classes = settings.classes;
    const length = settings.classes?.length ?? settings.class_count;
    this.values = columns.values.subarray(value, value + length);
    /** @type {Hidden[]} */
    this.hidden = settings.hidden.map((each, i) => {
      const start = value + (i + 1) * length;
      const moves = columns.moves[first + i];
      const known = !Number.isNaN(moves);
      return {
        ...each,
        values: columns.values.subarray(start, start + length),
        moves: known ? moves : null,
        flips: known ? columns.flips[first + i] === 1 : null,
        predicted: known ? columns.predicted[first + i] : null,
      };
    });
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

/**
 * The records of a method of an image, from an answer's columns.
 * @param {WireAttributions} image
 * @param {Pack<AttributionsAnswer>} pack
 * @param {Settings[]} settings the answer's, as they were checked
 */
export function attributionsOf(image, pack, settings) {
  const { header } = pack;
  const steps = stepsOf(pack.array(image.steps));
  const walls = pack.array(image.walls, steps.length);
  const [hashes, of, explained] = [image.hashes, image.settings, image.targets].map((each) => pack.array(each, steps.length));
  const numbers = pack.array(image.statistics);
  const whole = pack.array(image.whole);
  const grids = takes(pack.array(image.grids.records), pack.array(image.grids.values));
  const located = taker(pack.array(image.located));
  const seconds = takes(pack.array(image.seconds.records), pack.array(image.seconds.agreements));
  const repeated = takes(pack.array(image.seconds.records), pack.array(image.seconds.regions));
  const rows = taker(numbers);
  const wholes = taker(whole);
  return steps.map((step, i) => {
    const about = listed(settings, of[i]);
    const targets = listed(header.targets, explained[i]);
    const { geometry } = about;
    const width = header.statistics.length + 3 * about.regions.length;
    const parts = about.regions.length * targets.length;
    const second = repeated(i, SECOND.length * parts);
    return new Attribution({ step, wall: walls[i], hash: listed(header.hashes, hashes[i]) }, about, targets, {
      rows: new Rows(header.statistics, about.regions, rows(width * targets.length)),
      whole: geometry && wholes(geometry.classes.length),
      grid: geometry && grids(i, countOf(geometry) * geometry.classes.length),
      agreement: seconds(i, targets.length),
      found: new PerRegion(LOCATED, about.regions, located(LOCATED.length * parts)),
      second: second && new PerRegion(SECOND, about.regions, second),
    });
  });
}

/**
 * What hands out the next so many numbers of a column.
 * @template {Float32Array | Float64Array} Column
 * @param {Column} column
 */
function taker(column) {
  let at = 0;
  /** @param {number} count */
  return (count) => {
    if (at + count > column.length) throw new PackError("a column of the answer is too short");
    at += count;
    return /** @type {Column} */ (column.subarray(at - count, at));
  };
}

/**
 * The same of a column that some records have no part of; they are asked for in their order.
 * @template {Float32Array | Float64Array} Column
 * @param {Int32Array} records that have
 * @param {Column} column
 */
function takes(records, column) {
  const take = taker(column);
  let next = 0;
  /** @param {number} record @param {number} count */
  return (record, count) => {
    if (records[next] !== record) return null;
    next += 1;
    return take(count);
  };
}

/** One method's answer for one image at one step. */
export class Attribution {
  #statistics;
  #found;

  /**
   * @param {{step: Step, wall: number, hash: string}} at
   * @param {Settings} settings
   * @param {number[]} targets
   * @param {{rows: Rows, whole: Float32Array | null, grid: Float32Array | null, agreement: Float64Array | null,
   *   found: PerRegion, second: PerRegion | null}} numbers
   */
  constructor(at, settings, targets, { rows, whole, grid, agreement, found, second }) {
    this.step = at.step;
    this.wall = at.wall;
    this.hash = at.hash;
    this.targets = targets;
    this.settings = settings;
    this.#statistics = rows;
    this.whole = whole;
    this.grid = grid;
    this.agreement = agreement;
    this.#found = found;
    this.second = second;
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
   * Where a region is found in a target's map, each number NaN where that is not known; null where there is none.
   * @param {number} target
   * @param {string} name of the region
   */
  locatedOf(target, name) {
    const row = this.targets.indexOf(target);
    return row < 0 ? null : this.#found.of(row, name);
  }

  /**
   * The same, and its shares, of the map of a second seed; null where none was computed.
   * @param {number} target
   * @param {string} name
   */
  secondOf(target, name) {
    const row = this.targets.indexOf(target);
    return row < 0 ? null : (this.second?.of(row, name) ?? null);
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
    const count = countOf(settings.geometry);
    this.step = record.step;
    this.wall = record.wall;
    this.settings = settings;
    this.means = pack.array(record.means, count);
    this.errors = pack.array(record.errors, count);
    this.counts = pack.array(record.counts, count);
    this.#statistics = new Rows(names, settings.regions, pack.array(record.statistics));
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
