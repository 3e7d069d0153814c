// Since when an edit surely moves answers more than the same edit elsewhere: the one rule by which
// the tab flags anything, for the edits' rows and for named regions.

import { count } from "../kit/format.js";
import { beyond, estimate, onsetOf } from "../numbers/edits.js";
import { POINTS, unsure } from "./editpoints.js";
import { kept } from "../kit/lists.js";

/** @import { WireEdit } from "../log/answers.js" */
/** @import { Answered, Edits } from "../log/edits.js" */
/** @import { Estimate, Onset } from "../numbers/edits.js" */
/** @import { Step } from "../types.js" */
/** @import { Among } from "./among.js" */
/** @import { Scene } from "./scene.js" */

const SLICE = 6; // milliseconds of counting between two frames
const WAIT = 100; // milliseconds that counting waits for a page that is busy

/**
 * The step of the flag, and its range; null in it: at no step so far.
 * @typedef {{step: Step, early: Step | null, late: Step | null}} Since
 *
 * One edit of a region, with references: `since` null: it is not flagged.
 * @typedef {{name: string, form: string, since: Since | null}} Flag
 *
 * @typedef {{flags: Flag[], images: number, sample: string}} Flags of a region, and of what
 */

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

/** @type {WeakMap<Answered, Map<string, Estimate>>} */
const estimates = new WeakMap();

/**
 * The mean of that in points with its interval, found once; null where it was not asked.
 * @param {Edits} edits
 * @param {Answered} record
 * @param {number} place
 * @param {{among: Among | null, sure: boolean}} which among: as of `valuesOf`; sure: with its interval also where
 *   that was not found yet
 */
export function moreEstimate(edits, record, place, { among, sure }) {
  const more = moreOf(edits, record, place);
  if (!more) return null;
  const known = kept(estimates, record, () => new Map());
  const key = `${place} ${among?.key ?? ""}`;
  const { images } = edits.asked;
  const points = more.map((each, i) => (among?.has(images[i], i) ?? true ? POINTS * each : NaN));
  return sure || known.has(key) ? kept(known, key, () => estimate(points)) : unsure(points);
}

/** @type {WeakMap<Edits, Map<number, Since | null>>} */
const times = new WeakMap();

/**
 * The count of since when an edit is flagged.
 * @param {Edits} edits
 * @param {number} place
 */
function counting(edits, place) {
  const { asked, records } = edits;
  const compared = asked.edits.filter((edit) => edits.references(edit).length).length;
  return onsetOf(records.length, (at) => moreOf(edits, records[at], place) ?? [], compared);
}

/**
 * Since when an edit is flagged, counted at once where that is not known yet; null: it is not, or has no references.
 * @param {Edits} edits
 * @param {number} place
 * @returns {Since | null}
 */
export function sinceOf(edits, place) {
  if (!edits.references(edits.asked.edits[place]).length) return null;
  return kept(kept(times, edits, () => new Map()), place, () => {
    const work = counting(edits, place);
    for (;;) {
      const { done, value } = work.next();
      if (done) return value && stepsOf(edits, value);
    }
  });
}

/** Since when edits are flagged: counted a little between frames, as many steps take a while, and kept. */
export class FlagTimes {
  #changed;
  /** @type {{edits: Edits, place: number, work: ReturnType<typeof onsetOf>}[]} */
  #todo = [];

  /** @param {() => void} changed is told once all that was asked for is known */
  constructor(changed) {
    this.#changed = changed;
  }

  /**
   * Since when an edit is flagged; null: it is not, or has no references; undefined: it is not known yet.
   * @param {Edits} edits
   * @param {number} place
   * @returns {Since | null | undefined}
   */
  since(edits, place) {
    if (!edits.references(edits.asked.edits[place]).length) return null;
    const known = kept(times, edits, () => new Map());
    if (known.has(place)) return known.get(place);
    if (this.#todo.some((each) => each.edits === edits && each.place === place)) return undefined;
    if (!this.#todo.length) this.#wake();
    this.#todo.push({ edits, place, work: counting(edits, place) });
    return undefined;
  }

  #wake() {
    requestIdleCallback(() => this.#work(), { timeout: WAIT });
  }

  #work() {
    const started = performance.now();
    while (this.#todo.length && performance.now() - started < SLICE) {
      const [{ edits, place, work }] = this.#todo;
      const { done, value } = work.next();
      if (!done) continue;
      this.#todo.shift();
      kept(times, edits, () => new Map()).set(place, value && stepsOf(edits, value));
    }
    if (this.#todo.length) this.#wake();
    else this.#changed();
  }
}

/**
 * An onset in steps.
 * @param {Edits} edits
 * @param {Onset} onset
 * @returns {Since}
 */
export function stepsOf({ records }, { place, early, late }) {
  /** @type {(at: number | null) => Step | null} */
  const step = (at) => (at === null ? null : records[at].step);
  return { step: records[place].step, early: step(early), late: step(late) };
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
 * @param {string} run
 * @param {(edit: WireEdit) => boolean} test
 * @returns {Flags | "coming" | null}
 */
function flagged(scene, run, test) {
  const edits = scene.edits(run);
  if (edits === "coming") return edits;
  if (!edits?.records.length || edits.asked.output === "raw" || scene.sample === null) return null;
  const flags = [];
  for (const [place, edit] of edits.asked.edits.entries()) {
    if (!test(edit) || !edits.references(edit).length) continue;
    flags.push({ name: edit.name, form: edit.form, since: scene.flagTimes.since(edits, place) });
  }
  if (flags.some(({ since }) => since === undefined)) return "coming";
  const known = flags.map(({ since, ...each }) => ({ ...each, since: since ?? null }));
  return known.length ? { flags: known, images: edits.asked.images.length, sample: scene.sample } : null;
}

/**
 * What is known of a region in a run; null where it was not compared with the same elsewhere.
 * @param {Scene} scene
 * @param {string} run
 * @param {string} region
 */
export function flagsOf(scene, run, region) {
  return flagged(scene, run, (edit) => edit.region === region);
}

/**
 * What is known of one edit in a run; null where there is nothing to compare it with.
 * @param {Scene} scene
 * @param {string} run
 * @param {string} name
 */
export function flagsOfEdit(scene, run, name) {
  return flagged(scene, run, (edit) => edit.name === name);
}
