// How the groups of images fare, as sources of charts: a line each, beside all images.

import { LINES } from "../kit/chart.js";
import { plural } from "../kit/format.js";
import { overSteps } from "../shown/gather.js";

/** @import { Scores } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Drawn, Line, Source, Values } from "../shown/gather.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Scene } from "../shown/scene.js" */

const LISTED = 6; // groups: of more, how many images each has is not said

/**
 * @typedef {(record: Scores, image: number, data: RunData) => number | null} Read
 *
 * A group at a step.
 * @typedef {{name: string, value: number, count: number}} Fares
 */

/**
 * Accuracy, and how likely the truth is; none where no image has a label, or nothing is predicted.
 * @param {Needs<"scene">} given
 * @returns {Source[]}
 */
export function groupSources({ scene }) {
  if (scene.raw || !scene.someLabelled || !scene.grouping.names.length) return [];
  const truth = scene.multilabel ? "the true classes" : "the true class";
  return [
    groupSource(scene, { id: "groups:accuracy", title: "accuracy by group", yesOrNo: true }, (record, image, data) => {
      const right = scene.isRight(image, data, record);
      return right === null ? null : Number(right);
    }),
    groupSource(scene, { id: "groups:truth", title: `probability of ${truth} by group` }, (record, image, data) => {
      const labels = scene.labelsOf(image, data);
      return labels?.length ? record.score(labels) : null;
    }),
  ];
}

/**
 * @param {Scene} scene
 * @param {Pick<Source, "id" | "title" | "yesOrNo">} about
 * @param {Read} read
 * @returns {Source}
 */
function groupSource(scene, about, read) {
  /** @type {Values} */
  const values = (data, image) => overSteps(scene, data.scores.get(image), (record) => read(record, image, data));
  /** @type {(name: string) => Values} */
  const within = (name) => (data, image) => (scene.grouping.has(name, image, data) ? values(data, image) : scene.steps.map(() => null));
  return {
    ...about, group: "groups", unit: "", range: "probability", values, grouped: true,
    lines: scene.grouping.names.map((name, i) => /** @type {Line} */ ({ name, style: "thin", colour: LINES[i % LINES.length], values: within(name) })),
    note: (images) => noteOf(scene, images),
  };
}

/**
 * What each line is of.
 * @param {Scene} scene
 * @param {number[]} images
 */
function noteOf({ grouping }, images) {
  const { names } = grouping;
  const counts = names.map((name) => `${name} ${plural(images.filter((image) => grouping.has(name, image)).length, "image")}`);
  const groups = names.length > LISTED ? plural(names.length, "group") : counts.join(", ");
  const about = grouping.about();
  return [`thick: all images; thin: ${groups}`, about && `no groups were given: ${about}`].filter(Boolean).join(" · ");
}

/**
 * Which group fares worst at a place, and which best, in words; "" where none has a number.
 * @param {Pick<Drawn, "name" | "points">[]} lines of the groups
 * @param {number} place
 * @param {(value: number) => string} show
 */
export function worstText(lines, place, show) {
  /** @type {Fares[]} */
  const fare = lines.flatMap(({ name, points }) => {
    const { mean, count } = points[place] ?? { mean: null, count: 0 };
    return mean === null || Number.isNaN(mean) ? [] : [{ name, value: mean, count }];
  });
  const values = fare.map(({ value }) => value);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  /** @type {(value: number) => string} */
  const at = (value) => {
    const those = fare.filter((each) => each.value === value);
    const images = plural(those.reduce((sum, { count }) => sum + count, 0), "image");
    return `${those.map(({ name }) => name).join(", ")} ${show(value)} (${images})`;
  };
  if (!fare.length) return "";
  if (fare.length === 1) return at(least);
  return least === most ? "no group is worse than another" : `worst: ${at(least)} · best: ${at(most)}`;
}
