// The numbers of an edit at the current step, of each run, and by true class, as tables.

import { button, el, refill } from "../kit/dom.js";
import { natural, number, points, stepText } from "../kit/format.js";
import { beyond, estimate } from "../numbers/edits.js";
import { ofClassAlone, ofGroupAlone } from "../shown/among.js";
import { estimateOf, mainMeasure, meanOf, valuesOf } from "../shown/editpoints.js";
import { kept, ordered } from "../kit/lists.js";
import { sampleClass } from "../shown/sample.js";
import { table } from "./tables.js";

/** @import { Answered } from "../log/edits.js" */
/** @import { Estimate } from "../numbers/edits.js" */
/** @import { Among } from "../shown/among.js" */
/** @import { Measure } from "../shown/editpoints.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Choices } from "../types.js" */
/** @import { Asked } from "./edit.js" */

/** @typedef {Pick<Choices, "ofClass" | "ofGroup">} Chosen which images alone are shown */

/** @typedef {[text: string, title: string, cell: (each: Asked, record: Answered, among: Among | null) => string]} Column of a table */

export class EditNumbers {
  #given;
  /** @type {Asked[]} */
  #asked = [];
  /** @type {WeakMap<Answered, Map<string, Estimate>>} */
  #differences = new WeakMap();
  element = el("div", { class: "numbers" });

  /** @param {Needs<"scene" | "state" | "store">} given */
  constructor(given) {
    this.#given = given;
  }

  /** @param {Asked[]} asked */
  update(asked) {
    this.#asked = asked;
  }

  paint() {
    const [{ edits }] = this.#asked;
    const raw = edits.asked.output === "raw";
    const swapped = this.#asked.some(({ edits, place }) => edits.asked.edits[place]?.form === "swapped");
    const elsewhere = this.#asked.some(({ edits, place }) => place >= 0 && edits.references(edits.asked.edits[place]).length);
    const whose = edits.asked.labelled ? "true" : "first";
    /** @type {Column[]} */
    const columns = [
      ["images", "of which it was asked", (each, record, among) => String(this.#found(each, record, among).count)],
      ...(raw ? [] : [
        this.#column("moves", "moves", "how far the answers move, in points, with the 95 % interval over the images"),
        this.#column("flips", "changes", "share of predictions that change"),
        ...(swapped ? [this.#column("follows", "to the donor’s", "share of predictions that become the donor’s class, of those that were another")] : []),
      ]),
      this.#column("costs", raw ? `${edits.asked.value_name || "value"} lost` : `${whose} class loses`, raw ? "how much it takes from the value" : `points of probability that the ${whose} class loses; where it gains, below 0`),
    ];
    /** @type {Column[]} */
    const more = elsewhere ? [
      ["elsewhere", "the same at another place, of each image the one that moves its answer most", (each, record, among) => this.#elsewhere(each, record, among, "theirs")],
      ["more than elsewhere", "the difference image by image, with its 95 % interval", (each, record, among) => this.#elsewhere(each, record, among, "difference")],
    ] : [];
    refill(this.element, [this.#table([...columns, ...more])]);
  }

  /** @param {Asked} each @param {Answered} record @param {Among | null} among @param {Measure} [measure] */
  #found({ edits, place }, record, among, measure = mainMeasure(edits)) {
    return estimateOf(edits, record, place, { measure, among });
  }

  /**
   * @param {Measure} measure
   * @param {string} head
   * @param {string} title
   * @returns {Column}
   */
  #column(measure, head, title) {
    const percent = measure === "flips" || measure === "follows";
    return [head, title, (each, record, among) => {
      const found = this.#found(each, record, among, measure);
      return withInterval(found, each.edits.asked.output === "raw" ? number : points, percent ? " %" : "");
    }];
  }

  /** @param {Asked} each @param {Answered} record @param {Among | null} among @param {"theirs" | "difference"} which */
  #elsewhere({ edits, place }, record, among, which) {
    const show = edits.asked.output === "raw" ? number : points;
    const own = valuesOf(edits, record, place, { among });
    const others = edits.references(edits.asked.edits[place]).map((at) => valuesOf(edits, record, at, { among }));
    const difference = beyond(own, others);
    if (which === "theirs") return show(meanOf(own) - meanOf(difference));
    const known = kept(this.#differences, record, () => new Map());
    return withInterval(kept(known, `${place} ${among?.key ?? ""}`, () => estimate(difference)), show, "");
  }

  /** @param {number} index */
  #nameOf(index) {
    return sampleClass(this.#given, this.#asked[0].run, index);
  }

  /**
   * A row a run, of all images, of each class and of each group, which can be chosen for the curve and all else.
   * @param {Column[]} columns
   */
  #table(columns) {
    const { scene, state } = this.#given;
    const classes = ordered(this.#asked.flatMap(({ edits }) => edits.asked.images.flatMap(({ truths }) => truths[0] ?? [])));
    const groups = [...new Set(this.#asked.flatMap(({ edits }) => edits.asked.images.flatMap(({ group }) => group ?? [])))].sort(natural);
    /** @type {(name: string, title: string, choice: Chosen, among: Among | null) => (string | Element)[][]} */
    const rows = (name, title, choice, among) => this.#asked.map((each, i) => {
      const record = each.edits.at(scene.step);
      const at = record && record.step !== scene.step ? ` (${stepText(record.step)})` : "";
      const pressed = state.ofClass === choice.ofClass && state.ofGroup === choice.ofGroup;
      const choose = button(name, title, () => state.set(choice), { class: "choice", "aria-pressed": String(pressed) });
      return [i ? "" : choose, `${each.run}${at}`, ...columns.map(([, , cell]) => (record && each.place >= 0 ? cell(each, record, among) : "–"))];
    });
    const { labelled } = this.#asked[0].edits.asked;
    const kinds = [classes.length > 1 && (labelled ? "true class" : "first predicted"), groups.length && "group"].filter(Boolean);
    const heads = [kinds.join(", "), "run", ...columns.map(([text, title]) => el("span", { text, title }))];
    const all = rows("all", "show all images", { ofClass: null, ofGroup: null }, null);
    const each = classes.length > 1 ? classes.flatMap((index) => rows(this.#nameOf(index), `show class ${this.#nameOf(index)} alone`, { ofClass: index, ofGroup: null }, ofClassAlone(index))) : [];
    const grouped = groups.flatMap((name) => rows(name, `show group ${name} alone`, { ofClass: null, ofGroup: name }, ofGroupAlone(name)));
    const alone = kinds.length ? ` ${classes.length > 1 ? "A class" : "A group"}${kinds.length > 1 ? ", or group," : ""} that is clicked is shown alone, here and in the rows.` : "";
    return table(`At this step, with 95 % intervals over the images.${alone}`, heads, [...all, ...each, ...grouped]);
  }
}

/** @param {Estimate} found @param {(value: number) => string} show @param {string} unit */
function withInterval({ value, low, high }, show, unit) {
  if (Number.isNaN(value)) return "–";
  return `${show(value)}${unit}${Number.isNaN(low) ? "" : ` (${show(low)} to ${show(high)})`}`;
}
