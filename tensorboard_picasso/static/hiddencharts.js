// The direct test of each logged region, one image in one run: how likely its class is with the
// image whole and with the region hidden, over the steps.

import { across, drawing, line, path, rangeOf, runColour, seekable } from "./chart.js";
import { el } from "./dom.js";
import { number, percent } from "./format.js";
import { hiddenRegions } from "./sources.js";

// Of fills: unlike the colours of runs.
const FILLS = ["#c0392b", "#2c6fbb", "#b8860b", "#7d5ba6"];

export class HiddenCharts {
  #app;
  #data;
  #image;
  #cursors = [];

  constructor(app, data, image) {
    this.#app = app;
    this.#data = data;
    this.#image = image;
    this.element = el("div", { class: "hiddencharts" });
  }

  update() {
    const regions = Map.groupBy(hiddenRegions({ datas: [this.#data] }), ({ region }) => region);
    this.#cursors = [];
    this.element.replaceChildren(...[...regions].map(([region, fills]) => this.#chart(region, fills)));
    this.move();
  }

  #chart(region, fills) {
    const { scene } = this.#app;
    const series = this.#data.scores.get(this.#image);
    const target = scene.target(this.#image, this.#data);
    const over = (read) => scene.steps.map((step) => {
      const record = series?.steps.get(step);
      return record ? read(record) : null;
    });
    const whole = over((record) => record.score(target));
    const hidden = fills.map(({ fill }) => over((record) => {
      const found = record.hidden.find((each) => each.region === region && each.fill === fill);
      return found ? record.score(target, found.values) : null;
    }));
    const range = rangeOf([whole, ...hidden], scene.raw);
    const end = (value) => (scene.raw ? number(value) : percent(value));
    const colour = runColour(scene.runs, this.#data.run);
    const lines = hidden.map((values, i) => path(line(values, range), FILLS[i % FILLS.length], "line dashed"));
    const cursor = el("div", { class: "cursor" });
    this.#cursors.push(cursor);
    const chart = el(
      "div", { class: "chart" }, drawing(path("M0 0H1000M0 50H1000M0 100H1000", "", "grid"), path(line(whole, range), colour), ...lines),
      el("span", { class: "high", text: end(range[1]) }), el("span", { class: "low", text: end(range[0]) }), cursor,
    );
    seekable(chart, () => scene.steps.length, (place) => this.#app.seek(place));
    const name = scene.className(this.#image, target, this.#data);
    const keys = fills.map(({ fill }, i) => el("span", { class: "value", style: { "--run": FILLS[i % FILLS.length] }, text: `${region} hidden (${fill})` }));
    const title = `${scene.raw ? "value" : "probability"} of ${name} without ${region}`;
    return el(
      "figure", { "aria-label": title, data: { region } }, el("figcaption", { text: title }), chart,
      el("div", { class: "key" }, el("span", { class: "value", style: { "--run": colour }, text: "whole" }), ...keys),
    );
  }

  /** Put the cursors at the current step. */
  move() {
    const { scene } = this.#app;
    for (const cursor of this.#cursors) cursor.style.left = `${across(scene.place, scene.steps.length) / 10}%`;
  }
}
