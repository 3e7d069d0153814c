// What a chart draws: a source's numbers for every run on show, over one image or many.

import { runColour } from "../kit/chart.js";
import { effect } from "../numbers/effect.js";
import { flagsOf } from "./flags.js";
import { flipsOver } from "../numbers/flips.js";
import { spread } from "../numbers/spread.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Asked, Effect } from "../numbers/effect.js" */
/** @import { Flips } from "../numbers/flips.js" */
/** @import { Hiding } from "../numbers/hidden.js" */
/** @import { Point } from "../numbers/spread.js" */
/** @import { Flags } from "./flags.js" */
/** @import { Series, Step } from "../types.js" */
/** @import { Scene } from "./scene.js" */

/**
 * What can be charted. Functions take a run's data and an image, and answer for `scene.steps`
 * as they are when called: null where nothing was logged or is known yet, NaN where there is no
 * such number.
 * @typedef {(data: RunData, image: number) => (number | null)[]} Values
 *
 * @typedef {object} Source
 * @property {string} id stays the same over reloads: links hold it
 * @property {string} title what it is, without the image that it is of
 * @property {string} group of the list in which it stands
 * @property {string} unit "" where the range says it all
 * @property {Range} range what the numbers may be
 * @property {Values} [values] none where there are means
 * @property {(data: RunData) => Point[]} [means] in their place means of the run's own, the band their 95 % interval
 * @property {"line" | "dashed"} [style] how it is drawn, by default a solid line
 * @property {boolean} [ofRun] the numbers are the run's, whichever image
 * @property {boolean} [flips] changes of the prediction are marked under it
 * @property {boolean} [yesOrNo] a number is 0 or 1: over images there is a share, and no band
 * @property {boolean} [grouped] its lines are of groups of images: there is no band, and the worst one is named
 * @property {Hides | null} [hiding] of what hiding it does is said, and since when its edits do more than elsewhere is marked
 * @property {(data: RunData) => Flags | "coming" | null} [flags] since when an edit does more than elsewhere is marked
 * @property {string[]} [labels] methods whose records it reads: they are loaded while it is charted
 * @property {boolean} [maps] it reads their maps of all steps too
 * @property {Line[]} [lines] what is drawn beside it
 * @property {(data: RunData, image: number) => {name: string, value: number}[]} [references]
 *   numbers to compare with, the same at all steps
 * @property {(data: RunData, images: number[], place: number) => string} [detail] what a single
 *   number stands for, in words
 * @property {(images: number[]) => string} [note] what must be known of the chart, in words
 * @property {() => string} [pending] what is still on its way, "" where nothing is
 *
 * @typedef {"probability" | "share" | "correlation" | "points" | "free"} Range
 *
 * @typedef {{lead: string, hiding: Hiding, asked: Asked<RunData> | null}} Hides
 *
 * @typedef {object} Line
 * @property {string} name
 * @property {string} [short] its name in a readout, where it is read out
 * @property {"line" | "dashed" | "thin" | "floor"} style "floor": dots, joined
 * @property {string} [colour] its own, where one run is shown: of a group, whose name stands at its end
 * @property {Values} [values] of each run
 * @property {(data: RunData) => Point[]} [means] likewise
 * @property {(image: number) => (number | null)[]} [common] one line for all runs
 *
 * @typedef {Line & {points: Point[]}} Drawn
 *
 * What a chart draws of one run.
 * @typedef {object} RunCurve
 * @property {string} name
 * @property {RunData} data
 * @property {number[]} images
 * @property {string} colour
 * @property {Point[]} points
 * @property {Drawn[]} lines
 * @property {Flips[] | null} flips
 * @property {Effect | null} effect
 * @property {Flags | "coming" | null} flags of the hidden region, or of the edit
 * @property {{name: string, value: number}[]} references
 *
 * @typedef {{name: string, value: number, colour: string | null}} Reference
 *
 * @typedef {{runs: RunCurve[], common: Drawn[], references: Reference[]}} Gathered
 */

/**
 * One number a step from the records of a series; null where there is none.
 * @template Of
 * @param {{steps: Step[]}} scene
 * @param {Series<Of> | null | undefined} series
 * @param {(record: Of) => number | null} read
 * @returns {(number | null)[]}
 */
export function overSteps(scene, series, read) {
  return scene.steps.map((step) => {
    const record = series?.steps.get(step);
    return record ? read(record) : null;
  });
}

const NO_IMAGE = -1; // what is the run's own asks for none

/**
 * What tells runs apart: their names without a last part that all of them share.
 * @param {string[]} runs
 */
function shortNames(runs) {
  const last = runs[0]?.slice(runs[0].lastIndexOf("/")) ?? "";
  const shared = runs.length > 1 && last.startsWith("/") && runs.every((run) => run.endsWith(last));
  return runs.map((run) => (shared ? run.slice(0, -last.length) : run));
}

/** @param {number[]} values */
function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Numbers to compare with, each the mean over images.
 * @param {Source} source
 * @param {RunData} data
 * @param {number[]} images
 */
function meanReferences(source, data, images) {
  const all = images.flatMap((image) => source.references?.(data, image) ?? []);
  const names = [...new Set(all.map(({ name }) => name))];
  return names.map((name) => ({ name, value: mean(all.filter((each) => each.name === name).map(({ value }) => value)) }));
}

/**
 * Half of the images lie between yes and no: that is no band.
 * @param {Point} point
 * @returns {Point}
 */
function unspread(point) {
  return { ...point, low: null, high: null };
}

/** @param {Scene} scene @param {Source} source @param {RunData} data @param {number[]} all */
function gatherRun(scene, source, data, all) {
  const images = all.filter((image) => data.scores.has(image));
  /** @type {(of: {values?: Values, means?: (data: RunData) => Point[]}) => Point[] | null} */
  const over = ({ values, means }) => {
    if (means) return means(data);
    return values ? spread((source.ofRun ? [NO_IMAGE] : images).map((image) => values(data, image))) : null;
  };
  const points = over(source) ?? [];
  return {
    data, images, colour: runColour(scene.runs, data.run), points: source.yesOrNo || source.grouped ? points.map(unspread) : points,
    lines: (source.lines ?? []).flatMap((each) => {
      const drawn = over(each);
      return drawn ? [{ ...each, points: drawn }] : [];
    }),
    flips: source.flips ? flipsOver(scene, data, images) : null,
    effect: source.hiding ? effect(scene, data, images, source.hiding.hiding, source.hiding.asked) : null,
    flags: source.hiding ? flagsOf(scene, data.run, source.hiding.hiding.region) : (source.flags?.(data) ?? null),
    references: meanReferences(source, data, images),
  };
}

/**
 * The references of all runs: one that is the same in several belongs to none.
 * @param {Pick<RunCurve, "references" | "colour">[]} runs
 */
function joinReferences(runs) {
  /** @type {Map<string, Reference>} */
  const joined = new Map();
  for (const { references, colour } of runs) {
    for (const reference of references) {
      const key = `${reference.name} ${reference.value.toPrecision(3)}`;
      joined.set(key, { ...reference, colour: joined.has(key) || runs.length === 1 ? null : colour });
    }
  }
  return [...joined.values()];
}

/** @type {Gathered} */
export const NOTHING = Object.freeze({ runs: [], common: [], references: [] });

/**
 * Everything of one chart.
 * @param {Scene} scene
 * @param {Source | null} source
 * @param {number[]} images over which the mean is taken
 * @returns {Gathered} points as `spread` gives them
 */
export function gather(scene, source, images) {
  if (source === null) return NOTHING;
  const names = shortNames(scene.shown);
  const runs = scene.datas.map((data, i) => ({ name: names[i], ...gatherRun(scene, source, data, images) }));
  const common = (source.lines ?? []).flatMap((each) => (each.common ? [{ ...each, points: spread(images.map(each.common)) }] : []));
  return { runs, common, references: joinReferences(runs) };
}
