// Two of anything: which map stands beside the current one, and what lies between the two.
// B is what the page shows. A is B with what is pinned put in its place: run, step, class, method.

import { count } from "../kit/format.js";
import { valuesOf } from "./look.js";
import { halfLevel, logProbability, subtract } from "../numbers/maps.js";
import { paint } from "../numbers/places.js";
import { comparable, meanOf, windows } from "../numbers/reading.js";
import { OWN_CLASS, PINS, PREDICTED } from "./state.js";
import { advance } from "../kit/steps.js";

/** @import { Attribution, Mean } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Choice, Choices, MeanSettings, Member, Series, Sign, Size, Step, Windows } from "../types.js" */
/** @import { Scene } from "./scene.js" */
/** @import { FoundMap, FoundMean, Spec } from "./spec.js" */
/** @import { State } from "./state.js" */

/**
 * What is pinned, and what of a method says what its numbers mean.
 * @typedef {Pick<Choices, "pin" | "pinRun" | "pinTarget" | "pinMethod">} Pins
 * @typedef {{sign: Sign, unit: string, score?: string}} Unit
 *
 * Numbers of both sides and what lies between.
 * @typedef {{values: Float64Array, a: ArrayLike<number>, b: ArrayLike<number>}} Differing
 *
 * B minus A, one number a pixel, and one a window where both sides have the same grid.
 * @typedef {Differing & {windows: Differing | null, kind: "change" | "evidence" | "probability", unit: string, why?: undefined}} Difference
 *
 * Why nothing can be subtracted.
 * @typedef {{why: string}} Refused
 */

/**
 * Whether something is compared.
 * @param {Choices} state
 */
export function isComparing(state) {
  return PINS.some((name) => state[name] !== null);
}

/**
 * Pin what is shown as A, so that what is chosen next is compared with it.
 * @param {Scene} scene
 * @param {Choices} state
 * @returns {Pins}
 */
export function pinned(scene, state) {
  return {
    pin: scene.step,
    // Of several runs each is compared with itself.
    pinRun: scene.shown.length === 1 ? scene.shown[0] : null,
    pinTarget: state.target ?? OWN_CLASS,
    pinMethod: scene.label,
  };
}

/** @type {Pins} */
export const UNPINNED = Object.freeze({ pinRun: null, pin: null, pinTarget: null, pinMethod: null });

/**
 * The records of what is shown: an image's maps, or a mean over a group of images.
 * @param {RunData} data
 * @param {string | null} label
 * @param {Spec} spec
 * @returns {Series<Attribution | Mean> | null}
 */
function seriesOf(data, label, { group, image }) {
  return group === undefined ? data.attributions(label, image) : data.mean(label, group);
}

/**
 * How far training went at a step: from 0 on, where steps are counts and no times or the like.
 * @param {Series<{step: Step}> | null} series
 * @param {Step} step
 */
function progress(series, step) {
  const first = series?.records[0]?.step ?? 0;
  return advance(Number.isSafeInteger(first) && first >= 0 ? 0 : first, step);
}

/** @param {Series<{step: Step}> | null} series */
function length(series) {
  const last = series?.records.at(-1);
  return series && last ? progress(series, last.step) : 0;
}

/**
 * The newest of a series' steps that is not after a step.
 * @param {Series<{step: Step}> | null} series
 * @param {Step} step
 */
function atOrBefore(series, step) {
  let last = series?.records[0]?.step ?? step;
  for (const record of series?.records ?? []) if (record.step <= step) last = record.step;
  return last;
}

/**
 * The step of a series nearest to a share of the way to its last one; another where it is empty.
 * @param {Series<{step: Step}> | null} series
 * @param {number} share
 * @param {Step} other
 */
function atShare(series, share, other) {
  const wanted = share * length(series);
  let nearest = other;
  let least = Infinity;
  for (const { step } of series?.records ?? []) {
    const off = Math.abs(progress(series, step) - wanted);
    if (off < least) {
      least = off;
      nearest = step;
    }
  }
  return nearest;
}

/**
 * The step of A's run that stands beside one of B's.
 * @param {Pick<Choices, "align" | "pin">} state
 * @param {Series<{step: Step}> | null} own B's records
 * @param {Series<{step: Step}> | null} other A's
 * @param {Step} step B's
 * @param {Step} asked what is asked for, where runs align by step
 */
export function stepBeside({ align, pin }, own, other, step, asked) {
  const byShare = align === "share" && pin === null && length(own) > 0;
  return byShare ? atShare(other, progress(own, step) / length(own), asked) : atOrBefore(other, asked);
}

/**
 * The specification of A's map, for B's.
 * @template {Spec} T
 * @param {Scene} scene
 * @param {Choices} state
 * @param {T} spec
 * @returns {T}
 */
export function sideA(scene, state, spec) {
  const data = state.pinRun === null ? spec.data : scene.dataOf(state.pinRun);
  const label = state.pinMethod ?? spec.label;
  const series = seriesOf(data, label, spec);
  const target = state.pinTarget === null || spec.image === undefined ? spec.target : scene.chosen(state.pinTarget, spec.image, data);
  let step = state.pin ?? (data === spec.data ? spec.step : (spec.asked ?? spec.step));
  if (data !== spec.data) {
    step = stepBeside(state, seriesOf(spec.data, spec.label, spec), series, spec.step, step);
  }
  return { ...spec, data, label, step, asked: step, target };
}

/**
 * Whether A is B itself.
 * @param {Spec} a
 * @param {Spec} b
 */
export function isItself(a, b) {
  return a.data === b.data && a.label === b.label && a.step === b.step && a.target === b.target;
}

/**
 * Whether A's class is pinned and another than B's.
 * @param {Pick<Choices, "pinTarget" | "target">} state
 */
export function hasOtherClass({ pinTarget, target }) {
  return pinTarget !== null && pinTarget !== (target ?? OWN_CLASS);
}

/**
 * Whether the page shows what means over images are of: the importance for each image's own class.
 * @param {Scene} scene
 * @param {State} state
 */
export function meansFit(scene, state) {
  return scene.reading === "importance" && state.target === null && !hasOtherClass(state);
}

/**
 * What stands for a class, in words; null: it is a class.
 * @param {Choice} choice
 */
export function wordOf(choice) {
  return choice === OWN_CLASS ? "own class" : choice === PREDICTED ? "predicted class" : null;
}

/**
 * What A is, in words: what differs from B.
 * @param {Choices} state
 * @param {(target: number) => string} className
 */
export function nameOf(state, className) {
  const parts = [];
  if (state.pinRun !== null) parts.push(state.pinRun);
  if (state.pin !== null) parts.push(`step ${count(state.pin)}`);
  if (hasOtherClass(state)) parts.push(wordOf(state.pinTarget) ?? `“${className(Number(state.pinTarget))}”`);
  if (state.pinMethod !== null) parts.push(state.pinMethod);
  return parts.join(" · ");
}

/**
 * One number a window: what hiding it takes from the class's log-probability.
 * @param {Attribution} record
 * @param {number} target
 */
function loss(record, target) {
  const whole = logProbability(record.wholeOf(target));
  return record.column(target)?.map((value) => subtract(whole, logProbability(value))) ?? null;
}

/** @param {Attribution} record @param {Float64Array | null} grid */
function painted(record, grid) {
  const { geometry, height, width } = record.settings;
  return geometry && grid && paint(grid, geometry, height, width);
}

/** @param {ArrayLike<number>} b @param {ArrayLike<number>} a */
function minus(b, a) {
  return Float64Array.from(b, (value, i) => subtract(value, a[i]));
}

/**
 * Half a stored level at each pixel, in the unit shown; null for maps that are exact.
 * @param {FoundMap} side
 */
function slack({ record, plane, target }) {
  if (plane?.precision !== "q8") return null;
  /** @type {number} */
  const unit = comparable(record.settings) ? 1 : meanOf(record, target) || 1;
  return (/** @type {number} */ i) => halfLevel(plane.values[i], plane.peak, record.settings.sign) / unit;
}

/**
 * Whether two maps were made by the same windows, or segments.
 * @param {Windows | null} a
 * @param {Windows | null} b
 */
export function sameGrid(a, b) {
  /** @type {(windows: Windows) => string} */
  const shape = ({ window, window_depth, fronts, tops, lefts, segments }) => JSON.stringify([window, window_depth, fronts, tops, lefts, segments?.key]);
  return a !== null && b !== null && shape(a) === shape(b);
}

/**
 * The numbers of both sides' windows, or segments, and what lies between; null where the grids differ.
 * @template {FoundMap | FoundMean} T
 * @param {T} a
 * @param {T} b
 * @param {(side: T) => ArrayLike<number> | null} read
 * @returns {Differing | null}
 */
function between(a, b, read) {
  if (!sameGrid(a.record.settings.geometry, b.record.settings.geometry)) return null;
  const [before, after] = [read(a), read(b)];
  if (!before || !after) return null;
  return { values: minus(after, before), a: before, b: after };
}

/** @param {Size} a @param {Size} b */
function sameSize(a, b) {
  return a.height === b.height && a.width === b.width && a.depth === b.depth;
}

/**
 * Whether the numbers of two methods mean the same.
 * @param {Unit} from
 * @param {Unit} to
 */
export function sameUnit(from, to) {
  return from.sign === to.sign && from.unit === to.unit && from.score === to.score;
}

/**
 * B minus A.
 * @param {FoundMap} a what `look` found of A; b likewise
 * @param {FoundMap} b
 * @returns {Difference | Refused}
 */
export function difference(a, b) {
  const [from, to] = [a.record.settings, b.record.settings];
  if (a.record.hash !== b.record.hash) return { why: "A is another image" };
  if (!sameSize(from, to)) return { why: "A has another size" };
  if (!sameUnit(from, to) || a.reading !== b.reading) return { why: "no common unit" };
  if (a.target !== b.target && from.geometry && to.geometry && to.output !== "raw" && b.reading !== "score") {
    // Between two classes: what hiding takes from the ratio of their probabilities.
    /** @type {(side: FoundMap) => Float64Array | null} */
    const read = ({ record, target }) => loss(record, target);
    const [lostA, lostB] = [a, b].map((side) => painted(side.record, read(side)));
    if (!lostA || !lostB) return { why: "a map is not here" };
    return { values: minus(lostB, lostA), a: lostA, b: lostB, windows: between(a, b, read), kind: "evidence", unit: to.unit };
  }
  const [before, after] = [valuesOf(a), valuesOf(b)];
  if (!before || !after) return { why: "a map is not here" };
  const values = minus(after, before);
  const [slackA, slackB] = [slack(a), slack(b)];
  if (slackA && slackB) {
    // A difference that both maps' rounding could make is none.
    for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) < Math.min(slackA(i), slackB(i))) values[i] = 0;
  }
  const unit = b.reading === "score" ? "" : comparable(to) ? to.unit : "times a uniform map";
  /** @type {(side: FoundMap) => Float64Array | null} */
  const read = ({ record, target, reading }) => windows(record, target, reading);
  return { values, a: before, b: after, windows: between(a, b, read), kind: b.reading === "score" ? "probability" : "change", unit };
}

/**
 * Of which images a mean is, in no order, and which class each one's importance is for.
 * @param {MeanSettings} settings
 * @param {(member: Member) => string} read
 */
function membersOf({ members }, read) {
  return members.map(read).sort().join();
}

/**
 * B minus A of two means.
 * @param {FoundMean} a what `lookMean` found of A; b likewise
 * @param {FoundMean} b
 * @returns {Difference | Refused}
 */
export function meanDifference(a, b) {
  const [from, to] = [a.record.settings, b.record.settings];
  /** @type {(read: (member: Member) => string) => boolean} */
  const differ = (read) => membersOf(from, read) !== membersOf(to, read);
  if (differ(({ hash }) => hash)) return { why: "A is of other images" };
  if (differ(({ hash, target }) => `${hash} ${target}`)) return { why: "A is for other classes" };
  if (!sameSize(from, to)) return { why: "A has another size" };
  if (!sameUnit(from, to)) return { why: "no common unit" };
  const [before, after] = [a, b].map(({ record: { settings, means } }) => paint(means, settings.geometry, settings.height, settings.width));
  const windowed = between(a, b, ({ record }) => record.means);
  return { values: minus(after, before), a: before, b: after, windows: windowed, kind: "change", unit: to.unit };
}

/**
 * Whether swapping changes anything: several shown runs cannot change places with one.
 * @param {Scene} scene
 * @param {State} state
 */
export function canSwap(scene, state) {
  const { pin, pinRun, pinTarget, pinMethod } = state;
  return [pin, pinTarget, pinMethod].some((each) => each !== null) || (pinRun !== null && scene.shown.length === 1);
}

/**
 * A becomes what is shown, and what was shown becomes A.
 * @param {Scene} scene
 * @param {State} state
 * @returns {Partial<Choices>}
 */
export function swapped(scene, state) {
  const last = scene.steps.at(-1);
  return {
    ...(state.pin === null ? {} : { step: state.pin === last ? null : state.pin, pin: scene.step }),
    ...(state.pinRun === null || scene.shown.length !== 1 ? {} : { runs: [state.pinRun], pinRun: scene.shown[0] }),
    ...(state.pinTarget === null ? {} : { target: state.pinTarget === OWN_CLASS ? null : state.pinTarget, pinTarget: state.target ?? OWN_CLASS }),
    ...(state.pinMethod === null ? {} : { method: state.pinMethod, pinMethod: scene.label }),
  };
}
