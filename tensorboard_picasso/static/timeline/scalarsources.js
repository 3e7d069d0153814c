// Ordinary scalars as sources of charts.

import { count } from "../kit/format.js";
import { isPerEpoch, join } from "../log/scalars.js";

const SCALAR = "scalar:";
const PLACES = { ".": "same run", "..": "run above" };

/** What a place beside the run is called; its path where two would be called the same. */
function nameOf(where, all) {
  const plain = where.replace("../", "");
  return PLACES[where] ?? (where !== plain && all.has(plain) ? where : plain);
}

/** All scalars of the shown runs and beside them; those of several runs under one id. */
export function scalarSources({ scene, state, store, scalars }) {
  // Which there are is asked once the maps are here, or where one is charted.
  const asked = (state.charts ?? []).some((id) => id.startsWith(SCALAR));
  if (asked || !store.loading) for (const { run } of scene.datas) scalars.find(run);
  const found = new Map();
  for (const { run } of scene.datas) {
    for (const { where, tags } of scalars.tags(run)) {
      for (const tag of tags) found.set(`${SCALAR}${where}:${tag}`, { where, tag });
    }
  }
  const all = new Set([...found.values()].map(({ where }) => where));
  return [...found].map(([id, { where, tag }]) => scalarSource({ scene, scalars }, id, where, tag, nameOf(where, all)));
}

function scalarSource({ scene, scalars }, id, where, tag, name) {
  const perEpoch = isPerEpoch(tag);
  const seriesOf = (data) => {
    const run = scalars.tags(data.run).find((each) => each.where === where && each.tags.includes(tag))?.run;
    return run === undefined ? { state: "absent" } : scalars.series(run, tag);
  };
  const epochsOf = (data) => scene.steps.map((step) => data.epoch(step));
  const placesOf = (data, { value }) => join(value, perEpoch, scene.steps, perEpoch ? epochsOf(data) : null);
  const failed = () => scene.datas.map(seriesOf).find(({ state }) => state === "failed");
  return {
    id, title: `${tag} (${name})`, group: "scalars", unit: "", range: "free", ofRun: true,
    values: (data) => {
      const series = seriesOf(data);
      if (!series.value) return scene.steps.map(() => null);
      return placesOf(data, series).map((place) => (place < 0 ? null : series.value.values[place]));
    },
    detail: (data, _images, place) => {
      const series = seriesOf(data);
      const at = series.value ? placesOf(data, series)[place] : -1;
      if (at < 0) return "";
      return perEpoch ? `of epoch ${Number(series.value.steps[at]) + 1}` : `of step ${count(series.value.steps[at])}`;
    },
    note: () => {
      if (failed()) return failed().message;
      if (!perEpoch) return "newest at or before each step";
      const known = scene.datas.some((data) => epochsOf(data).some((epoch) => epoch !== null));
      return known ? "matched by epoch" : "logged per epoch, and the probe recorded none to match by";
    },
    pending: () => (scene.datas.some((data) => seriesOf(data).state === "loading") ? "loading" : ""),
  };
}
