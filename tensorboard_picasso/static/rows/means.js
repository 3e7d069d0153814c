// The first rows: the mean over the probe, and behind a disclosure the means over its classes.

import { runColour } from "../kit/chart.js";
import { hasOtherClass, isComparing } from "../shown/compare.js";
import { Comparison } from "../pictures/comparison.js";
import { button, el, setText } from "../kit/dom.js";
import { Download, meanFiles } from "../pictures/download.js";
import { number, plural } from "../kit/format.js";
import { MeanCard } from "../pictures/meancard.js";
import { OF_MEANS } from "../pictures/meandifference.js";
import { Outlines } from "../shown/outlines.js";
import { distinct, membersText } from "../log/records.js";

/** Why the means do not fit what the page shows; null where they do. */
function whyNot(scene, state) {
  if (scene.reading !== "importance") return "it is of the importance";
  return state.target === null && !hasOtherClass(state) ? null : `it is for ${classOf(scene.labelled)}`;
}

/** On what scale the means over the probe (group null) are, or those over classes. */
function scaleText({ scene, state }, group) {
  if (state.scale === "map") return "";
  if (state.scale === "step") return "They have a scale of their own at each step.";
  const scale = scene.sharedMeanScale(group, scene.label);
  const what = group === null ? "Scale" : "Scale of the class means";
  return scale ? `${what} ±${number(scale)}, the images’ ±${number(scene.sharedScale(scene.label, "importance"))}.` : "";
}

function classOf(labelled) {
  return labelled ? "the true class" : "what each step predicts";
}

/** One run's mean maps of one group. */
class MeanStrip {
  #app;
  #data;
  #group;
  #cells = [];
  #now;
  #comparison = null;
  #name = el("span", { class: "runname" });
  #download;
  #aside = el("div", { class: "aside" });

  constructor(app, data, group) {
    this.#app = app;
    this.#data = data;
    this.#group = group;
    this.#download = new Download(app, () => meanFiles(app, data, group), () => this.#comparison.taken);
    this.#now = new MeanCard(app, { reach: true });
    this.#now.element.classList.add("now");
    this.element = el("div", { class: "strip", style: { "--run": runColour(app.scene.runs, data.run) }, data: { run: data.run } });
  }

  get cards() {
    return this.#comparison?.cards ?? [...this.#cells, this.#now];
  }

  /** @param {HTMLElement[]} said what stands where rows of images have their chart */
  update(said) {
    const { scene, state } = this.#app;
    const { columns, datas } = scene;
    const swiping = state.layout === "swipe";
    if (!isComparing(state)) this.#comparison = null;
    else if (this.#comparison?.swiping !== swiping) this.#comparison = new Comparison(this.#app, { swiping, reach: true, kind: OF_MEANS });
    const several = datas.length > 1;
    this.element.classList.toggle("several", several);
    this.element.title = several ? this.#data.run : "";
    setText(this.#name, several ? this.#data.run : "");
    this.#cells = columns.map((_, i) => this.#cells[i] ?? new MeanCard(this.#app));
    this.#download.element.hidden = this.#data.mean(scene.label, this.#group) === null;
    this.#download.update();
    fill(this.#aside, [this.#name, ...said, this.#download.element]);
    const cards = this.#comparison?.elements ?? this.cards.map((card) => card.element);
    fill(this.element, [...cards, this.#aside]);
  }

  paint(onlyNow) {
    const { columns, step } = this.#app.scene;
    if (!onlyNow && !this.#comparison) this.#cells.forEach((card, i) => card.show(this.#spec(columns[i])));
    if (step === null) return true;
    return this.#comparison?.paint(this.#spec(step)) ?? this.#now.show(this.#spec(step));
  }

  #spec(step) {
    return { data: this.#data, group: this.#group, label: this.#app.scene.label, step: this.#data.at(step), asked: step };
  }
}

/** The mean of the images' pixels. */
class MeanOriginal {
  #app;
  #group;
  #canvas = el("canvas", { width: 1, height: 1, role: "img" });
  #name = el("span", { class: "class" });
  #count = el("span", { class: "score" });
  #frame = el("div", { class: "frame" }, this.#canvas);
  #drawn = null;
  #regions;

  constructor(app, group) {
    this.#app = app;
    this.#group = group;
    this.#regions = new Outlines(app);
    this.element = el("figure", { class: "card original" }, el("figcaption", {}, this.#name, this.#count), this.#frame);
  }

  /** Say which images they are. */
  update({ members, labelled }) {
    const name = this.#group === null ? "" : this.#app.scene.nameOfClass(this.#group);
    const images = membersText(members);
    setText(this.#name, name);
    this.#name.hidden = !name;
    setText(this.#count, name ? `· mean of ${distinct(members).length}` : `mean of ${images}`);
    const of = name ? `${images} of “${name}”` : images;
    this.element.title = `The mean over ${of} of the importance for ${classOf(labelled)}. It suggests a region to test: log that region, and hide it as a whole.`;
    this.#canvas.setAttribute("aria-label", `mean of the pixels of ${of}`);
  }

  paint(data, settings) {
    const { members } = settings;
    const input = data.commonInput(settings);
    if (input) this.#regions.show(this.#frame, distinct(members).map(({ image }) => image), settings, input, true);
    const ground = this.#app.store.meanGround(data, members);
    if (ground.state !== "ready" || ground === this.#drawn) return;
    this.#drawn = ground;
    const { pixels } = ground;
    this.#canvas.width = pixels.width;
    this.#canvas.height = pixels.height;
    this.#canvas.getContext("2d").putImageData(pixels, 0, 0);
    this.#canvas.dataset.images = distinct(members).map(({ image }) => image).join();
    this.element.style.setProperty("--ratio", `${pixels.width} / ${pixels.height}`);
  }
}

/** One group, a class or (null) the whole probe: a strip a run, the pixels again where they differ. */
class MeanRow {
  #app;
  #group;
  #strips = new Map();
  #originals = new Map();
  /** Whether it is in sight; null until that is known. */
  visible = null;

  constructor(app, group) {
    this.#app = app;
    this.#group = group;
    const name = group === null ? "mean over the probe" : `mean over ${app.scene.nameOfClass(group)}`;
    this.element = el("article", { class: "row mean", data: { group: group ?? "probe" }, "aria-label": name });
  }

  get cards() {
    return [...this.#strips.values()].flatMap((strip) => strip.cards);
  }

  update(said) {
    const { datas } = this.#app.scene;
    const strips = this.#strips;
    const originals = this.#originals;
    this.#strips = new Map(datas.map((data) => [data, strips.get(data) ?? new MeanStrip(this.#app, data, this.#group)]));
    this.#originals = new Map(this.#distinct().map((data) => [data, originals.get(data) ?? new MeanOriginal(this.#app, this.#group)]));
    fill(this.element, [...this.#strips].flatMap(([data, strip]) => [this.#originals.get(data)?.element, strip.element].filter(Boolean)));
    [...this.#strips].forEach(([data, strip], i) => {
      for (const each of [this.#originals.get(data)?.element, strip.element]) each?.style.setProperty("grid-row", String(i + 1));
      strip.update(i ? [] : said);
    });
    for (const [data, original] of this.#originals) original.update(this.#settings(data));
  }

  #settings(data) {
    return data.mean(this.#app.scene.label, this.#group)?.records.at(-1)?.settings ?? null;
  }

  /** Runs that average other images than the run above. */
  #distinct() {
    let above;
    return this.#app.scene.datas.filter((data) => {
      const hashes = this.#settings(data)?.members.map(({ hash }) => hash).join();
      if (hashes === undefined || hashes === above) return false;
      above = hashes;
      return true;
    });
  }

  paint(onlyNow) {
    for (const [data, original] of this.#originals) original.paint(data, this.#settings(data));
    return [...this.#strips.values()].map((strip) => strip.paint(onlyNow)).every(Boolean);
  }
}

/** Put elements in, where they are not there already: what has the keyboard keeps it. */
function fill(element, children) {
  if (children.length !== element.children.length || children.some((each, i) => each !== element.children[i])) {
    element.replaceChildren(...children);
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
  #toldOfClasses = el("p", { class: "quiet" });
  #opener;
  #watch;

  constructor(app) {
    this.#app = app;
    this.#opener = button("", "means over the classes", () => this.#toggle(), { class: "classes", "aria-controls": "means" });
    const show = button("show it", "show the mean over the probe", () => app.state.set({ reading: "importance", target: null, pinTarget: null }));
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
    const opened = state.means === "classes";
    const classes = groups.filter((group) => group !== null);
    this.#opener.hidden = !classes.length;
    setText(this.#opener, `${opened ? "▾" : "▸"} ${plural(classes.length, "class mean")}`);
    this.#opener.setAttribute("aria-expanded", String(opened));
    setText(this.#told, `Mean importance for ${classOf(scene.labelled)}: it suggests a region to test. ${scaleText(this.#app, null)}`);
    setText(this.#toldOfClasses, scaleText(this.#app, classes[0]));
    const wanted = why === null ? groups.filter((group) => group === null || opened) : [];
    const before = this.#rows;
    this.#rows = new Map(wanted.map((group) => [group, before.get(group) ?? this.#make(group)]));
    for (const [group, row] of before) if (!this.#rows.has(group)) this.#watch.unobserve(row.element);
    fill(this.#list, [...this.#rows.values()].map((row) => row.element));
    for (const [group, row] of this.#rows) row.update(group === null ? [this.#told, this.#opener] : group === classes[0] ? [this.#toldOfClasses] : []);
  }

  #make(group) {
    const row = new MeanRow(this.#app, group);
    this.#watch.observe(row.element);
    return row;
  }

  /** Paint the rows in sight; false while something is still loading. */
  paint(onlyNow) {
    return [...this.#rows.values()].map((row) => (row.visible ? row.paint(onlyNow) : row.visible !== null)).every(Boolean);
  }
}
