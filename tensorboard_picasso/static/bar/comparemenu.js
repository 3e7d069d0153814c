// The Compare menu: what A is, and how A and B are laid out.

import { canSwap, isComparing, pinned, swapped, UNPINNED } from "../shown/compare.js";
import { el, itself, named, select } from "../kit/dom.js";
import { count } from "../kit/format.js";
import { classOf, LAYOUTS, OWN_CLASS } from "../shown/state.js";
import { ascending, stepOf } from "../kit/steps.js";

/** @import { Pins } from "../shown/compare.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { State } from "../shown/state.js" */
/** @import { Choices, Step } from "../types.js" */

/** @type {Record<"side" | "swipe", string>} */
const LAYOUT_NAMES = { side: "side by side", swipe: "swipe" };

/** @param {string} text @returns {[string, string]} */
function same(text) {
  return ["", `the same ${text}`];
}

/**
 * The steps that A is likely to be: the first, where one is now, the one that is pinned.
 * @param {Needs<"scene" | "state">} given
 */
function stepChoices({ scene, state }) {
  const steps = [scene.steps[0], scene.step, state.pin].filter((step) => step !== null && step !== undefined);
  /** @type {(step: Step) => string} */
  const name = (step) => {
    const which = step === scene.steps[0] ? "first" : step === scene.step ? "this one" : "";
    const held = step === state.pin ? "pinned" : "";
    return `${[which, held].filter(Boolean).join(", ")} (${count(step)})`;
  };
  /** @type {[string, string][]} */
  const choices = [...new Set(steps)].sort(ascending).map((step) => [String(step), name(step)]);
  return [same("step"), ...choices];
}

/**
 * The Compare menu's fields.
 * @param {Needs<"scene" | "state">} given
 * @param {() => void} close
 */
export function compareMenu(given, close) {
  const { scene, state } = given;
  /** @type {(name: keyof Pins, read: (value: string) => unknown) => (value: string) => void} */
  const choose = (name, read) => (value) => state.set({ [name]: value === "" ? null : read(value) });
  /** @type {(text: string, key: string, patch: () => Partial<Choices>, disabled?: boolean) => HTMLElement} */
  const act = (text, key, patch, disabled = false) =>
    el("button", { type: "button", disabled, title: `key ${key}`, on: { click: () => (state.set(patch()), close()) } }, text);
  const comparing = isComparing(state);
  return [
    el("p", { text: "B is what the page shows; A is what it is compared with." }),
    el(
      "div", { class: "acts" },
      act("Pin this as A", "p", () => pinned(scene, state), scene.step === null),
      act("Swap A and B", "s", () => swapped(scene, state), !canSwap(scene, state)),
      act("Stop comparing", "c", () => UNPINNED, !comparing),
      el("button", { type: "button", text: "Undo", title: "key Ctrl + Z", disabled: !state.canUndo, on: { click: () => state.undo() } }),
    ),
    select("A: step", stepChoices(given), state.pin === null ? "" : String(state.pin), choose("pin", stepOf)),
    select("A: run", [same("run"), ...scene.listed.map(itself)], state.pinRun ?? "", choose("pinRun", String)),
    select(
      "A: class", [same("class"), [OWN_CLASS, scene.targetName], ...scene.words, ...scene.targetChoices],
      state.pinTarget === null ? "" : String(state.pinTarget), choose("pinTarget", classOf),
    ),
    select("A: method", [same("method"), ...scene.methods.map(({ label }) => itself(label))], state.pinMethod ?? "", choose("pinMethod", String)),
    select("layout", named(LAYOUTS, LAYOUT_NAMES), state.layout, (layout) => state.set({ layout })),
    ...alignment(state),
  ];
}

/**
 * How the steps of two runs are matched, where that is not settled by a pinned step.
 * @param {State} state
 */
function alignment(state) {
  if (state.pinRun === null) return [];
  if (state.pin !== null) return [el("p", { class: "quiet", text: `A's step is pinned: with “A: step” at “the same step” runs can align by share of training.` })];
  return [select("runs align", [["step", "by step"], ["share", "by share of training done"]], state.align, (align) => state.set({ align }))];
}
