// Where predictions flip: an image's predicted class is not that of the record before.

import { plural } from "../kit/format.js";

const NAMED = 3; // flips told one by one

/**
 * An image's flips, in the order of its records. Scores that are no numbers predict nothing.
 * @returns {{step: number, before: number[], after: number[]}[]} the classes predicted
 */
export function flipsOf(records) {
  const found = [];
  let before = null;
  for (const { step, prediction } of records) {
    if (prediction === null) continue;
    if (before !== null && String(prediction) !== String(before)) found.push({ step, before, after: prediction });
    before = prediction;
  }
  return found;
}

/**
 * A run's flips at each step on show.
 * @returns {{flips: {image: number, before: number[], after: number[]}[], images: number}[]} with the
 *   number of images that have a record there
 */
export function flipsOver(scene, data, images) {
  const all = new Map(scene.steps.map((step) => [step, { flips: [], images: 0 }]));
  for (const image of [...images].sort((a, b) => a - b)) {
    const records = data.scores.get(image)?.records ?? [];
    for (const { step } of records) if (all.has(step)) all.get(step).images++;
    for (const { step, before, after } of flipsOf(records)) all.get(step)?.flips.push({ image, before, after });
  }
  return [...all.values()];
}

/** One run's flips at a step: the first few, and how many more; "" where there are none. */
export function flipWords(scene, data, { flips }) {
  if (!flips.length) return "";
  const names = (image, classes) => classes.map((each) => scene.className(image, each, data)).join(" + ") || "none";
  const change = ({ image, before, after }) => `from ${names(image, before)} to ${names(image, after)}`;
  if (flips.length === 1) return `the prediction of ${scene.imageName(flips[0].image)} flips ${change(flips[0])}`;
  const told = flips.slice(0, NAMED).map((flip) => `${scene.imageName(flip.image)} ${change(flip)}`);
  const more = flips.length > NAMED ? ` and ${flips.length - NAMED} more` : "";
  return `${plural(flips.length, "prediction")} flip: ${told.join(", ")}${more}`;
}
