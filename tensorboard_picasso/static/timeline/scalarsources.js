// Ordinary scalars as sources of charts.

import { count } from "../kit/format.js";
import { isPerEpoch, join } from "../log/scalars.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Asked, Scalar } from "../log/scalars.js" */
/** @import { Source } from "../shown/gather.js" */
/** @import { Needs } from "../shown/given.js" */

const SCALAR = "scalar:";
/** @type {Record<string, string>} */
const PLACES = { ".": "same run", "..": "run above" };

/**
 * What a place beside the run is called; its path where two would be called the same.
 * @param {string} where
 * @param {Set<string>} all
 */
function nameOf(where, all) {
  const plain = where.replace("../", "");
  return PLACES[where] ?? (where !== plain && all.has(plain) ? where : plain);
}

/**
 * All scalars of the shown runs and beside them; those of several runs under one id.
 * @param {Needs<"scene" | "state" | "store" | "scalars">} given
 * @returns {Source[]}
 */
export function scalarSources({ scene, state, store, scalars }) {
  // Which there are is asked once the maps are here, or where one is charted.
  const asked = (state.charts ?? []).some((id) => id.startsWith(SCALAR));
  if (asked || !store.loading) for (const { run } of scene.datas) scalars.find(run);
  /** @type {Map<string, {where: string, tag: string}>} */
  const tagged = new Map();
  for (const { run } of scene.datas) {
    for (const { where, tags } of scalars.tags(run)) {
      for (const tag of tags) tagged.set(`${SCALAR}${where}:${tag}`, { where, tag });
    }
  }
  const all = new Set([...tagged.values()].map(({ where }) => where));
  return [...tagged].map(([id, { where, tag }]) => scalarSource({ scene, scalars }, id, where, tag, nameOf(where, all)));
}

/**
 * @param {Needs<"scene" | "scalars">} given
 * @param {string} id
 * @param {string} where
 * @param {string} tag
 * @param {string} name
 * @returns {Source}
 */
function scalarSource({ scene, scalars }, id, where, tag, name) {
  const perEpoch = isPerEpoch(tag);
  /** @type {(data: RunData) => Asked<Scalar>} */
  const seriesOf = (data) => {
    const run = scalars.tags(data.run).find((each) => each.where === where && each.tags.includes(tag))?.run;
    return run === undefined ? { state: "absent" } : scalars.series(run, tag);
  };
  /** @type {(data: RunData) => (number | null)[]} */
  const epochsOf = (data) => scene.steps.map((step) => data.epoch(step));
  /** @type {(data: RunData, series: Scalar) => number[]} */
  const placesOf = (data, series) => join(series, perEpoch, scene.steps, perEpoch ? epochsOf(data) : []);
  const failed = () => scene.datas.map(seriesOf).find(({ state }) => state === "failed");
  return {
    id, title: `${tag} (${name})`, group: "scalars", unit: "", range: "free", ofRun: true,
    values: (data) => {
      const series = seriesOf(data).value;
      if (!series) return scene.steps.map(() => null);
      return placesOf(data, series).map((place) => (place < 0 ? null : series.values[place]));
    },
    detail: (data, _images, place) => {
      const series = seriesOf(data).value;
      const at = series ? placesOf(data, series)[place] : -1;
      if (!series || at < 0) return "";
      return perEpoch ? `of epoch ${Number(series.steps[at]) + 1}` : `of step ${count(series.steps[at])}`;
    },
    note: () => {
      const why = failed()?.message;
      if (why !== undefined) return why;
      if (!perEpoch) return "newest at or before each step";
      const known = scene.datas.some((data) => epochsOf(data).some((epoch) => epoch !== null));
      return known ? "matched by epoch" : "logged per epoch, and the probe recorded none to match by";
    },
    pending: () => (scene.datas.some((data) => seriesOf(data).state === "loading") ? "loading" : ""),
  };
}
