// The edits of all runs that are here: loaded with some images as they make them, and in full of the one that is looked at.

import { fetchEdits, fetchExamples, fetchInputs } from "./api.js";
import { loadEdit } from "./editanswers.js";
import { Edits } from "./edits.js";
import { kept } from "../kit/lists.js";

/** @import { ExamplesAnswer } from "./answers.js" */
/** @import { EditAnswers } from "./editanswers.js" */
/** @import { Pack } from "./pack.js" */
/** @import { RunData } from "./rundata.js" */

/**
 * One of the images as its edits make it: PNGs, small.
 * @typedef {{image: number, hash: string, whole: Uint8Array<ArrayBuffer>, donor: Uint8Array<ArrayBuffer> | null, edited: Map<string, Uint8Array<ArrayBuffer>>}} Example
 */

/** @param {Pack<ExamplesAnswer>} pack @returns {Example[]} */
function examplesOf(pack) {
  return pack.header.images.map(({ image, hash, whole, donor, edited }) => ({
    image, hash, whole: pack.array(whole), donor: pack.array(donor),
    edited: new Map(edited.map(({ edit, png }) => [edit, pack.array(png)])),
  }));
}

/**
 * What it needs of the store.
 * @typedef {object} Stored
 * @property {() => AbortSignal} signal of what is shown now
 * @property {(run: string, probe: string) => boolean} lists whether a run has logged edits of a probe
 * @property {(run: string, probe: string) => RunData} data
 * @property {(what: string, retry: () => void, work: () => Promise<void>) => Promise<void>} track
 * @property {() => void} changed
 */

/** The edits of all runs that are here. */
export class AllEdits {
  #store;
  /** @type {Map<string, Edits>} */
  #held = new Map();
  /** @type {Map<string, {of: string, examples: Example[]}>} */
  #examples = new Map();
  /** @type {WeakMap<Edits, Map<string, EditAnswers>>} */
  #answers = new WeakMap();

  /** @param {Stored} store */
  constructor(store) {
    this.#store = store;
  }

  /**
   * Load the edits of a probe, where runs have logged some.
   * @param {string} probe
   * @param {string[]} runs
   * @param {{again: boolean, edit: string | null}} which again: also where they are here already; edit: the one that is
   *   looked at, of which all that was said is loaded, and which images they are
   */
  async show(probe, runs, { again, edit }) {
    const { signal, lists, track, changed } = this.#store;
    const now = signal();
    await Promise.all(runs.map(async (run) => {
      if (!lists(run, probe)) return;
      await track(`edits of run ${run}`, () => this.show(probe, [run], { again, edit }), async () => {
        if ((again || !this.of(run, probe)) && (await this.#load(run, probe, now))) changed();
        if (edit !== null && (await this.#loadOne(run, probe, edit, now))) changed();
      });
    }));
  }

  /**
   * Those of a probe in a run; null where none were logged, or none are here yet.
   * @param {string} run
   * @param {string | null} probe
   */
  of(run, probe) {
    return this.#held.get(`${run}\n${probe}`) ?? null;
  }

  /**
   * Some of the images as the edits make them; none where none can be drawn.
   * @param {string} run
   * @param {string | null} probe
   */
  examples(run, probe) {
    return this.#examples.get(`${run}\n${probe}`)?.examples ?? [];
  }

  /**
   * Fetch them; whether they came.
   * @param {string} run
   * @param {string} probe
   * @param {AbortSignal} signal
   */
  async #load(run, probe, signal) {
    const key = `${run}\n${probe}`;
    const edits = new Edits(await fetchEdits(run, probe, signal));
    const of = JSON.stringify(edits.asked);
    const known = this.#examples.get(key);
    const examples = known?.of === of ? known.examples : examplesOf(await fetchExamples(run, probe, signal));
    if (signal.aborted) return false;
    this.#held.set(key, edits);
    this.#examples.set(key, { of, examples });
    return true;
  }

  /**
   * All that was said with one edit; null where it is not here.
   * @param {Edits} edits
   * @param {string} name
   */
  answers(edits, name) {
    return this.#answers.get(edits)?.get(name) ?? null;
  }

  /**
   * Fetch that, and the images; whether anything came.
   * @param {string} run
   * @param {string} probe
   * @param {string} name
   * @param {AbortSignal} signal
   */
  async #loadOne(run, probe, name, signal) {
    const edits = this.of(run, probe);
    const data = this.#store.data(run, probe);
    const wanted = edits && !this.answers(edits, name) && edits.asked.edits.some((each) => each.name === name);
    const [answers, inputs] = await Promise.all([
      wanted ? loadEdit(run, probe, name, edits, signal) : null,
      data.inputs.size ? null : fetchInputs(run, probe, true, signal),
    ]);
    if (signal.aborted) return false;
    if (edits && answers) kept(this.#answers, edits, () => new Map()).set(name, answers);
    if (inputs) data.takeInputs(inputs);
    return answers !== null || inputs !== null;
  }
}
