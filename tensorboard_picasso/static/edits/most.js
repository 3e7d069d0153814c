// What moves the answers most and least, in sentences: what a list of rows leaves to its reader.

import { count, plural, points } from "../kit/format.js";
import { finite, kept } from "../kit/lists.js";
import { onsetOf } from "../numbers/edits.js";
import { estimateOf, meanOf, namesByMoves, POINTS, valuesOf } from "../shown/editpoints.js";
import { rangeText, stepsOf } from "../shown/flags.js";

/** @import { Edits } from "../log/edits.js" */
/** @import { Among } from "../shown/among.js" */
/** @import { Since } from "../shown/flags.js" */

const HARDLY = 5; // points
const SLICE = 6; // milliseconds of counting between two frames
const WAIT = 100; // milliseconds that counting waits for a page that is busy

/** @typedef {{run: string, edits: Edits}} Logged */

/** @param {Edits} edits @param {string} name */
function placeOf(edits, name) {
  return edits.asked.edits.findIndex((edit) => edit.name === name);
}

/** @type {WeakMap<Edits, Map<string, Since | null | undefined>>} undefined: it is being counted */
const found = new WeakMap();

/**
 * Since when an edit surely moves answers by more than so many points, at a level divided by the number of edits, of
 * which it is the one that moves them most; counted a little between frames. That is no flag: nothing is said of the
 * same elsewhere.
 * @param {Edits} edits
 * @param {number} place
 * @param {{among: Among | null, least: number}} which among: of which images, as of `valuesOf`; least: points
 * @param {() => void} told is called once it is known
 * @returns {Since | null | undefined} null: not at the newest step; undefined: not known yet
 */
function movedSince(edits, place, { among, least }, told) {
  const known = kept(found, edits, () => new Map());
  const key = `${place} ${among?.key ?? ""} ${least}`;
  if (known.has(key)) return known.get(key);
  known.set(key, undefined);
  const { asked, records } = edits;
  const moves = (/** @type {number} */ at) => valuesOf(edits, records[at], place, { among }).map((each) => each / POINTS);
  const work = onsetOf(records.length, moves, asked.edits.filter((edit) => !edit.matched).length, least / POINTS);
  const go = () => {
    for (const started = performance.now(); performance.now() - started < SLICE;) {
      const { done, value } = work.next();
      if (!done) continue;
      known.set(key, value && stepsOf(edits, value));
      told();
      return;
    }
    requestIdleCallback(go, { timeout: WAIT });
  };
  requestIdleCallback(go, { timeout: WAIT });
  return undefined;
}

/**
 * What moves the answers of a run most at its newest step, and since when; "" of raw values, and where nothing was asked.
 * @param {Edits} edits
 * @param {Among | null} among of which images, as of `valuesOf`
 * @param {() => void} told is called once there is more to say
 */
export function most(edits, among, told) {
  const newest = edits.at(null);
  const [name] = namesByMoves([edits], among);
  const place = name === undefined ? -1 : placeOf(edits, name);
  if (!newest || place < 0 || edits.asked.output === "raw") return "";
  const { value, low, high, count: images } = estimateOf(edits, newest, place, { among });
  if (!images) return "";
  const edit = edits.asked.edits[place];
  /** @type {(measure: "flips" | "follows") => number[]} */
  const known = (measure) => finite(valuesOf(edits, newest, place, { measure, among }));
  const [flips, follows] = [known("flips"), known("follows")];
  const [yes, followed] = [flips, follows].map((each) => each.filter(Boolean).length);
  const [all, could] = [flips.length, follows.length];
  const donors = edit.form === "swapped" && could ? `, ${count(followed)} of ${count(could)} to that other image’s class` : "";
  const sure = Number.isNaN(low) ? "" : ` (${points(low)} to ${points(high)})`;
  const since = movedSince(edits, place, { among, least: HARDLY }, told);
  const half = value > 2 * HARDLY ? movedSince(edits, place, { among, least: value / 2 }, told) : null;
  const surely = [
    ...(half ? [`more than ${points(value / 2)} at every kept step since step ${count(half.step)}${rangeText(half)}`] : []),
    ...(since ? [`more than ${HARDLY} since step ${count(since.step)}${rangeText(since)}`] : []),
  ];
  const from = surely.length ? `, surely by ${surely.join(", by ")}` : since === null ? `, not surely by more than ${HARDLY} so far` : "";
  return `At step ${count(newest.step)}, the newest, answers move most by “${name}”, which takes away ${edit.takes}: ${count(yes)} of ${plural(all, "prediction")} change${donors}. They move by ${points(value)} points${sure}${from}.`;
}

/**
 * Which edits hardly move the answers at the newest step, of all runs together: what they do without tells as much.
 * @param {Logged[]} logged
 * @param {Among | null} among of which images, as of `valuesOf`
 */
export function hardly(logged, among) {
  const names = namesByMoves(logged.map(({ edits }) => edits), among).filter((name) => logged.every(({ edits }) => {
    const newest = edits.at(null);
    const place = placeOf(edits, name);
    return newest && place >= 0 && edits.asked.output !== "raw" && meanOf(valuesOf(edits, newest, place, { among })) < HARDLY
      && estimateOf(edits, newest, place, { among }).high < HARDLY;
  }));
  // What swapping does not move is without more told: hiding may leave enough of anything.
  const told = Object.groupBy(names, (name) => (name.endsWith(", hidden") ? "hidden" : "other"));
  const ordered = [...(told.other ?? []), ...(told.hidden ?? [])];
  return names.length ? `Hardly moved (surely by less than ${HARDLY} points) by: ${ordered.join("; ")}.` : "";
}
