// What can be charted over training: for each run and image a number at each step on show.

import { changeSources } from "./changesources.js";
import { count } from "../kit/format.js";
import { changedBy, hiddenScore, hidingName, hidings, movesOf } from "../numbers/hidden.js";
import { ordered } from "../kit/lists.js";
import { overSteps } from "../shown/gather.js";
import { editSources } from "./editsources.js";
import { groupSources } from "./groupsources.js";
import { loggedSources } from "./loggedsources.js";
import { drawnSources } from "./regionsources.js";
import { scalarSources } from "./scalarsources.js";
import { PREDICTED } from "../shown/state.js";

/** @import { Scores } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Asked } from "../numbers/effect.js" */
/** @import { Hiding } from "../numbers/hidden.js" */
/** @import { Hides, Line, Source, Values } from "../shown/gather.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Scene } from "../shown/scene.js" */

/**
 * What there is to chart is made of.
 * @typedef {"scene" | "state" | "store" | "changes" | "scalars" | "shares"} Listed
 *
 * @typedef {(image: number, data: RunData) => number | number[]} ClassOf
 *
 * What hiding does to an answer.
 * @typedef {(record: Scores, hiding: Hiding) => number | null} Read
 */

/** The source that is charted at first. */
export const FIRST = "truth";
const MANY_CLASSES = 20;
const NO_MOVES = "plain values predict nothing that could change";

/** @param {Scene} scene @param {ClassOf} classOf @returns {Values} */
function scoreOf(scene, classOf) {
  return (data, image) => overSteps(scene, data.scores.get(image), (record) => record.score(classOf(image, data)));
}

/** @param {Scene} scene @param {ClassOf} classOf @param {Hiding} hiding @returns {Values} */
function hiddenOver(scene, classOf, hiding) {
  return (data, image) => overSteps(scene, data.scores.get(image), (record) => hiddenScore(record, classOf(image, data), hiding));
}

/**
 * What hiding a region does; nothing of plain values, of which no difference is large or small.
 * @param {Scene} scene
 * @param {Hiding} hiding
 * @param {{asked: Asked<RunData> | null, dashed?: boolean, others?: Hiding[]}} about
 * @returns {Hides | null}
 */
function hidingOf(scene, hiding, { asked, dashed = false, others = [] }) {
  if (scene.raw) return null;
  const fills = others.filter(({ region }) => region === hiding.region).map(({ fill }) => fill);
  const name = fills.length ? `${hiding.region} (${hiding.fill}; in the list: ${fills.join(", ")})` : hidingName(hiding);
  return { lead: `${dashed ? "dashed: " : ""}${name} hidden`, hiding, asked };
}

/**
 * The class that a sentence is about beside the predicted one; null where no other is meant.
 * @param {Scene} scene
 * @returns {Asked<RunData> | null}
 */
function askedTruth(scene) {
  return scene.someLabelled ? { name: scene.truthName, of: (image, data) => scene.truths(image, data) } : null;
}

/**
 * The same of the class chosen for the maps.
 * @param {Scene} scene
 * @returns {Asked<RunData> | null}
 */
function askedTarget(scene) {
  const { choice } = scene;
  if (choice === PREDICTED) return askedTruth(scene);
  return choice === null ? askedTruth(scene) : { name: scene.choiceName(choice), of: () => choice };
}

/**
 * Classes to choose from: all where they are few, else those that were explained or are true.
 * @param {Scene} scene
 */
function classesOf(scene) {
  const [series] = scene.datas.flatMap((data) => [...data.scores.values()]);
  const newest = series?.records.at(-1);
  const count = newest?.binary ? 2 : (newest?.class_count ?? 0);
  if (count <= MANY_CLASSES) return Array.from({ length: count }, (_, each) => each);
  return ordered([...scene.targets, ...scene.every.flatMap((image) => scene.truths(image))]);
}

/** @param {Scene} scene */
function scoreSources(scene) {
  /** @type {ClassOf} */
  const truth = (image, data) => scene.truths(image, data);
  const what = scene.measure;
  /** @type {Pick<Source, "group" | "unit" | "range">} */
  const shape = { group: "class scores", unit: "", range: scene.raw ? "free" : "probability" };
  const [first, ...others] = hidings(scene);
  /** @type {Line | undefined} */
  const beside = first && { name: `${first.region} hidden (${first.fill})`, short: "hidden", style: "dashed", values: hiddenOver(scene, truth, first) };
  /** @type {Source[]} */
  const sources = [{
    ...shape, id: FIRST, title: `${what} of ${scene.truthName}`,
    values: scoreOf(scene, truth), flips: true, lines: beside ? [beside] : [],
    hiding: first ? hidingOf(scene, first, { asked: askedTruth(scene), dashed: true, others }) : null,
    note: () => (beside && scene.raw ? `dashed: ${beside.name}; ${NO_MOVES}` : ""),
  }];
  if (!scene.raw) sources.push(predictedSource(scene, shape, first, others));
  for (const index of classesOf(scene)) {
    sources.push({ ...shape, id: `class:${index}`, title: `${what} of “${scene.nameOfClass(index)}”`, values: scoreOf(scene, () => index) });
  }
  return sources;
}

/**
 * How sure the model is of what it predicts, at each step anew; dashed: that class with a region hidden.
 * @param {Scene} scene
 * @param {Pick<Source, "group" | "unit" | "range">} shape
 * @param {Hiding | undefined} first
 * @param {Hiding[]} others
 * @returns {Source}
 */
function predictedSource(scene, shape, first, others) {
  /** @type {(read: (record: Scores, predicted: number) => number | null) => Values} */
  const over = (read) => (data, image) => overSteps(scene, data.scores.get(image), (record) => (record.predicted === null ? NaN : read(record, record.predicted)));
  /** @type {Line | undefined} */
  const beside = first && {
    name: `${hidingName(first)} hidden`, short: "hidden", style: "dashed",
    values: over((record, predicted) => hiddenScore(record, predicted, first)),
  };
  return {
    ...shape, id: "predicted", title: `${scene.measure} of the predicted class`,
    values: over((record, predicted) => record.score(predicted)), flips: true, lines: beside ? [beside] : [],
    hiding: first ? hidingOf(scene, first, { asked: askedTruth(scene), dashed: true, others }) : null,
  };
}

/**
 * The direct test: the target's score with a region hidden, beside the whole image's.
 * @param {Scene} scene
 * @returns {Source[]}
 */
function hiddenSources(scene) {
  /** @type {ClassOf} */
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

/**
 * What hiding does to the predictions and to the whole answer: measures that cannot cancel.
 * @param {Scene} scene
 * @returns {Source[]}
 */
function effectSources(scene) {
  if (scene.raw) return [];
  return hidings(scene).flatMap((each) => {
    const hiding = hidingOf(scene, each, { asked: askedTarget(scene) });
    /** @type {(read: Read) => Values} */
    const over = (read) => (data, image) => overSteps(scene, data.scores.get(image), (record) => read(record, each));
    /** @type {(read: Read) => NonNullable<Source["references"]>} */
    const atFirst = (read) => (data, image) => {
      const first = data.scores.get(image)?.records.find((record) => read(record, each) !== null);
      return first ? [{ name: `first step (${count(first.step)})`, value: read(first, each) ?? NaN }] : [];
    };
    /** @type {Pick<Source, "group" | "unit" | "range" | "hiding">} */
    const shape = { group: "regions", unit: "", range: "share", hiding };
    return [
      {
        ...shape, id: `changed:${each.region}:${each.fill}`, title: `predictions changed by hiding ${hidingName(each)}`,
        values: over(changedBy), yesOrNo: true, references: atFirst(changedBy),
      },
      {
        ...shape, id: `moves:${each.region}:${each.fill}`, title: `moves of the answer by hiding ${hidingName(each)}`,
        values: over(movesOf), references: atFirst(movesOf),
      },
    ];
  });
}

/**
 * All that can be charted now.
 * @param {Needs<Listed>} given
 * @returns {Source[]} by group
 */
export function listSources(given) {
  const { scene } = given;
  const groups = groupSources(given);
  const [first, last] = scene.grouping.given.length ? [groups, []] : [[], groups];
  return [...scoreSources(scene), ...first, ...editSources(given), ...hiddenSources(scene), ...effectSources(scene), ...loggedSources(scene), ...drawnSources(given), ...changeSources(given), ...last, ...scalarSources(given)];
}
