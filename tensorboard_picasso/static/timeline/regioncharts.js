// Which drawn regions the timeline charts.

import { drawnId } from "./regionsources.js";
import { FIRST } from "./sources.js";

/** @import { Needs } from "../shown/given.js" */

const MOST = 3; // charts of the timeline

/**
 * The timeline's charts, where a region's share in the method on show may stand among them.
 * @param {Needs<"scene" | "state">} given
 * @param {string} name
 */
export function regionChart({ scene, state }, name) {
  const ids = state.charts ?? [FIRST];
  const id = drawnId(name, scene.label);
  const room = ids.length < MOST;
  return { there: ids.includes(id), room, with: ids.includes(id) ? ids : [...ids.slice(0, MOST - 1), id] };
}

/**
 * The timeline's charts with a region's share, as long as there is room: none makes place for another unasked.
 * @param {Needs<"scene" | "state">} given
 * @param {string} name
 */
export function withChart(given, name) {
  const { there, room, with: all } = regionChart(given, name);
  return there || room ? all : given.state.charts;
}

/**
 * The timeline's charts after a region got another name, or (null) is no more.
 * @param {Needs<"scene" | "state">} given
 * @param {string} before
 * @param {string | null} after
 */
export function withoutChart({ scene, state }, before, after = null) {
  if (state.charts === null) return null;
  const next = new Map(scene.methods.map(({ label }) => [drawnId(before, label), after && drawnId(after, label)]));
  const ids = [...new Set(state.charts.flatMap((id) => (next.has(id) ? (next.get(id) ?? []) : id)))];
  return ids.length ? ids : null;
}
