// The numbers of edits as a table, as `python -m tensorboard_picasso export` writes them: shares of 1 rather than points.

import { sinceOf, moreOf } from "./flags.js";
import { estimateOf, POINTS } from "./editpoints.js";
import { estimate } from "../numbers/edits.js";

/** @import { Answered, Edits } from "../log/edits.js" */
/** @import { Estimate } from "../numbers/edits.js" */
/** @import { Among } from "./among.js" */
/** @import { Measure } from "./editpoints.js" */

/**
 * @typedef {string | number | bigint | null} Cell
 *
 * Which images are counted, null: all; and what their class and their group are called, "" where that is any.
 * @typedef {{among: Among | null, names: {class: string, group: string}}} Counted
 */

const HEADS = [
  "run", "step", "wall_time", "epoch", "edit", "form", "region", "matched", "class", "group", "images", "moves", "moves_low", "moves_high", "flips", "follows",
  "cost", "cost_low", "cost_high", "beyond", "beyond_low", "beyond_high", "flagged_since",
];

/** @param {number} value */
function known(value) {
  return Number.isNaN(value) ? null : value;
}

/**
 * A row a run, edit and step.
 * @param {{run: string, edits: Edits}[]} logged
 * @param {string[]} names of the edits
 * @param {(edits: Edits) => (Answered | null)[]} recordsOf which are asked for
 * @param {Counted} counted of which images
 * @returns {Cell[][]} the heads first
 */
export function editTable(logged, names, recordsOf, counted) {
  const rows = logged.flatMap(({ run, edits }) => names.flatMap((name) => {
    const place = edits.asked.edits.findIndex((edit) => edit.name === name);
    const records = place < 0 ? [] : [...new Set(recordsOf(edits))].filter((each) => each !== null);
    return records.flatMap((record) => rowOf(run, edits, place, record, counted));
  }));
  return [HEADS, ...rows];
}

/**
 * @param {string} run
 * @param {Edits} edits
 * @param {number} place
 * @param {Answered} record
 * @param {Counted} counted
 * @returns {Cell[][]} none where it was not asked
 */
function rowOf(run, edits, place, record, counted) {
  const { output, edits: all } = edits.asked;
  const { name, form, region, matched } = all[place];
  const times = output === "raw" ? 1 : POINTS;
  /** @type {(measure: Measure) => Estimate} */
  const found = (measure) => estimateOf(edits, record, place, { measure, among: counted.among });
  /** @type {(measure: Measure) => Cell[]} */
  const ends = (measure) => [found(measure).value, found(measure).low, found(measure).high].map((value) => known(value / times));
  const { count } = found("costs").count ? found("costs") : found("flips");
  if (!count) return [];
  const more = output === "raw" || counted.among ? null : moreOf(edits, record, place);
  const beyond = more ? estimate(more) : null;
  return [[
    run, record.step, record.wall, record.epoch, name, form, region, matched, counted.names.class, counted.names.group, count, ...ends("moves"),
    ends("flips")[0], form === "swapped" ? ends("follows")[0] : null, ...ends("costs"),
    ...(beyond ? [beyond.value, beyond.low, beyond.high].map(known) : [null, null, null]), more ? (sinceOf(edits, place)?.step ?? null) : null,
  ]];
}

