// The rows: an image each, its maps over training, and how sure the network is of it.

import { Caption } from "./caption.js";
import { Card } from "./card.js";
import { across, drawing, line, path, rangeOf, runColour, seekable } from "./chart.js";
import { isComparing, nameOf } from "./compare.js";
import { Comparison } from "./comparison.js";
import { button, el, setText } from "./dom.js";
import { count, stepText } from "./format.js";

/** One run's maps of one image. */
class Strip {
  #app;
  #data;
  #image;
  #cells = [];
  #now;
  #comparison = null;
  #spark = el("div", { class: "spark" });
  #cursor = el("div", { class: "cursor" });
  #dot = el("div", { class: "dot" });
  #range = [0, 1];
  #values = [];

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
    const truth = scene.truth(this.#image);
    this.#values = scene.steps.map((step) => series?.steps.get(step)?.score(truth) ?? null);
    this.#range = rangeOf([this.#values], series?.records[0]?.output === "raw");
    const drawn = drawing(path("M0 50H1000", "", "grid"), path(line(this.#values, this.#range), "var(--run)"));
    this.#spark.replaceChildren(drawn, this.#cursor, this.#dot);
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
    const several = scene.datas.length > 1;
    if (columns.join() !== this.#cells.map(({ step }) => step).join()) {
      this.#cells = columns.map((step, i) => ({ ...(this.#cells[i] ?? this.#cell(step)), step }));
    }
    const name = several ? [el("span", { class: "runname", text: this.#data.run, title: this.#data.run })] : [];
    const cards = this.#comparison?.elements ?? [...this.#cells, this.#now].map(({ card }) => card.element);
    const before = [...this.element.children].filter((each) => !each.matches(".runname"));
    const after = [...cards, this.#spark];
    if (before.length !== after.length || after.some((each, i) => each !== before[i]) || several !== before.length < this.element.children.length) {
      this.element.replaceChildren(...name, ...after);
    }
  }

  /** Paint the maps of the fixed columns. */
  paint() {
    if (!this.#comparison) for (const cell of this.#cells) this.#show(cell, cell.step);
    return this.paintNow();
  }

  /** Paint the map of the current step; false while it is still loading. */
  paintNow() {
    const { scene } = this.#app;
    const { place, steps } = scene;
    const left = `${across(place, steps.length) / 10}%`;
    this.#cursor.style.left = left;
    const value = this.#values[place];
    this.#dot.hidden = value === null || value === undefined || !Number.isFinite(value);
    if (!this.#dot.hidden) {
      const [low, high] = this.#range;
      this.#dot.style.left = left;
      this.#dot.style.top = `${100 - (high > low ? (100 * (value - low)) / (high - low) : 50)}%`;
    }
    if (scene.step === null) return true;
    return this.#comparison?.paint(this.#spec(scene.step)) ?? this.#show(this.#now, scene.step);
  }

  #spec(step) {
    const { scene } = this.#app;
    return { data: this.#data, image: this.#image, label: scene.label, step, target: scene.target(this.#image) };
  }

  #show({ caption, card }, step) {
    const { scene } = this.#app;
    caption.show(scene, this.#image, this.#data.scores.get(this.#image)?.steps.get(step));
    return card.show(this.#spec(step));
  }
}

/** One image. */
class Row {
  #app;
  #image;
  #strips = new Map();
  #original = el("canvas", { width: 1, height: 1 });
  #name = el("span", { class: "class" });
  #which = el("span", { class: "score" });
  #held = el("div", { class: "strips" });
  #drawn = null;
  visible = false;
  /** What it shows is made when it is next in sight. */
  stale = true;

  constructor(app, image) {
    this.#app = app;
    this.#image = image;
    const opener = el("button", { type: "button", class: "frame", on: { click: () => app.open(image) } }, this.#original);
    this.opener = opener;
    this.element = el(
      "article", { class: "row", data: { image } },
      el("figure", { class: "card original" }, el("figcaption", {}, this.#name, this.#which), opener),
      this.#held,
    );
  }

  get cards() {
    return [...this.#strips.values()].flatMap((strip) => strip.cards);
  }

  update() {
    this.stale = false;
    const { scene } = this.#app;
    const input = scene.input(this.#image);
    const label = input?.label ?? null;
    const name = scene.imageName(this.#image);
    setText(this.#name, label === null ? name : scene.className(this.#image, label));
    setText(this.#which, label === null || !input?.name || input.name === scene.className(this.#image, label) ? "" : input.name);
    this.opener.setAttribute("aria-label", `open ${name} large`);
    this.opener.title = name;
    const before = this.#strips;
    this.#strips = new Map(scene.datas.map((data) => [data, before.get(data) ?? new Strip(this.#app, data, this.#image)]));
    const strips = [...this.#strips.values()];
    if (strips.some((strip, i) => this.#held.children[i] !== strip.element) || this.#held.children.length !== strips.length) {
      this.#held.replaceChildren(...strips.map((strip) => strip.element));
    }
    for (const strip of strips) strip.update();
  }

  /** Paint what is in sight; false while something is still loading. */
  paint(onlyNow) {
    if (this.stale) this.update();
    this.#paintOriginal();
    let ready = true;
    for (const strip of this.#strips.values()) ready = (onlyNow ? strip.paintNow() : strip.paint()) && ready;
    return ready;
  }

  #paintOriginal() {
    const { scene, store } = this.#app;
    const data = scene.datas.find((each) => each.newestInput(this.#image));
    if (!data) return;
    const input = data.newestInput(this.#image);
    const ground = store.ground(data, this.#image, input.hash);
    if (ground.state !== "ready" || this.#drawn === ground) return;
    this.#drawn = ground;
    this.#original.width = ground.pixels.width;
    this.#original.height = ground.pixels.height;
    this.#original.getContext("2d").putImageData(ground.pixels, 0, 0);
    this.#original.dataset.hash = input.hash;
    this.element.style.setProperty("--ratio", `${ground.pixels.width} / ${ground.pixels.height}`);
  }
}

/** All rows with their headings. */
export class Rows {
  #app;
  #rows = new Map();
  #heads = el("div", { class: "heads" });
  #list = el("div", { class: "list" });
  #now = el("span", { class: "head now" });
  #watch;

  constructor(app) {
    this.#app = app;
    this.element = el("div", { class: "rows" }, this.#heads, this.#list);
    this.#watch = new IntersectionObserver((entries) => {
      for (const entry of entries) {
        const row = this.#rows.get(Number(entry.target.dataset.image));
        if (row) row.visible = entry.isIntersecting;
      }
      app.looked();
    }, { rootMargin: "200px 0px" });
  }

  get cards() {
    return [...this.#rows.values()].flatMap((row) => row.cards);
  }

  /** Images whose row is in sight. */
  get inSight() {
    return [...this.#rows].filter(([, row]) => row.visible).map(([image]) => image);
  }

  update() {
    const { scene } = this.#app;
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
    this.#head();
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
      button(stepText(step), `go to step ${count(step)}`, () => this.#app.seek(scene.steps.indexOf(step)), { class: "head" }));
    const truth = scene.labelled ? "the true class" : "the final class";
    this.#heads.replaceChildren(
      el("span", { class: "head", text: "image" }),
      el("div", { class: "strip" }, ...steps, ...(comparing ? [] : [this.#now]), el("span", { class: "head spark", text: `${scene.raw ? "value" : "probability"} of ${truth}` })),
    );
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
    setText(this.#now, scene.step === null ? "" : `${side}: ${stepText(scene.step)}`);
  }

  /** Paint the rows in sight; false while something is still loading. */
  paint(onlyNow) {
    this.#title();
    let ready = true;
    for (const row of this.#rows.values()) if (row.visible) ready = row.paint(onlyNow) && ready;
    return ready;
  }

  /** Give the keyboard back to a row's image. */
  focus(image) {
    this.#rows.get(image)?.opener.focus();
  }
}
