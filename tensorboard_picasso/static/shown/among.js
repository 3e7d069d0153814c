// Which of the images that were edited are counted: those of the true class and of the group that the View menu lists.

import { sampleClass } from "./sample.js";

/** @import { AskedImage } from "../log/answers.js" */
/** @import { Edits } from "../log/edits.js" */
/** @import { Counted } from "./edittable.js" */
/** @import { Needs } from "./given.js" */

/**
 * Some of the images, and what they are known by; `place`: of an image among all.
 * @typedef {{key: string, has: (image: AskedImage, place: number) => boolean}} Among
 */

/**
 * Those of a true class alone.
 * @param {number} ofClass
 * @returns {Among}
 */
export function ofClassAlone(ofClass) {
  return { key: `class ${ofClass}`, has: ({ truths }) => truths[0] === ofClass };
}

/**
 * Those of a group that was given alone.
 * @param {string} group
 * @returns {Among}
 */
export function ofGroupAlone(group) {
  return { key: `group ${group}`, has: (image) => image.group === group };
}

/**
 * Those of a group that the scores made, which are scores of the probe on show: of another sample nothing is known.
 * @param {Needs<"scene">} given
 * @param {string} group
 * @returns {Among | null}
 */
function ofMadeGroup({ scene }, group) {
  if (scene.sample !== scene.probe) return null;
  const images = new Set(scene.every.filter((image) => scene.grouping.has(group, image)));
  return { key: `made ${group} ${[...images].join()}`, has: (_, place) => images.has(place) };
}

/**
 * Those that are counted; null: all.
 * @param {Needs<"scene" | "state">} given
 * @returns {Among | null}
 */
export function amongOf(given) {
  const { ofClass, ofGroup } = given.state;
  const made = given.scene.grouping.isMade(ofGroup);
  const group = ofGroup === null ? null : made ? ofMadeGroup(given, ofGroup) : ofGroupAlone(ofGroup);
  const parts = [ofClass === null ? null : ofClassAlone(ofClass), group].filter((each) => each !== null);
  if (parts.length < 2) return parts[0] ?? null;
  return { key: parts.map(({ key }) => key).join("\n"), has: (image, place) => parts.every((each) => each.has(image, place)) };
}

/**
 * The same for a table, with what they are called.
 * @param {Needs<"scene" | "state" | "store">} given
 * @param {string} run
 * @returns {Counted}
 */
export function countedOf(given, run) {
  const { ofClass, ofGroup } = given.state;
  const names = { class: ofClass === null ? "" : sampleClass(given, run, ofClass), group: counted(given, ofGroup) ? ofGroup : "" };
  return { among: amongOf(given), names };
}

/**
 * The same as a sentence's end: "true class “cat” and group “B”"; "" where all are counted.
 * @param {Needs<"scene" | "state" | "store">} given
 * @param {string} run
 * @param {Edits} edits
 */
export function amongText(given, run, { asked: { labelled } }) {
  const { ofClass, ofGroup } = given.state;
  return [
    ofClass === null ? "" : `${labelled ? "true class" : "first predicted class"} “${sampleClass(given, run, ofClass)}”`,
    counted(given, ofGroup) ? `group “${ofGroup}”` : "",
  ].filter(Boolean).join(" and ");
}

/**
 * Whether it is known of the sample which of its images belong to a group.
 * @param {Needs<"scene">} given
 * @param {string | null} group
 * @returns {group is string}
 */
function counted({ scene }, group) {
  return group !== null && (!scene.grouping.isMade(group) || scene.sample === scene.probe);
}

/**
 * Why the group that is listed is not heeded; "" where it is.
 * @param {Needs<"scene" | "state">} given
 */
export function whyAllGroups({ scene, state: { ofGroup } }) {
  return ofGroup === null || counted({ scene }, ofGroup) ? "" : `“${ofGroup}” is made of the scores of “${scene.probe}”, which are none of “${scene.sample}”: all groups are counted.`;
}
