// What is known of one probe in one run: records by image and step, read from packs.

import { plural } from "../kit/format.js";
import { probability, percentile } from "../numbers/maps.js";
import { pixels, unpackLater } from "./pack.js";
import { ascending } from "../kit/steps.js";

const FIXED = ["minimum", "maximum", "positive", "negative", "p50", "p99", "p999", "nan", "infinite", "count"];

/** The place of a class in a record's lists, -1 where it is not there. */
function place(classes, index) {
  return classes === null ? index : classes.indexOf(index);
}

/** What the model said of one image at one step. */
export class Scores {
  constructor(record, pack) {
    Object.assign(this, record);
    this.values = pack.array(record.values, record.classes?.length ?? record.class_count);
    this.hidden = record.hidden.map((each) => ({ ...each, values: pack.array(each.values, this.values.length) }));
  }

  /** One output that stands for two classes: the second one's probability. */
  get binary() {
    return this.class_count === 1 && this.output !== "raw";
  }

  /** Log-odds of a class (raw outputs: the value), in `values` or in those of a hidden region. */
  logOdds(index, values = this.values) {
    if (this.binary) return index === 0 ? -values[0] : values[0];
    const at = place(this.classes, index);
    return at >= 0 && at < values.length ? values[at] : NaN;
  }

  /** Probability of a class, of several the mean; of raw outputs the value. */
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

  /** Classes by score, best first: those of `values` or of a hidden region's. */
  ranked(limit, values = this.values) {
    const classes = this.binary ? [0, 1] : (this.classes ?? [...this.values.keys()]);
    const rank = (index) => (Number.isNaN(this.logOdds(index, values)) ? -Infinity : this.logOdds(index, values));
    return [...classes].sort((a, b) => (rank(a) === rank(b) ? a - b : rank(b) - rank(a))).slice(0, limit);
  }
}

/** One method's answer for one image at one step. */
export class Attribution {
  constructor(record, settings, pack) {
    this.step = record.step;
    this.wall = record.wall;
    this.hash = record.hash;
    this.targets = record.targets;
    this.settings = settings;
    this.columns = 11 + 3 * settings.regions.length;
    this.numbers = pack.array(record.statistics, this.columns * record.targets.length);
    const geometry = settings.geometry;
    this.whole = geometry && pack.array(record.whole, geometry.classes.length);
    this.grid = geometry && pack.array(record.grid, geometry.tops.length * geometry.lefts.length * geometry.classes.length);
    this.agreement = record.second && pack.array(record.second.agreement, record.targets.length);
    this.peaks = new Map();
  }

  /** Rank correlation with the map of a second seed, NaN where there is none; null: not computed. */
  agreementOf(target) {
    const row = this.agreement ? this.targets.indexOf(target) : -1;
    return row < 0 ? null : this.agreement[row];
  }

  /** Statistics of a target's map, or null where it is not a target at this step. */
  statistics(target) {
    const row = this.targets.indexOf(target);
    if (row < 0) return null;
    const at = row * this.columns;
    const result = { whole: this.numbers[at] };
    FIXED.forEach((name, i) => (result[name] = this.numbers[at + 1 + i]));
    result.shares = this.settings.regions.map((region, i) => {
      const [positive, negative, absolute] = this.numbers.subarray(at + 11 + 3 * i, at + 14 + 3 * i);
      return { ...region, positive, negative, absolute };
    });
    return result;
  }

  /** Classes that a map can be shown for. */
  get explained() {
    return this.settings.geometry?.classes ?? this.targets;
  }

  /** One class's values at all window positions; null where they are not here. */
  column(target) {
    const classes = this.settings.geometry?.classes;
    const at = classes ? classes.indexOf(target) : -1;
    if (at < 0 || !this.grid) return null;
    const result = new Float64Array(this.grid.length / classes.length);
    for (let i = 0; i < result.length; i++) result[i] = this.grid[i * classes.length + at];
    return result;
  }

  wholeOf(target) {
    const at = this.settings.geometry?.classes.indexOf(target) ?? -1;
    return at < 0 ? NaN : this.whole[at];
  }

  /** The 99th percentile of |value|: from the statistics, else over the window positions. */
  peak(target) {
    if (!this.peaks.has(target)) {
      const numbers = this.statistics(target);
      if (numbers) this.peaks.set(target, numbers.p99);
      else {
        const column = this.column(target);
        if (!column) return 0;
        const whole = this.wholeOf(target);
        const sizes = column.map((value) => Math.abs(whole - value)).filter(Number.isFinite).sort();
        this.peaks.set(target, percentile(sizes, 99));
      }
    }
    return this.peaks.get(target);
  }
}

/** The members of a mean with each image once: with several true labels it is there with each. */
export function distinct(members) {
  return [...new Map(members.map((each) => [each.image, each])).values()];
}

/** What a mean is over, in words: "12 images", or "15 labels of 12 images". */
export function membersText(members) {
  const images = plural(distinct(members).length, "image");
  return distinct(members).length === members.length ? images : `${plural(members.length, "label")} of ${images}`;
}

/** The mean over several images of a method's importance at one step. */
export class Mean {
  constructor(record, settings, pack) {
    const { tops, lefts } = settings.geometry;
    const count = tops.length * lefts.length;
    this.step = record.step;
    this.wall = record.wall;
    this.settings = settings;
    this.means = pack.array(record.means, count);
    this.errors = pack.array(record.errors, count);
    this.counts = pack.array(record.counts, count);
    this.numbers = pack.array(record.statistics, FIXED.length + 3 * settings.regions.length);
  }

  /** How many images have a finite importance at a window position. */
  countAt(position) {
    return this.counts ? this.counts[position] : this.settings.members.length;
  }

  /** The 99th percentile of |value| over the image. */
  peak() {
    return this.numbers[FIXED.indexOf("p99")];
  }
}

function byStep(records) {
  return new Map(records.map((record) => [record.step, record]));
}

function series(image, records) {
  return { image, records, steps: byStep(records) };
}

function checkedGeometry(settings) {
  pixels(settings.height, settings.width);
  const geometry = settings.geometry;
  if (!geometry) return settings;
  const inside = (starts, extent, size) => extent > 0 && starts.every((start) => start >= 0 && start + extent <= size);
  if (
    !inside(geometry.tops, geometry.window[0], settings.height) ||
    !inside(geometry.lefts, geometry.window[1], settings.width)
  ) {
    throw new RangeError("a window lies outside the image");
  }
  return settings;
}

/** One probe in one run. */
export class RunData {
  constructor(run, probe) {
    this.run = run;
    this.probe = probe;
    this.inputs = new Map();
    this.scores = new Map();
    this.methods = new Map();
    /** Labels of methods whose records of all images are here. */
    this.whole = new Set();
    this.means = new Map();
    this.problems = new Map();
    this.logged = null;
    /** What of the steps is not here, in sentences. */
    this.remarks = [];
  }

  /** Keep what could not be read; an answer of some images says nothing of the others. */
  #note(source, pack, images = null) {
    this.logged = null;
    const others = images === null ? [] : (this.problems.get(source) ?? []).filter((each) => !images.includes(each.image));
    this.problems.set(source, [...others, ...pack.header.problems.map((each) => ({ ...each, source }))]);
  }

  takeInputs(pack) {
    this.#note("input", pack);
    for (const { image, records } of pack.header.images) {
      for (const record of records) {
        const count = pixels(record.height, record.width);
        unpackLater(record, "unseen", pack, count);
        record.png = pack.array(record.png);
        for (const region of record.regions) unpackLater(region, "mask", pack, count);
        record.class_names = record.class_names === null ? [] : pack.header.class_names[record.class_names];
      }
      this.inputs.set(image, series(image, records));
    }
  }

  /**
   * The newest step that the run logged at or before a step, as runs log at steps of their own; the
   * step itself where there is none.
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
    const set = new Set(all.flatMap(({ records }) => records.map((each) => each.step)));
    // What is damaged was logged, too.
    for (const problems of this.problems.values()) for (const each of problems) set.add(each.step);
    return { set, list: [...set].sort(ascending) };
  }

  takeScores(pack) {
    this.#note("scores", pack);
    this.remarks = pack.header.remarks;
    for (const { image, records } of pack.header.images) {
      this.scores.set(image, series(image, records.map((record) => new Scores(record, pack))));
    }
  }

  /**
   * Records replace those of before; grids that are already here stay.
   * @param {number[]|null} asked the images that were asked for; null: all
   */
  takeAttributions(label, pack, asked = null) {
    this.#note(label, pack, asked);
    const settings = pack.header.settings.map(checkedGeometry);
    const images = this.methods.get(label) ?? new Map();
    for (const { image, records } of pack.header.images) {
      const before = images.get(image)?.steps;
      const taken = records.map((record) => {
        const known = before?.get(record.step);
        if (known && known.wall === record.wall && (known.grid || !record.grid)) return known;
        return new Attribution(record, settings[record.settings], pack);
      });
      images.set(image, series(image, taken));
    }
    this.methods.set(label, images);
    if (asked === null) this.whole.add(label);
  }

  /** @param {string} which means the answer holds: over the "probe", or over its "classes" too */
  takeMeans(label, which, pack) {
    this.#note(`means of ${label}`, pack);
    const settings = pack.header.settings.map(checkedGeometry);
    const groups = new Map();
    for (const { group, records } of pack.header.groups) {
      // A class that got another name has a series under each.
      const taken = records.map((record) => new Mean(record, settings[record.settings], pack));
      const all = [...byStep([...(groups.get(group)?.records ?? []), ...taken]).values()].sort((a, b) => ascending(a.step, b.step));
      groups.set(group, { records: all, steps: byStep(all) });
    }
    this.means.set(label, { which, groups });
  }

  hasMeans(label, which) {
    const known = this.means.get(label)?.which;
    return known === which || known === "classes";
  }

  /**
   * What the images of a mean have in common, as of one input: size, and regions at one place in
   * all; null where they were not kept.
   */
  commonInput({ members: [{ image, hash }], regions }) {
    const input = this.input(image, hash);
    if (!input) return null;
    const { height, width } = input;
    return { height, width, unseen: null, regions: input.regions.filter((each) => regions.some(({ name }) => name === each.name)) };
  }

  /** One method's means over a class's images, or (null) all. */
  mean(label, group) {
    return this.means.get(label)?.groups.get(group) ?? null;
  }

  meanProblem(label, group, step) {
    return this.problems.get(`means of ${label}`)?.find((each) => each.group === group && each.step === step) ?? null;
  }

  attributions(label, image) {
    return this.methods.get(label)?.get(image) ?? null;
  }

  /** The input whose hash a record carries, or null where it was not kept. */
  input(image, hash) {
    return this.inputs.get(image)?.records.find((each) => each.hash === hash) ?? null;
  }

  /** The PNG of an image, null where it did not come with its name. */
  png(image, hash) {
    const bytes = this.input(image, hash)?.png ?? null;
    return bytes && new Blob([bytes], { type: "image/png" });
  }

  newestInput(image) {
    return this.inputs.get(image)?.records.at(-1) ?? null;
  }

  #ofStep(step, read) {
    for (const { steps } of this.scores.values()) {
      const record = steps.get(step);
      const found = record && read(record);
      if (found !== null && found !== undefined) return found;
    }
    return null;
  }

  /** The epoch that was recorded at a step, or null. */
  epoch(step) {
    return this.#ofStep(step, (record) => record.epoch);
  }

  /** When a step was logged, in seconds, or null. */
  wall(step) {
    return this.#ofStep(step, (record) => record.wall);
  }

  /** A problem of one record, or null. */
  problem(source, image, step) {
    return this.problems.get(source)?.find((each) => each.image === image && each.step === step) ?? null;
  }

  /** How many records the images have together, of scores or of a method. */
  get size() {
    return [...this.scores.values()].reduce((sum, { records }) => sum + records.length, 0);
  }

  /** Images, by index. */
  get images() {
    return [...new Set([...this.inputs.keys(), ...this.scores.keys()])].sort((a, b) => a - b);
  }
}
