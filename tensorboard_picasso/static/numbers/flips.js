// Where predictions flip: an image's predicted class is not that of the record before.

import { plural } from "../kit/format.js";

/** @import { Answer, Series, Step } from "../types.js" */

const NAMED = 3; // flips told one by one

/** @typedef {{step: Step, before: number[], after: number[]}} Flip the classes predicted */

/** @typedef {{image: number, before: number[], after: number[]}} FlipOf */

/** @typedef {{flips: FlipOf[], images: number}} Flips at a step, and how many images have a record there */

/**
 * An image's flips, in the order of its records. Scores that are no numbers predict nothing.
 * @param {Iterable<Pick<Answer, "step" | "prediction">>} records
 * @returns {Flip[]}
 */
export function flipsOf(records) {
  /** @type {Flip[]} */
  const flips = [];
  /** @type {number[] | null} */
  let before = null;
  for (const { step, prediction } of records) {
    if (prediction === null) continue;
    if (before !== null && String(prediction) !== String(before)) flips.push({ step, before, after: prediction });
    before = prediction;
  }
  return flips;
}

/**
 * A run's flips at each step on show.
 * @param {{steps: Step[]}} scene
 * @param {{scores: Map<number, Series<Answer>>}} data
 * @param {number[]} images
 * @returns {Flips[]}
 */
export function flipsOver(scene, data, images) {
  const all = new Map(scene.steps.map((step) => [step, /** @type {Flips} */ ({ flips: [], images: 0 })]));
  for (const image of [...images].sort((a, b) => a - b)) {
    const records = data.scores.get(image)?.records ?? [];
    for (const { step } of records) {
      const at = all.get(step);
      if (at) at.images++;
    }
    for (const { step, before, after } of flipsOf(records)) all.get(step)?.flips.push({ image, before, after });
  }
  return [...all.values()];
}

/**
 * One run's flips at a step: the first few, and how many more; "" where there are none.
 * @template Data
 * @param {{className: (image: number, index: number, data: Data) => string, imageName: (image: number) => string}} scene
 * @param {Data} data
 * @param {{flips: FlipOf[]}} at
 */
export function flipWords(scene, data, { flips }) {
  if (!flips.length) return "";
  /** @type {(image: number, classes: number[]) => string} */
  const names = (image, classes) => classes.map((each) => scene.className(image, each, data)).join(" + ") || "none";
  /** @type {(flip: FlipOf) => string} */
  const change = ({ image, before, after }) => `from ${names(image, before)} to ${names(image, after)}`;
  if (flips.length === 1) return `the prediction of ${scene.imageName(flips[0].image)} flips ${change(flips[0])}`;
  const told = flips.slice(0, NAMED).map((flip) => `${scene.imageName(flip.image)} ${change(flip)}`);
  const more = flips.length > NAMED ? ` and ${flips.length - NAMED} more` : "";
  return `${plural(flips.length, "prediction")} flip: ${told.join(", ")}${more}`;
}
