// The View menu: what is shown of the maps, which images, and the page.

import { button, copier, el, itself, named, select } from "../kit/dom.js";
import { ordered } from "../kit/lists.js";
import { DRAWN, hidingSort, movesSort, predictionsOf, SHARE, SORTS } from "../shown/finding.js";
import { hidingName, hidings } from "../numbers/hidden.js";
import { palettesFor } from "../numbers/palette.js";
import { isSigned, readingsFor } from "../numbers/reading.js";
import { patchesTurned } from "./keys.js";
import { DENSITIES, PAGES, PREDICTED, SCALES, SIZE_NAMES, SPEEDS, VERDICTS } from "../shown/state.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { State } from "../shown/state.js" */
/** @import { Choices, Reading } from "../types.js" */

/** @typedef {{link: () => string, savePicture: () => void, print: () => void}} Acts what the menu does with the page */

/** @type {Record<Reading, string>} */
const READINGS = {
  importance: "importance",
  score: "score while hidden",
  evidence: "evidence against the strongest other class",
};
/** @type {Record<Choices["scale"], string>} */
const SCALE_NAMES = { shared: "all steps and runs", step: "this step", map: "each map on its own" };

/**
 * The View menu's fields, for what is shown now.
 * @param {Needs<"scene" | "state">} given
 * @param {Acts} acts
 * @param {() => void} close the menu
 */
export function viewMenu(given, acts, close) {
  const { state, scene } = given;
  const settings = scene.settings();
  const fields = [
    el("h4", { text: "Maps" }),
    select("method", scene.methods.map(({ label }) => itself(label)), scene.label, (method) => state.set({ method })),
    select(
      "class",
      [["", scene.targetName], ...scene.words, ...scene.targetChoices],
      state.target === null ? "" : String(state.target),
      (value) => state.set({ target: value === "" ? null : value === PREDICTED ? PREDICTED : Number(value) }),
    ),
  ];
  const readings = readingsFor(settings);
  if (readings.length > 1) {
    fields.push(select("reading", named(readings, READINGS), scene.reading, (reading) => state.set({ reading })));
  }
  if (settings && scene.reading !== "score") {
    const sided = isSigned(settings, scene.reading);
    const key = sided ? "signedPalette" : "plainPalette";
    fields.push(
      select("palette", palettesFor(sided).map(itself), state[key], (value) => state.set({ [key]: value })),
      el("label", { class: "field" }, el("span", { text: "opacity" }), slider(state)),
      select("scale", named(SCALES, SCALE_NAMES), state.scale, (scale) => state.set({ scale })),
    );
  }
  fields.push(...imageFields({ state, scene }), patchesButton(state, close));
  fields.push(
    el("h4", { text: "Page" }),
    select("size", SIZE_NAMES.map(itself), state.size, (size) => state.set({ size })),
    select("speed", SPEEDS.map((each) => [String(each), `${each} steps a second`]), String(state.speed), (value) => state.set({ speed: Number(value) })),
  );
  const link = el("input", { type: "text", class: "link", readonly: true, "aria-label": "link to this view", hidden: true });
  fields.push(
    el(
      "div", { class: "acts" },
      button("Save as PNG", scene.alone ? "save all images of this step as one picture" : "save what is on screen as a picture", () => acts.savePicture()),
      ...(scene.alone ? [button("Print", "print this step, a page an image", () => acts.print())] : []),
      copier("Copy link", "copy a link to this view", () => acts.link(), (address) => {
        link.value = address;
        link.hidden = false;
        return link;
      }),
    ),
    link,
  );
  return fields;
}

/**
 * To the patches and back.
 * @param {State} state
 * @param {() => void} close the menu
 */
function patchesButton(state, close) {
  const text = patchesTurned(state).patches === null ? "Back to the rows" : "What each class rests on";
  const turn = () => (close(), state.set(patchesTurned(state)));
  return el("div", { class: "acts" }, button(text, `${text} (key w)`, turn, { title: "of every image the part where its map is strongest (key w)" }));
}

/** @type {Record<string, string>} */
const SORT_NAMES = { flips: "most flips first", number: "number", group: "by group", score: "least sure of the truth first (newest step)", sure: "least sure of the prediction first (newest step)", change: "map changed most first" };
/** @type {Record<Choices["verdict"], string>} */
const VERDICT_NAMES = { all: "right and wrong", right: "right at this step", wrong: "wrong at this step" };
/** @type {Record<NonNullable<Choices["page"]>, string>} */
const PAGE_NAMES = { steps: "maps over training", step: "this step alone, each image large" };
/** @type {Record<Choices["density"], string>} */
const DENSITY_NAMES = { strips: "maps over training", grid: "this step's maps only" };

/** @param {string | number} value @param {string} name @returns {[string, string]} */
function choice(value, name) {
  return [String(value), name];
}

/**
 * Of which group images are listed, where there are groups, and how those are made that were not given.
 * @param {Needs<"scene" | "state">} given
 */
function groupFields({ state, scene: { grouping } }) {
  const { names } = grouping;
  const choices = [...new Set([...names, ...(state.ofGroup === null ? [] : [state.ofGroup])])];
  if (!choices.length) return [];
  const about = grouping.about();
  const field = select("of group", [["", "all"], ...choices.map(itself)], state.ofGroup ?? "", (value) => state.set({ ofGroup: value || null }));
  field.title = about;
  const told = about && (state.ofGroup !== null || state.sort === "group");
  return [field, ...(told ? [el("p", { class: "quiet", text: `No groups were given. ${about}.` })] : [])];
}

/**
 * Which images are listed, and how.
 * @param {Needs<"scene" | "state">} given
 */
function imageFields({ state, scene }) {
  const search = el("input", {
    type: "search", value: state.find, placeholder: "tag, name or example (regex)", on: { input: () => state.set({ find: search.value }) },
  });
  const classes = ordered(scene.every.flatMap((image) => scene.truths(image)));
  const predictions = ordered([...scene.every.flatMap((image) => predictionsOf(scene, image)), ...(state.asClass === null ? [] : [state.asClass])]);
  const regions = [...new Set(scene.every.flatMap((image) => (scene.input(image)?.regions ?? []).map(({ name }) => name)))];
  /** @type {[string, string][]} */
  const sorts = [
    ...SORTS.filter((each) => (each !== "change" || scene.settings()?.geometry) && (each !== "group" || scene.grouping.names.length)).map((each) => named([each], SORT_NAMES)[0]),
    ...regions.map((name) => choice(SHARE + name, `largest share of ${name} first (newest step)`)),
    ...scene.drawn.map((name) => choice(DRAWN + name, `largest share of ${name} (drawn) first (newest step)`)),
    ...(scene.raw ? [] : hidings(scene).map((each) => choice(movesSort(each), `hiding ${hidingName(each)} moves the answer most (newest step)`))),
    ...hidings(scene).map((each) => choice(hidingSort(each), `hiding ${hidingName(each)} costs most (newest step)`)),
  ];
  return [
    el("h4", { text: "Images" }),
    el("label", { class: "field" }, el("span", { text: "tag" }), search),
    select("of class", [["", "all"], ...classes.map((each) => choice(each, scene.nameOfClass(each)))], state.ofClass === null ? "" : String(state.ofClass), (value) => state.set({ ofClass: value === "" ? null : Number(value) })),
    ...groupFields({ state, scene }),
    select("taken for", [["", "all"], ...predictions.map((each) => choice(each, scene.nameOfClass(each)))], state.asClass === null ? "" : String(state.asClass), (value) => state.set({ asClass: value === "" ? null : Number(value) })),
    ...(scene.labelled ? [select("predicted", named(VERDICTS, VERDICT_NAMES), state.verdict, (verdict) => state.set({ verdict }))] : []),
    select("sort", sorts, scene.sort, (sort) => state.set({ sort })),
    select("page", named(PAGES, PAGE_NAMES), scene.alone ? "step" : "steps", (page) => state.set({ page })),
    ...(scene.alone ? [] : [select("density", named(DENSITIES, DENSITY_NAMES), state.density, (density) => state.set({ density }))]),
  ];
}

/** @param {State} state */
function slider(state) {
  const control = el("input", { type: "range", min: 0, max: 1, step: 0.05, value: state.opacity });
  control.addEventListener("input", () => state.set({ opacity: Number(control.value) }));
  return control;
}
