// One legend for the page, in a sentence.

import { hasOtherClass, isComparing, meansFit, sameUnit, wordOf } from "../shown/compare.js";
import { contextOf, el } from "../kit/dom.js";
import { number } from "../kit/format.js";
import { GREY, paletteOf } from "../numbers/palette.js";
import { comparable, isSigned } from "../numbers/reading.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { State } from "../shown/state.js" */
/** @import { Choice, Reading, Settings, Sign } from "../types.js" */

const SCALES = {
  shared: "one scale for all steps and runs",
  step: "one scale for each step",
  map: "each map has its own scale: not comparable",
};

/** The same where images and their means have each their own. */
const OWN_SCALES = {
  shared: "one each for all steps and runs",
  step: "one each for each step",
  map: SCALES.map,
};

/**
 * What windows or segments are hidden in, in words; "" where nothing is.
 * @param {{parameters: Record<string, string>}} settings
 */
export function fillName({ parameters }) {
  return parameters.fill === "mean" ? "image mean" : (parameters.fill ?? "");
}

/**
 * What else opposition may be, in words: where what is hidden is filled with something like the
 * class, the class gains by it. Dropped tokens are filled with nothing.
 * @param {{parameters: Record<string, string>}} settings
 */
export function orFill(settings) {
  const fill = fillName(settings);
  return fill && fill !== "dropped tokens" ? `, or its fill (${fill}) supports it` : "";
}

/**
 * The sentence around the bar: before it, after it, and what else must be said.
 * @param {Settings} settings
 * @param {Reading} reading
 * @param {string} subject
 * @returns {[string, string, string]}
 */
export function sentence(settings, reading, subject) {
  const fill = fillName(settings);
  const more = fill ? `(fill: ${fill})` : "";
  const raw = settings.output === "raw";
  const segments = settings.geometry?.segments;
  const when = segments ? "when its segment is hidden" : "when hidden";
  if (reading === "score") return [`probability of ${subject} while this${segments ? " segment" : ""} is hidden: 0`, "1", more];
  const or = orFill(settings);
  if (reading === "evidence") return [`supports ${subject} against the strongest other class (weaker ${when})`, `opposes it${or}`, ""];
  if (settings.geometry) {
    return raw ? [`raises the ${settings.unit} of ${subject} (lower ${when})`, "lowers it (higher)", more] : [`supports ${subject} (less likely ${when})`, `opposes it${or}`, ""];
  }
  const { baseline } = settings.parameters;
  if (settings.sign === "contribution") return [`supports ${subject}`, "opposes it", baseline ? `(baseline: ${baseline})` : more];
  if (settings.sign === "direction") return [`making this brighter raises the score of ${subject}`, "lowers it", "(a direction, not support)"];
  if (settings.method === "grad-cam") return [`what ${settings.layer} finds here raises the score of ${subject} little`, "much", "(what lowers it is cut off)"];
  return [`strength: changing this changes the score of ${subject} little`, "much", "(without a sign)"];
}

/**
 * What was used for one record, beside what the sentence says: layer, seed and the method's own parameters.
 * @param {Settings} settings
 */
export function used({ layer, seed, parameters }) {
  const { fill, baseline, ...all } = parameters;
  if (layer) all.layer = layer;
  if (seed !== null) all.seed = String(seed);
  return Object.keys(all).sort().map((name) => `${name}: ${all[name]}`).join(" · ");
}

/**
 * The palette as a bar: positive first, as the sentence says it.
 * @param {{sign: Sign}} settings
 * @param {Reading} reading
 * @param {State} state
 */
function bar(settings, reading, state) {
  const score = reading === "score";
  const sided = isSigned(settings, reading);
  const palette = score ? GREY : paletteOf(sided ? state.signedPalette : state.plainPalette);
  const canvas = el("canvas", { class: "bar", width: 129, height: 1, "aria-hidden": "true" });
  const context = contextOf(canvas);
  const image = context.createImageData(129, 1);
  for (let i = 0; i < 129; i++) {
    const value = sided ? 1 - i / 64 : i / 128;
    const index = sided ? 128 + Math.round(127 * value) : Math.round(255 * value);
    image.data.set(palette.colours[index], 4 * i);
    image.data[4 * i + 3] = score ? 255 : Math.round(255 * state.opacity * Math.sqrt(Math.abs(value)));
  }
  context.putImageData(image, 0, 0);
  /** @type {(colour: number[]) => HTMLElement} */
  const cap = (colour) => el("span", { class: "cap", title: "beyond the scale", style: { background: `rgb(${colour.join(" ")})` } });
  const ends = palette.beyond.map(cap);
  const parts = score ? [canvas] : sided ? [ends[0], canvas, ends[1]] : [canvas, ends[0]];
  return [el("span", { class: "barred" }, ...parts)];
}

/**
 * The sentence for the difference of two maps.
 * @param {Settings} settings
 * @param {Reading} reading
 * @param {State} state
 * @param {(target: number) => string} className
 */
function differenceSentence(settings, reading, state, className) {
  if (reading === "score") return ["the class stays likelier while this is hidden in B", "in A"];
  if (hasOtherClass(state) && settings.geometry && settings.output !== "raw") return ["this speaks for B's class", `for ${wordOf(state.pinTarget) ? `its ${wordOf(state.pinTarget)}` : `“${className(Number(state.pinTarget))}”`} (A)`];
  if (settings.sign === "unsigned") return ["stronger in B", "in A"];
  if (settings.sign === "direction") return ["raises the score more in B", "in A"];
  return ["supports the class more in B", "in A"];
}

export class Legend {
  #given;
  #label;

  /**
   * @param {Needs<"scene" | "state">} given
   * @param {string | null} label the method it explains; null: the one on show
   */
  constructor(given, label = null) {
    this.#given = given;
    this.#label = label;
    this.element = el("div", { class: "legend" });
  }

  update() {
    const { scene, state } = this.#given;
    const label = this.#label ?? scene.label;
    const settings = scene.settings(label);
    this.element.hidden = settings === null;
    if (!settings) return;
    const reading = scene.fittingReading(settings);
    this.element.dataset.sided = String(isSigned(settings, reading));
    const [before, after, more] = sentence(settings, reading, this.#label === null ? this.#subject(state.target) : "the class above the map");
    this.element.replaceChildren(
      el("b", { text: label }),
      el("span", { text: before }), ...bar(settings, reading, state), el("span", { text: after }),
      el("span", { class: "quiet", text: more }), el("span", { class: "quiet scale", text: this.#scale(settings, label, reading) }),
      ...(this.#label === null && isComparing(state) ? this.#compared(settings, label, reading) : []),
    );
  }

  /**
   * What must be said of A and of B − A.
   * @param {Settings} settings
   * @param {string | null} label
   * @param {Reading} reading
   */
  #compared(settings, label, reading) {
    const { scene, state } = this.#given;
    const { pinMethod } = state;
    const own = pinMethod === null || pinMethod === label ? null : scene.settings(pinMethod);
    if (own === null) return [this.#difference(settings, reading)];
    return [this.#sideA(own, String(pinMethod)), ...(sameUnit(own, settings) ? [this.#difference(settings, reading)] : [])];
  }

  /**
   * A line for A's method, where it is another one: it has a palette and a scale of its own.
   * @param {Settings} settings
   * @param {string} label
   */
  #sideA(settings, label) {
    const { scene, state } = this.#given;
    const reading = scene.fittingReading(settings);
    const [before, after, more] = sentence(settings, reading, this.#subject(state.pinTarget ?? state.target));
    return el(
      "div", { class: "more" }, el("b", { text: `A: ${label}` }), el("span", { text: before }), ...bar(settings, reading, state),
      el("span", { text: after }), el("span", { class: "quiet", text: more }),
      el("span", { class: "quiet scale", text: this.#scale(settings, label, reading) }),
    );
  }

  /**
   * A line for what the colours of B − A say.
   * @param {Settings} settings
   * @param {Reading} reading
   */
  #difference(settings, reading) {
    const { scene, state } = this.#given;
    /** @type {(target: number) => string} */
    const name = (target) => scene.nameOfClass(target);
    const [before, after] = differenceSentence(settings, reading, state, name);
    const sided = { sign: /** @type {Sign} */ ("contribution") };
    const size = reading === "score" ? "±100 %" : "on the same scale";
    return el(
      "div", { class: "more" }, el("b", { text: "B − A" }), el("span", { text: before }), ...bar(sided, "importance", state),
      el("span", { text: after }), el("span", { class: "quiet", text: size }),
    );
  }

  /**
   * A class in words; null or its stand-in: each image's own.
   * @param {Choice} target
   */
  #subject(target) {
    return this.#given.scene.choiceName(target);
  }

  /** @param {Settings} settings @param {string | null} label @param {Reading} reading */
  #scale(settings, label, reading) {
    const { scene, state } = this.#given;
    if (reading === "score") return "0 to 1 in all maps · where a whole map is alike, it says so below";
    const means = label === scene.label && meansFit(scene, state);
    const [ofMean, ofClasses] = means ? scene.groups.slice(0, 2).map((group) => scene.scales.sharedOfMeans(group, label)) : [];
    const others = scene.groups.some((group) => typeof group === "string") ? "class and group means" : "class means";
    const parts = [(ofMean ? OWN_SCALES : SCALES)[state.scale]];
    if (state.scale !== "map" && scene.isPartial(label)) parts.push("more is loading");
    const scale = state.scale === "shared" ? scene.scales.shared(label, reading) : 0;
    if (comparable(settings)) {
      const unit = settings.unit === "value" ? "" : ` ${settings.unit}`;
      if (scale && ofMean) parts.unshift(`images ±${number(scale)}, mean ±${number(ofMean)}${ofClasses && state.means === "classes" ? `, ${others} ±${number(ofClasses)}` : ""}${unit}`);
      else if (scale) parts.unshift(`±${number(scale)}${unit}`);
    } else {
      if (scale) parts.unshift(`up to ${number(scale)} times a uniform map`);
      parts.push("below each map its total strength");
    }
    return parts.join(" · ");
  }
}
