// The timeline: how sure the network is of the truth over training, and when its mind changes.

import { across, drawing, HEIGHT, line, path, placeAt, rangeOf, runColour, seekable, WIDTH } from "./chart.js";
import { el, setText, svg } from "./dom.js";
import { number, percent, plural, stepText } from "./format.js";

function mean(values) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

/** Means over the images of one run at each step, and how many predictions flipped there. */
export function summarise(scene, data) {
  const series = [...data.scores.values()];
  const region = series.flatMap((each) => each.records[0]?.hidden ?? [])[0]?.region ?? null;
  const before = new Map();
  return scene.steps.map((step) => {
    const truth = [];
    const hidden = [];
    let flips = 0;
    for (const { image, steps } of series) {
      const record = steps.get(step);
      if (!record) continue;
      const target = scene.truth(image, data);
      truth.push(record.score(target));
      const covered = record.hidden.find((each) => each.region === region);
      if (covered) hidden.push(record.score(target, covered.values));
      const { predicted } = record;
      if (predicted === null) continue;
      if (before.has(image) && before.get(image) !== predicted) flips++;
      before.set(image, predicted);
    }
    return { truth: mean(truth), hidden: mean(hidden), flips, images: truth.length, region };
  });
}

export class Timeline {
  #app;
  #runs = [];
  #raw = false;
  #title = el("span", { class: "title" });
  #ticks = el("div", { class: "ticks", "aria-hidden": "true" });
  #plot;
  #svg = drawing();
  #cursor = el("div", { class: "cursor" });
  #pointer = el("div", { class: "cursor pointer", hidden: true });
  #readout = el("div", { class: "readout" });
  #high = el("span", { class: "high" });
  #low = el("span", { class: "low" });

  constructor(app) {
    this.#app = app;
    this.#plot = el("div", { class: "plot" }, this.#svg, this.#pointer, this.#cursor);
    this.element = el(
      "section", { class: "timeline", "aria-label": "timeline" },
      el("div", { class: "over" }, this.#title, this.#readout),
      el("div", { class: "axis", "aria-hidden": "true" }, this.#high, this.#low),
      this.#plot, this.#ticks,
    );
    seekable(this.#plot, () => app.scene.steps.length, (place) => app.seek(place));
    this.#plot.addEventListener("pointermove", (event) => this.#point(placeAt(this.#plot, event.clientX, app.scene.steps.length)));
    this.#plot.addEventListener("pointerleave", () => this.#point(null));
  }

  /** Draw again: data came, or other runs are shown. */
  update() {
    const { scene } = this.#app;
    this.#raw = scene.datas.some((data) => [...data.scores.values()].some((each) => each.records[0]?.output === "raw"));
    this.#runs = scene.datas.map((data) => ({
      run: data.run, colour: runColour(scene.runs, data.run), points: summarise(scene, data),
    }));
    const lists = this.#runs.flatMap(({ points }) => [points.map((each) => each.truth), points.map((each) => each.hidden)]);
    const range = rangeOf(lists, this.#raw);
    const region = this.#runs.find(({ points }) => points[0]?.region)?.points[0].region ?? null;
    const what = this.#raw ? "value" : "probability";
    setText(this.#title, `mean ${what} of ${scene.truthName}${region ? `, dashed: with ${region} hidden` : ""}; ticks: predictions flip`);
    setText(this.#high, this.#raw ? number(range[1]) : "100 %");
    setText(this.#low, this.#raw ? number(range[0]) : "0 %");
    const children = [0, HEIGHT / 2, HEIGHT].map((y) => svg("path", { d: `M0 ${y}H${WIDTH}`, class: "grid", "vector-effect": "non-scaling-stroke" }));
    for (const { colour, points } of this.#runs) {
      children.push(path(flips(points), colour, "flips"));
      const hidden = points.map((each) => each.hidden);
      if (hidden.some((value) => value !== null)) children.push(path(line(hidden, range), colour, "line dashed"));
      children.push(path(line(points.map((each) => each.truth), range), colour));
    }
    this.#svg.replaceChildren(...children);
    this.#label(scene.steps);
    this.move();
  }

  #label(steps) {
    const last = steps.length - 1;
    const places = [...new Set([0, 0.25, 0.5, 0.75, 1].map((part) => Math.round(part * last)))].filter((place) => place >= 0 && place <= last);
    this.#ticks.replaceChildren(
      ...places.map((place) => el("span", { text: stepText(steps[place]), style: { left: `${across(place, steps.length) / 10}%` } })),
    );
  }

  /** Put the cursor at the current step. */
  move() {
    const { scene } = this.#app;
    this.#cursor.hidden = scene.place < 0;
    this.#cursor.style.left = `${across(scene.place, scene.steps.length) / 10}%`;
    if (this.#pointer.hidden) this.#say(scene.place);
  }

  #point(place) {
    const { scene } = this.#app;
    this.#pointer.hidden = place === null || !scene.steps.length;
    if (!this.#pointer.hidden) this.#pointer.style.left = `${across(place, scene.steps.length) / 10}%`;
    this.#say(place ?? scene.place);
  }

  #say(place) {
    const { scene } = this.#app;
    const show = (value) => (value === null ? "–" : this.#raw ? number(value) : percent(value));
    const parts = [el("span", { text: place >= 0 ? stepText(scene.steps[place], scene.epoch(scene.steps[place])) : "" })];
    for (const { run, colour, points } of this.#runs) {
      const point = points[place];
      if (!point) continue;
      const name = this.#runs.length > 1 ? `${run} ` : "";
      const text = [`${name}${show(point.truth)}`];
      if (point.hidden !== null) text.push(`hidden ${show(point.hidden)}`);
      if (point.flips) text.push(plural(point.flips, "flip"));
      parts.push(el("span", { text: text.join(" · "), class: "value", style: { "--run": colour } }));
    }
    this.#readout.replaceChildren(...parts);
  }
}

/** Ticks at the foot: the more predictions flip, the higher, up to a quarter of the height. */
function flips(points) {
  return points
    .map((point, place) => {
      if (!point.flips) return "";
      const height = 4 + 21 * Math.min((2 * point.flips) / point.images, 1);
      return `M${across(place, points.length).toFixed(1)} ${HEIGHT}v${-height.toFixed(1)}`;
    })
    .join("");
}
