// The first requests, made while the views are still on their way.

import { ask } from "../log/api.js";
import { chosenOf } from "./chosen.js";

/** @import { Index } from "../log/answers.js" */
/** @import { State } from "./state.js" */

/**
 * Ask for what the store asks for first, which then finds it asked for.
 * @param {Index} index
 * @param {State} state
 */
export function askAhead(index, state) {
  const { probe, shown } = chosenOf(index.runs, state);
  for (const run of probe === null ? [] : shown) {
    ask("inputs", { run, probe, pngs: true });
    ask("scores", { run, probe });
  }
}
