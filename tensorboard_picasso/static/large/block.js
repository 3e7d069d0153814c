// One run's part of the large view: all methods and classes at this step, class scores over steps, numbers.

import { Card } from "../pictures/card.js";
import { isComparing } from "../shown/compare.js";
import { Comparison } from "../pictures/comparison.js";
import { across, drawing, line, LINES, path, rangeOf, runColour, seekable } from "../kit/chart.js";
import { el, setText } from "../kit/dom.js";
import { Download, imageFiles } from "../pictures/download.js";
import { number, percent } from "../kit/format.js";
import { HiddenCharts } from "./hiddencharts.js";
import { OF_IMAGES } from "../pictures/imagekind.js";
import { Legend, used } from "../pictures/legend.js";
import { Planes } from "./planes.js";
import { CLASSES, Tables } from "./tables.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { FoundMap, MapSpec } from "../shown/spec.js" */

/**
 * What it needs of the page.
 * @typedef {"scene" | "state" | "store" | "shares" | "seek" | "hover" | "say"} Blocked
 *
 * A method's map for a class, with the class and its score above.
 * @typedef {{label: string, target: number, name: HTMLElement, score: HTMLElement, card: Card}} MapCell
 */

/** One run's part of the view. */
export class Block {
  #given;
  #data;
  #image;
  /** @type {MapCell[]} */
  #cells = [];
  /** @type {{label: string, legend: Legend, settings: HTMLElement, absent: HTMLElement}[]} */
  #methods = [];
  /** @type {Comparison<MapSpec, FoundMap> | null} */
  #comparison = null;
  #compared = el("div", { class: "compared" });
  #planes;
  #grid = el("div", { class: "grid" });
  #chart = el("div", { class: "chart", role: "img", "aria-label": "class scores over the steps, in numbers below" });
  #key = el("div", { class: "key" });
  #cursor = el("div", { class: "cursor" });
  #hidden;
  #numbers = el("div", { class: "numbers" });
  #tables;
  #download;
  #made = "";

  /** @param {Needs<Blocked>} given @param {RunData} data @param {number} image */
  constructor(given, data, image) {
    this.#given = given;
    this.#data = data;
    this.#image = image;
    const title = el("h3", {}, el("span", { class: "swatch", style: { background: runColour(given.scene.runs, data.run) } }), el("span", { text: data.run }));
    this.#download = new Download(given, () => imageFiles(given, data, image), () => this.#comparison?.taken ?? null);
    this.#hidden = new HiddenCharts(given, data, image);
    this.#planes = new Planes(given);
    this.#tables = new Tables(given, data, image);
    const side = [this.#chart, this.#key, this.#hidden.element, this.#numbers, this.#download.element];
    this.element = el("section", { class: "block" }, title, this.#compared, this.#planes.element, this.#grid, el("div", { class: "side" }, ...side));
    seekable(this.#chart, () => given.scene.steps.length, (place) => given.seek(place));
    this.update();
  }

  get cards() {
    return [...(this.#comparison?.cards ?? []), ...this.#planes.cards, ...this.#cells.map(({ card }) => card)];
  }

  /** How many maps a method has at the step that was painted last, at most. */
  get columns() {
    const shown = this.#cells.filter(({ card }) => !card.element.hidden);
    return Math.max(0, ...this.#methods.map(({ label }) => shown.filter((cell) => cell.label === label).length));
  }

  get #classes() {
    const { scene } = this.#given;
    const series = this.#data.scores.get(this.#image);
    const newest = series?.records.at(-1);
    const wanted = [...scene.truths(this.#image, this.#data), ...(newest?.ranked(CLASSES) ?? [])];
    return [...new Set(wanted)].slice(0, CLASSES);
  }

  update() {
    this.#makeComparison();
    this.#planes.update();
    this.#makeGrid();
    for (const { legend } of this.#methods) legend.update();
    this.#makeChart();
    this.#download.update();
    this.#hidden.update();
  }

  /** A, B and the difference of what the rows show, above all else. */
  #makeComparison() {
    const { state } = this.#given;
    const swiping = state.layout === "swipe";
    if (!isComparing(state)) this.#comparison = null;
    else if (this.#comparison?.swiping !== swiping) this.#comparison = new Comparison(this.#given, OF_IMAGES, { swiping, reach: true });
    else return;
    this.#compared.replaceChildren(...(this.#comparison?.elements ?? []));
  }

  /** A row of cards a method; columns: the truth, then every class that was ever explained here. */
  #makeGrid() {
    const { scene } = this.#given;
    const targets = new Set([scene.target(this.#image, this.#data), ...scene.truths(this.#image, this.#data)]);
    for (const { label } of scene.methods) {
      for (const record of this.#data.attributions(label, this.#image)?.records ?? []) {
        for (const target of record.targets) targets.add(target);
      }
    }
    const columns = [...targets];
    const made = JSON.stringify([scene.methods, columns]);
    if (made === this.#made) return;
    this.#made = made;
    this.#cells = scene.methods.flatMap(({ label }) => columns.map((target) => {
      const name = el("span", { class: "class" });
      const score = el("span", { class: "score" });
      return { label, target, name, score, card: new Card(this.#given, { caption: el("figcaption", {}, name, score), reach: true }) };
    }));
    this.#methods = scene.methods.map(({ label }) => ({ label, legend: new Legend(this.#given, label), settings: el("p", { class: "quiet used" }), absent: el("p", { class: "quiet" }) }));
    this.#grid.replaceChildren(...this.#methods.map(({ label, legend, settings, absent }) => el(
      "div", { class: "method", role: "group", "aria-label": label }, legend.element, settings,
      el("div", { class: "cards" }, ...this.#cells.filter((cell) => cell.label === label).map(({ card }) => card.element)), absent,
    )));
  }

  #makeChart() {
    const { scene } = this.#given;
    for (const each of [this.#chart, this.#key, this.#hidden.element]) each.hidden = scene.steps.length < 2;
    const series = this.#data.scores.get(this.#image);
    const classes = this.#classes;
    const lists = classes.map((each) => scene.steps.map((step) => series?.steps.get(step)?.score(each) ?? null));
    const range = rangeOf(lists, scene.raw);
    /** @type {(value: number) => string} */
    const end = (value) => (scene.raw ? number(value) : percent(value));
    const lines = lists.map((values, i) => path(line(values, range), LINES[i]));
    this.#chart.replaceChildren(drawing(path("M0 0H1000M0 50H1000M0 100H1000", "", "grid"), ...lines), el("span", { class: "high", text: end(range[1]) }), el("span", { class: "low", text: end(range[0]) }), this.#cursor);
    this.#key.replaceChildren(...classes.map((each, i) => el("span", { style: { "--run": LINES[i] }, class: "value", text: scene.className(this.#image, each, this.#data) })));
  }

  /** Show the current step; false while something is still loading. */
  paint() {
    const { scene } = this.#given;
    if (scene.step === null) return true;
    const step = this.#data.at(scene.step);
    this.#cursor.style.left = `${across(scene.place, scene.steps.length) / 10}%`;
    this.#hidden.move();
    const scores = this.#data.scores.get(this.#image)?.steps.get(step) ?? null;
    /** @type {MapSpec} */
    const spec = { data: this.#data, image: this.#image, label: scene.label, step, asked: scene.step, target: scene.target(this.#image, this.#data) };
    let ready = this.#comparison?.paint(spec) ?? true;
    ready = this.#planes.paint(spec) && ready;
    for (const { label, target, name, score, card } of this.#cells) {
      const truth = scene.labelsOf(this.#image, this.#data)?.includes(target) ?? false;
      setText(name, `${scene.className(this.#image, target, this.#data)}${truth ? " (true)" : ""}`);
      setText(score, scores ? (scene.raw ? number(scores.score(target)) : percent(scores.score(target))) : "");
      /** @type {MapSpec} */
      const own = { data: this.#data, image: this.#image, label, step, asked: scene.step, target };
      // A class that was not explained at this step takes no room.
      card.element.hidden = !this.#explains(own);
      if (!card.element.hidden) ready = card.show(own) && ready;
    }
    for (const { label, settings, absent } of this.#methods) {
      const record = this.#data.attributions(label, this.#image)?.steps.get(step);
      setText(settings, record ? used(record.settings) : "");
      const names = this.#cells.filter((cell) => cell.label === label && cell.card.element.hidden).map(({ name }) => name.textContent);
      setText(absent, names.length ? `not explained at this step: ${names.join(", ")}` : "");
    }
    this.#download.turn();
    this.#numbers.replaceChildren(...this.#tables.at(step));
    return ready;
  }

  /**
   * Whether a class has a map at a step; true where that is not known.
   * @param {MapSpec} spec
   */
  #explains({ label, step, target }) {
    const record = this.#data.attributions(label, this.#image)?.steps.get(step);
    return !record || record.explained.includes(target);
  }
}
