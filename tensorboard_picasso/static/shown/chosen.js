// Which probe, runs and method are shown: what the address asks for, of what the index lists.

import { natural } from "../kit/format.js";
import { filterTest } from "./finding.js";

/** @import { Index, Method } from "../log/answers.js" */
/** @import { State } from "./state.js" */

const DEFAULT_RUNS = 4;

/**
 * The probes of which there is anything to show: those with scores, or where there are none those with edits.
 * @param {Index["runs"]} runs
 */
function probesOf(runs) {
  const all = runs.flatMap((run) => run.probes);
  const scored = all.filter((probe) => probe.scored);
  return [...new Set((scored.length ? scored : all.filter((probe) => probe.edits)).map((probe) => probe.name))].sort();
}

/**
 * The methods that runs have logged for a probe.
 * @param {Index["runs"]} runs
 * @param {string | null} probe
 */
function methodsOf(runs, probe) {
  /** @type {Map<string, Method>} */
  const byLabel = new Map();
  for (const { probes } of runs) {
    for (const method of probes.find((each) => each.name === probe)?.methods ?? []) byLabel.set(method.label, method);
  }
  // First the occlusion that most runs have: that without a label of its own.
  /** @type {(method: Method) => number} */
  const rank = (each) => (each.method === "occlusion" ? (each.label === each.method ? 0 : 1) : 2);
  return [...byLabel.values()].sort((a, b) => rank(a) - rank(b) || a.label.localeCompare(b.label));
}

/**
 * `others`: runs with other probes only; `listed`: runs that the filter leaves, and `shown` those of them on show.
 * @param {Index["runs"]} indexed
 * @param {State} state
 */
export function chosenOf(indexed, state) {
  const probes = probesOf(indexed);
  const probe = probes.find((each) => each === state.probe) ?? probes[0] ?? null;
  const runs = indexed.filter((run) => run.probes.some((each) => each.name === probe)).map((run) => run.name);
  const known = new Set(runs);
  const others = indexed.map((run) => run.name).filter((run) => !known.has(run));
  runs.sort(natural);
  const test = filterTest(state.filter);
  const listed = test ? runs.filter(test) : runs;
  const chosen = state.runs;
  const shown = chosen === null ? listed.slice(0, DEFAULT_RUNS) : listed.filter((run) => chosen.includes(run));
  const methods = methodsOf(shown.flatMap((run) => indexed.find(({ name }) => name === run) ?? []), probe);
  const label = methods.find((each) => each.label === state.method)?.label ?? methods[0]?.label ?? null;
  return { probes, probe, runs, others, listed, shown, methods, label };
}
