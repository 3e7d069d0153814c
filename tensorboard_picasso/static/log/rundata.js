// What is known of one probe in one run: records by image and step, taken from answers.

import { pixels, withMask } from "./pack.js";
import { Mean, attributionsOf, scoresOf } from "./records.js";
import { ordered } from "../kit/lists.js";
import { ascending, stepsOf } from "../kit/steps.js";

/** @import { Framed, Input, MeanGroup, MeanSettings, Problem, Reference, Segments, Series, Size, Step, Windows } from "../types.js" */
/** @import { Attribution, Scores } from "./records.js" */
/** @import { AttributionsAnswer, InputsAnswer, MeansAnswer, ScoresAnswer, WireProblem } from "./answers.js" */
/** @import { Numbers, Pack } from "./pack.js" */

/**
 * @template {{step: Step}} T
 * @param {T[]} records
 * @returns {Map<Step, T>}
 */
function byStep(records) {
  return new Map(records.map((record) => [record.step, record]));
}

/**
 * Records of one image.
 * @template T
 * @typedef {Series<T> & {image: number, part?: boolean}} ImageSeries `part`: of some steps, until all are here
 */

/**
 * @template {{step: Step}} T
 * @param {number} image
 * @param {T[]} records
 * @returns {ImageSeries<T>}
 */
function series(image, records) {
  return { image, records, steps: byStep(records) };
}

/**
 * Read the segments' labels, which stand behind the answer's header, and check them.
 * @param {Segments} segments
 * @param {number} count of pixels
 * @param {Numbers} pack
 */
function readSegments(segments, count, pack) {
  // As it comes it holds what refers to them.
  const reference = /** @type {Reference<Int16Array>} */ (/** @type {unknown} */ (segments.labels));
  segments.labels = pack.array(reference, count);
  if (!segments.labels.every((label) => label >= -1 && label < segments.count)) throw new RangeError("a pixel is of no known segment");
}

/**
 * See that a sheet is made of whole slices.
 * @param {Size} size
 */
function checkDepth({ height, depth = 1 }) {
  if (!(depth > 0) || height % depth) throw new RangeError(`a sheet of ${height} rows has not ${depth} slices`);
}

/**
 * @template {Size & {geometry: Windows | null}} T
 * @param {T} settings
 * @param {Numbers} pack
 */
function checkedGeometry(settings, pack) {
  const count = pixels(settings.height, settings.width);
  checkDepth(settings);
  const geometry = settings.geometry;
  if (!geometry) return settings;
  if (geometry.segments) {
    readSegments(geometry.segments, count, pack);
    return settings;
  }
  /** @type {(starts: number[], extent: number, size: number) => boolean} */
  const inside = (starts, extent, size) => extent > 0 && starts.every((start) => start >= 0 && start + extent <= size);
  const { depth = 1, height, width } = settings;
  const { fronts = [0], window_depth: deep = 1, tops, lefts, window } = geometry;
  // A map of windows goes as deep as the last of them does.
  const deepest = fronts.length > 0 && fronts[fronts.length - 1] + deep === depth;
  if (!deepest || !inside(fronts, deep, depth) || !inside(tops, window[0], height / depth) || !inside(lefts, window[1], width)) {
    throw new RangeError("a window lies outside the image");
  }
  return settings;
}

/** One probe in one run. */
export class RunData {
  /** @param {string} run @param {string} probe */
  constructor(run, probe) {
    this.run = run;
    this.probe = probe;
    /** @type {Map<number, ImageSeries<Input>>} by image */
    this.inputs = new Map();
    /** @type {Map<number, ImageSeries<Scores>>} by image */
    this.scores = new Map();
    /** @type {Map<string, Map<number, ImageSeries<Attribution>>>} by label and image */
    this.methods = new Map();
    /** @type {Set<string>} labels of methods whose records of all images are here */
    this.whole = new Set();
    /** @type {Map<string, {which: string, groups: Map<MeanGroup, Series<Mean>>, part: boolean}>} by label; part: of some steps */
    this.means = new Map();
    /** @type {Map<string, Problem[]>} */
    this.problems = new Map();
    /** @type {{set: Set<Step>, list: Step[]} | null} */
    this.logged = null;
    /** @type {Step[]} steps of which no record is here yet, as far as that is known */
    this.coming = [];
    /** @type {string[]} what of the steps is not here, in sentences */
    this.remarks = [];
  }

  /**
   * Keep what could not be read; an answer of some images says nothing of the others.
   * @param {string} source
   * @param {{header: {problems: WireProblem[]}}} pack
   * @param {number[] | null} images
   */
  #note(source, pack, images = null) {
    this.logged = null;
    const others = images === null ? [] : (this.problems.get(source) ?? []).filter((each) => each.image === undefined || !images.includes(each.image));
    this.problems.set(source, [...others, ...pack.header.problems.map((each) => ({ ...each, source }))]);
  }

  /** @param {Pack<InputsAnswer>} pack */
  takeInputs(pack) {
    this.#note("input", pack);
    for (const { image, records } of pack.header.images) {
      this.inputs.set(image, series(image, records.map((record) => {
        const count = pixels(record.height, record.width);
        checkDepth(record);
        const png = pack.array(record.png);
        const regions = record.regions.map(({ name, mask }) => withMask({ name }, "mask", pack, mask, count));
        const class_names = record.class_names === null ? [] : pack.header.class_names[record.class_names];
        return withMask({ ...record, png, regions, class_names }, "unseen", pack, record.unseen, count);
      })));
    }
  }

  /**
   * The newest step that the run logged at or before a step, as runs log at steps of their own; the
   * step itself where there is none.
   * @template {Step | null} Asked
   * @param {Asked} step
   * @returns {Step | Asked}
   */
  at(step) {
    this.logged ??= this.#steps();
    if (step === null || this.logged.set.has(step)) return step;
    return this.logged.list.findLast((each) => each <= step) ?? step;
  }

  /** The newest step that was logged, null where none was. */
  get newest() {
    this.logged ??= this.#steps();
    return this.logged.list.at(-1) ?? null;
  }

  #steps() {
    const all = [this.scores, ...this.methods.values()].flatMap((images) => [...images.values()]);
    const set = new Set([...this.coming, ...all.flatMap(({ records }) => records.map((each) => each.step))]);
    // What is damaged was logged, too.
    for (const problems of this.problems.values()) for (const problem of problems) set.add(problem.step);
    return { set, list: [...set].sort(ascending) };
  }

  /** @param {Pack<ScoresAnswer>} pack */
  takeScores(pack) {
    this.#note("scores", pack);
    this.remarks = pack.header.remarks;
    for (const each of pack.header.images) this.scores.set(each.image, series(each.image, scoresOf(each, pack)));
  }

  /**
   * Records replace those of before; grids that are already here stay.
   * @param {string} label
   * @param {Pack<AttributionsAnswer>} pack
   * @param {number[] | null} asked the images that were asked for; null: all
   * @param {boolean} part whether some steps were asked for: of an image of which more is here that stays
   */
  takeAttributions(label, pack, asked = null, part = false) {
    this.#note(label, pack, asked);
    // What has come by another way tells it, too.
    if (!part || !this.coming.length) this.coming = stepsOf(pack.array(pack.header.logged));
    const settings = pack.header.settings.map((each) => checkedGeometry(each, pack));
    /** @type {Map<number, ImageSeries<Attribution>>} */
    const images = this.methods.get(label) ?? new Map();
    for (const each of pack.header.images) {
      const before = images.get(each.image)?.steps;
      const taken = attributionsOf(each, pack, settings).map((record) => {
        const known = before?.get(record.step);
        return known && known.wall === record.wall && (known.grid || !record.grid) ? known : record;
      });
      if (!part || (images.get(each.image)?.part ?? true)) images.set(each.image, { ...series(each.image, taken), part });
    }
    this.methods.set(label, images);
    if (asked === null && !part) this.whole.add(label);
  }

  /**
   * @param {string} label
   * @param {string} which means the answer holds: over the "probe", or over its "classes" too
   * @param {Pack<MeansAnswer>} pack
   * @param {boolean} part whether it holds some steps alone
   */
  takeMeans(label, which, pack, part = false) {
    if (part && this.hasMeans(label, which)) return;
    this.#note(`means of ${label}`, pack);
    const settings = pack.header.settings.map((each) => checkedGeometry(each, pack));
    /** @type {Map<MeanGroup, Series<Mean>>} */
    const groups = new Map();
    for (const { group, records } of pack.header.groups) {
      // A class that got another name has a series under each.
      const taken = records.map((record) => new Mean(record, settings[record.settings], pack, pack.header.statistics));
      const all = [...byStep([...(groups.get(group)?.records ?? []), ...taken]).values()].sort((a, b) => ascending(a.step, b.step));
      groups.set(group, { records: all, steps: byStep(all) });
    }
    this.means.set(label, { which, groups, part });
  }

  /**
   * Whether all records of such means are here.
   * @param {string | null} label
   * @param {string} which
   */
  hasMeans(label, which) {
    const known = this.means.get(label ?? "");
    return known !== undefined && !known.part && (known.which === which || known.which === "classes");
  }

  /**
   * What the images of a mean have in common, as of one input: size, and regions at one place in
   * all; null where they were not kept.
   * @param {MeanSettings} settings
   * @returns {Framed | null}
   */
  commonInput({ members: [{ image, hash }], regions }) {
    const input = this.input(image, hash);
    if (!input) return null;
    const { height, width, depth } = input;
    return { height, width, depth, unseen: null, regions: input.regions.filter((each) => regions.some(({ name }) => name === each.name)) };
  }

  /**
   * One method's means over some images.
   * @param {string | null} label
   * @param {MeanGroup} group
   */
  mean(label, group) {
    return this.means.get(label ?? "")?.groups.get(group) ?? null;
  }

  /**
   * @param {string | null} label
   * @param {MeanGroup} group
   * @param {Step} step
   */
  meanProblem(label, group, step) {
    return this.problems.get(`means of ${label}`)?.find((each) => each.group === group && each.step === step) ?? null;
  }

  /** @param {string | null} label @param {number} image */
  attributions(label, image) {
    return this.methods.get(label ?? "")?.get(image) ?? null;
  }

  /**
   * The input whose hash a record carries, or null where it was not kept.
   * @param {number} image
   * @param {string} hash
   */
  input(image, hash) {
    return this.inputs.get(image)?.records.find((each) => each.hash === hash) ?? null;
  }

  /**
   * Whether a record of an image's input cannot be read.
   * @param {number} image
   */
  damagedInput(image) {
    return this.problems.get("input")?.some((each) => each.image === image && each.problem === "damaged") ?? false;
  }

  /**
   * The PNG of an image, null where it did not come with its name.
   * @param {number} image
   * @param {string} hash
   */
  png(image, hash) {
    const bytes = this.input(image, hash)?.png ?? null;
    return bytes && new Blob([bytes], { type: "image/png" });
  }

  /** @param {number} image */
  newestInput(image) {
    return this.inputs.get(image)?.records.at(-1) ?? null;
  }

  /**
   * @template T
   * @param {Step} step
   * @param {(record: Scores) => T | null} read
   */
  #ofStep(step, read) {
    for (const { steps } of this.scores.values()) {
      const record = steps.get(step);
      const value = record && read(record);
      if (value !== null && value !== undefined) return value;
    }
    return null;
  }

  /**
   * The epoch that was recorded at a step, or null.
   * @param {Step} step
   */
  epoch(step) {
    return this.#ofStep(step, (record) => record.epoch);
  }

  /**
   * When a step was logged, in seconds, or null.
   * @param {Step} step
   */
  wall(step) {
    return this.#ofStep(step, (record) => record.wall);
  }

  /**
   * A problem of one record, or null.
   * @param {string | null} source
   * @param {number} image
   * @param {Step} step
   */
  problem(source, image, step) {
    return this.problems.get(source ?? "")?.find((each) => each.image === image && each.step === step) ?? null;
  }

  /** How many records the images have together, of scores or of a method. */
  get size() {
    return [...this.scores.values()].reduce((sum, { records }) => sum + records.length, 0);
  }

  /** Images, by index. */
  get images() {
    return ordered([...this.inputs.keys(), ...this.scores.keys()]);
  }
}
