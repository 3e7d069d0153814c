// What the model says with a region hidden: the direct test of it.

/** @import { Answer, Series } from "../types.js" */

/** @typedef {{region: string, fill: string}} Hiding a region, and what it was filled with */

/**
 * What was hidden in any record, each region with each fill.
 * @param {{datas: {scores: Map<number, Series<Answer>>}[]}} scene
 * @returns {Hiding[]}
 */
export function hidings(scene) {
  /** @type {Map<string, Hiding>} */
  const distinct = new Map();
  for (const data of scene.datas) {
    for (const { records } of data.scores.values()) {
      for (const { region, fill } of records.at(-1)?.hidden ?? []) distinct.set(JSON.stringify([region, fill]), { region, fill });
    }
  }
  return [...distinct.values()];
}

/** @param {Hiding} hiding */
export function hidingName({ region, fill }) {
  return `${region} (${fill})`;
}

/**
 * What a record says with a region hidden; null where that was not tried.
 * @param {Answer} record
 * @param {Hiding} hiding
 */
export function hiddenIn(record, { region, fill }) {
  return record.hidden.find((each) => each.region === region && each.fill === fill) ?? null;
}

/**
 * A class's score with a region hidden; null where that was not tried.
 * @param {Answer} record
 * @param {number | number[]} target
 * @param {Hiding} hiding
 */
export function hiddenScore(record, target, hiding) {
  // Of several true classes the mean, of none nothing.
  const hidden = Array.isArray(target) && !target.length ? null : hiddenIn(record, hiding);
  return hidden ? record.score(target, hidden.values) : null;
}

/**
 * What hiding takes from a class's score; null where that was not tried.
 * @param {Answer} record
 * @param {number | number[]} target
 * @param {Hiding} hiding
 */
export function hidingLoss(record, target, hiding) {
  const hidden = hiddenScore(record, target, hiding);
  return hidden === null ? null : record.score(target) - hidden;
}

/**
 * How far hiding moves the whole answer, 0 to 1; null where that was not tried or is not known.
 * @param {Answer} record
 * @param {Hiding} hiding
 */
export function movesOf(record, hiding) {
  return hiddenIn(record, hiding)?.moves ?? null;
}

/**
 * Whether hiding changes the prediction: 0 or 1; null as above.
 * @param {Answer} record
 * @param {Hiding} hiding
 */
export function changedBy(record, hiding) {
  const flips = hiddenIn(record, hiding)?.flips ?? null;
  return flips === null ? null : Number(flips);
}
