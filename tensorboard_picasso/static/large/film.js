// The film strip: one image, one method, one class, maps over training in a row.

import { Caption } from "../pictures/caption.js";
import { Card } from "../pictures/card.js";
import { runColour } from "../kit/chart.js";
import { button, el, itself, named, put, select, setBreakable } from "../kit/dom.js";
import { count, stepText } from "../kit/format.js";
import { look, valuesOf } from "../shown/look.js";
import { FILMS, FRAMES } from "../shown/state.js";
import { kept, ordered } from "../kit/lists.js";
import { advance } from "../kit/steps.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { FoundMap, MapSpec } from "../shown/spec.js" */
/** @import { Choices, Step } from "../types.js" */

/** @type {Record<Choices["film"], string>} */
const FILM_NAMES = { log: "log-spaced", even: "evenly", change: "where it changed most" };

/**
 * `frames` places of `count`, at equal distances.
 * @param {number} count
 * @param {number} frames
 */
export function evenly(count, frames) {
  const length = Math.min(frames, count);
  return Array.from({ length }, (_, i) => Math.round((i * (count - 1)) / Math.max(length - 1, 1)));
}

/**
 * Places of steps at equal distances of their logarithm, first and last among them.
 * @param {Step[]} steps
 * @param {number} frames
 */
export function logSpaced(steps, frames) {
  if (steps.length <= frames) return steps.map((_, i) => i);
  const since = steps.map((step) => advance(steps[0], step));
  const span = Math.log1p(since[since.length - 1]);
  /** @type {number[]} */
  const places = [];
  for (let i = 0; i < frames; i++) {
    const wanted = Math.expm1((i * span) / (frames - 1));
    let place = since.findIndex((each) => each >= wanted - 1e-6);
    if (place > 0 && wanted - since[place - 1] < since[place] - wanted) place--;
    // Early steps lie close together: each is taken once, and room is left for those to come.
    place = Math.max(place < 0 ? steps.length - 1 : place, (places.at(-1) ?? -1) + 1);
    places.push(Math.min(place, steps.length - (frames - i)));
  }
  return places;
}

/**
 * The first and last place and those with the largest change from the one before.
 * @param {number[]} changes
 * @param {number} frames
 */
export function mostChanged(changes, frames) {
  const last = changes.length - 1;
  const order = [...changes.keys()].filter((place) => place > 0 && place < last && changes[place] > 0);
  order.sort((a, b) => changes[b] - changes[a] || a - b);
  const places = [0, last, ...order.slice(0, Math.max(frames - 2, 0))];
  return ordered(places.filter((place) => place >= 0));
}

/**
 * Steps that all runs have, so that a column is one step; null where they share fewer than two.
 * @param {Step[][]} lists
 */
export function commonSteps(lists) {
  const [first = [], ...others] = lists.filter((list) => list.length);
  const common = first.filter((step) => others.every((list) => list.includes(step)));
  return common.length > 1 || !others.length ? common : null;
}

/**
 * Fields that choose the frames.
 * @param {Needs<"state">} given
 */
export function filmFields({ state }) {
  return [
    select("film", named(FILMS, FILM_NAMES), state.film, (film) => state.set({ film })),
    select("frames", FRAMES.map(String).map(itself), String(state.frames), (frames) => state.set({ frames: Number(frames) })),
  ];
}

/**
 * What film strips need of the page.
 * @typedef {"scene" | "state" | "store" | "hover" | "seek"} Filmed
 *
 * One map of a strip.
 * @typedef {{step: Step, caption: Caption, card: Card, element: HTMLElement}} Frame
 */

/** One run's strip. */
class Film {
  #given;
  #data;
  #image;
  /** @type {Frame[]} */
  #frames = [];
  /** @type {Map<string, Float32Array>} */
  #changes = new Map();
  /** @type {Frame | null} */
  #now = null;
  #list = el("div", { class: "film", role: "list" });

  /** @param {Needs<Filmed>} given @param {RunData} data @param {number} image */
  constructor(given, data, image) {
    this.#given = given;
    this.#data = data;
    this.#image = image;
    const colour = runColour(given.scene.runs, data.run);
    this.element = el("div", { class: "filmof", style: { "--run": colour } }, el("div", { class: "quiet filmname", text: data.run }), this.#list);
  }

  get cards() {
    return this.#frames.map(({ card }) => card);
  }

  /** @param {Step} step @returns {MapSpec} */
  #spec(step) {
    const { scene } = this.#given;
    return { data: this.#data, image: this.#image, label: scene.label, step, target: scene.target(this.#image, this.#data) };
  }

  /** Steps at which the method was logged, so that no frame is empty. */
  get steps() {
    return this.#data.attributions(this.#given.scene.label, this.#image)?.records.map((record) => record.step) ?? [];
  }

  /**
   * Show these steps.
   * @param {Step[]} wanted
   */
  arrange(wanted) {
    if (wanted.join() === this.#frames.map(({ step }) => step).join()) return;
    this.#frames = wanted.map((step, i) => this.#frame(step, i ? wanted[i - 1] : null));
    this.#list.replaceChildren(...this.#frames.map(({ element }) => element));
  }

  /**
   * Mean of |difference| of each map from the one before.
   * @param {Step[]} steps
   * @returns {{changes: number[], known: boolean}} 0 and not all known where a map is not here yet,
   *   which is asked for by this
   */
  change(steps) {
    /** @type {Float32Array | null} */
    let before = null;
    let known = true;
    const changes = steps.map((step) => {
      const looked = look(this.#given, this.#spec(step));
      const values = looked.record ? this.#kept(looked) : null;
      if (looked.loading) known = false;
      let change = 0;
      if (values && before) {
        for (let i = 0; i < values.length; i++) {
          const difference = Math.abs(values[i] - before[i]);
          if (Number.isFinite(difference)) change += difference / values.length;
        }
      }
      before = values;
      return change;
    });
    return { changes, known };
  }

  /** @param {FoundMap} looked */
  #kept(looked) {
    const key = [looked.record.step, looked.record.wall, looked.target, looked.reading].join();
    return kept(this.#changes, key, () => Float32Array.from(valuesOf(looked) ?? []));
  }

  /** @param {Step} step @param {Step | null} before */
  #frame(step, before) {
    const { scene } = this.#given;
    const caption = new Caption();
    const card = new Card(this.#given, { caption: caption.element });
    const scores = this.#data.scores.get(this.#image)?.steps;
    const [was, is] = [before === null ? null : (scores?.get(before)?.prediction ?? null), scores?.get(step)?.prediction ?? null];
    const flipped = was !== null && is !== null && String(was) !== String(is);
    card.element.classList.toggle("flip", flipped);
    const go = button("", `go to step ${count(step)}`, () => this.#given.seek(scene.steps.indexOf(step)), { class: "head" });
    setBreakable(go, stepText(step));
    card.element.addEventListener("click", (event) => {
      if (event.target !== go) go.click();
    });
    const element = el("div", { class: "frameof", role: "listitem", title: flipped ? "the prediction changed since the frame before" : null }, go, card.element);
    return { step, caption, card, element };
  }

  /**
   * Bring a frame into sight, without moving the page.
   * @param {Frame | null} frame
   */
  #reveal(frame) {
    const strip = this.element.closest(".films");
    if (!frame || !strip) return;
    const [inside, around] = [frame.element.getBoundingClientRect(), strip.getBoundingClientRect()];
    if (inside.right > around.right) strip.scrollLeft += inside.right - around.right + 8;
    else if (inside.left < around.left) strip.scrollLeft -= around.left - inside.left + 8;
  }

  /** Paint all frames; false while something is still loading. */
  paint() {
    const { scene } = this.#given;
    let ready = true;
    /** @type {Frame | null} */
    let now = null;
    for (const frame of this.#frames) {
      frame.caption.show(scene, this.#image, this.#data, this.#data.scores.get(this.#image)?.steps.get(frame.step));
      ready = frame.card.show(this.#spec(frame.step)) && ready;
      if (scene.step !== null && frame.step <= scene.step) now = frame;
    }
    for (const frame of this.#frames) {
      const isNow = frame === now && frame.step === scene.step;
      frame.card.element.classList.toggle("now", isNow);
      // The current step lies between this frame and the next.
      frame.element.classList.toggle("passed", frame === now && !isNow);
      if (isNow) frame.element.setAttribute("aria-current", "step");
      else frame.element.removeAttribute("aria-current");
    }
    if (now !== this.#now) {
      this.#now = now;
      this.#reveal(now);
    }
    return ready;
  }
}

/** The strips of all runs on show, one under the other. */
export class Films {
  #given;
  /** @type {number | null} */
  #image = null;
  /** @type {Map<RunData, Film>} */
  #films = new Map();
  #known = true;
  #list = el("div", {});

  /** @param {Needs<Filmed>} given */
  constructor(given) {
    this.#given = given;
    this.element = el("section", { class: "films", tabindex: 0, "aria-label": "film strip: maps over training" }, this.#list);
  }

  get cards() {
    return [...this.#films.values()].flatMap((film) => film.cards);
  }

  /** @param {number} image */
  update(image) {
    const before = image === this.#image ? this.#films : new Map();
    this.#image = image;
    this.#films = new Map(this.#given.scene.datas.map((data) => [data, before.get(data) ?? new Film(this.#given, data, image)]));
    const films = [...this.#films.values()];
    put(this.#list, films.map(({ element }) => element));
    this.element.hidden = films.every(({ steps }) => steps.length < 2);
    this.#choose();
  }

  /** Choose the frames: the same steps for all runs, where they have some in common. */
  #choose() {
    const films = [...this.#films.values()];
    const common = commonSteps(films.map((film) => film.steps));
    this.#known = true;
    if (common) {
      const wanted = this.#pick(common, films);
      for (const film of films) film.arrange(film.steps.length ? wanted : []);
    } else for (const film of films) film.arrange(this.#pick(film.steps, [film]));
  }

  /**
   * Of the steps of some runs those that are asked for; what changed most is what did in all of them together.
   * @param {Step[]} steps
   * @param {Film[]} films
   */
  #pick(steps, films) {
    const { film, frames } = this.#given.state;
    const changes = () => {
      const measured = films.map((each) => each.change(steps));
      if (measured.some(({ known }) => !known)) this.#known = false;
      return steps.map((_, place) => measured.reduce((sum, each) => sum + each.changes[place], 0));
    };
    const ways = {
      log: () => logSpaced(steps, frames),
      even: () => evenly(steps.length, frames),
      change: () => mostChanged(changes(), frames),
    };
    const places = ways[film]();
    return places.map((place) => steps[place]);
  }

  paint() {
    if (this.#given.state.film === "change" && !this.#known) this.#choose();
    return [...this.#films.values()].map((film) => film.paint()).every(Boolean);
  }
}
