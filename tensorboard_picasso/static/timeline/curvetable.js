// The curves of a chart of the timeline as a table, one row a point.

import { plural } from "../kit/format.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Point } from "../numbers/spread.js" */
/** @import { Gathered, Source } from "../shown/gather.js" */
/** @import { Scene } from "../shown/scene.js" */
/** @import { Step } from "../types.js" */

/** @typedef {Step | string | null} Cell */

/** @param {Source} source */
function heads({ means }) {
  return ["run", "of", "curve", "step", "epoch", "wall_time", "value", ...(means ? ["low_95", "high_95"] : ["quarter", "three_quarters"]), "images"];
}

/**
 * What a curve is of, in words.
 * @param {Scene} scene
 * @param {Source} source
 * @param {number[]} images
 */
function ofText(scene, { ofRun, means }, images) {
  if (ofRun || means) return "the run";
  return images.length === 1 ? scene.imageName(images[0]) : `mean of ${plural(images.length, "image")}`;
}

/**
 * One curve; the quartiles only where they are drawn.
 * @param {Scene} scene
 * @param {RunData | null} data
 * @param {Point[]} points
 * @param {Cell[]} head
 * @param {boolean} spreads
 */
function pointsOf({ steps }, data, points, head, spreads) {
  return points.flatMap(({ mean, low, high, count }, place) => {
    if (mean === null) return [];
    const at = [steps[place], data?.epoch(steps[place]) ?? null, data?.wall(steps[place]) ?? null];
    return [[...head, ...at, mean, ...(spreads && count > 1 ? [low, high] : [null, null]), count]];
  });
}

/**
 * All that a chart draws.
 * @param {Scene} scene
 * @param {Source} source as in sources.js
 * @param {Gathered} gathered as `gather` gives it
 * @param {number[]} images over which the means are
 * @returns {Cell[][]} heads first; a reference, which is of no step, is one row
 */
export function curveTable(scene, source, { runs, common, references }, images) {
  const rows = runs.flatMap(({ data, images: own, points, lines }) => {
    const head = [data.run, ofText(scene, source, own)];
    return [
      ...pointsOf(scene, data, points, [...head, source.title], true),
      ...lines.flatMap((each) => pointsOf(scene, data, each.points, [...head, each.name], false)),
    ];
  });
  const all = ofText(scene, source, images);
  return [
    heads(source), ...rows,
    ...common.flatMap(({ name, points }) => pointsOf(scene, null, points, ["", all, name], false)),
    ...references.map(({ name, value }) => ["", all, name, null, null, null, value, null, null, null]),
  ];
}
