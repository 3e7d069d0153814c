// One chart of the timeline: what is chosen, drawn for every run on show.

import { band, drawing, HEIGHT, heightOf, line, partAt, path, runColour, seekable, WIDTH } from "./chart.js";
import { button, el, setText, svg } from "./dom.js";
import { number, percent, plural, stepText } from "./format.js";
import { spread } from "./spread.js";

/** How many predictions flip at each step, and of how many. */
export function countFlips(scene, data, images) {
  const before = new Map();
  return scene.steps.map((step) => {
    const point = { flips: 0, images: 0 };
    for (const image of images) {
      const record = data.scores.get(image)?.steps.get(step);
      if (!record) continue;
      const { predicted } = record;
      if (before.has(image) && before.get(image) !== predicted) point.flips++;
      before.set(image, predicted);
      point.images++;
    }
    return point;
  });
}

/** Ticks at the foot: the more predictions flip, the higher, up to a quarter of the height. */
function flipPath(points, parts) {
  return points
    .map((point, place) => {
      if (!point.flips || parts[place] === null) return "";
      const height = 4 + 21 * Math.min((2 * point.flips) / point.images, 1);
      return `M${(parts[place] * WIDTH).toFixed(1)} ${HEIGHT}v${-height.toFixed(1)}`;
    })
    .join("");
}

function rangeOf(kind, values) {
  if (kind === "probability" || !values.length) return [0, 1];
  const [least, most] = [Math.min(...values), Math.max(...values)];
  if (kind === "correlation") return [least < 0 ? -1 : 0, 1];
  if (kind === "share") return [0, Math.min(1, 1.1 * most) || 1];
  return [least, most];
}

/** What tells runs apart: their names without a last part that all of them share. */
function shortNames(runs) {
  const last = runs[0]?.slice(runs[0].lastIndexOf("/"));
  const shared = runs.length > 1 && last?.startsWith("/") && runs.every((run) => run.endsWith(last));
  return runs.map((run) => (shared ? run.slice(0, -last.length) : run));
}

function listOf(points) {
  return points.map(({ mean }) => mean);
}

export class TimeChart {
  #app;
  #source = null;
  #axis = null;
  #runs = [];
  #common = [];
  #pointed = null;
  #select;
  #made = "";
  #note = el("span", { class: "aside" });
  #plot;
  #svg = drawing();
  #cursors = el("div", { class: "cursors" });
  #pointer = el("div", { class: "cursor pointer", hidden: true });
  #labels = el("div", { class: "labels", "aria-hidden": "true" });
  #readout = el("div", { class: "readout" });
  #high = el("span", { class: "high" });
  #low = el("span", { class: "low" });

  /**
   * @param {object} app
   * @param {{choose: (id: string) => void, remove: (() => void)|null, tools: HTMLElement[]}} options
   *   `remove` takes the chart away, null where it is the only one; `tools` stand beside the choice
   */
  constructor(app, { choose, remove, tools }) {
    this.#app = app;
    this.#select = el("select", { class: "title", "aria-label": "what is charted", on: { change: () => choose(this.#select.value) } });
    this.#plot = el("div", { class: "plot", tabindex: 0, role: "slider" }, this.#svg, this.#labels, this.#pointer, this.#cursors);
    this.element = el(
      "div", { class: "timechart" },
      el("div", { class: "over" }, this.#select, ...tools, remove && button("×", "remove this chart", remove, { class: "small" }), this.#note, this.#readout),
      el("div", { class: "axis", "aria-hidden": "true" }, this.#high, this.#low),
      this.#plot,
    );
    const count = () => app.scene.steps.length;
    const placeOf = (part) => this.#axis.place(part);
    seekable(this.#plot, count, (place) => app.seek(place), placeOf);
    this.#plot.addEventListener("pointermove", (event) => count() && this.#point(placeOf(partAt(this.#plot, event.clientX))));
    this.#plot.addEventListener("pointerleave", () => this.#point(null));
  }

  focus() {
    this.#select.focus();
  }

  /**
   * Draw again.
   * @param {object} source what is charted, null: nothing of that name is there
   * @param {object[]} sources what may be chosen
   * @param {string} id of what is charted, there or not
   * @param {{axis: object, images: number[]}} over what
   */
  update(source, sources, id, { axis, images }) {
    this.#source = source;
    this.#axis = axis;
    this.#list(sources, id);
    const { scene } = this.#app;
    const names = shortNames(scene.shown);
    this.#runs = source === null ? [] : scene.datas.map((data, i) => this.#gather(data, names[i], images));
    this.#common = (source?.lines ?? []).filter(({ common }) => common).map((each) => ({
      ...each, points: spread(images.map((image) => each.values(null, image))),
    }));
    this.#draw();
    this.move();
  }

  #list(sources, id) {
    const made = JSON.stringify([id, sources.map((each) => [each.id, each.title, each.group])]);
    if (made === this.#made) return;
    this.#made = made;
    const groups = [...new Set(sources.map(({ group }) => group))];
    const option = (each) => el("option", { value: each.id, text: each.title });
    const known = sources.some((each) => each.id === id);
    this.#select.replaceChildren(
      ...groups.map((group) => el("optgroup", { label: group }, ...sources.filter((each) => each.group === group).map(option))),
      ...(known ? [] : [el("option", { value: id, text: id })]),
    );
    this.#select.value = id;
  }

  /** One run's numbers: each the mean over images, with quartiles. */
  #gather(data, name, all) {
    const { scene } = this.#app;
    const source = this.#source;
    const images = all.filter((image) => data.scores.has(image));
    const over = (values) => spread((source.ofRun ? [null] : images).map((image) => values(data, image)));
    const references = source.references ? images.map((image) => source.references(data, image)) : [];
    const kinds = new Set(references.flat().map((each) => each.name));
    return {
      data, name, images, colour: runColour(scene.runs, data.run), points: over(source.values),
      lines: (source.lines ?? []).filter(({ common }) => !common).map((each) => ({ ...each, points: over(each.values) })),
      flips: source.flips ? countFlips(scene, data, images) : null,
      references: [...kinds].map((kind) => {
        const values = references.flat().filter((each) => each.name === kind).map(({ value }) => value);
        return { name: kind, value: values.reduce((sum, value) => sum + value, 0) / values.length };
      }),
    };
  }

  #draw() {
    const kind = this.#source?.range ?? "free";
    const lines = this.#runs.flatMap((run) => [run.points, ...run.lines.map(({ points }) => points)]);
    const drawn = [...lines, ...this.#common.map(({ points }) => points)].flatMap(listOf);
    const references = this.#references();
    const values = [...drawn, ...references.map(({ value }) => value)].filter((value) => value !== null && Number.isFinite(value));
    const range = rangeOf(kind, values);
    setText(this.#high, values.length ? this.#show(range[1]) : "");
    setText(this.#low, values.length ? this.#show(range[0]) : "");
    const rule = (y, name) => svg("path", { d: `M0 ${y}H${WIDTH}`, class: name, "vector-effect": "non-scaling-stroke" });
    const children = [0, HEIGHT / 2, HEIGHT].map((y) => rule(y, "grid"));
    for (const { value, colour } of references) children.push(path(`M0 ${heightOf(value, range) * HEIGHT}H${WIDTH}`, colour, "line thin"));
    for (const { data, colour, points, lines: beside, flips } of this.#runs) {
      const parts = this.#axis.parts(data);
      if (points.some(({ low, high }) => low !== high)) {
        children.push(svg("path", { d: band(points.map(({ low }) => low), points.map(({ high }) => high), range, parts), class: "band", fill: colour }));
      }
      if (flips) children.push(path(flipPath(flips, parts), colour, "flips"));
      for (const { points: each, style } of beside) children.push(path(line(listOf(each), range, parts), colour, `line ${style}`));
      children.push(path(line(listOf(points), range, parts), colour, `line ${this.#source.style ?? ""}`.trim()));
    }
    for (const { points, style } of this.#common) {
      children.push(path(line(listOf(points), range, this.#axis.parts(this.#runs[0]?.data)), "var(--quiet)", `line ${style}`));
    }
    this.#svg.replaceChildren(...children);
    this.#name(references, range);
    setText(this.#note, this.#noteText());
    this.#note.title = this.#note.textContent;
    const { scene } = this.#app;
    this.#plot.setAttribute("aria-label", this.#source?.title ?? "nothing");
    this.#plot.setAttribute("aria-valuemin", 0);
    this.#plot.setAttribute("aria-valuemax", Math.max(scene.steps.length - 1, 0));
  }

  /** References: one line for all runs where theirs are the same. */
  #references() {
    const found = new Map();
    for (const { references, colour } of this.#runs) {
      for (const { name, value } of references) {
        const key = `${name} ${value.toPrecision(3)}`;
        found.set(key, { name, value, colour: found.has(key) ? "var(--quiet)" : colour });
      }
    }
    const single = this.#runs.length === 1;
    return [...found.values()].map((each) => (single ? { ...each, colour: "var(--quiet)" } : each));
  }

  /** Names at the right end of thin lines, none on top of another. */
  #name(references, range) {
    const ends = this.#common.flatMap(({ name, points }) => {
      const last = listOf(points).findLast((value) => Number.isFinite(value ?? NaN));
      return last === undefined ? [] : [{ name, value: last, colour: "var(--quiet)" }];
    });
    const labels = [...references.map((each) => ({ ...each, name: `${each.name} ${this.#show(each.value)}` })), ...ends]
      .map((each) => ({ ...each, top: heightOf(each.value, range) })).sort((a, b) => a.top - b.top);
    const room = 0.17;
    for (let i = 1; i < labels.length; i++) labels[i].top = Math.max(labels[i].top, labels[i - 1].top + room);
    for (let i = labels.length - 1, floor = 1; i >= 0; i--, floor = labels[i + 1].top - room) labels[i].top = Math.min(labels[i].top, floor);
    this.#labels.replaceChildren(...labels.map(({ name, colour, top }) => el("span", { text: name, style: { top: `${100 * top}%`, color: colour } })));
  }

  #noteText() {
    if (this.#source === null) return "not there";
    return [this.#source.note?.(), this.#source.pending?.()].filter(Boolean).join(" · ");
  }

  #show(value) {
    if (value === null) return "–";
    const range = this.#source?.range;
    return range === "probability" || range === "share" ? percent(value) : number(value);
  }

  /** Put the cursor at the current step. */
  move() {
    if (this.#axis === null) return;
    const { scene } = this.#app;
    const { place } = scene;
    const parts = new Map();
    for (const { data, colour } of this.#runs) {
      const part = this.#axis.part(data, place);
      if (part !== null && ![...parts.keys()].some((each) => Math.abs(each - part) < 1e-6)) parts.set(part, colour);
    }
    // Where runs differ in epochs or time the same step stands at several places.
    if (!parts.size && place >= 0) parts.set(this.#axis.part(null, place) ?? 0, "");
    const several = parts.size > 1;
    const made = [...parts].map(([part, colour]) => el("div", { class: "cursor", style: { left: `${100 * part}%`, ...(several ? { background: colour } : {}) } }));
    if (made.length === this.#cursors.children.length) made.forEach((each, i) => (this.#cursors.children[i].style.cssText = each.style.cssText));
    else this.#cursors.replaceChildren(...made);
    this.#plot.setAttribute("aria-valuenow", place);
    if (this.#pointed === null) this.#say(place);
  }

  #point(place) {
    const { scene } = this.#app;
    this.#pointed = place;
    this.#pointer.hidden = place === null;
    if (place !== null) this.#pointer.style.left = `${100 * (this.#axis.part(this.#runs[0]?.data, place) ?? 0)}%`;
    this.#say(place ?? scene.place);
  }

  #say(place) {
    const { scene } = this.#app;
    const step = scene.steps[place];
    const details = new Set(this.#runs.map((run) => this.#detail(run, place)).filter(Boolean));
    const parts = this.#runs.flatMap((run) => this.#words(run, place, details.size > 1));
    if (details.size === 1) parts.push(el("span", { class: "quiet", text: [...details][0] }));
    const common = this.#common.map(({ name, points }) => el("span", { text: `${name} ${this.#show(points[place]?.mean ?? null)}` }));
    const at = this.#pointed === null || step === undefined ? [] : [el("span", { class: "quiet", text: stepText(step, scene.epoch(step)) })];
    this.#readout.replaceChildren(...at, ...parts, ...common);
    this.#plot.setAttribute("aria-valuetext", step === undefined ? "" : [stepText(step), ...parts.map((each) => each.textContent)].join(", "));
  }

  #detail({ data, images, points }, place) {
    return (points[place]?.mean ?? null) === null ? "" : (this.#source.detail?.(data, images[0], place) ?? "");
  }

  #words(run, place, detailed) {
    const { name, colour, points, lines, flips } = run;
    const point = points[place];
    if (!point) return [];
    let text = `${this.#runs.length > 1 ? `${name} ` : ""}${this.#show(point.mean)}`;
    if (point.count > 1 && this.#runs.length === 1) text += ` (${this.#show(point.low)}–${this.#show(point.high)})`;
    const more = lines.filter(({ short }) => short).map((each) => [each.short, each.points[place].mean])
      .filter(([, mean]) => mean !== null).map(([short, mean]) => `${short} ${this.#show(mean)}`);
    const detail = this.#detail(run, place);
    if (detailed && detail) more.push(detail);
    if (flips?.[place].flips) more.push(plural(flips[place].flips, "flip"));
    return [el("span", { class: "value", text: [text, ...more].join(" · "), style: { "--run": colour } })];
  }
}
