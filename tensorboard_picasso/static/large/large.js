// One image large: all methods and classes at this step, class scores over steps, numbers.

import { Card } from "../pictures/card.js";
import { isComparing } from "../shown/compare.js";
import { Comparison } from "../pictures/comparison.js";
import { across, drawing, line, LINES, path, rangeOf, runColour, seekable } from "../kit/chart.js";
import { button, el, refill, setText } from "../kit/dom.js";
import { Download, imageFiles } from "../pictures/download.js";
import { filmFields, Films } from "./film.js";
import { count, number, percent, stepText } from "../kit/format.js";
import { HiddenCharts } from "./hiddencharts.js";
import { Legend, used } from "../pictures/legend.js";
import { whyLacking } from "../shown/look.js";
import { Originals } from "./originals.js";
import { partOf } from "../numbers/reading.js";
import { drawnOn } from "../numbers/regions.js";
import { referencesOf } from "../numbers/regionshare.js";
import { Zoom } from "../kit/zoom.js";

const CLASSES = 5; // lines in the chart and rows in the table

function table(name, heads, rows) {
  return el(
    "table", {}, el("caption", { text: name }),
    el("thead", {}, el("tr", {}, ...heads.map(([text, title]) => el("th", { scope: "col", text, title })))),
    el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((text, i) => el(i ? "td" : "th", { text, ...(i ? {} : { scope: "row" }) }))))),
  );
}

/** What becomes of a prediction; of independent labels others may join the likeliest, or leave it. */
function predictionText(before, after, flips, name) {
  if (flips === null) return "not recorded";
  if (!flips) return `stays ${name(before)}`;
  return before === after ? "other labels are predicted" : `${name(before)} → ${name(after)}`;
}

const EFFECT_HEADS = [
  ["region hidden (fill)"],
  ["prediction"],
  ["moves", "how far the whole answer moves: half the sum of |p − q| over all classes; of independent labels the mean of |p − q|"],
];

const SHARE_HEADS = [
  ["region"],
  ["now", "the region's part of what supports the class (without a sign: of the map's strength)"],
  ["against", "the region's part of what speaks against the class"],
  ["first step", "the same as now, at the first step that is kept: an untrained network where that is the start of training from scratch"],
  ["area", "the region's part of the image: what a uniform map would give"],
  ["only this used", "what a model that uses only this region would give"],
];

/** One run's part of the view. */
class Block {
  #app;
  #data;
  #image;
  #cells = [];
  #methods = [];
  #comparison = null;
  #compared = el("div", { class: "compared" });
  #grid = el("div", { class: "grid" });
  #chart = el("div", { class: "chart", role: "img", "aria-label": "class scores over the steps, in numbers below" });
  #key = el("div", { class: "key" });
  #cursor = el("div", { class: "cursor" });
  #hidden;
  #numbers = el("div", { class: "numbers" });
  #download;
  #made = "";

  constructor(app, data, image) {
    this.#app = app;
    this.#data = data;
    this.#image = image;
    const title = el("h3", {}, el("span", { class: "swatch", style: { background: runColour(app.scene.runs, data.run) } }), el("span", { text: data.run }));
    this.#download = new Download(app, () => imageFiles(app, data, image), () => this.#comparison.taken);
    this.#hidden = new HiddenCharts(app, data, image);
    const side = [this.#chart, this.#key, this.#hidden.element, this.#numbers, this.#download.element];
    this.element = el("section", { class: "block" }, title, this.#compared, this.#grid, el("div", { class: "side" }, ...side));
    seekable(this.#chart, () => app.scene.steps.length, (place) => app.seek(place));
    this.update();
  }

  get cards() {
    return [...(this.#comparison?.cards ?? []), ...this.#cells.map(({ card }) => card)];
  }

  get #classes() {
    const { scene } = this.#app;
    const series = this.#data.scores.get(this.#image);
    const newest = series?.records.at(-1);
    const wanted = [...scene.truths(this.#image, this.#data), ...(newest?.ranked(CLASSES) ?? [])];
    return [...new Set(wanted)].slice(0, CLASSES);
  }

  update() {
    this.#makeComparison();
    this.#makeGrid();
    for (const { legend } of this.#methods) legend.update();
    this.#makeChart();
    this.#download.update();
    this.#hidden.update();
  }

  /** A, B and the difference of what the rows show, above all else. */
  #makeComparison() {
    const { state } = this.#app;
    const swiping = state.layout === "swipe";
    if (!isComparing(state)) this.#comparison = null;
    else if (this.#comparison?.swiping !== swiping) this.#comparison = new Comparison(this.#app, { swiping, reach: true });
    else return;
    this.#compared.replaceChildren(...(this.#comparison?.elements ?? []));
  }

  /** A row of cards a method; columns: the truth, then every class that was ever explained here. */
  #makeGrid() {
    const { scene } = this.#app;
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
      return { label, target, name, score, card: new Card(this.#app, { caption: el("figcaption", {}, name, score), reach: true }) };
    }));
    this.#methods = scene.methods.map(({ label }) => ({ label, legend: new Legend(this.#app, label), settings: el("p", { class: "quiet used" }), absent: el("p", { class: "quiet" }) }));
    this.#grid.replaceChildren(...this.#methods.map(({ label, legend, settings, absent }) => el(
      "div", { class: "method", role: "group", "aria-label": label }, legend.element, settings,
      el("div", { class: "cards" }, ...this.#cells.filter((cell) => cell.label === label).map(({ card }) => card.element)), absent,
    )));
  }

  #makeChart() {
    const { scene } = this.#app;
    const series = this.#data.scores.get(this.#image);
    const classes = this.#classes;
    const lists = classes.map((each) => scene.steps.map((step) => series?.steps.get(step)?.score(each) ?? null));
    const range = rangeOf(lists, scene.raw);
    const end = (value) => (scene.raw ? number(value) : percent(value));
    const lines = lists.map((values, i) => path(line(values, range), LINES[i]));
    this.#chart.replaceChildren(drawing(path("M0 0H1000M0 50H1000M0 100H1000", "", "grid"), ...lines), el("span", { class: "high", text: end(range[1]) }), el("span", { class: "low", text: end(range[0]) }), this.#cursor);
    this.#key.replaceChildren(...classes.map((each, i) => el("span", { style: { "--run": LINES[i] }, class: "value", text: scene.className(this.#image, each, this.#data) })));
  }

  /** Show the current step; false while something is still loading. */
  paint() {
    const { scene } = this.#app;
    const step = this.#data.at(scene.step);
    this.#cursor.style.left = `${across(scene.place, scene.steps.length) / 10}%`;
    this.#hidden.move();
    const scores = this.#data.scores.get(this.#image)?.steps.get(step) ?? null;
    const spec = { data: this.#data, image: this.#image, label: scene.label, step, asked: scene.step, target: scene.target(this.#image, this.#data) };
    let ready = this.#comparison?.paint(spec) ?? true;
    for (const { label, target, name, score, card } of this.#cells) {
      const truth = scene.labelsOf(this.#image, this.#data)?.includes(target) ?? false;
      setText(name, `${scene.className(this.#image, target, this.#data)}${truth ? " (true)" : ""}`);
      setText(score, scores ? (scene.raw ? number(scores.score(target)) : percent(scores.score(target))) : "");
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
    this.#numbers.replaceChildren(...this.#tables(scores, step));
    return ready;
  }

  /** Whether a class has a map at a step; true where that is not known. */
  #explains({ label, step, target }) {
    const record = this.#data.attributions(label, this.#image)?.steps.get(step);
    return !record || record.explained.includes(target);
  }

  #tables(scores, step) {
    const { scene, store } = this.#app;
    const name = (index) => scene.className(this.#image, index, this.#data);
    if (!scores) {
      const why = whyLacking(this.#data.scores.get(this.#image), step, store.index?.samples);
      return [el("p", { class: "quiet", text: `scores ${why}` })];
    }
    const show = (value) => (Number.isNaN(value) ? "–" : scene.raw ? number(value) : percent(value));
    // With a region hidden another class may come first.
    const first = scores.hidden.flatMap(({ values }) => scores.ranked(1, values));
    const classes = [...new Set([...scores.ranked(CLASSES), ...scene.truths(this.#image, this.#data), ...first])];
    const heads = ["class", scene.measure, ...(scene.raw ? [] : ["log-odds"]), ...scores.hidden.map((each) => `${each.region} hidden (${each.fill})`)];
    const rows = classes.map((each) => [
      name(each), show(scores.score(each)), ...(scene.raw ? [] : [number(scores.logOdds(each))]),
      ...scores.hidden.map(({ values }) => show(scores.score(each, values))),
    ]);
    return [table("class scores", heads.map((text) => [text]), rows), ...this.#effects(scores), ...this.#shares(step)];
  }

  /** What hiding each region does to the answer: first what cannot cancel over images. */
  #effects(scores) {
    const { scene } = this.#app;
    if (scene.raw || !scores.hidden.length || scores.predicted === null) return [];
    const name = (index) => scene.className(this.#image, index, this.#data);
    const own = scene.target(this.#image, this.#data);
    const classes = own === scores.predicted ? [] : [own];
    const change = (index, values) => `${percent(scores.score(index))} → ${percent(scores.score(index, values))}`;
    const rows = scores.hidden.map(({ region, fill, values, moves, flips, predicted }) => [
      `${region} (${fill})`, predictionText(scores.predicted, predicted, flips, name),
      moves === null ? "not recorded" : `${(100 * moves).toFixed(1)} points`, change(scores.predicted, values), ...classes.map((each) => change(each, values)),
    ]);
    const heads = [...EFFECT_HEADS, [`predicted: ${name(scores.predicted)}`, "probability of the class that is predicted with nothing hidden"], ...classes.map((each) => [name(each)])];
    return [table("what hiding a region does", heads, rows)];
  }

  /** Each region's share of the maps, beside what it is to be compared with. */
  #shares(step) {
    const { scene } = this.#app;
    const target = scene.target(this.#image, this.#data);
    const rows = [];
    for (const { label } of scene.methods) {
      const series = this.#data.attributions(label, this.#image);
      const record = series?.steps.get(step);
      const now = record?.statistics(target);
      const first = series?.records[0]?.statistics(target);
      const part = record && partOf(record.settings);
      now?.shares.forEach((share, i) => rows.push([
        `${label}: ${share.name}`, percent(share[part]), part === "positive" ? percent(share.negative) : "–", first?.shares[i] ? percent(first.shares[i][part]) : "–",
        percent(share.area), share.ceiling === null || share.ceiling === undefined ? "–" : percent(share.ceiling),
      ]));
      rows.push(...this.#drawn(label, step, target));
    }
    const name = (index) => scene.className(this.#image, index, this.#data);
    const title = `share of the map for ${name(target)}`;
    const firsts = scene.methods.map(({ label }) => this.#data.attributions(label, this.#image)?.records[0]?.step);
    const steps = [...new Set(firsts)].filter((each) => each !== undefined).map(count).join(", ");
    const heads = SHARE_HEADS.map(([head, title]) => (head === "first step" ? [`first step (${steps})`, title] : [head, title]));
    return rows.length ? [table(title, heads, rows)] : [];
  }

  /** The same of the regions that were drawn. */
  #drawn(label, step, target) {
    const { scene, shares, state } = this.#app;
    const series = this.#data.attributions(label, this.#image);
    const now = series?.steps.get(step);
    if (!now) return [];
    const part = partOf(now.settings);
    const share = (record, mask, which = part) => {
      const found = shares.get({ data: this.#data, label, image: this.#image, record, target }, mask);
      return found === undefined ? "…" : percent(found?.[which] ?? NaN);
    };
    return drawnOn(state.regions, scene.probe, this.#image, now.settings).map(({ name, mask }) => {
      const { area, ceiling } = referencesOf(now.settings, mask);
      const against = part === "positive" ? share(now, mask, "negative") : "–";
      return [`${label}: ${name} (drawn)`, share(now, mask), against, share(series.records[0], mask), percent(area), ceiling === null ? "–" : percent(ceiling)];
    });
  }
}

export class Large {
  #app;
  #image = null;
  #blocks = new Map();
  #originals;
  #name = el("h2", { tabindex: -1, id: "large-title" });
  #step = el("p", { class: "quiet" });
  #films;
  #fields = el("span", { class: "fields" });
  #chosen = "";
  #held = el("div", { class: "blocks" });
  #legend; // of what is compared

  constructor(app) {
    this.#app = app;
    this.#legend = new Legend(app);
    this.#films = new Films(app);
    this.#originals = new Originals(app);
    this.zoom = new Zoom(app.state);
    this.element = el(
      "section", { class: "large", role: "dialog", "aria-labelledby": "large-title", hidden: true },
      el("div", { class: "bar" },
        button("←", "back to all images", () => app.open(null), { class: "back" }), this.#name,
        this.#fields,
        button("‹", "image before (key b)", () => this.go(-1)), button("›", "next image (key n)", () => this.go(1))),
      this.#legend.element,
      el("div", { class: "content" }, el("div", { class: "about" }, this.#originals.element, this.#step), el("div", { class: "all" }, this.#films.element, this.#held)),
    );
    this.zoom.follow(this.element);
  }

  get isOpen() {
    return this.#image !== null;
  }

  /** Open the image so many places on. */
  go(by) {
    const { images } = this.#app.scene;
    this.#app.open(images[(images.indexOf(this.#image) + by + images.length) % images.length]);
  }

  get cards() {
    return this.isOpen ? [...this.#films.cards, ...[...this.#blocks.values()].flatMap((block) => block.cards)] : [];
  }

  update() {
    const { scene, state } = this.#app;
    const image = scene.images.includes(state.open) ? state.open : null;
    const opened = image !== null && image !== this.#image;
    const before = this.#image;
    if (image !== before) this.#blocks.clear();
    this.#image = image;
    this.element.hidden = image === null;
    this.#app.root.classList.toggle("opened", image !== null);
    this.#originals.update(image);
    if (image === null) {
      this.#held.replaceChildren();
      if (before !== null) this.#app.rows.focus(before);
      return;
    }
    const labels = scene.labelText(image);
    const alike = scene.datas.every((data) => !data.newestInput(image) || String(scene.labelsOf(image, data)) === String(scene.labelsOf(image)));
    setText(this.#name, labels && alike ? `${scene.imageName(image)} · ${labels}` : scene.imageName(image));
    const kept = this.#blocks;
    this.#blocks = new Map(scene.datas.map((data) => [data, kept.get(data) ?? new Block(this.#app, data, image)]));
    const elements = [...this.#blocks.values()].map((block) => block.element);
    if (elements.some((each, i) => this.#held.children[i] !== each) || elements.length !== this.#held.children.length) {
      this.#held.replaceChildren(...elements);
    }
    for (const block of this.#blocks.values()) block.update();
    this.#choices();
    this.#films.update(image);
    this.#legend.update();
    this.#legend.element.hidden ||= !isComparing(state);
    // From image to image the keyboard stays where it is.
    if (opened && before !== null && this.element.contains(document.activeElement)) this.#app.say(this.#name.textContent);
    else if (opened) this.#name.focus({ preventScroll: true });
  }

  /** The film's fields, made anew where something else was chosen, as by a pasted link. */
  #choices() {
    const { film, frames } = this.#app.state;
    const chosen = `${film} ${frames}`;
    if (chosen === this.#chosen) return;
    this.#chosen = chosen;
    refill(this.#fields, filmFields(this.#app));
  }

  paint() {
    if (!this.isOpen) return true;
    const { scene } = this.#app;
    this.#originals.paint();
    setText(this.#step, scene.step === null ? "" : stepText(scene.step, scene.epoch(scene.step)));
    if (scene.step === null) return true; // images are here before their scores and maps
    return [this.#films, ...this.#blocks.values()].map((part) => part.paint()).every(Boolean);
  }
}
