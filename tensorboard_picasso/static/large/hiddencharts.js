// The direct test of each logged region, one image in one run: how likely its class is with the
// image whole and with the region hidden, over the steps.

import { across, drawing, evenParts, line, LINES, path, rangeOf, runColour, seekable } from "../kit/chart.js";
import { el } from "../kit/dom.js";
import { number, percent, plural } from "../kit/format.js";
import { effect } from "../numbers/effect.js";
import { hiddenScore, hidings } from "../numbers/hidden.js";
import { flagMarks, hidingNote, sinceNodes } from "../timeline/hidingnote.js";
import { flagsOf } from "../shown/flags.js";
import { overSteps } from "../shown/gather.js";

/** @import { Scores } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Hiding } from "../numbers/hidden.js" */
/** @import { Needs } from "../shown/given.js" */

export class HiddenCharts {
  #given;
  #data;
  #image;
  /** @type {HTMLElement[]} */
  #cursors = [];

  /** @param {Needs<"scene" | "seek">} given @param {RunData} data @param {number} image */
  constructor(given, data, image) {
    this.#given = given;
    this.#data = data;
    this.#image = image;
    this.element = el("div", { class: "hiddencharts" });
  }

  update() {
    const regions = Map.groupBy(hidings({ datas: [this.#data] }), ({ region }) => region);
    this.#cursors = [];
    this.element.replaceChildren(...[...regions].map(([region, fills]) => this.#chart(region, fills)));
    this.move();
  }

  /** @param {string} region @param {Hiding[]} fills */
  #chart(region, fills) {
    const { scene } = this.#given;
    const series = this.#data.scores.get(this.#image);
    const target = scene.target(this.#image, this.#data);
    /** @type {(read: (record: Scores) => number | null) => (number | null)[]} */
    const over = (read) => overSteps(scene, series, read);
    const whole = over((record) => record.score(target));
    const hidden = fills.map((each) => over((record) => hiddenScore(record, target, each)));
    const range = rangeOf([whole, ...hidden], scene.raw);
    /** @type {(value: number) => string} */
    const end = (value) => (scene.raw ? number(value) : percent(value));
    const colour = runColour(scene.runs, this.#data.run);
    /** @type {(i: number) => string} */
    const fillColour = (i) => LINES[i % LINES.length];
    const lines = hidden.map((values, i) => path(line(values, range), fillColour(i), "line dashed"));
    const cursor = el("div", { class: "cursor" });
    this.#cursors.push(cursor);
    const chart = el(
      "div", { class: "chart" }, drawing(path("M0 0H1000M0 50H1000M0 100H1000", "", "grid"), path(line(whole, range), colour), ...lines),
      el("span", { class: "high", text: end(range[1]) }), el("span", { class: "low", text: end(range[0]) }), cursor,
    );
    /** @type {(place: number) => void} */
    const seek = (place) => this.#given.seek(place);
    seekable(chart, () => scene.steps.length, seek);
    const name = scene.className(this.#image, target, this.#data);
    const flags = flagsOf(scene, this.#data.run, region);
    const told = scene.raw ? [] : fills.flatMap((each, i) => {
      const measured = effect(scene, this.#data, [this.#image], each, { name, of: () => target });
      return measured ? [{ name: each.fill, colour: fillColour(i), effect: measured, ...(flags === null ? { flags } : {}) }] : [];
    });
    const all = flags === null || flags === "coming" ? null : flags;
    const since = all && el("p", {}, `of all ${plural(all.images, "image")} of “${all.sample}”: `, ...sinceNodes(all, scene.steps, seek));
    if (told.length) chart.append(...flagMarks([{ name: "", colour, flags, parts: evenParts(scene.steps.length) }], scene.steps, seek));
    const keys = fills.map(({ fill }, i) => el("span", { class: "value", style: { "--run": fillColour(i) }, text: `${region} hidden (${fill})` }));
    const title = `${scene.measure} of ${name} without ${region}`;
    return el(
      "figure", { "aria-label": title, data: { region } }, el("figcaption", { text: title }), chart,
      el("div", { class: "key" }, el("span", { class: "value", style: { "--run": colour }, text: "whole" }), ...keys),
      told.length ? hidingNote(`${region} hidden`, told, scene.steps, seek, (image, index) => scene.className(image, index, this.#data)) : null,
      told.length ? since : null,
    );
  }

  /** Put the cursors at the current step. */
  move() {
    const { scene } = this.#given;
    for (const cursor of this.#cursors) cursor.style.left = `${across(scene.place, scene.steps.length) / 10}%`;
  }
}
