// The first rows: the mean over the probe, and behind a disclosure the means over its classes.

import { runColour } from "./chart.js";
import { isComparing } from "./compare.js";
import { button, el, setText } from "./dom.js";
import { plural } from "./format.js";
import { MeanCard } from "./meancard.js";

/** Why the means do not fit what the page shows; null where they do. */
export function whyNot(scene, state) {
  if (isComparing(state)) return "it is not compared";
  if (scene.reading !== "importance") return "it is of the importance";
  return state.target === null ? null : `it is for each image’s ${classOf(scene)}`;
}

function classOf(scene) {
  return scene.labelled ? "true class" : "newest prediction";
}

/** One run's mean maps of one group. */
class MeanStrip {
  #app;
  #data;
  #group;
  #cells = [];
  #now;

  constructor(app, data, group) {
    this.#app = app;
    this.#data = data;
    this.#group = group;
    this.#now = new MeanCard(app, group);
    this.#now.element.classList.add("now");
    this.element = el("div", { class: "strip", style: { "--run": runColour(app.scene.runs, data.run) }, data: { run: data.run } });
  }

  get cards() {
    return [...this.#cells, this.#now];
  }

  /** @param {HTMLElement|null} aside what stands where rows of images have their chart */
  update(aside) {
    const { columns, datas } = this.#app.scene;
    this.#cells = columns.map((_, i) => this.#cells[i] ?? new MeanCard(this.#app, this.#group));
    const { run } = this.#data;
    const name = datas.length > 1 ? [el("span", { class: "runname", text: run, title: run })] : [];
    this.element.replaceChildren(...name, ...this.cards.map((card) => card.element), ...(aside ? [aside] : []));
  }

  paint(onlyNow) {
    const { columns, label, step } = this.#app.scene;
    if (!onlyNow) this.#cells.forEach((card, i) => card.show(this.#data, label, columns[i]));
    return step === null || this.#now.show(this.#data, label, step);
  }
}

/** One group: a class, or null for the whole probe. */
class MeanRow {
  #app;
  #group;
  #strips = new Map();
  #original = el("canvas", { width: 1, height: 1, role: "img" });
  #name = el("span", { class: "class" });
  #count = el("span", { class: "score" });
  #figure;
  #held = el("div", { class: "strips" });
  #drawn = null;
  visible = false;

  constructor(app, group) {
    this.#app = app;
    this.#group = group;
    this.#figure = el(
      "figure", { class: "card original" }, el("figcaption", {}, this.#name, this.#count),
      el("div", { class: "frame" }, this.#original),
    );
    this.element = el("article", { class: "row mean", data: { group: group ?? "probe" } }, this.#figure, this.#held);
  }

  get cards() {
    return [...this.#strips.values()].flatMap((strip) => strip.cards);
  }

  update(aside) {
    const { scene } = this.#app;
    const before = this.#strips;
    this.#strips = new Map(scene.datas.map((data) => [data, before.get(data) ?? new MeanStrip(this.#app, data, this.#group)]));
    const strips = [...this.#strips.values()];
    strips.forEach((strip, i) => strip.update(i ? null : aside));
    this.#held.replaceChildren(...strips.map((strip) => strip.element));
    const members = this.#newest()?.record.settings.members;
    const images = members ? plural(members.length, "image") : "";
    const name = this.#group === null || !members ? "" : scene.className(members[0].image, this.#group);
    setText(this.#name, name);
    this.#name.hidden = !name;
    setText(this.#count, name ? `· mean of ${members.length}` : images && `mean of ${images}`);
    const of = name ? `the ${images} of “${name}”` : images;
    this.#figure.title = `The mean over ${of} of the importance for each one’s ${classOf(scene)}. It suggests a region to test: log that region, and hide it as a whole.`;
    this.#original.setAttribute("aria-label", `mean of the pixels of ${of}`);
  }

  #newest() {
    const { datas, label } = this.#app.scene;
    for (const data of datas) {
      const record = data.mean(label, this.#group)?.records.at(-1);
      if (record) return { data, record };
    }
    return null;
  }

  paint(onlyNow) {
    this.#paintOriginal();
    return [...this.#strips.values()].map((strip) => strip.paint(onlyNow)).every(Boolean);
  }

  #paintOriginal() {
    const newest = this.#newest();
    if (!newest) return;
    const ground = this.#app.store.meanGround(newest.data, newest.record.settings.members);
    if (ground.state !== "ready" || ground === this.#drawn) return;
    this.#drawn = ground;
    const { pixels } = ground;
    this.#original.width = pixels.width;
    this.#original.height = pixels.height;
    this.#original.getContext("2d").putImageData(pixels, 0, 0);
    this.element.style.setProperty("--ratio", `${pixels.width} / ${pixels.height}`);
  }
}

/** All rows of means of the method on show; nothing where it has none. */
export class Means {
  #app;
  #rows = new Map();
  #list = el("div", { id: "means" });
  #note = el("span");
  #other;
  #told = el("p", { class: "quiet" });
  #opener;
  #aside;
  #watch;

  constructor(app) {
    this.#app = app;
    this.#opener = button("", "means over the classes", () => this.#toggle(), { class: "classes", "aria-controls": "means" });
    this.#aside = el("div", { class: "aside" }, this.#told, this.#opener);
    const show = button("show it", "show the mean over the probe", () => app.state.set({ reading: "importance", target: null }));
    this.#other = el("p", { class: "other quiet" }, this.#note, show);
    this.element = el("div", { class: "means" }, this.#other, this.#list);
    this.#watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const row = [...this.#rows.values()].find((each) => each.element === target);
        if (row) row.visible = isIntersecting;
      }
      app.schedule("paint");
    }, { rootMargin: "200px 0px" });
  }

  get cards() {
    return [...this.#rows.values()].flatMap((row) => row.cards);
  }

  #toggle() {
    const { state } = this.#app;
    state.set({ means: state.means === "classes" ? "probe" : "classes" });
  }

  update() {
    const { scene, state } = this.#app;
    const { groups } = scene;
    const why = whyNot(scene, state);
    this.element.hidden = !groups.length;
    this.#other.hidden = why === null;
    setText(this.#note, `The mean over the probe is not shown: ${why}. `);
    this.#other.lastChild.hidden = isComparing(state);
    const opened = state.means === "classes";
    const classes = groups.filter((group) => group !== null);
    this.#opener.hidden = !classes.length;
    setText(this.#opener, `${opened ? "▾" : "▸"} ${plural(classes.length, "class mean")}`);
    this.#opener.setAttribute("aria-expanded", String(opened));
    setText(this.#told, `Mean importance for each image’s ${classOf(scene)}: it suggests a region to test.`);
    const wanted = why === null ? groups.filter((group) => group === null || opened) : [];
    const before = this.#rows;
    this.#rows = new Map(wanted.map((group) => [group, before.get(group) ?? this.#make(group)]));
    for (const [group, row] of before) if (!this.#rows.has(group)) this.#watch.unobserve(row.element);
    const elements = [...this.#rows.values()].map((row) => row.element);
    if (elements.length !== this.#list.children.length || elements.some((each, i) => each !== this.#list.children[i])) {
      this.#list.replaceChildren(...elements);
    }
    for (const [group, row] of this.#rows) row.update(group === null ? this.#aside : null);
  }

  #make(group) {
    const row = new MeanRow(this.#app, group);
    this.#watch.observe(row.element);
    return row;
  }

  /** Paint the rows in sight; false while something is still loading. */
  paint(onlyNow) {
    return [...this.#rows.values()].filter((row) => row.visible).map((row) => row.paint(onlyNow)).every(Boolean);
  }
}
