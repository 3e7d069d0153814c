// What an edit does beside A of *Compare*: the difference in points to another run or step, with its interval.

import { count } from "../kit/format.js";
import { kept } from "../kit/lists.js";
import { difference, paired } from "../numbers/edits.js";
import { stepBeside } from "./compare.js";
import { meanOf, unsure, valuesOf } from "./editpoints.js";

/** @import { Answered, Edits } from "../log/edits.js" */
/** @import { Difference } from "../numbers/edits.js" */
/** @import { Choices } from "../types.js" */
/** @import { Among } from "./among.js" */
/** @import { Scene } from "./scene.js" */

/** @typedef {{name: string, edits: Edits, record: Answered}} Twin what A is, in words, and what was answered there */

/**
 * What a run's answers at a step stand beside; null where nothing is compared, or it is the same.
 * @param {Scene} scene
 * @param {Choices} state
 * @param {Edits} edits
 * @param {Answered} record
 * @returns {Twin | null}
 */
export function twinOf(scene, state, edits, record) {
  const { pin, pinRun } = state;
  if (pin === null && pinRun === null) return null;
  const other = pinRun === null ? edits : scene.loggedEdits(pinRun);
  if (!other?.records.length) return null;
  const step = other === edits ? (pin ?? record.step) : stepBeside(state, edits, other, record.step, pin ?? scene.step ?? record.step);
  const beside = other.at(step);
  const names = [pinRun !== null && `in ${pinRun}`, pin !== null && `at step ${count(pin)}`].filter(Boolean);
  return beside && beside !== record ? { name: names.join(" "), edits: other, record: beside } : null;
}

/** @type {WeakMap<Edits, WeakMap<Edits, [number, number][] | null>>} */
const pairs = new WeakMap();
/** @type {WeakMap<Answered, WeakMap<Answered, Map<string, Difference>>>} */
const differences = new WeakMap();

/**
 * By how much more an edit moves a run's answers than the twin's; of raw outputs takes from the value. Null where the
 * twin was not asked.
 * @param {Edits} edits
 * @param {Answered} record
 * @param {string} name the edit's
 * @param {Twin} twin
 * @param {{among: Among | null, sure: boolean}} which among: of which images, as of `valuesOf`; sure:
 *   with its interval also where that was not found yet
 * @returns {Difference | null}
 */
export function againstTwin(edits, record, name, twin, { among, sure }) {
  const [own, other] = [edits.place(name), twin.edits.place(name)];
  if (own < 0 || other < 0) return null;
  const same = kept(kept(pairs, edits, () => new WeakMap()), twin.edits, () => paired(hashes(edits), hashes(twin.edits)));
  const known = kept(kept(differences, record, () => new WeakMap()), twin.record, () => new Map());
  const key = `${name} ${among?.key ?? ""}`;
  const [mine, theirs] = [valuesOf(edits, record, own, { among }), valuesOf(twin.edits, twin.record, other, { among })];
  if (sure || known.has(key)) return kept(known, key, () => difference(mine, theirs, same));
  if (same) return { ...unsure(same.map(([a, b]) => mine[a] - theirs[b])), paired: true };
  return { ...unsure(mine), value: meanOf(mine) - meanOf(theirs), paired: false };
}

/** @param {Edits} edits */
function hashes({ asked }) {
  return asked.images.map(({ hash }) => hash);
}
