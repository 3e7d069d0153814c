// What a chart draws: a source's numbers for every run on show, over one image or many.

import { runColour } from "../kit/chart.js";
import { effect } from "../numbers/effect.js";
import { flipsOver } from "../numbers/flips.js";
import { spread } from "../numbers/spread.js";

/** What tells runs apart: their names without a last part that all of them share. */
function shortNames(runs) {
  const last = runs[0]?.slice(runs[0].lastIndexOf("/"));
  const shared = runs.length > 1 && last?.startsWith("/") && runs.every((run) => run.endsWith(last));
  return runs.map((run) => (shared ? run.slice(0, -last.length) : run));
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Numbers to compare with, each the mean over images. */
function meanReferences(source, data, images) {
  const all = source.references ? images.flatMap((image) => source.references(data, image)) : [];
  const names = [...new Set(all.map(({ name }) => name))];
  return names.map((name) => ({ name, value: mean(all.filter((each) => each.name === name).map(({ value }) => value)) }));
}

/** Half of the images lie between yes and no: that is no band. */
function unspread(point) {
  return { ...point, low: null, high: null };
}

function gatherRun(scene, source, data, all) {
  const images = all.filter((image) => data.scores.has(image));
  const over = (values) => spread((source.ofRun ? [null] : images).map((image) => values(data, image)));
  return {
    data, images, colour: runColour(scene.runs, data.run), points: source.yesOrNo ? over(source.values).map(unspread) : over(source.values),
    lines: (source.lines ?? []).filter(({ common }) => !common).map((each) => ({ ...each, points: over(each.values) })),
    flips: source.flips ? flipsOver(scene, data, images) : null,
    effect: source.hiding ? effect(scene, data, images, source.hiding.hiding, source.hiding.asked) : null,
    references: meanReferences(source, data, images),
  };
}

/** The references of all runs: one that is the same in several belongs to none. */
function joinReferences(runs) {
  const found = new Map();
  for (const { references, colour } of runs) {
    for (const each of references) {
      const key = `${each.name} ${each.value.toPrecision(3)}`;
      found.set(key, { ...each, colour: found.has(key) || runs.length === 1 ? null : colour });
    }
  }
  return [...found.values()];
}

export const NOTHING = Object.freeze({ runs: [], common: [], references: [] });

/**
 * Everything of one chart.
 * @param {object} scene
 * @param {object|null} source as in sources.js
 * @param {number[]} images over which the mean is taken
 * @returns {{runs: object[], common: object[], references: {name: string, value: number,
 *   colour: string|null}[]}} each run's and the common lines hold `points` as `spread` gives them
 */
export function gather(scene, source, images) {
  if (source === null) return NOTHING;
  const names = shortNames(scene.shown);
  const runs = scene.datas.map((data, i) => ({ name: names[i], ...gatherRun(scene, source, data, images) }));
  const common = (source.lines ?? []).filter((each) => each.common)
    .map((each) => ({ ...each, points: spread(images.map((image) => each.values(null, image))) }));
  return { runs, common, references: joinReferences(runs) };
}
