// The rows: an image each, its maps over training, and how sure the network is of it.

import { Caption } from "../pictures/caption.js";
import { Card } from "../pictures/card.js";
import { across, drawing, line, path, rangeOf, runColour, seekable } from "../kit/chart.js";
import { isComparing, nameOf } from "../shown/compare.js";
import { Comparison } from "../pictures/comparison.js";
import { button, el, refill, setBreakable, setText } from "../kit/dom.js";
import { count, plural, stepText } from "../kit/format.js";
import { Means } from "./means.js";
import { Outlines } from "../shown/outlines.js";

const MARGIN = 200; // pixels beyond the screen that count as in sight

/** One run's maps of one image. */
class Strip {
  #app;
  #data;
  #image;
  #cells = [];
  #now;
  #comparison = null;
  #name = el("span", { class: "runname" });
  #spark = el("div", { class: "spark" });
  #cursor = el("div", { class: "cursor" });
  #dot = el("div", { class: "dot" });
  #range = [0, 1];
  #values = [];
  /** Whether the maps of the fixed columns were all here when they were painted last. */
  whole = true;

  constructor(app, data, image) {
    this.#app = app;
    this.#data = data;
    this.#image = image;
    const colour = runColour(app.scene.runs, data.run);
    this.#now = this.#cell(null, "now");
    this.element = el("div", { class: "strip", style: { "--run": colour }, data: { run: data.run } });
    seekable(this.#spark, () => app.scene.steps.length, (place) => app.seek(place));
    this.update();
  }

  #cell(step, name = "") {
    const caption = new Caption();
    const card = new Card(this.#app, { caption: caption.element });
    card.element.classList.add(...(name ? [name] : []));
    card.element.addEventListener("click", () => this.#app.open(this.#image));
    return { step, caption, card };
  }

  get cards() {
    return this.#comparison?.cards ?? [...this.#cells, this.#now].map(({ card }) => card);
  }

  /** The columns or the data changed. */
  update() {
    const { scene } = this.#app;
    this.#arrange();
    const series = this.#data.scores.get(this.#image);
    const truth = scene.charted === null ? scene.truths(this.#image, this.#data) : scene.chosen(scene.charted, this.#image, this.#data);
    this.#values = scene.steps.map((step) => series?.steps.get(step)?.score(truth) ?? null);
    this.#range = rangeOf([this.#values], series?.records[0]?.output === "raw");
    const drawn = drawing(path("M0 50H1000", "", "grid"), path(line(this.#values, this.#range), "var(--run)"));
    this.#spark.replaceChildren(this.#name, drawn, this.#cursor, this.#dot);
  }

  /** Put the cards into the strip: the columns and now, or A, B and the difference. */
  #arrange() {
    const { scene, state } = this.#app;
    const { columns } = scene;
    const comparing = isComparing(state);
    const swiping = state.layout === "swipe";
    if (!comparing) this.#comparison = null;
    else if (this.#comparison?.swiping !== swiping) {
      this.#comparison = new Comparison(this.#app, { swiping, open: () => this.#app.open(this.#image) });
    }
    this.element.classList.toggle("several", scene.datas.length > 1);
    this.element.title = scene.datas.length > 1 ? this.#data.run : "";
    setText(this.#name, scene.datas.length > 1 ? this.#data.run : "");
    if (columns.join() !== this.#cells.map(({ step }) => step).join()) {
      this.#cells = columns.map((step, i) => ({ ...(this.#cells[i] ?? this.#cell(step)), step }));
    }
    const cards = this.#comparison?.elements ?? [...this.#cells, this.#now].map(({ card }) => card.element);
    const after = [...cards, this.#spark];
    if (this.element.children.length !== after.length || after.some((each, i) => each !== this.element.children[i])) {
      this.element.replaceChildren(...after);
    }
  }

  /** Paint all maps; false while that of the current step is still loading. */
  paint() {
    this.whole = this.#comparison !== null || this.#cells.map((cell) => this.#show(cell, cell.step)).every(Boolean);
    return this.paintNow();
  }

  /** Paint the map of the current step; false while it is still loading. */
  paintNow() {
    const { scene } = this.#app;
    const { place, steps } = scene;
    this.#cursor.style.left = `${across(place, steps.length) / 10}%`;
    const at = steps.indexOf(this.#data.at(scene.step));
    const value = this.#values[at];
    this.#dot.hidden = value === null || value === undefined || !Number.isFinite(value);
    if (!this.#dot.hidden) {
      const [low, high] = this.#range;
      this.#dot.style.left = `${across(at, steps.length) / 10}%`;
      this.#dot.style.top = `${100 - (high > low ? (100 * (value - low)) / (high - low) : 50)}%`;
    }
    if (scene.step === null) return true;
    return this.#comparison?.paint(this.#spec(scene.step)) ?? this.#show(this.#now, scene.step);
  }

  #spec(step) {
    const { scene } = this.#app;
    return { data: this.#data, image: this.#image, label: scene.label, step: this.#data.at(step), asked: step, target: scene.target(this.#image, this.#data) };
  }

  #show({ caption, card }, step) {
    const { scene } = this.#app;
    caption.show(scene, this.#image, this.#data, this.#data.scores.get(this.#image)?.steps.get(this.#data.at(step)));
    return card.show(this.#spec(step));
  }
}

/** An image as it was given, with its label. */
class Original {
  #app;
  #image;
  #canvas = el("canvas", { width: 1, height: 1 });
  #name = el("span", { class: "class" });
  #which = el("span", { class: "score" });
  #source = el("div", { class: "below" });
  #drawn = null;
  #regions;

  constructor(app, image) {
    this.#app = app;
    this.#regions = new Outlines(app);
    this.#image = image;
    this.opener = el("button", { type: "button", class: "frame", on: { click: () => app.open(image) } }, this.#canvas);
    this.element = el("figure", { class: "card original" }, el("figcaption", {}, this.#name, this.#which), this.opener, this.#source);
  }

  /** Say what a run knows of the image. */
  update(data) {
    const { scene } = this.#app;
    const labels = scene.labelNames(this.#image, data);
    const name = scene.imageName(this.#image);
    setText(this.#name, labels || name);
    this.#name.title = scene.labelText(this.#image, data);
    setText(this.#which, labels ? name : "");
    const example = scene.exampleName(this.#image, data);
    setText(this.#source, example);
    const called = example ? `${name}, ${example} of the dataset` : name;
    this.opener.setAttribute("aria-label", `open ${called} large`);
    this.opener.title = called;
  }

  paint(data) {
    const input = data?.newestInput(this.#image);
    if (!input) return;
    this.#regions.show(this.opener, [this.#image], input, input, true);
    const ground = this.#app.store.ground(data, this.#image, input.hash);
    if (ground.state !== "ready" || this.#drawn === ground) return;
    this.#drawn = ground;
    this.#canvas.width = ground.pixels.width;
    this.#canvas.height = ground.pixels.height;
    this.#canvas.getContext("2d").putImageData(ground.pixels, 0, 0);
    Object.assign(this.#canvas.dataset, { hash: input.hash, image: this.#image });
    this.element.style.setProperty("--ratio", `${ground.pixels.width} / ${ground.pixels.height}`);
  }
}

/** One image, a strip a run; the original again where a run holds another image under the number. */
class Row {
  #app;
  #image;
  #strips = new Map();
  #originals = new Map();
  /** Whether it is in sight; null until that is known. */
  visible = null;
  #stale = true;

  constructor(app, image) {
    this.#app = app;
    this.#image = image;
    this.element = el("article", { class: "row", data: { image }, "aria-label": app.scene.imageName(image) });
  }

  /** Whether what it shows is out of date, and made when it is next in sight. */
  get stale() {
    return this.#stale;
  }

  set stale(value) {
    this.#stale = value;
    // What is out of date has another width, too.
    this.element.classList.toggle("stale", value);
  }

  get cards() {
    return [...this.#strips.values()].flatMap((strip) => strip.cards);
  }

  get whole() {
    return [...this.#strips.values()].every((strip) => strip.whole);
  }

  update() {
    this.stale = false;
    const { scene } = this.#app;
    this.element.setAttribute("aria-label", scene.imageName(this.#image));
    const strips = this.#strips;
    const originals = this.#originals;
    this.#strips = new Map(scene.datas.map((data) => [data, strips.get(data) ?? new Strip(this.#app, data, this.#image)]));
    this.#originals = new Map(this.#distinct().map((data) => [data, originals.get(data) ?? new Original(this.#app, this.#image)]));
    const children = [...this.#strips].flatMap(([data, strip]) => [this.#originals.get(data)?.element, strip.element].filter(Boolean));
    if (children.length !== this.element.children.length || children.some((each, i) => each !== this.element.children[i])) {
      this.element.replaceChildren(...children);
    }
    [...this.#strips].forEach(([data, strip], i) => {
      for (const each of [this.#originals.get(data)?.element, strip.element]) each?.style.setProperty("grid-row", String(i + 1));
    });
    for (const [data, original] of this.#originals) original.update(data);
    for (const strip of this.#strips.values()) strip.update();
  }

  /** Runs whose image is not that of the run above. */
  #distinct() {
    const { datas } = this.#app.scene;
    let above;
    return datas.filter((data, i) => {
      const hash = data.newestInput(this.#image)?.hash;
      if (i && (hash === undefined || hash === above)) return false;
      above = hash;
      return true;
    });
  }

  /** Paint what is in sight; false while something is still loading. */
  paint(onlyNow) {
    this.ready();
    for (const [data, original] of this.#originals) original.paint(data);
    let ready = true;
    for (const strip of this.#strips.values()) ready = (onlyNow ? strip.paintNow() : strip.paint()) && ready;
    return ready;
  }

  /** Make what the keyboard can reach, also out of sight. */
  ready() {
    if (this.stale) this.update();
  }

  focus() {
    this.ready();
    [...this.#originals.values()][0]?.opener.focus();
  }
}

/** All rows with their headings. */
export class Rows {
  #app;
  #means;
  #rows = new Map();
  #heads = el("div", { class: "heads" });
  #list = el("div", { class: "list" });
  #now = el("span", { class: "head step now" });
  #nothing = el("p", { class: "quiet" });
  #awaited = el("p", { class: "quiet awaited", role: "status" });
  #watch;

  constructor(app) {
    this.#app = app;
    this.#means = new Means(app);
    this.element = el("div", { class: "rows" }, this.#heads, this.#means.element, this.#nothing, this.#awaited, this.#list);
    this.#watch = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const row = this.#rows.get(Number(entry.target.dataset.image));
        if (row) row.visible = entry.isIntersecting;
      }
      app.looked();
    }, { rootMargin: `${MARGIN}px 0px` });
    this.#list.addEventListener("focusin", ({ target }) => this.#besides(target.closest(".row")));
  }

  /** The keyboard came to a row: it may go on to the next one before that is in sight. */
  #besides({ previousElementSibling, nextElementSibling }) {
    for (const each of [previousElementSibling, nextElementSibling]) this.#rows.get(Number(each?.dataset.image))?.ready();
  }

  get cards() {
    return [...this.#means.cards, ...[...this.#rows.values()].flatMap((row) => row.cards)];
  }

  /** Find out at once which rows are in sight: the observer tells it some frames after they moved. */
  measure() {
    for (const row of this.#rows.values()) {
      const { top, bottom } = row.element.getBoundingClientRect();
      row.visible = bottom > -MARGIN && top < window.innerHeight + MARGIN;
    }
  }

  /** Whether the fixed columns of the rows in sight have all their maps. */
  get whole() {
    return [...this.#rows.values()].every((row) => !row.visible || row.whole);
  }

  /** Images whose row is in sight. */
  get inSight() {
    return [...this.#rows].filter(([, row]) => row.visible).map(([image]) => image);
  }

  update() {
    const { scene } = this.#app;
    this.#means.update();
    const before = this.#rows;
    this.#rows = new Map(scene.images.map((image) => [image, before.get(image) ?? this.#make(image)]));
    for (const [image, row] of before) {
      if (this.#rows.has(image)) continue;
      this.#watch.unobserve(row.element);
      row.element.remove();
    }
    [...this.#rows.values()].forEach((row, i) => {
      if (this.#list.children[i] !== row.element) this.#list.insertBefore(row.element, this.#list.children[i] ?? null);
      row.stale = true;
    });
    this.#list.style.setProperty("--runs", scene.datas.length);
    setText(this.#nothing, this.#why());
    const { awaited } = scene;
    setText(this.#awaited, awaited ? `Not in order yet: the share of ${awaited.region} is counted in ${count(awaited.done)} of ${plural(awaited.all, "map")}.` : "");
    this.#heads.hidden = !scene.images.length && this.#means.element.hidden;
    this.#head();
  }

  /** Why no image is listed, and what to do about it. */
  #why() {
    const { scene, state, store } = this.#app;
    if (scene.images.length || store.loading || store.index === null) return "";
    if (!scene.listed.length) return `No run matches “${state.filter}”.`;
    if (!scene.shown.length) return "No run is ticked: tick one on the left.";
    return scene.every.length ? "No image is listed: the View menu's choice of images leaves none." : "";
  }

  #make(image) {
    const row = new Row(this.#app, image);
    this.#watch.observe(row.element);
    return row;
  }

  #head() {
    const { scene } = this.#app;
    const comparing = isComparing(this.#app.state);
    const steps = comparing ? this.#sides() : scene.columns.map((step) =>
      setBreakable(button("", `go to step ${count(step)}`, () => this.#app.seek(scene.steps.indexOf(step)), { class: "head step" }), stepText(step)));
    refill(this.#heads, [
      el("span", { class: "head", text: "image" }),
      el("div", { class: "strip" }, ...steps, ...(comparing ? [] : [this.#now]), el("span", { class: "head spark", text: `${scene.measure} of ${scene.charted === null ? scene.truthName : scene.choiceName(scene.charted)}` })),
    ]);
    this.#title();
  }

  /** Heads of a comparison. */
  #sides() {
    const { scene, state } = this.#app;
    const name = nameOf(state, (target) => scene.nameOfClass(target));
    const head = (text, options = {}) => el("span", { class: "head", text, title: text, ...options });
    const a = head(`A: ${name}`);
    return state.layout === "swipe" ? [el("span", { class: "head" }, a, el("br"), this.#now), head("B − A")] : [a, this.#now, head("B − A")];
  }

  #title() {
    const { scene } = this.#app;
    const side = isComparing(this.#app.state) ? "B" : "now";
    setBreakable(this.#now, scene.step === null ? "" : `${side}: ${count(scene.step)}`);
    this.#now.title = scene.step === null ? "" : stepText(scene.step, scene.epoch(scene.step));
  }

  /** Paint the rows in sight; false while something is still loading. */
  paint(onlyNow) {
    this.#title();
    let ready = true;
    for (const row of this.#rows.values()) {
      if (row.visible) ready = row.paint(onlyNow) && ready;
      else if (row.visible === null) ready = false;
    }
    // After the images, so that theirs are asked for first.
    return this.#means.paint(onlyNow) && ready;
  }

  /** Give the keyboard back to a row's image. */
  focus(image) {
    this.#rows.get(image)?.focus();
  }
}
