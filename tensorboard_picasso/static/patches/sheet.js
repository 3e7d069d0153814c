// What each class rests on: of every image the part where its map is strongest, on a sheet that covers the rows.

import { button, el, named, put, refill, select, setText } from "../kit/dom.js";
import { stepText } from "../kit/format.js";
import { kept } from "../kit/lists.js";
import { taking } from "../kit/taking.js";
import { rectangleOf, SIDE } from "../numbers/strongest.js";
import { isComparing } from "../shown/compare.js";
import { PATCH_ORDERS, SURROUNDINGS } from "../shown/state.js";
import { Ahead } from "./ahead.js";
import { neighbour } from "./arrows.js";
import { RunPatches } from "./run.js";
import { wholeOf } from "./tile.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Choices } from "../types.js" */
/** @import { Cutting } from "./run.js" */
/** @import { Tile } from "./tile.js" */

/** What it needs of the page. @typedef {Cutting | "open" | "mark" | "tip" | "schedule"} Patched */

const MARGIN = "200px 0px"; // beyond the screen, counted as in sight

/** @type {Record<NonNullable<Choices["patches"]>, string>} */
const ORDER_NAMES = { alike: "alike ones together", strongest: "strongest first", listed: "as the rows" };
/** @type {Record<Choices["around"], string>} */
const AROUND_NAMES = { none: "as measured", some: "and what is around" };

export class Patches {
  #given;
  /** @type {Map<RunData, RunPatches>} */
  #runs = new Map();
  /** @type {WeakMap<Element, Tile>} by its list item */
  #tiles = new WeakMap();
  #watch;
  #ahead;
  /** @type {Tile | null} the one that Tab comes to */
  #stop = null;
  /** @type {Tile | null} the one that is pointed at or has the keyboard */
  #pointed = null;
  /** @type {{clientX: number, clientY: number} | null} the pointer */
  #at = null;
  /** @type {Element | null} to what the keyboard goes back */
  #from = null;
  #fields = el("span", { class: "fields" });
  #chosen = "";
  #title = el("h2", { tabindex: -1, id: "patches-title", text: "What each class rests on" });
  #step = el("span", { class: "quiet" });
  #what = el("span");
  #ordered = el("span");
  #about = el("p", { class: "quiet" }, this.#what, this.#ordered);
  #held = el("div", { class: "patchruns" });
  #nothing = el("p", { class: "quiet" });

  /** @param {Needs<Patched>} given */
  constructor(given) {
    this.#given = given;
    this.#ahead = new Ahead(given, () => this.#all);
    this.#watch = new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const tile = this.#tiles.get(target);
        if (tile) tile.visible = isIntersecting;
      }
      given.schedule("paint");
    }, { rootMargin: MARGIN });
    this.element = el(
      "section", { class: "sheet patches", role: "dialog", "aria-labelledby": "patches-title", hidden: true },
      el("div", { class: "bar" }, button("←", "back to all rows", () => this.close(), { class: "back" }), this.#title, this.#step, this.#fields),
      this.#about, this.#nothing, this.#held, this.#taking(),
    );
    this.#listen();
  }

  get isOpen() {
    return !this.element.hidden;
  }

  close() {
    this.#given.state.set({ patches: null });
  }

  get #all() {
    return [...this.#runs.values()].flatMap((run) => run.tiles);
  }

  /** @param {boolean} covered whether something else is shown large before it */
  update(covered) {
    const { scene, state, mark } = this.#given;
    const [opened, hidden] = [state.patches !== null && !this.#chosen, this.element.hidden];
    mark("patched", state.patches !== null);
    this.element.hidden = state.patches === null || covered;
    this.#ahead.again();
    if (state.patches === null) {
      this.#leave();
      return;
    }
    if (opened) this.#from = document.activeElement;
    this.#choices();
    setText(this.#what, this.#aboutText());
    const before = this.#runs;
    this.#runs = new Map(scene.datas.map((data) => [data, kept(before, data, () => new RunPatches(this.#given, data, (tile) => this.#see(tile)))]));
    put(this.#held, [...this.#runs.values()].map(({ element }) => element));
    for (const run of this.#runs.values()) run.update();
    // Nothing was in sight while it was hidden.
    if (hidden) for (const tile of this.#all) tile.visible = null;
    setText(this.#nothing, scene.label === null ? "No maps were logged of this probe." : scene.images.length ? "" : "No image is listed: the View menu's choice of images leaves none.");
    if (opened && !covered) this.#title.focus({ preventScroll: true });
  }

  /** It is closed: nothing goes on, and the keyboard goes back. */
  #leave() {
    this.#ahead.run(false);
    this.#point(null);
    if (!this.#chosen) return;
    this.#chosen = "";
    if (this.#from instanceof HTMLElement && this.#from.isConnected) this.#from.focus();
  }

  /** @param {Tile} tile */
  #see(tile) {
    this.#tiles.set(tile.element, tile);
    this.#watch.observe(tile.element);
  }

  /** The fields of the bar, made anew where something else was chosen. */
  #choices() {
    const { state } = this.#given;
    const { patches, around, patchesAt } = state;
    const chosen = [patches, around, patchesAt].join();
    if (chosen === this.#chosen) return;
    this.#chosen = chosen;
    const again = button("order at this step", "find the order at the step on show: it stays while the step changes", () => this.#order(), { hidden: patches === "listed" });
    refill(this.#fields, [
      select("order", named(PATCH_ORDERS, ORDER_NAMES), patches, (order) => state.set({ patches: order })), again,
      select("patch", named(SURROUNDINGS, AROUND_NAMES), around, (some) => state.set({ around: some })),
    ]);
  }

  /** Find the order again, at the step on show. */
  #order() {
    const { scene, state, schedule } = this.#given;
    for (const run of this.#runs.values()) run.unsort();
    state.set({ patchesAt: scene.place === scene.steps.length - 1 ? null : scene.step });
    schedule("paint");
  }

  #aboutText() {
    const { scene, state } = this.#given;
    const settings = scene.settings();
    if (!settings) return "";
    const { height, width } = rectangleOf(settings);
    const [tall, wide] = settings.geometry?.window ?? [height, width];
    const size = `${tall} × ${wide} pixels`;
    const what = settings.geometry?.segments ? "the rectangle around the segment whose hiding costs the class most"
      : settings.geometry ? `the window, ${size}, whose hiding costs the class most`
      : `the rectangle, ${size}, a ${SIDE}th of each side, that holds most of ${wholeOf(settings)}`;
    const ends = state.around === "none" ? " A line along a side: there the image ends." : " Outlined, with what is around.";
    const side = isComparing(state) ? " Shown is B of the comparison alone: A's run, step, class or method takes its place here once it is chosen." : "";
    return `Of each image, for ${scene.choiceName(state.target)}, by ${scene.label}: ${what}. Below, how much.${ends} One part an image: what is spread out, or has others to stand in for it, is not seen.${side}`;
  }

  /**
   * Show the current step; false while something in sight is still loading.
   * @param {boolean} [all] also what is out of sight
   */
  paint(all = false) {
    const { scene } = this.#given;
    if (!this.isOpen) return true;
    setText(this.#step, scene.step === null ? "" : stepText(scene.step, scene.epoch(scene.step)));
    const runs = [...this.#runs.values()];
    const ready = runs.map((run) => run.paint(all)).every(Boolean);
    const at = runs.map((run) => run.orderedAt).find((step) => step !== null) ?? null;
    setText(this.#ordered, at === null ? "" : ` The order is that of ${stepText(at)} and stays while the step changes.`);
    if (!this.#stop?.shown || !this.#stop.element.isConnected) this.#stopAt(this.#all.find((tile) => tile.shown) ?? null);
    if (this.#pointed) this.#point(this.#pointed, this.#at);
    this.#ahead.run(ready);
    return ready;
  }

  /** Maps came. */
  wake() {
    if (this.isOpen) this.#ahead.wake();
  }

  /** @param {Tile | null} tile */
  #stopAt(tile) {
    if (this.#stop) this.#stop.button.tabIndex = -1;
    if (tile) tile.button.tabIndex = 0;
    this.#stop = tile;
  }

  /**
   * Give the keyboard back to an image.
   * @param {number} image
   */
  focus(image) {
    const tile = this.#stop?.image === image ? this.#stop : this.#all.find((each) => each.image === image && each.shown);
    (tile?.button ?? this.#title).focus();
  }

  #listen() {
    /** @type {(event: Event) => Tile | null} */
    const of = ({ target }) => {
      const item = target instanceof Element ? target.closest(".patchlist > *") : null;
      return (item && this.#tiles.get(item)) ?? null;
    };
    this.#held.addEventListener("click", (event) => {
      const tile = of(event);
      if (!tile) return;
      this.#stopAt(tile);
      this.#given.open(tile.image);
    });
    this.#held.addEventListener("pointermove", (event) => this.#point(of(event), event));
    this.#held.addEventListener("pointerleave", () => this.#point(null));
    this.#held.addEventListener("focusin", (event) => {
      const tile = of(event);
      if (!tile) return;
      this.#stopAt(tile);
      if (tile.button.matches(":focus-visible")) this.#point(tile);
    });
    this.#held.addEventListener("focusout", () => this.#point(null));
    this.#held.addEventListener("keydown", (event) => {
      if (event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || !of(event)) return;
      const buttons = this.#all.filter((tile) => tile.shown).map((tile) => tile.button);
      const from = buttons.find((each) => each === document.activeElement);
      if (!from || !event.key.startsWith("Arrow")) return;
      // Elsewhere the arrows go from step to step.
      event.stopPropagation();
      event.preventDefault();
      neighbour(buttons, from, event.key)?.focus();
    });
  }

  /**
   * Say what a tile is, beside it or the pointer, and mark the same image's in all runs.
   * @param {Tile | null} tile
   * @param {{clientX: number, clientY: number} | null} [at] the pointer, where it points
   */
  #point(tile, at = null) {
    const { tip } = this.#given;
    if (this.#pointed?.image !== tile?.image) {
      for (const each of this.#all) each.button.classList.toggle("same", each.image === tile?.image);
    }
    const had = this.#pointed !== null;
    this.#pointed = tile?.shown ? tile : null;
    this.#at = at;
    if (!this.#pointed) {
      if (had) tip.hide();
      return;
    }
    const { left, bottom } = this.#pointed.button.getBoundingClientRect();
    tip.show(this.#pointed.lines(), at ?? { clientX: left, clientY: bottom });
  }

  /** Show the current step everywhere, to take it away. */
  #paintAll() {
    if (!this.paint(true)) throw new Error("not all maps are here yet: try again");
  }

  /** The sheet as a picture, and its numbers. */
  #taking() {
    const { scene } = this.#given;
    return taking({
      name: () => `${scene.probe} patches step ${scene.step}`,
      parts: () => {
        this.#paintAll();
        return this.#all.some((tile) => tile.shown) ? [this.#title, this.#about, this.#held] : [];
      },
      rows: () => {
        this.#paintAll();
        const heads = ["run", "step", "method", "image", "name", "class", "value", "of", "top", "left", "height", "width"];
        return [heads, ...this.#all.flatMap((tile) => (tile.shown ? [tile.row] : []))];
      },
    });
  }
}
