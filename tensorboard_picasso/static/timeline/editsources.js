// Edits as sources of charts: how far each moves the answers, a region's beside the same elsewhere.

import { count, plural } from "../kit/format.js";
import { curveOf, mainMeasure, namesByMoves } from "../shown/editpoints.js";
import { flagsOfEdit, rangeText } from "../shown/flags.js";

/** @import { Edits } from "../log/edits.js" */
/** @import { Source } from "../shown/gather.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Scene } from "../shown/scene.js" */

/**
 * How links name such a source.
 * @param {string} name the edit's
 */
export function editId(name) {
  return `edit:${name}`;
}

/**
 * All edits that the shown runs were asked about, but for those that are references.
 * @param {Needs<"scene">} given
 * @returns {Source[]}
 */
export function editSources({ scene }) {
  const logged = scene.shown.flatMap((run) => scene.loggedEdits(run) ?? []);
  return namesByMoves(logged).map((name) => {
    const [first] = logged.filter((edits) => edits.place(name) >= 0);
    const raw = mainMeasure(first) === "costs";
    const places = new Set(logged.flatMap((edits) => edits.asked.edits.filter(({ matched }) => matched === name).map((edit) => edit.name)));
    /** @type {(of: string, sure: boolean) => NonNullable<Source["means"]>} */
    const means = (of, sure) => ({ run }) => {
      const edits = scene.loggedEdits(run);
      return curveOf(scene.steps, edits, edits ? edits.place(of) : -1, { sure });
    };
    return {
      id: editId(name), title: raw ? `${first.asked.value_name || "value"} taken by: ${name}` : `moves of the answer: ${name}`,
      group: "edits", unit: "", range: raw ? "free" : "points", means: means(name, true),
      lines: [...places].map((each) => ({ name: each, short: "elsewhere", style: /** @type {const} */ ("thin"), means: means(each, false) })),
      flags: ({ run }) => flagsOfEdit(scene, run, name),
      note: () => [noteOf(logged, name), ...scene.shown.flatMap((run) => sinceText(scene, run, name))].filter(Boolean).join(" · "),
      pending: () => (scene.shown.some((run) => scene.edits(run) === "coming") ? "loading" : ""),
    };
  });
}

/** @param {Edits[]} logged @param {string} name */
function noteOf(logged, name) {
  const counts = [...new Set(logged.map(({ asked }) => asked.images.length))];
  const thin = logged.some(({ asked }) => asked.edits.some(({ matched }) => matched === name)) ? "; thin: the same elsewhere" : "";
  return `${mainMeasure(logged[0]) === "moves" ? "points; " : ""}mean of ${counts.length === 1 ? plural(counts[0], "image") : "the images"}, band: its 95 % interval${thin}`;
}

/**
 * Since when a run's edit is flagged.
 * @param {Scene} scene
 * @param {string} run
 * @param {string} name
 */
function sinceText(scene, run, name) {
  const flags = flagsOfEdit(scene, run, name);
  const since = flags === null || flags === "coming" ? null : flags.flags[0].since;
  return since ? [`${scene.shown.length > 1 ? `${run}: ` : ""}surely more from step ${count(since.step)} on${rangeText(since)}`] : [];
}
