// Since when an edit surely moves answers more than the same edit elsewhere: the one rule by which
// the tab flags anything, for the edits' rows and for named regions.

import { count } from "../kit/format.js";
import { beyond, onset } from "../numbers/edits.js";
import { kept } from "../kit/lists.js";

/** @import { WireEdit } from "../log/answers.js" */
/** @import { Answered, Edits } from "../log/edits.js" */
/** @import { Step } from "../types.js" */
/** @import { Scene } from "./scene.js" */

/**
 * The step of the flag, and its range; null in it: at no step so far.
 * @typedef {{step: Step, early: Step | null, late: Step | null}} Since
 *
 * One edit of a region, with references: `since` null: it is not flagged.
 * @typedef {{name: string, form: string, since: Since | null}} Flag
 *
 * @typedef {{flags: Flag[], images: number, sample: string}} Flags of a region, and of what
 */

/** @type {WeakMap<Edits, Map<number, Since | null>>} */
const found = new WeakMap();

/**
 * By how much more an edit moves each answer than the same elsewhere; null where that was not asked.
 * @param {Edits} edits
 * @param {Answered} record
 * @param {number} place the edit's
 */
export function moreOf(edits, record, place) {
  const places = edits.references(edits.asked.edits[place]);
  return places.length ? beyond(record.moves(place), places.map((each) => record.moves(each))) : null;
}

/**
 * Since when an edit is flagged; null: it is not, or has no references.
 * @param {Edits} edits
 * @param {number} place
 * @returns {Since | null}
 */
export function sinceOf(edits, place) {
  return kept(kept(found, edits, () => new Map()), place, () => {
    const { asked, records } = edits;
    if (!edits.references(asked.edits[place]).length) return null;
    const compared = asked.edits.filter((edit) => edits.references(edit).length).length;
    const since = onset(records.map((record) => moreOf(edits, record, place) ?? []), compared);
    /** @type {(at: number | null) => Step | null} */
    const step = (at) => (at === null ? null : records[at].step);
    return since && { step: records[since.place].step, early: step(since.early), late: step(since.late) };
  });
}

/**
 * The range of a flag's step, in brackets; nothing where it is that step alone.
 * @param {Since} since
 */
export function rangeText({ early, late }) {
  if (early === late) return "";
  const [from, to] = [early, late].map((step) => (step === null ? "later" : count(step)));
  return ` (${from} to ${to})`;
}

/**
 * What is known of some edits of a run that have references; null where there are none.
 * @param {Scene} scene
 * @param {Edits | null} edits
 * @param {(edit: WireEdit) => boolean} test
 * @returns {Flags | null}
 */
function flagged({ sample }, edits, test) {
  if (!edits?.records.length || edits.asked.output === "raw" || sample === null) return null;
  const flags = edits.asked.edits.flatMap((edit, place) => {
    if (!test(edit) || !edits.references(edit).length) return [];
    return [{ name: edit.name, form: edit.form, since: sinceOf(edits, place) }];
  });
  return flags.length ? { flags, images: edits.asked.images.length, sample } : null;
}

/**
 * What is known of a region in a run; null where it was not compared with the same elsewhere.
 * @param {Scene} scene
 * @param {string} run
 * @param {string} region
 * @returns {Flags | "coming" | null}
 */
export function flagsOf(scene, run, region) {
  const edits = scene.edits(run);
  return edits === "coming" ? edits : flagged(scene, edits, (edit) => edit.region === region);
}

/**
 * What is known of one edit in a run; null where there is nothing to compare it with.
 * @param {Scene} scene
 * @param {string} run
 * @param {string} name
 */
export function flagsOfEdit(scene, run, name) {
  return flagged(scene, scene.loggedEdits(run), (edit) => edit.name === name);
}
