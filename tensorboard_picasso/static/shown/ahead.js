// The first requests, made while the views are still on their way.

import { ask, attributionsQuery, FEW } from "../log/api.js";
import { chosenOf } from "./chosen.js";
import { PINS } from "./state.js";

/** @import { Index } from "../log/answers.js" */
/** @import { State } from "./state.js" */

/**
 * Ask for what the store asks for first, which then finds it asked for.
 * @param {Index} index
 * @param {State} state
 */
export function askAhead(index, state) {
  const { probe, shown, label } = chosenOf(index.runs, state);
  for (const { name: run, probes } of index.runs) {
    const logged = shown.includes(run) && probes.find((each) => each.name === probe);
    if (!logged) continue;
    ask("inputs", { run, probe: logged.name, pngs: true });
    ask("scores", { run, probe: logged.name });
    const method = logged.methods.find((each) => each.label === label);
    if (!method || !isPlain(state)) continue;
    const steps = "overview";
    const groups = state.means === "probe" ? "probe" : undefined;
    if (method.means.length) ask("means", { run, probe: logged.name, label: method.label, groups, steps });
    if (logged.images.length <= FEW) ask("attributions", attributionsQuery(run, logged.name, method.label, { steps, grids: "overview" }));
  }
}

/**
 * Whether nothing on show needs other steps than those that are shown first.
 * @param {State} state
 */
function isPlain(state) {
  return [state.open, state.step, state.charts, ...PINS.map((name) => state[name])].every((each) => each === null);
}
