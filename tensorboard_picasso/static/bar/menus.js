// The menus of the top bar: closed until they are asked for.

import { button, copier, el, itself, named, refill, select } from "../kit/dom.js";
import { ordered } from "../kit/lists.js";
import { DRAWN, hidingSort, movesSort, predictionsOf, SHARE, SORTS } from "../shown/finding.js";
import { hidingName, hidings } from "../numbers/hidden.js";
import { palettesFor } from "../numbers/palette.js";
import { isSigned, readingsFor } from "../numbers/reading.js";
import { DENSITIES, PREDICTED, SCALES, SIZE_NAMES, SPEEDS, VERDICTS } from "../shown/state.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { State } from "../shown/state.js" */
/** @import { Choices, Reading } from "../types.js" */

/** @typedef {{link: () => string, savePicture: () => void}} Acts what the menu does with the page */

export class Menu {
  /** @type {HTMLDivElement} */
  #panel;
  #button;
  #make;
  /** @type {string | null} */
  #said = ""; // by the panel when it was filled: a button of it may say "Copied" since
  /** @type {Element | null} */
  #from = null;

  /**
   * @param {string} text
   * @param {() => Node[]} make what the panel holds, made anew whenever it opens
   * @param {string} name
   */
  constructor(text, make, name = text.toLowerCase()) {
    this.#make = make;
    this.#panel = el("div", { class: "panel", role: "dialog", "aria-label": name, tabindex: -1, hidden: true });
    this.#button = el("button", {
      type: "button", text: text === "?" ? "?" : `${text} ▾`, "aria-label": name, "aria-expanded": "false", "aria-haspopup": "dialog",
      on: { click: () => this.toggle() },
    });
    this.element = el("div", { class: `menu ${name}` }, this.#button, this.#panel);
    document.addEventListener("pointerdown", (event) => {
      if (!(event.target instanceof Node && this.element.contains(event.target))) this.close();
    });
    // Who tabs on has left the menu. Focus that goes nowhere is a panel made anew.
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget instanceof Node && !this.element.contains(relatedTarget)) this.close();
    });
  }

  toggle() {
    if (!this.#panel.hidden) {
      this.close();
      return;
    }
    // A key opens it from anywhere, and closing it leads back there.
    this.#from = document.activeElement;
    this.#panel.replaceChildren(...this.#contents().childNodes);
    this.#said = this.#panel.textContent;
    this.#panel.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    // What has no fields is read and scrolled.
    const first = this.#panel.querySelector(":is(button, select, input):enabled");
    (first instanceof HTMLElement ? first : this.#panel).focus();
  }

  /** Offer what fits now: one choice may change what others there are. */
  update() {
    if (this.#panel.hidden) return;
    const next = this.#contents();
    if (next.textContent === this.#said) return;
    this.#said = next.textContent;
    refill(this.#panel, next.childNodes);
  }

  #contents() {
    return el("div", {}, ...this.#make());
  }

  close() {
    if (this.#panel.hidden) return false;
    const from = this.#from;
    const back = from instanceof HTMLElement && from.isConnected && from !== document.body ? from : this.#button;
    if (this.#panel.contains(document.activeElement)) back.focus();
    this.#panel.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    return true;
  }
}

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
 */
export function viewMenu(given, acts) {
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
  fields.push(...imageFields({ state, scene }));
  fields.push(
    el("h4", { text: "Page" }),
    select("size", SIZE_NAMES.map(itself), state.size, (size) => state.set({ size })),
    select("speed", SPEEDS.map((each) => [String(each), `${each} steps a second`]), String(state.speed), (value) => state.set({ speed: Number(value) })),
  );
  const link = el("input", { type: "text", class: "link", readonly: true, "aria-label": "link to this view", hidden: true });
  fields.push(
    el(
      "div", { class: "acts" },
      button("Save as PNG", "save what is on screen as a picture", () => acts.savePicture()),
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

/** @type {Record<string, string>} */
const SORT_NAMES = { flips: "most flips first", number: "number", score: "least sure of the truth first (newest step)", sure: "least sure of the prediction first (newest step)", change: "map changed most first" };
/** @type {Record<Choices["verdict"], string>} */
const VERDICT_NAMES = { all: "right and wrong", right: "right at this step", wrong: "wrong at this step" };
/** @type {Record<Choices["density"], string>} */
const DENSITY_NAMES = { strips: "maps over training", grid: "this step's maps only" };

/** @param {string | number} value @param {string} name @returns {[string, string]} */
function choice(value, name) {
  return [String(value), name];
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
    ...SORTS.filter((each) => each !== "change" || scene.settings()?.geometry).map((each) => named([each], SORT_NAMES)[0]),
    ...regions.map((name) => choice(SHARE + name, `largest share of ${name} first (newest step)`)),
    ...scene.drawn.map((name) => choice(DRAWN + name, `largest share of ${name} (drawn) first (newest step)`)),
    ...(scene.raw ? [] : hidings(scene).map((each) => choice(movesSort(each), `hiding ${hidingName(each)} moves the answer most (newest step)`))),
    ...hidings(scene).map((each) => choice(hidingSort(each), `hiding ${hidingName(each)} costs most (newest step)`)),
  ];
  return [
    el("h4", { text: "Images" }),
    el("label", { class: "field" }, el("span", { text: "tag" }), search),
    select("of class", [["", "all"], ...classes.map((each) => choice(each, scene.nameOfClass(each)))], state.ofClass === null ? "" : String(state.ofClass), (value) => state.set({ ofClass: value === "" ? null : Number(value) })),
    select("taken for", [["", "all"], ...predictions.map((each) => choice(each, scene.nameOfClass(each)))], state.asClass === null ? "" : String(state.asClass), (value) => state.set({ asClass: value === "" ? null : Number(value) })),
    ...(scene.labelled ? [select("predicted", named(VERDICTS, VERDICT_NAMES), state.verdict, (verdict) => state.set({ verdict }))] : []),
    select("sort", sorts, scene.sort, (sort) => state.set({ sort })),
    select("density", named(DENSITIES, DENSITY_NAMES), state.density, (density) => state.set({ density })),
  ];
}

/** @param {State} state */
function slider(state) {
  const control = el("input", { type: "range", min: 0, max: 1, step: 0.05, value: state.opacity });
  control.addEventListener("input", () => state.set({ opacity: Number(control.value) }));
  return control;
}
