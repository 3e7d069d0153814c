// The timeline: charts over training, one under the other, whose cursor is the step slider.

import { Axis, AXIS_NAMES, hasAxis } from "./axis.js";
import { button, el } from "../kit/dom.js";
import { FIRST, listSources } from "./sources.js";
import { AXES } from "../shown/state.js";
import { ticksOf, TimeChart } from "./timechart.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { Listed } from "./sources.js" */

const MOST = 3;

/** @param {string} label @param {(value: string) => void} onChange */
function quietSelect(label, onChange) {
  const control = el("select", { "aria-label": label, title: label, on: { change: () => onChange(control.value) } });
  return control;
}

/** @typedef {[value: string, text: string, disabled?: boolean]} Option */

/**
 * Fill a select only where it changed, so that an open one is not closed.
 * @param {HTMLSelectElement} control
 * @param {Option[]} choices
 * @param {string} value
 */
function fill(control, choices, value) {
  const made = JSON.stringify(choices);
  if (control.dataset.made !== made) {
    control.dataset.made = made;
    control.replaceChildren(...choices.map(([key, text, disabled]) => el("option", { value: key, text, disabled })));
  }
  control.value = value;
}

export class Timeline {
  /** @type {Needs<Listed | "seek" | "tip" | "schedule">} */
  #given;
  /** @type {TimeChart[]} */
  #charts = [];
  #of;
  #x;
  #more;
  #held = el("div", {});
  #ticks = el("div", { class: "ticks", "aria-hidden": "true" });

  /** @param {Needs<Listed | "seek" | "tip" | "schedule">} given */
  constructor(given) {
    this.#given = given;
    const { state } = given;
    this.#of = quietSelect("over which images", (value) => state.set({ of: value === "" ? null : Number(value) }));
    this.#x = quietSelect("what the axis counts", (value) => state.set({ x: AXES.find((each) => each === value) }));
    this.#more = button("+", "add a chart", () => this.#add(), { class: "small" });
    this.element = el("section", { class: "timeline", "aria-label": "timeline" }, this.#held, this.#ticks);
  }

  get #ids() {
    const ids = this.#given.state.charts ?? [];
    return ids.length ? ids.slice(0, MOST) : [FIRST];
  }

  /** @param {string[]} ids */
  #choose(ids) {
    this.#given.state.set({ charts: ids.length === 1 && ids[0] === FIRST ? null : ids });
  }

  /** Another chart: of what is not charted yet. */
  #add() {
    const ids = this.#ids;
    const next = listSources(this.#given).find(({ id, group }) => !ids.includes(id) && group !== "class scores");
    this.#choose([...ids, next?.id ?? FIRST]);
    this.#given.schedule("all");
    requestAnimationFrame(() => this.#charts.at(-1)?.focus());
  }

  get #image() {
    const { scene, state } = this.#given;
    return scene.every.find((image) => image === state.of) ?? null;
  }

  get #sources() {
    const sources = listSources(this.#given);
    return this.#ids.flatMap((id) => sources.find((each) => each.id === id) ?? []);
  }

  /** What must be loaded for what is charted: methods, and images of which all maps are read. */
  get wants() {
    // Scores need nothing more.
    if (this.#given.state.charts === null) return { labels: [], images: [] };
    const sources = this.#sources;
    const { scene } = this.#given;
    const maps = sources.some((each) => each.maps);
    // Before the images are here nothing is known of a region's chart but its method, with which its id ends.
    const unknown = this.#ids.filter((id) => !sources.some((each) => each.id === id));
    const coming = scene.methods.filter(({ label }) => unknown.some((id) => id.endsWith(`:${label}`)));
    return {
      labels: [...sources.flatMap((each) => each.labels ?? []), ...coming.map(({ label }) => label)],
      images: maps ? (this.#image === null ? scene.every : [this.#image]) : [],
    };
  }

  /**
   * Draw again: data came, or something else is shown.
   * @param {boolean} all also charts of what neither maps' records nor the end of loading change
   */
  update(all) {
    const { scene, state, changes } = this.#given;
    const ids = this.#ids;
    changes.supersede();
    const sources = listSources(this.#given);
    if (ids.length !== this.#charts.length) this.#make(ids.length);
    /** @type {Option[]} */
    const images = scene.every.map((image) => [String(image), scene.numberedName(image)]);
    fill(this.#of, [["", `mean of ${scene.every.length} images, band: middle half`], ...images], String(this.#image ?? ""));
    const axis = new Axis(state.x, scene);
    fill(this.#x, AXES.map((kind) => [kind, `by ${AXIS_NAMES[kind]}`, !hasAxis(kind, scene)]), axis.kind);
    this.#more.hidden = ids.length >= MOST;
    const over = this.#image === null ? scene.every : [this.#image];
    /** @type {Set<string | null>} */
    const told = new Set();
    ids.forEach((id, i) => {
      const source = sources.find((each) => each.id === id) ?? null;
      const hiding = source?.hiding ? JSON.stringify([source.hiding.hiding, source.hiding.asked?.name]) : null;
      this.#charts[i].update(source, sources, id, { axis, images: over, told: told.has(hiding), all });
      told.add(hiding);
    });
    this.#ticks.replaceChildren(...ticksOf(axis));
  }

  /** @param {number} count */
  #make(count) {
    const held = document.activeElement;
    const at = this.#charts.findIndex(({ element }) => element.contains(held));
    this.#charts = Array.from({ length: count }, (_, i) => new TimeChart(this.#given, {
      choose: (id) => this.#choose(this.#ids.map((each, k) => (k === i ? id : each))),
      remove: count > 1 ? () => this.#choose(this.#ids.filter((_each, k) => k !== i)) : null,
      tools: i ? [] : [this.#of, this.#x, this.#more],
    }));
    this.#held.replaceChildren(...this.#charts.map(({ element }) => element));
    this.element.style.setProperty("--charts", String(count));
    if (held === document.activeElement) return;
    if (held instanceof HTMLElement && held.isConnected) held.focus();
    else this.#charts[Math.min(at, count - 1)].hold();
  }

  /** Put the cursors at the current step. */
  move() {
    for (const chart of this.#charts) chart.move();
  }
}
