// The patches of one run, a list a class.

import { el, put, setText } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { kept, ordered } from "../kit/lists.js";
import { alikeOrder, thumbnail } from "../numbers/likeness.js";
import { cut, orderStep } from "../shown/patch.js";
import { runColour } from "../kit/chart.js";
import { Tile } from "./tile.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Cut } from "../shown/patch.js" */
/** @import { Step } from "../types.js" */

/** What it needs of the page. @typedef {"scene" | "state" | "store"} Cutting */

/** A class's list. @typedef {{target: number, images: number[], element: HTMLElement, named: HTMLElement, counted: HTMLElement, list: HTMLElement}} Group */

export class RunPatches {
  #given;
  #data;
  #watch;
  /** @type {Map<number, Tile>} by image */
  #tiles = new Map();
  /** @type {Map<number, Group>} by class */
  #groups = new Map();
  /** @type {Group[]} */
  #shown = [];
  /** @type {Map<string, {images: number[], step: Step}>} images in their order, once it is found, and at which step it was */
  #orders = new Map();
  #title;
  #lists = el("div", { class: "patchlists" });
  #left = el("p", { class: "quiet" });

  /** @param {Needs<Cutting>} given @param {RunData} data @param {(tile: Tile) => void} watch has it told whether it is in sight */
  constructor(given, data, watch) {
    this.#given = given;
    this.#data = data;
    this.#watch = watch;
    this.#title = el("h3", {}, el("span", { class: "swatch", style: { background: "var(--run)" } }), el("span", { text: data.run }));
    this.element = el("section", { class: "patchrun", data: { run: data.run }, style: { "--run": runColour(given.scene.runs, data.run) }, "aria-label": data.run }, this.#title, this.#lists, this.#left);
  }

  /** All, in the order in which they stand. */
  get tiles() {
    return this.#shown.flatMap(({ images }) => images.map((image) => this.#tile(image)));
  }

  /** @param {number} image */
  #tile(image) {
    return kept(this.#tiles, image, () => {
      const tile = new Tile(this.#given, this.#data, image);
      this.#watch(tile);
      return tile;
    });
  }

  /** List the images by the class that their maps are for. */
  update() {
    const { scene } = this.#given;
    this.#title.hidden = scene.datas.length < 2;
    const known = new Set(this.#data.images);
    const images = scene.images.filter((image) => known.has(image));
    const targets = new Map(images.map((image) => [image, scene.target(image, this.#data)]));
    this.#shown = ordered(targets.values()).map((target) => {
      const group = kept(this.#groups, target, () => this.#makeGroup(target));
      group.images = images.filter((image) => targets.get(image) === target);
      return group;
    });
    put(this.#lists, this.#shown.map(({ element }) => element));
    for (const group of this.#shown) {
      const name = scene.className(group.images[0], group.target, this.#data);
      setText(group.named, name);
      group.list.setAttribute("aria-label", `${name}, run ${this.#data.run}`);
      this.#arrange(group, this.#orders.get(this.#key(group))?.images ?? group.images);
    }
  }

  /** @param {number} target @returns {Group} */
  #makeGroup(target) {
    const [named, counted] = [el("span"), el("span", { class: "quiet" })];
    const list = el("div", { class: "patchlist", role: "list" });
    return { target, images: [], named, counted, list, element: el("div", { class: "patchclass", data: { target } }, el("h4", {}, named, counted), list) };
  }

  /** @param {Group} group @param {number[]} images in this order */
  #arrange(group, images) {
    group.images = images;
    const tiles = images.map((image) => this.#tile(image));
    // Nothing was in sight while it was not in the page.
    for (const tile of tiles) if (!tile.element.isConnected) tile.visible = null;
    put(group.list, tiles.map(({ element }) => element));
  }

  /** What an order depends on: once found it stays while the slider moves and when more is logged. @param {Group} group */
  #key({ target, images }) {
    const { scene, state } = this.#given;
    return [scene.label, target, state.patches, state.patchesAt, ordered(images)].join("\n");
  }

  /** The step that the order was found at; null where none was. */
  get orderedAt() {
    return this.#shown.map((group) => this.#orders.get(this.#key(group))?.step ?? null).find((step) => step !== null) ?? null;
  }

  /** Find all orders again when it is painted next. */
  unsort() {
    this.#orders.clear();
  }

  /**
   * Put a class's tiles in order, where all that it takes is here; false while it is not.
   * @param {Group} group
   */
  #sort(group) {
    const { scene, state, store } = this.#given;
    const key = this.#key(group);
    if (state.patches === "listed" || this.#orders.has(key)) return true;
    const step = orderStep(scene, state);
    if (step === null) return false;
    const given = group.images.map((image) => ({ image, cut: cut(this.#given, this.#tile(image).spec(step)) }));
    if (given.some((each) => each.cut.loading)) return false;
    const there = given.flatMap((each) => (each.cut.record ? [{ image: each.image, cut: each.cut }] : []));
    const images = inOrder(there, state.patches === "alike");
    const order = [...images, ...group.images.filter((image) => !images.includes(image))];
    // What could not be loaded may be there at another try.
    if (!store.failed(this.#data.run)) this.#orders.set(key, { images: order, step: this.#data.at(step) });
    this.#arrange(group, order);
    return true;
  }

  /**
   * Show the current step; false while something in sight is still loading.
   * @param {boolean} all also what is out of sight
   */
  paint(all) {
    const { scene, state } = this.#given;
    const { step } = scene;
    if (step === null) return true;
    let ready = true;
    /** @type {Map<string, number>} */
    const left = new Map();
    for (const group of this.#shown) {
      const sorted = this.#sort(group);
      // What would change its place as soon as the last of its class is here is not shown before.
      const early = !sorted && this.#data.at(step) === this.#data.at(orderStep(scene, state));
      let there = 0;
      for (const image of group.images) {
        const tile = this.#tile(image);
        const inSight = tile.visible !== false;
        if (all) tile.visible = true;
        const spec = tile.spec(step);
        const found = cut(this.#given, spec);
        if (found.record && !early) tile.show(found, spec);
        else if (found.why !== undefined) tile.leave();
        else tile.wait();
        if (found.why === undefined) there++;
        else left.set(found.why, (left.get(found.why) ?? 0) + 1);
        // An order that is still on its way is waited for, and what brings it painted.
        if (inSight || all) ready &&= sorted && !found.loading;
        if (all && !inSight) tile.visible = false;
      }
      setText(group.counted, plural(there, "image"));
      group.element.hidden = there === 0;
    }
    setText(this.#left, leftOut(left));
    return ready;
  }
}

/**
 * Images of a class in their order.
 * @param {{image: number, cut: Cut}[]} there
 * @param {boolean} alike whether alike ones are neighbours, else the strongest comes first
 */
function inOrder(there, alike) {
  if (alike) return alikeOrder(there.map(({ cut: { pixels, strongest } }) => thumbnail(pixels, strongest))).map((at) => there[at].image);
  return there.toSorted(({ cut: { strongest: a } }, { cut: { strongest: b } }) => Number(b.value > a.value) - Number(b.value < a.value)).map(({ image }) => image);
}

/** @param {Map<string, number>} why to how many images */
function leftOut(why) {
  const all = [...why.values()].reduce((sum, each) => sum + each, 0);
  if (!all) return "";
  const reasons = [...why].map(([reason, images]) => (why.size > 1 ? `${images}: ${reason}` : reason));
  return `Left out: ${plural(all, "image")} (${reasons.join("; ")}).`;
}
