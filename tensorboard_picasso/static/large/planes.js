// A volume cut three ways, through one voxel: a click or the arrow keys move where the planes cross.

import { Card } from "../pictures/card.js";
import { el, setText } from "../kit/dom.js";
import { axesOf, COUNTED, PLANES, shapeOf, voxelOf } from "../numbers/volumes.js";
import { crossAt, crossingOf, cutOf } from "../shown/slices.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { MapSpec } from "../shown/spec.js" */
/** @import { Canvas, CutPlane } from "../types.js" */

/** @typedef {"scene" | "state" | "store" | "hover" | "say"} Crossed what the planes need of the page */

const STILL = 4; // pixels that the pointer may move in a click: more is a drag, which moves what is zoomed

/** @type {Record<string, [axis: "rows" | "columns", by: number]>} */
const MOVES = { ArrowLeft: ["columns", -1], ArrowRight: ["columns", 1], ArrowUp: ["rows", -1], ArrowDown: ["rows", 1] };

/** One of them. */
class PlaneView {
  #given;
  #plane;
  #axes;
  #pressed = { clientX: 0, clientY: 0 };
  #at = el("span", { class: "score" });
  #lines = [el("span", { class: "crossline along" }), el("span", { class: "crossline down" })];

  /** @param {Needs<Crossed>} given @param {CutPlane} plane */
  constructor(given, plane) {
    this.#given = given;
    this.#plane = plane;
    this.#axes = axesOf(plane);
    this.card = new Card(given, { caption: el("figcaption", {}, el("span", { class: "class", text: plane }), this.#at), plane });
    const { frame, pane } = this.card;
    pane.append(...this.#lines);
    frame.tabIndex = 0;
    for (const [name, value] of Object.entries({ role: "application", "aria-roledescription": "plane", "aria-description": "arrow keys move where the planes cross" })) {
      frame.setAttribute(name, value);
    }
    frame.addEventListener("keydown", (event) => this.#key(event));
    frame.addEventListener("pointerdown", ({ clientX, clientY }) => (this.#pressed = { clientX, clientY }));
    frame.addEventListener("click", (event) => this.#click(event));
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const [axis, by] = MOVES[event.key] ?? [];
    const { settings } = this.card;
    if (!axis || !by || !settings || event.ctrlKey || event.metaKey || event.altKey) return;
    // Elsewhere the arrows go from step to step.
    event.stopPropagation();
    event.preventDefault();
    const voxel = crossingOf(this.#given, settings);
    voxel[this.#axes[axis]] += by;
    this.#cross(settings, voxel);
  }

  /** @param {MouseEvent} event */
  #click({ clientX, clientY }) {
    const { settings, canvas } = this.card;
    const cut = settings && cutOf(this.#given, settings, this.#plane);
    if (!settings || !cut || Math.hypot(clientX - this.#pressed.clientX, clientY - this.#pressed.clientY) > STILL) return;
    const box = canvas.getBoundingClientRect();
    const [x, y] = [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
    this.#cross(settings, voxelOf(cut, Math.floor(y * canvas.height), Math.floor(x * canvas.width)));
  }

  /** @param {Canvas} settings @param {number[]} voxel */
  #cross(settings, voxel) {
    crossAt(this.#given, settings, voxel);
    const at = this.#point(settings);
    this.#given.say((this.card.readout(at) ?? []).join(". "));
  }

  /**
   * Where the other planes cross this one, as parts of its sides.
   * @param {Canvas} settings
   */
  #point(settings) {
    const [shape, voxel] = [shapeOf(settings), crossingOf(this.#given, settings)];
    const { rows, columns } = this.#axes;
    return { x: (voxel[columns] + 0.5) / shape[columns], y: (voxel[rows] + 0.5) / shape[rows] };
  }

  /** @param {MapSpec} spec */
  paint(spec) {
    const ready = this.card.show(spec);
    const { settings } = this.card;
    for (const line of this.#lines) line.hidden = !settings?.depth;
    if (!settings?.depth) return ready;
    setText(this.#at, `${COUNTED[this.#axes.across]} ${crossingOf(this.#given, settings)[this.#axes.across]}`);
    const { x, y } = this.#point(settings);
    this.#lines[0].style.top = `${100 * y}%`;
    this.#lines[1].style.left = `${100 * x}%`;
    return ready;
  }
}

export class Planes {
  #given;
  /** @type {PlaneView[]} made with the first volume */
  #views = [];
  element = el("div", { class: "planes", role: "group", "aria-label": "three planes through the volume", hidden: true });

  /** @param {Needs<Crossed>} given */
  constructor(given) {
    this.#given = given;
  }

  get cards() {
    return this.#views.map(({ card }) => card);
  }

  update() {
    this.element.hidden = !this.#given.scene.depth;
    if (this.element.hidden || this.#views.length) return;
    this.#views = PLANES.map((plane) => new PlaneView(this.#given, plane));
    this.element.append(...this.#views.map(({ card }) => card.element));
  }

  /**
   * Show a map; false while it is still loading.
   * @param {MapSpec} spec
   */
  paint(spec) {
    return this.element.hidden || this.#views.map((view) => view.paint(spec)).every(Boolean);
  }
}
