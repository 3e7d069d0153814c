// The timeline: charts over training, one under the other, whose cursor is the step slider.

import { Axis, AXIS_NAMES, hasAxis } from "./axis.js";
import { button, el } from "../kit/dom.js";
import { FIRST, listSources } from "./sources.js";
import { AXES } from "../shown/state.js";
import { TimeChart } from "./timechart.js";

const MOST = 3;

function quietSelect(label, onChange) {
  const control = el("select", { "aria-label": label, title: label, on: { change: () => onChange(control.value) } });
  return control;
}

/** Fill a select only where it changed, so that an open one is not closed. */
function fill(control, choices, value) {
  const made = JSON.stringify(choices);
  if (control.dataset.made !== made) {
    control.dataset.made = made;
    control.replaceChildren(...choices.map(([key, text, disabled]) => el("option", { value: key, text, disabled })));
  }
  control.value = value;
}

export class Timeline {
  #app;
  #charts = [];
  #of;
  #x;
  #more;
  #held = el("div", {});
  #ticks = el("div", { class: "ticks", "aria-hidden": "true" });

  constructor(app) {
    this.#app = app;
    const { state } = app;
    this.#of = quietSelect("over which images", (value) => state.set({ of: value === "" ? null : Number(value) }));
    this.#x = quietSelect("what the axis counts", (x) => state.set({ x }));
    this.#more = button("+", "add a chart", () => this.#add(), { class: "small" });
    this.element = el("section", { class: "timeline", "aria-label": "timeline" }, this.#held, this.#ticks);
  }

  get #ids() {
    const ids = this.#app.state.charts ?? [];
    return ids.length ? ids.slice(0, MOST) : [FIRST];
  }

  #choose(ids) {
    this.#app.state.set({ charts: ids.length === 1 && ids[0] === FIRST ? null : ids });
  }

  /** Another chart: of what is not charted yet. */
  #add() {
    const ids = this.#ids;
    const next = listSources(this.#app).find(({ id, group }) => !ids.includes(id) && group !== "class scores");
    this.#choose([...ids, next?.id ?? FIRST]);
    this.#app.schedule("all");
    requestAnimationFrame(() => this.#charts.at(-1).focus());
  }

  get #image() {
    const { scene, state } = this.#app;
    return scene.every.includes(state.of) ? state.of : null;
  }

  get #sources() {
    const sources = listSources(this.#app);
    return this.#ids.map((id) => sources.find((each) => each.id === id)).filter(Boolean);
  }

  /** What must be loaded for what is charted: methods, and images of which all maps are read. */
  get wants() {
    const sources = this.#sources;
    const { scene } = this.#app;
    const maps = sources.some((each) => each.maps);
    return {
      labels: sources.flatMap((each) => each.labels ?? []),
      images: maps ? (this.#image === null ? scene.every : [this.#image]) : [],
    };
  }

  /** Draw again: data came, or something else is shown. */
  update() {
    const { scene, state, changes } = this.#app;
    const ids = this.#ids;
    changes.supersede();
    const sources = listSources(this.#app);
    if (ids.length !== this.#charts.length) this.#make(ids.length);
    fill(this.#of, [["", `mean of ${scene.every.length} images, band: middle half`], ...scene.every.map((image) => [String(image), `image ${image}: ${scene.imageName(image)}`])], String(this.#image ?? ""));
    const axis = new Axis(state.x, scene);
    fill(this.#x, AXES.map((kind) => [kind, `by ${AXIS_NAMES[kind]}`, !hasAxis(kind, scene)]), axis.kind);
    this.#more.hidden = ids.length >= MOST;
    const images = this.#image === null ? scene.every : [this.#image];
    const told = new Set();
    ids.forEach((id, i) => {
      const source = sources.find((each) => each.id === id) ?? null;
      const hiding = source?.hiding ? JSON.stringify([source.hiding.hiding, source.hiding.asked?.name]) : null;
      this.#charts[i].update(source, sources, id, { axis, images, told: told.has(hiding) });
      told.add(hiding);
    });
    this.#ticks.replaceChildren(...axis.ticks.map(({ part, text, align }) => el("span", { text, style: { left: `${100 * part}%`, transform: `translateX(${-100 * align}%)` } })));
  }

  #make(count) {
    const held = document.activeElement;
    const at = this.#charts.findIndex(({ element }) => element.contains(held));
    this.#charts = Array.from({ length: count }, (_, i) => new TimeChart(this.#app, {
      choose: (id) => this.#choose(this.#ids.map((each, k) => (k === i ? id : each))),
      remove: count > 1 ? () => this.#choose(this.#ids.filter((_each, k) => k !== i)) : null,
      tools: i ? [] : [this.#of, this.#x, this.#more],
    }));
    this.#held.replaceChildren(...this.#charts.map(({ element }) => element));
    this.element.style.setProperty("--charts", count);
    if (held === document.activeElement) return;
    if (held?.isConnected) held.focus();
    else this.#charts[Math.min(at, count - 1)].hold();
  }

  /** Put the cursors at the current step. */
  move() {
    for (const chart of this.#charts) chart.move();
  }
}
