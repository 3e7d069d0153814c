// What can be charted over training: for each run and image a number at each step on show.

import { changeSources } from "./changesources.js";
import { count } from "../kit/format.js";
import { changedBy, hiddenScore, hidingName, hidings, movesOf } from "../numbers/hidden.js";
import { LEAST } from "../numbers/parting.js";
import { partOf } from "../numbers/reading.js";
import { drawnSources } from "./regionsources.js";
import { scalarSources } from "./scalarsources.js";
import { PREDICTED } from "../shown/state.js";

/**
 * What can be charted. Functions take a run's data and an image, and answer for `scene.steps`
 * as they are when called.
 * @typedef {object} Source
 * @property {string} id stays the same over reloads: links hold it
 * @property {string} title what it is, without the image that it is of
 * @property {string} group of the list in which it stands
 * @property {string} unit "" where the range says it all
 * @property {"probability"|"share"|"correlation"|"free"} range what the numbers may be
 * @property {(data: object, image: number) => (number|null)[]} values one a step: null where
 *   nothing was logged or is known yet, NaN where there is no such number
 * @property {"line"|"dashed"} [style] how it is drawn, by default a solid line
 * @property {boolean} [ofRun] the numbers are the run's, whichever image
 * @property {boolean} [flips] changes of the prediction are marked under it
 * @property {boolean} [yesOrNo] a number is 0 or 1: over images there is a share, and no band
 * @property {{lead: string, hiding: import("../numbers/hidden.js").Hiding, asked: object|null}|null} [hiding] of what
 *   hiding it does is said, and from which step on is marked; `asked` as in effect.js
 * @property {string[]} [labels] methods whose records it reads: they are loaded while it is charted
 * @property {boolean} [maps] it reads their maps of all steps too
 * @property {Line[]} [lines] what is drawn beside it
 * @property {(data: object, image: number) => {name: string, value: number}[]} [references]
 *   numbers to compare with, the same at all steps
 * @property {(data: object, images: number[], place: number) => string} [detail] what a single
 *   number stands for, in words
 * @property {(images: number[]) => string} [note] what must be known of the chart, in words
 * @property {() => string} [pending] what is still on its way, "" where nothing is
 *
 * @typedef {object} Line
 * @property {string} name
 * @property {string} [short] its name in a readout, where it is read out
 * @property {"line"|"dashed"|"thin"|"floor"} style "floor": dots, joined
 * @property {boolean} [common] one line for all runs: `data` is ignored
 * @property {(data: object, image: number) => (number|null)[]} values as a source's
 */

/** The source that is charted at first. */
export const FIRST = "truth";
const MANY_CLASSES = 20;
const NO_MOVES = "plain values predict nothing that could change";

/** One number a step from the records of a series; null where there is none. */
export function overSteps(scene, series, read) {
  return scene.steps.map((step) => {
    const record = series?.steps.get(step);
    return record ? read(record) : null;
  });
}

function scoreOf(scene, classOf) {
  return (data, image) => overSteps(scene, data.scores.get(image), (record) => record.score(classOf(image, data)));
}

function hiddenOver(scene, classOf, hiding) {
  return (data, image) => overSteps(scene, data.scores.get(image), (record) => hiddenScore(record, classOf(image, data), hiding));
}

/** What hiding a region does; nothing of plain values, of which no difference is large or small. */
function hidingOf(scene, hiding, { asked, dashed = false, others = [] }) {
  if (scene.raw) return null;
  const fills = others.filter(({ region }) => region === hiding.region).map(({ fill }) => fill);
  const name = fills.length ? `${hiding.region} (${hiding.fill}; in the list: ${fills.join(", ")})` : hidingName(hiding);
  return { lead: `${dashed ? "dashed: " : ""}${name} hidden`, hiding, asked };
}

/** The class that a sentence is about beside the predicted one; null where no other is meant. */
function askedTruth(scene) {
  return scene.someLabelled ? { name: scene.truthName, of: (image, data) => scene.truths(image, data) } : null;
}

/** The same of the class chosen for the maps. */
function askedTarget(scene) {
  const { choice } = scene;
  if (choice === PREDICTED) return askedTruth(scene);
  return choice === null ? askedTruth(scene) : { name: scene.choiceName(choice), of: () => choice };
}

/** Classes to choose from: all where they are few, else those that were explained or are true. */
function classesOf(scene) {
  const [series] = scene.datas.flatMap((data) => [...data.scores.values()]);
  const newest = series?.records.at(-1);
  const count = newest?.binary ? 2 : (newest?.class_count ?? 0);
  if (count <= MANY_CLASSES) return Array.from({ length: count }, (_, each) => each);
  return [...new Set([...scene.targets, ...scene.every.flatMap((image) => scene.truths(image))])].sort((a, b) => a - b);
}

function scoreSources(scene) {
  const truth = (image, data) => scene.truths(image, data);
  const what = scene.measure;
  const shape = { group: "class scores", unit: "", range: scene.raw ? "free" : "probability" };
  const [first, ...others] = hidings(scene);
  const beside = first && { name: `${first.region} hidden (${first.fill})`, short: "hidden", style: "dashed", values: hiddenOver(scene, truth, first) };
  const sources = [{
    ...shape, id: FIRST, title: `${what} of ${scene.truthName}`,
    values: scoreOf(scene, truth), flips: true, lines: beside ? [beside] : [],
    hiding: first ? hidingOf(scene, first, { asked: askedTruth(scene), dashed: true, others }) : null,
    note: () => (beside && scene.raw ? `dashed: ${beside.name}; ${NO_MOVES}` : ""),
  }];
  if (!scene.raw) sources.push(predictedSource(scene, shape, first, others));
  for (const each of classesOf(scene)) {
    sources.push({ ...shape, id: `class:${each}`, title: `${what} of “${scene.nameOfClass(each)}”`, values: scoreOf(scene, () => each) });
  }
  return sources;
}

/** How sure the model is of what it predicts, at each step anew; dashed: that class with a region hidden. */
function predictedSource(scene, shape, first, others) {
  const over = (read) => (data, image) => overSteps(scene, data.scores.get(image), (record) => (record.predicted === null ? NaN : read(record)));
  const beside = first && {
    name: `${hidingName(first)} hidden`, short: "hidden", style: "dashed",
    values: over((record) => hiddenScore(record, record.predicted, first)),
  };
  return {
    ...shape, id: "predicted", title: `${scene.measure} of the predicted class`,
    values: over((record) => record.score(record.predicted)), flips: true, lines: beside ? [beside] : [],
    hiding: first ? hidingOf(scene, first, { asked: askedTruth(scene), dashed: true, others }) : null,
  };
}

/** The direct test: the target's score with a region hidden, beside the whole image's. */
function hiddenSources(scene) {
  const target = (image, data) => scene.target(image, data);
  const what = scene.measure;
  return hidings(scene).map((each) => ({
    id: `hidden:${each.region}:${each.fill}`, title: `${what} with ${each.region} hidden (${each.fill})`,
    group: "regions", unit: "", range: scene.raw ? "free" : "probability",
    values: hiddenOver(scene, target, each), style: "dashed", hiding: hidingOf(scene, each, { asked: askedTarget(scene), dashed: true }),
    lines: [{ name: "whole", short: "whole", style: "line", values: scoreOf(scene, target) }],
    note: () => (scene.raw ? `dashed, beside the whole image; ${NO_MOVES}` : ""),
  }));
}

/** What hiding does to the predictions and to the whole answer: measures that cannot cancel. */
function effectSources(scene) {
  if (scene.raw) return [];
  return hidings(scene).flatMap((each) => {
    const hiding = hidingOf(scene, each, { asked: askedTarget(scene) });
    const over = (read) => (data, image) => overSteps(scene, data.scores.get(image), (record) => read(record, each));
    const atFirst = (read) => (data, image) => {
      const first = data.scores.get(image)?.records.find((record) => read(record, each) !== null);
      return first ? [{ name: `first step (${count(first.step)})`, value: read(first, each) }] : [];
    };
    const shape = { group: "regions", unit: "", range: "share", hiding };
    return [
      {
        ...shape, id: `changed:${each.region}:${each.fill}`, title: `predictions changed by hiding ${hidingName(each)}`,
        values: over(changedBy), yesOrNo: true, references: atFirst(changedBy),
      },
      {
        ...shape, id: `moves:${each.region}:${each.fill}`, title: `moves of the answer by hiding ${hidingName(each)}`,
        values: over(movesOf), references: (data, image) => [...atFirst(movesOf)(data, image), { name: "counts from", value: LEAST }],
      },
    ];
  });
}

/** A region's share of one map; null where the class has none. */
function shareOf(record, target, name) {
  return record.statistics(target)?.shares.find((each) => each.name === name)?.[partOf(record.settings)] ?? null;
}

/** A region's share of a method's maps, with what it is to be compared with. */
function shareSources(scene) {
  const regions = new Set(scene.every.flatMap((image) => (scene.input(image)?.regions ?? []).map(({ name }) => name)));
  return [...regions].flatMap((name) => scene.methods.map(({ label }) => ({
    id: `share:${name}:${label}`, title: `share of ${name} in ${label}`,
    group: "regions", unit: "", range: "share", labels: [label],
    values: (data, image) => overSteps(scene, data.attributions(label, image), (record) => shareOf(record, scene.target(image, data), name)),
    references: (data, image) => {
      const records = data.attributions(label, image)?.records ?? [];
      if (!records.length) return [];
      const about = records.at(-1).settings.regions.find((each) => each.name === name);
      return [
        { name: "area", value: about?.area ?? NaN },
        { name: `first step (${count(records[0].step)})`, value: shareOf(records[0], scene.target(image, data), name) ?? NaN },
        { name: "only this used", value: about?.ceiling ?? NaN },
      ].filter(({ value }) => Number.isFinite(value));
    },
  })));
}

/**
 * All that can be charted now.
 * @param {{scene: object, state: object, store: object, changes: object, scalars: object, shares: object}} app
 * @returns {Source[]} by group
 */
export function listSources(app) {
  const { scene } = app;
  return [...scoreSources(scene), ...hiddenSources(scene), ...effectSources(scene), ...shareSources(scene), ...drawnSources(app), ...changeSources(app), ...scalarSources(app)];
}
