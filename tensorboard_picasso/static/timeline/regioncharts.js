// Which drawn regions the timeline charts.

import { drawnId } from "./regionsources.js";
import { FIRST } from "./sources.js";

const MOST = 3; // charts of the timeline

/** The timeline's charts with a region's share in the method on show; the last one makes room. */
export function withChart({ scene, state }, name) {
  const ids = state.charts ?? [FIRST];
  const id = drawnId(name, scene.label);
  return ids.includes(id) ? ids : [...ids.slice(0, MOST - 1), id];
}

/** The timeline's charts after a region got another name, or (null) is no more. */
export function withoutChart({ scene, state }, before, after = null) {
  if (state.charts === null) return null;
  const next = new Map(scene.methods.map(({ label }) => [drawnId(before, label), after && drawnId(after, label)]));
  const ids = [...new Set(state.charts.map((id) => (next.has(id) ? next.get(id) : id)).filter(Boolean))];
  return ids.length ? ids : null;
}
