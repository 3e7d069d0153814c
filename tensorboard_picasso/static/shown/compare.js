// Two of anything: which map stands beside the current one, and what lies between the two.
// B is what the page shows. A is B with what is pinned put in its place: run, step, class, method.

import { count } from "../kit/format.js";
import { valuesOf } from "./look.js";
import { halfLevel, logProbability, paint, subtract } from "../numbers/maps.js";
import { comparable, meanOf, windows } from "../numbers/reading.js";
import { OWN_CLASS, PREDICTED } from "./state.js";
import { advance } from "../kit/steps.js";

/** The choices that make A; null: as in B. */
export const PINS = ["pinRun", "pin", "pinTarget", "pinMethod"];

/** Whether something is compared. */
export function isComparing(state) {
  return PINS.some((name) => state[name] !== null);
}

/** Pin what is shown as A, so that what is chosen next is compared with it. */
export function pinned(scene, state) {
  return {
    pin: scene.step,
    // Of several runs each is compared with itself.
    pinRun: scene.shown.length === 1 ? scene.shown[0] : null,
    pinTarget: state.target ?? OWN_CLASS,
    pinMethod: scene.label,
  };
}

export const UNPINNED = Object.freeze(Object.fromEntries(PINS.map((name) => [name, null])));

/** The records of what is shown: an image's maps, or a mean over a group of images. */
function seriesOf(data, label, { group, image }) {
  return group === undefined ? data.attributions(label, image) : data.mean(label, group);
}

/** How far training went at a step: from 0 on, where steps are counts and no times or the like. */
function progress(series, step) {
  const first = series?.records[0]?.step ?? 0;
  return advance(Number.isSafeInteger(first) && first >= 0 ? 0 : first, step);
}

function length(series) {
  return series?.records.length ? progress(series, series.records.at(-1).step) : 0;
}

/** The newest of a series' steps that is not after a step. */
function atOrBefore(series, step) {
  let found = series?.records[0]?.step ?? step;
  for (const record of series?.records ?? []) if (record.step <= step) found = record.step;
  return found;
}

/** The step of a series nearest to a share of the way to its last one; another where it is empty. */
function atShare(series, share, other) {
  const wanted = share * length(series);
  let found = other;
  let least = Infinity;
  for (const { step } of series?.records ?? []) {
    const off = Math.abs(progress(series, step) - wanted);
    if (off < least) {
      least = off;
      found = step;
    }
  }
  return found;
}

/** The specification of A's map, for B's. */
export function sideA(scene, state, spec) {
  const data = state.pinRun === null ? spec.data : scene.dataOf(state.pinRun);
  const label = state.pinMethod ?? spec.label;
  const series = seriesOf(data, label, spec);
  const target = state.pinTarget === null ? spec.target : scene.chosen(state.pinTarget, spec.image, data);
  let step = state.pin ?? (data === spec.data ? spec.step : (spec.asked ?? spec.step));
  if (data !== spec.data) {
    const own = seriesOf(spec.data, spec.label, spec);
    const byShare = state.align === "share" && state.pin === null && length(own) > 0;
    step = byShare ? atShare(series, progress(own, spec.step) / length(own), step) : atOrBefore(series, step);
  }
  return { ...spec, data, label, step, asked: step, target };
}

/** Whether A is B itself. */
export function isItself(a, b) {
  return a.data === b.data && a.label === b.label && a.step === b.step && a.target === b.target;
}

/** Whether A's class is pinned and another than B's. */
export function hasOtherClass({ pinTarget, target }) {
  return pinTarget !== null && pinTarget !== (target ?? OWN_CLASS);
}

/** What stands for a class, in words; null: it is a class. */
export function wordOf(choice) {
  return { [OWN_CLASS]: "own class", [PREDICTED]: "predicted class" }[choice] ?? null;
}

/** What A is, in words: what differs from B. */
export function nameOf(state, className) {
  const parts = [];
  if (state.pinRun !== null) parts.push(state.pinRun);
  if (state.pin !== null) parts.push(`step ${count(state.pin)}`);
  if (hasOtherClass(state)) parts.push(wordOf(state.pinTarget) ?? `“${className(state.pinTarget)}”`);
  if (state.pinMethod !== null) parts.push(state.pinMethod);
  return parts.join(" · ");
}

/** One number a window: what hiding it takes from the class's log-probability. */
function loss(record, target) {
  const whole = logProbability(record.wholeOf(target));
  return record.column(target).map((value) => subtract(whole, logProbability(value)));
}

function painted(record, grid) {
  const { geometry, height, width } = record.settings;
  return paint(grid, geometry, height, width);
}

function minus(b, a) {
  return Float64Array.from(b, (value, i) => subtract(value, a[i]));
}

/** Half a stored level at each pixel, in the unit shown; null for maps that are exact. */
function slack({ record, plane, target }) {
  if (plane?.precision !== "q8") return null;
  const unit = comparable(record.settings) ? 1 : meanOf(record, target) || 1;
  return (i) => halfLevel(plane.values[i], plane.peak, record.settings.sign) / unit;
}

/** Whether two maps were made by the same windows. */
export function sameGrid(a, b) {
  const shape = ({ window, tops, lefts }) => JSON.stringify([window, tops, lefts]);
  return Boolean(a && b) && shape(a) === shape(b);
}

/** The numbers of both sides' windows and what lies between; null where the grids differ. */
function between(a, b, read) {
  if (!sameGrid(a.record.settings.geometry, b.record.settings.geometry)) return null;
  const [before, after] = [read(a), read(b)];
  return { values: minus(after, before), a: before, b: after };
}

/** Whether the numbers of two methods mean the same. */
export function sameUnit(from, to) {
  return from.sign === to.sign && from.unit === to.unit && from.score === to.score;
}

/**
 * B minus A.
 * @param {object} a what `look` found of A; b likewise
 * @returns {{why: string}|{values: Float64Array, a: ArrayLike<number>, b: ArrayLike<number>,
 *   windows: {values: Float64Array, a: ArrayLike<number>, b: ArrayLike<number>}|null,
 *   kind: "change"|"evidence"|"probability", unit: string}} one number a pixel, and one a window
 *   where both sides have the same grid; `why` there is none
 */
export function difference(a, b) {
  const [from, to] = [a.record.settings, b.record.settings];
  if (a.record.hash !== b.record.hash) return { why: "A is another image" };
  if (from.height !== to.height || from.width !== to.width) return { why: "A has another size" };
  if (!sameUnit(from, to) || a.reading !== b.reading) return { why: "no common unit" };
  if (a.target !== b.target && from.geometry && to.geometry && to.output !== "raw" && b.reading !== "score") {
    // Between two classes: what hiding takes from the ratio of their probabilities.
    const read = ({ record, target }) => loss(record, target);
    const [lostA, lostB] = [a, b].map((side) => painted(side.record, read(side)));
    return { values: minus(lostB, lostA), a: lostA, b: lostB, windows: between(a, b, read), kind: "evidence", unit: to.unit };
  }
  const [before, after] = [valuesOf(a), valuesOf(b)];
  const values = minus(after, before);
  const [slackA, slackB] = [slack(a), slack(b)];
  if (slackA && slackB) {
    // A difference that both maps' rounding could make is none.
    for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) < Math.min(slackA(i), slackB(i))) values[i] = 0;
  }
  const unit = b.reading === "score" ? "" : comparable(to) ? to.unit : "times a uniform map";
  const read = ({ record, target, reading }) => windows(record, target, reading);
  return { values, a: before, b: after, windows: between(a, b, read), kind: b.reading === "score" ? "probability" : "change", unit };
}

/** Of which images a mean is, in no order, and which class each one's importance is for. */
function membersOf({ members }, read) {
  return members.map(read).sort().join();
}

/**
 * B minus A of two means.
 * @param {object} a what `lookMean` found of A; b likewise
 * @returns {object} as of `difference`
 */
export function meanDifference(a, b) {
  const [from, to] = [a.record.settings, b.record.settings];
  const differ = (read) => membersOf(from, read) !== membersOf(to, read);
  if (differ(({ hash }) => hash)) return { why: "A is of other images" };
  if (differ(({ hash, target }) => `${hash} ${target}`)) return { why: "A is for other classes" };
  if (from.height !== to.height || from.width !== to.width) return { why: "A has another size" };
  if (!sameUnit(from, to)) return { why: "no common unit" };
  const [before, after] = [a, b].map(({ record }) => painted(record, record.means));
  const windowed = between(a, b, ({ record }) => record.means);
  return { values: minus(after, before), a: before, b: after, windows: windowed, kind: "change", unit: to.unit };
}
