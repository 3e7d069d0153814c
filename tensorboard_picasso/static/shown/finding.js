// Which images are listed, and in which order.

import { finite } from "../kit/lists.js";
import { flipsOf } from "../numbers/flips.js";
import { hidingLoss, hidings, movesOf } from "../numbers/hidden.js";
import { partOf } from "../numbers/reading.js";

/** @import { Attribution } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Hiding } from "../numbers/hidden.js" */
/** @import { Choices, Settings } from "../types.js" */
/** @import { Scene } from "./scene.js" */

/**
 * A filter as a test; null where it is no regular expression.
 * @param {string} filter
 * @returns {((name: string) => boolean) | null}
 */
export function filterTest(filter) {
  try {
    const expression = new RegExp(filter, "i");
    return (name) => expression.test(name);
  } catch {
    return null;
  }
}

export const SORTS = ["flips", "number", "group", "score", "sure", "change"];
/** A region's share is sorted by under this prefix and the region's name. */
export const SHARE = "share ";

/** A drawn region's share likewise. */
export const DRAWN = "drawn ";

const HIDING = "hidden:";

/**
 * What sorting by how much hiding a region takes is called.
 * @param {Hiding} hiding
 */
export function hidingSort({ region, fill }) {
  return `${HIDING}${region}:${fill}`;
}

const MOVES = "moves:";

/**
 * What sorting by how far hiding a region moves the whole answer is called.
 * @param {Hiding} hiding
 */
export function movesSort({ region, fill }) {
  return `${MOVES}${region}:${fill}`;
}

/**
 * The order that is meant: groups are known where there are some, the change of a method's maps where they are grids,
 * the share of a drawn region while there is one.
 * @param {string} sort
 * @param {Settings | null} settings
 * @param {string[]} drawn names
 * @param {boolean} grouped whether there are groups
 */
export function fittingSort(sort, settings, drawn, grouped) {
  const known = SORTS.includes(sort) || [SHARE, DRAWN, HIDING, MOVES].some((each) => sort.startsWith(each));
  if (!known) return SORTS[0];
  if (sort.startsWith(DRAWN) && !drawn.includes(sort.slice(DRAWN.length))) return SORTS[0];
  if (sort === "group" && !grouped) return SORTS[0];
  return sort === "change" && settings && !settings.geometry ? SORTS[0] : sort;
}

/**
 * Whether an order is that of the maps of the method on show.
 * @param {string} sort
 */
export function sortsByMaps(sort) {
  return sort === "change" || sort.startsWith(SHARE) || sort.startsWith(DRAWN);
}

/**
 * Whether an order is that of the class on show.
 * @param {string} sort
 */
export function sortsByTarget(sort) {
  return sortsByMaps(sort) || sort.startsWith(HIDING);
}

/**
 * How often an image's predicted class changes, over all runs.
 * @param {Scene} scene
 * @param {number} image
 */
function flips(scene, image) {
  return scene.datas.reduce((sum, data) => sum + flipsOf(data.scores.get(image)?.records ?? []).length, 0);
}

/**
 * Mean over the shown runs of what `read` gives, without what is no number.
 * @param {Scene} scene
 * @param {(data: RunData) => number | null | undefined} read
 */
function mean(scene, read) {
  const values = finite(scene.datas.map(read));
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : NaN;
}

/** @param {Scene} scene @param {number} image */
function score(scene, image) {
  return mean(scene, (data) => data.scores.get(image)?.records.at(-1)?.score(scene.truths(image, data)));
}

/** @param {Scene} scene @param {number} image */
function sureness(scene, image) {
  return mean(scene, (data) => {
    const record = data.scores.get(image)?.records.at(-1);
    return record && record.predicted !== null ? record.score(record.predicted) : NaN;
  });
}

/**
 * Mean of |difference| between the log-odds of the first and the newest grid.
 * @param {Scene} scene
 * @param {number} image
 */
function change(scene, image) {
  return mean(scene, (data) => {
    const target = scene.target(image, data);
    const records = data.attributions(scene.label, image)?.records ?? [];
    const [first, last] = [records[0], records.at(-1)];
    const [before, after] = [first?.column(target), last?.column(target)];
    if (!first || !last || !before || before.length !== after?.length) return NaN;
    if (first.settings.geometry?.segments?.key !== last.settings.geometry?.segments?.key) return NaN;
    /** @type {(value: number, record: Attribution) => number} */
    const moved = (value, record) => record.wholeOf(target) - value;
    return before.reduce((sum, value, i) => sum + Math.abs(moved(after[i], last) - moved(value, first)), 0) / before.length;
  });
}

/** @param {Scene} scene @param {number} image @param {string} name */
function share(scene, image, name) {
  return mean(scene, (data) => {
    const record = data.attributions(scene.label, image)?.records.at(-1);
    const logged = record?.statistics(scene.target(image, data))?.shares.find((each) => each.name === name);
    return record && logged?.[partOf(record.settings)];
  });
}

/** @param {Scene} scene @param {number} image @param {Hiding} hiding */
function loss(scene, image, hiding) {
  return mean(scene, (data) => {
    const record = data.scores.get(image)?.records.at(-1);
    return record && (hidingLoss(record, scene.target(image, data), hiding) ?? NaN);
  });
}

/** @param {Scene} scene @param {number} image @param {Hiding} hiding */
function moves(scene, image, hiding) {
  return mean(scene, (data) => {
    const record = data.scores.get(image)?.records.at(-1);
    return record && (movesOf(record, hiding) ?? NaN);
  });
}

/**
 * The place of an image's group among all, of several the first; NaN where it is in none.
 * @param {Scene} scene
 * @param {number} image
 */
function groupPlace(scene, image) {
  const place = scene.grouping.names.findIndex((name) => scene.grouping.has(name, image));
  return place < 0 ? NaN : place;
}

/**
 * How many of the maps that an order takes are counted; null where none has to be.
 * @param {Scene} scene
 * @param {number[]} images
 * @param {string} sort
 */
export function counting(scene, images, sort) {
  if (!sort.startsWith(DRAWN)) return null;
  const name = sort.slice(DRAWN.length);
  const shares = images.flatMap((image) => scene.datas.map((data) => scene.drawnShare(data, image, name)));
  return { done: shares.filter((each) => each !== undefined).length, all: shares.length };
}

/**
 * Images in the order that is asked for; those without a number last, and by number where equal.
 * @param {Scene} scene
 * @param {number[]} images
 * @param {string} sort
 */
export function sorted(scene, images, sort) {
  // No object: the address may ask for any word, such as one that every object has.
  /** @type {Map<string, (image: number) => number>} */
  const keys = new Map([
    ["flips", (image) => -flips(scene, image)],
    ["number", (image) => image],
    ["group", (image) => groupPlace(scene, image)],
    ["score", (image) => score(scene, image)],
    ["sure", (image) => sureness(scene, image)],
    ["change", (image) => -change(scene, image)],
  ]);
  if (sort.startsWith(SHARE)) keys.set(sort, (image) => -share(scene, image, sort.slice(SHARE.length)));
  if (sort.startsWith(DRAWN)) keys.set(sort, (image) => -mean(scene, (data) => scene.drawnShare(data, image, sort.slice(DRAWN.length))));
  const hiding = hidings(scene).find((each) => hidingSort(each) === sort);
  if (hiding) keys.set(sort, (image) => -loss(scene, image, hiding));
  const moving = hidings(scene).find((each) => movesSort(each) === sort);
  if (moving) keys.set(sort, (image) => -moves(scene, image, moving));
  const key = keys.get(sort) ?? ((image) => -flips(scene, image));
  const keyed = new Map(images.map((image) => [image, key(image)]));
  /** @type {(image: number) => number} */
  const place = (image) => {
    const at = keyed.get(image) ?? NaN;
    return Number.isNaN(at) ? Infinity : at;
  };
  return [...images].sort((a, b) => (place(a) === place(b) ? 0 : place(a) - place(b)) || a - b);
}

/**
 * What an image is taken for at this step, by the runs on show.
 * @param {Scene} scene
 * @param {number} image
 */
export function predictionsOf(scene, image) {
  const predictions = scene.datas.map((data) => data.scores.get(image)?.steps.get(data.at(scene.step))?.predicted ?? null);
  return [...new Set(predictions.filter((each) => each !== null))];
}

/**
 * Whether an image is listed: its tag, name or example fits, its class, its group, and the prediction at this step.
 * @param {Scene} scene
 * @param {Choices} state
 * @param {number} image
 */
export function isListed(scene, state, image) {
  const test = filterTest(state.find) ?? (() => true);
  const tag = `${scene.probe}/${String(image).padStart(2, "0")}`;
  const examples = scene.datas.map((data) => scene.exampleName(image, data)).filter(Boolean);
  if (![tag, scene.imageName(image), ...examples].some(test)) return false;
  if (state.ofClass !== null && !scene.truths(image).includes(state.ofClass)) return false;
  if (state.ofGroup !== null && !scene.grouping.has(state.ofGroup, image)) return false;
  if (state.asClass !== null && !predictionsOf(scene, image).includes(state.asClass)) return false;
  if (state.verdict === "all") return true;
  const right = scene.datas.flatMap((data) => {
    const record = data.scores.get(image)?.steps.get(data.at(scene.step));
    const right = scene.labelsOf(image, data) === null || !record ? null : (scene.isRight(image, data, record) ?? false);
    return right === null ? [] : [right];
  });
  // With several runs: an image that any of them has wrong is one to look at.
  return right.length > 0 && right.every(Boolean) === (state.verdict === "right");
}
