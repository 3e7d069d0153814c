// One chart of the timeline: what is chosen, drawn for every run on show.

import { drawing, partAt, seekable } from "../kit/chart.js";
import { curves, endLabels, rangeOf } from "./curves.js";
import { curveTable } from "./curvetable.js";
import { button, el, setText } from "../kit/dom.js";
import { csv, save } from "../kit/files.js";
import { flipWords } from "../numbers/flips.js";
import { correlation, number, percent, plural, points, stepText } from "../kit/format.js";
import { alike } from "../kit/lists.js";
import { gather, NOTHING } from "../shown/gather.js";
import { worstText } from "./groupsources.js";
import { flagMarks, hidingNote } from "./hidingnote.js";

/** @import { Gathered, RunCurve, Source } from "../shown/gather.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Step } from "../types.js" */
/** @import { Axis } from "./axis.js" */

const FOOT = 0.7; // of the height: below it the flips are pointed at
const MANY = 2; // runs: what more of them say takes a line of its own, as do longer words

/** @param {Axis} axis */
export function ticksOf({ ticks }) {
  return ticks.map(({ part, text, align }) => el("span", { text, style: { left: `${100 * part}%`, transform: `translateX(${-100 * align}%)` } }));
}

export class TimeChart {
  /** @type {Needs<"scene" | "seek" | "tip">} */
  #given;
  /** @type {Source | null} */
  #source = null;
  /** @type {Axis | null} */
  #axis = null;
  /** @type {Gathered} */
  #gathered = NOTHING;
  /** @type {number[]} */
  #images = [];
  /** @type {Step[]} */
  #steps = [];
  /** @type {number | null} */
  #pointed = null;
  #select;
  #made = "";
  #keep = button("⤓", "save these curves as CSV", () => this.#save(), { class: "small" });
  #note = el("span", { class: "remark" });
  #plot;
  #svg = drawing();
  #cursors = el("div", { class: "cursors" });
  #pointer = el("div", { class: "cursor pointer", hidden: true });
  #labels = el("div", { class: "labels", "aria-hidden": "true" });
  #readout = el("div", { class: "readout" });
  #high = el("span", { class: "high" });
  #low = el("span", { class: "low" });
  #marks = el("div", { class: "marks", "aria-hidden": "true" });
  #hidden = el("div", {});
  #hiddenMade = "";
  #told = false;

  /**
   * @param {Needs<"scene" | "seek" | "tip">} given
   * @param {{choose: (id: string) => void, remove: (() => void) | null, tools: HTMLElement[]}} options
   *   `remove` takes the chart away, null where it is the only one; `tools` stand beside the choice
   */
  constructor(given, { choose, remove, tools }) {
    this.#given = given;
    this.#select = el("select", { class: "title", "aria-label": "what is charted", on: { change: () => choose(this.#select.value) } });
    this.#plot = el("div", { class: "plot", tabindex: 0, role: "slider" }, this.#svg, this.#labels, this.#pointer, this.#cursors);
    this.element = el(
      "div", { class: "timechart" },
      el("div", { class: "over" }, this.#select, ...tools, this.#keep, remove && button("×", "remove this chart", remove, { class: "small" }), this.#note, this.#readout),
      this.#hidden,
      el("div", { class: "area" }, el("div", { class: "axis", "aria-hidden": "true" }, this.#high, this.#low), this.#plot, this.#marks),
    );
    const count = () => given.scene.steps.length;
    /** @type {(part: number) => number} */
    const placeOf = (part) => this.#axis?.place(part) ?? 0;
    seekable(this.#plot, count, (place) => given.seek(place), placeOf);
    this.#plot.addEventListener("pointermove", (event) => count() && this.#point(placeOf(partAt(this.#plot, event.clientX)), event));
    this.#plot.addEventListener("pointerleave", () => this.#point(null));
    this.#plot.addEventListener("focus", () => this.#tellFocused());
    this.#plot.addEventListener("blur", () => given.tip.hide());
  }

  #save() {
    const { scene } = this.#given;
    if (!this.#source) return;
    save(csv(curveTable(scene, this.#source, this.#gathered, this.#images)), `${scene.probe} ${this.#source.title}.csv`);
  }

  focus() {
    this.#select.focus();
  }

  /** Give the keyboard to the drawing, over which its arrows go from step to step. */
  hold() {
    this.#plot.focus({ preventScroll: true });
  }

  /**
   * Draw again.
   * @param {Source | null} source what is charted, null: nothing of that name is there
   * @param {Source[]} sources what may be chosen
   * @param {string} id of what is charted, there or not
   * @param {{axis: Axis, images: number[], told: boolean, all: boolean}} over what; whether a chart above says
   *   what hiding does; all: draw again also what maps' records do not change
   */
  update(source, sources, id, { axis, images, told, all }) {
    const { steps } = this.#given.scene;
    this.#list(sources, id);
    const free = source !== null && !source.labels && !source.pending;
    if (!all && free && source.id === this.#source?.id && told === this.#told && alike(images, this.#images) && alike(steps, this.#steps)) return;
    this.#steps = steps;
    this.#source = source;
    this.#told = told;
    this.#axis = axis;
    this.#images = images;
    this.#gathered = gather(this.#given.scene, source, images);
    this.#draw();
    this.move();
  }

  /** @param {Source[]} sources @param {string} id */
  #list(sources, id) {
    const made = JSON.stringify([id, sources.map((each) => [each.id, each.title, each.group])]);
    if (made === this.#made) return;
    this.#made = made;
    const groups = [...new Set(sources.map(({ group }) => group))];
    /** @type {(source: Source) => HTMLElement} */
    const option = (each) => el("option", { value: each.id, text: each.title });
    const known = sources.some((each) => each.id === id);
    this.#select.replaceChildren(
      ...groups.map((group) => el("optgroup", { label: group }, ...sources.filter((each) => each.group === group).map(option))),
      ...(known ? [] : [el("option", { value: id, text: id })]),
    );
    this.#select.value = id;
  }

  #draw() {
    const { scene } = this.#given;
    if (!this.#axis) return;
    const range = rangeOf(this.#source?.range ?? "free", this.#gathered);
    /** @type {(value: number) => string} */
    const end = (value) => (range.empty ? "" : this.#source?.range === "correlation" ? number(value) : this.#show(value));
    setText(this.#high, end(range.high));
    setText(this.#low, end(range.low));
    this.#svg.replaceChildren(...curves(this.#gathered, this.#source?.style, this.#axis, range));
    // The distance to what a change is from, or the place of a scalar, is said beside each number.
    this.element.classList.toggle("crowded", this.#gathered.runs.length > (this.#source?.detail || this.#source?.grouped ? 0 : MANY));
    this.#tellHidden();
    this.#labels.replaceChildren(...endLabels(this.#gathered, range, (value) => this.#show(value)));
    this.#keep.disabled = this.#source === null;
    setText(this.#note, this.#noteText());
    this.#note.title = this.#note.textContent;
    this.#plot.setAttribute("aria-label", this.#source?.title ?? "nothing");
    this.#plot.setAttribute("aria-valuemin", "0");
    this.#plot.setAttribute("aria-valuemax", String(Math.max(scene.steps.length - 1, 0)));
  }

  /** Say what hiding a region does, and mark since when its edits do more than elsewhere. */
  #tellHidden() {
    const { scene } = this.#given;
    const { steps } = scene;
    const marked = this.#gathered.runs.map((run) => ({ name: this.#nameOf(run), colour: run.colour, flags: run.flags, parts: this.#axis?.parts(run.data) ?? [] }));
    const runs = this.#gathered.runs.flatMap(({ effect }, i) => (effect ? [{ ...marked[i], effect }] : []));
    const lead = (runs.length && this.#source?.hiding?.lead) || "";
    const made = JSON.stringify([lead, marked, runs, steps.join(), this.#told], (_, value) => (typeof value === "bigint" ? String(value) : value));
    if (made === this.#hiddenMade) return; // a button that has the keyboard stays
    this.#hiddenMade = made;
    /** @type {(place: number) => void} */
    const seek = (place) => this.#given.seek(place);
    this.#marks.replaceChildren(...flagMarks(marked, steps, seek));
    this.#hidden.replaceChildren(...(runs.length && !this.#told ? [hidingNote(lead, runs, steps, seek, (image, index) => scene.className(image, index))] : []));
  }

  /**
   * A run's name, where there are several.
   * @param {RunCurve} run
   */
  #nameOf({ name }) {
    return this.#gathered.runs.length > 1 ? name : "";
  }

  #noteText() {
    if (this.#source === null) return "not there";
    const flips = this.#gathered.runs.some((run) => run.flips?.some((each) => each.flips.length));
    return [this.#source.note?.(this.#images), flips && "ticks at the foot: predictions that change", this.#source.pending?.()].filter(Boolean).join(" · ");
  }

  /** @param {number | null} value @returns {string} */
  #show(value) {
    if (value === null || !this.#source) return "–";
    const text = { probability: percent, share: percent, correlation, points, free: number };
    const { range, unit } = this.#source;
    return text[range](value) + (unit && ` ${unit}`);
  }

  /** Put the cursor at the current step. */
  move() {
    if (this.#axis === null) return;
    const { scene } = this.#given;
    const { place } = scene;
    /** @type {Map<number, string>} */
    const parts = new Map();
    for (const { data, colour } of this.#gathered.runs) {
      const part = this.#axis.part(data, place);
      if (part !== null && ![...parts.keys()].some((each) => Math.abs(each - part) < 1e-6)) parts.set(part, colour);
    }
    // Where runs differ in epochs or time the same step stands at several places.
    if (!parts.size && place >= 0) parts.set(this.#axis.part(null, place) ?? 0, "");
    const several = parts.size > 1;
    const made = [...parts].map(([part, colour]) => el("div", { class: "cursor", style: { left: `${100 * part}%`, ...(several ? { background: colour } : {}) } }));
    const there = [...this.#cursors.children].filter((each) => each instanceof HTMLElement);
    if (made.length === there.length) made.forEach((each, i) => (there[i].style.cssText = each.style.cssText));
    else this.#cursors.replaceChildren(...made);
    this.#plot.setAttribute("aria-valuenow", String(place));
    if (this.#pointed === null) this.#say(place);
    this.#tellFocused();
  }

  /** @param {number | null} place @param {PointerEvent | null} event null: the pointer left */
  #point(place, event = null) {
    const { scene, tip } = this.#given;
    this.#pointed = place;
    const box = this.#plot.getBoundingClientRect();
    const low = event !== null && event.clientY > box.top + FOOT * box.height;
    const flips = low && place !== null ? this.#flipLines(place) : [];
    if (event && place !== null && flips.length) tip.show([stepText(scene.steps[place], scene.epoch(scene.steps[place])), ...flips], event);
    else tip.hide();
    this.#pointer.hidden = place === null;
    if (place !== null) this.#pointer.style.left = `${100 * (this.#axis?.part(this.#gathered.runs[0]?.data, place) ?? 0)}%`;
    this.#say(place ?? scene.place);
  }

  /** What flips at the current step, where the keyboard is in the chart. */
  #tellFocused() {
    if (!this.#plot.matches(":focus-visible") || this.#pointed !== null) return;
    const { scene, tip } = this.#given;
    const flips = this.#flipLines(scene.place);
    if (!flips.length || scene.step === null) {
      tip.hide();
      return;
    }
    const box = this.#plot.getBoundingClientRect();
    const part = this.#axis?.part(this.#gathered.runs[0]?.data, scene.place) ?? 0;
    tip.show([stepText(scene.step, scene.epoch(scene.step)), ...flips], { clientX: box.left + part * box.width, clientY: box.bottom });
  }

  /**
   * What flips at a place, a line a run.
   * @param {number} place
   * @returns {string[]}
   */
  #flipLines(place) {
    return this.#gathered.runs.flatMap((run) => {
      const words = this.#flipsOf(run, place);
      const name = this.#nameOf(run);
      return words ? [name ? `${name}: ${words}` : words] : [];
    });
  }

  /** @param {RunCurve} run @param {number} place */
  #flipsOf({ data, flips }, place) {
    return flips?.[place] ? flipWords(this.#given.scene, data, flips[place]) : "";
  }

  /** @param {number} place */
  #say(place) {
    const { scene } = this.#given;
    const step = scene.steps[place];
    const details = new Set(this.#gathered.runs.map((run) => this.#detail(run, scene.steps.indexOf(run.data.at(step ?? null)))).filter(Boolean));
    const parts = this.#gathered.runs.flatMap((run) => this.#words(run, place, details.size > 1));
    if (details.size === 1) parts.push(el("span", { class: "quiet", text: [...details][0] }));
    const common = this.#gathered.common.map(({ name, points }) => el("span", { text: `${name} ${this.#show(points[place]?.mean ?? null)}` }));
    const at = this.#pointed === null || step === undefined ? [] : [el("span", { class: "quiet", text: stepText(step, scene.epoch(step)) })];
    this.#readout.replaceChildren(...at, ...parts, ...common);
    this.#plot.setAttribute("aria-valuetext", step === undefined ? "" : [stepText(step), ...parts.map((each) => each.textContent), ...this.#flipLines(place)].join(", "));
  }

  /** @param {RunCurve} run @param {number} place */
  #detail({ data, images, points }, place) {
    return (points[place]?.mean ?? null) === null ? "" : (this.#source?.detail?.(data, images, place) ?? "");
  }

  /** @param {RunCurve} run @param {number} place @param {boolean} detailed */
  #words(run, place, detailed) {
    const { colour, points, lines, flips } = run;
    const name = this.#nameOf(run);
    const { steps } = this.#given.scene;
    const at = steps.indexOf(run.data.at(steps[place] ?? null));
    const point = points[at];
    if (!point) return [];
    const grouped = this.#source?.grouped ?? false;
    let text = `${name && `${name} `}${grouped ? "all " : ""}${this.#show(point.mean)}`;
    // The newest that this run logged.
    if (at !== place) text += ` (${stepText(steps[at])})`;
    if (point.count > 1 && point.low !== null && (this.#gathered.runs.length === 1 || this.#source?.means)) text += ` (${this.#show(point.low)} to ${this.#show(point.high)})`;
    const more = lines.filter((each) => each.short && each.points[at].mean !== null).map((each) => `${each.short} ${this.#show(each.points[at].mean)}`);
    const worst = grouped ? worstText(lines, at, (value) => this.#show(value)) : "";
    if (worst) more.push(worst);
    const detail = this.#detail(run, at);
    if (detailed && detail) more.push(detail);
    if (flips?.[place].flips.length) more.push(plural(flips[place].flips.length, "flip"));
    const words = [text, ...more].join(" · ");
    return [el("span", { class: "value", text: words, title: [words, this.#flipsOf(run, place)].filter(Boolean).join("\n"), style: { "--run": colour } })];
  }
}
