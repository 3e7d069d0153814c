// The menus of the top bar: closed until they are asked for.

import { el, select } from "./dom.js";
import { KEYS } from "./keys.js";
import { palettesFor } from "./palette.js";
import { isSigned, readingsFor } from "./reading.js";
import { SCALES, SIZES, SPEEDS } from "./state.js";

export class Menu {
  #panel;
  #button;
  #make;

  /** @param {() => HTMLElement[]} make what the panel holds, made anew whenever it opens */
  constructor(text, make, name = text.toLowerCase()) {
    this.#make = make;
    this.#panel = el("div", { class: "panel", role: "dialog", "aria-label": name, hidden: true });
    this.#button = el("button", {
      type: "button", text: text === "?" ? "?" : `${text} ▾`, "aria-label": name, "aria-expanded": "false",
      on: { click: () => this.toggle() },
    });
    this.element = el("div", { class: `menu ${name}` }, this.#button, this.#panel);
    document.addEventListener("pointerdown", (event) => {
      if (!this.element.contains(event.target)) this.close();
    });
  }

  toggle() {
    if (!this.#panel.hidden) {
      this.close();
      return;
    }
    this.#panel.replaceChildren(...this.#make());
    this.#panel.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    this.#panel.querySelector("select, input")?.focus();
  }

  close() {
    if (this.#panel.hidden) return false;
    if (this.#panel.contains(document.activeElement)) this.#button.focus();
    this.#panel.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    return true;
  }
}

const READINGS = {
  importance: "importance",
  score: "score while hidden",
  evidence: "evidence against the strongest other class",
};
const SCALE_NAMES = { shared: "all steps and runs", step: "this step", map: "each map on its own" };

/** The View menu's fields, for what is shown now. */
export function viewMenu({ state, scene }) {
  const settings = scene.settings();
  const names = scene.images.map((image) => scene.input(image)?.class_names ?? []).find((each) => each.length) ?? [];
  const fields = [
    select("method", scene.methods.map(({ label }) => [label, label]), scene.label, (method) => state.set({ method })),
    select(
      "class",
      [["", scene.labelled ? "true class" : "truth or newest prediction"], ...scene.targets.map((each) => [String(each), names[each] ?? `class ${each}`])],
      state.target === null ? "" : String(state.target),
      (value) => state.set({ target: value === "" ? null : Number(value) }),
    ),
  ];
  const readings = readingsFor(settings);
  if (readings.length > 1) {
    fields.push(select("reading", readings.map((each) => [each, READINGS[each]]), scene.reading, (reading) => state.set({ reading })));
  }
  if (settings && scene.reading !== "score") {
    const sided = isSigned(settings, scene.reading);
    const key = sided ? "signedPalette" : "plainPalette";
    fields.push(
      select("palette", palettesFor(sided).map((each) => [each, each]), state[key], (value) => state.set({ [key]: value })),
      el("label", { class: "field" }, el("span", { text: "opacity" }), slider(state)),
      select("scale", SCALES.map((each) => [each, SCALE_NAMES[each]]), state.scale, (scale) => state.set({ scale })),
    );
  }
  fields.push(
    select("size", Object.keys(SIZES).map((each) => [each, each]), state.size, (size) => state.set({ size })),
    select("speed", SPEEDS.map((each) => [String(each), `${each} steps a second`]), String(state.speed), (value) => state.set({ speed: Number(value) })),
  );
  return fields;
}

function slider(state) {
  const control = el("input", { type: "range", min: 0, max: 1, step: 0.05, value: state.opacity });
  control.addEventListener("input", () => state.set({ opacity: Number(control.value) }));
  return control;
}

/** What the help says. */
export function help() {
  return [
    el("dl", {}, ...KEYS.flatMap(([key, text]) => [el("dt", { text: key }), el("dd", { text })])),
    el("p", { text: "Each row is one image, its maps from the first logged step to the one under the slider. Click a row to see all methods and classes." }),
    el("p", { text: "Hatched: orange or blue with white is saturated (infinite), violet is not a number, grey was never seen by the model. A solid red or deep blue lies beyond the scale." }),
    el("p", { text: "A strong importance is evidence that the window is used; a weak one is no evidence that it is not: other parts may stand in for it." }),
  ];
}
