// What was said of each image of a probe in a run, whole and with one edit: more than rows need, so fetched for the
// edit that is looked at.

import { fetchEdit } from "./api.js";

/** @import { Step } from "../types.js" */
/** @import { EditAnswer } from "./answers.js" */
/** @import { Edits } from "./edits.js" */
/** @import { Pack } from "./pack.js" */

const KEPT = ["truth", "head", "donor"]; // of whose classes values are kept, in this order

/**
 * What was said of an image; classes are null, and values NaN, where there are none.
 * @typedef {object} Said
 * @property {number} head the class that is predicted of the whole image
 * @property {number | null} predicted that of the edited one; null: not asked
 * @property {(index: number) => {before: number, after: number} | null} of a class: log-odds, or raw values; null where they were not kept
 */

/** One edit at all steps. */
export class EditAnswers {
  /** @type {Map<Step, {heads: Float32Array, predicted: Float32Array, whole: Float32Array, edited: Float32Array}>} */
  #steps = new Map();
  #images;

  /** @param {Pack<EditAnswer>} pack @param {Edits} edits of the same run: records of other images are left out */
  constructor(pack, edits) {
    const { asked, records } = pack.header;
    this.#images = edits.asked.images;
    const known = this.#images.map(({ hash }) => hash).join();
    const count = this.#images.length;
    for (const { step, asked: of, heads, predicted, whole, edited } of records) {
      if (asked[of]?.images.map(({ hash }) => hash).join() !== known) continue;
      this.#steps.set(step, {
        heads: pack.array(heads, count), predicted: pack.array(predicted, count),
        whole: pack.array(whole, KEPT.length * count), edited: pack.array(edited, KEPT.length * count),
      });
    }
  }

  /**
   * @param {Step} step of a record
   * @param {number} image
   * @returns {Said | null} null where it was not logged
   */
  at(step, image) {
    const found = this.#steps.get(step);
    if (!found) return null;
    const { truths, donor_class } = this.#images[image];
    const head = found.heads[image];
    const predicted = found.predicted[image];
    const classes = [truths[0] ?? null, head, donor_class];
    return {
      head, predicted: Number.isNaN(predicted) ? null : predicted,
      of: (index) => {
        const place = classes.indexOf(index);
        const at = KEPT.length * image + place;
        return place < 0 ? null : { before: found.whole[at], after: found.edited[at] };
      },
    };
  }
}

/**
 * @param {string} run
 * @param {string} probe
 * @param {string} name of the edit
 * @param {Edits} edits of that run
 * @param {AbortSignal} signal
 */
export async function loadEdit(run, probe, name, edits, signal) {
  return new EditAnswers(await fetchEdit(run, probe, name, signal), edits);
}
