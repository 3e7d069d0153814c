// Drawing a region: a drag over any picture of an image, or numbers.

import { el, setText } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { loggedNames } from "../shown/outlines.js";
import { added, freeName, problemOf } from "../numbers/regions.js";
import { regionChart, withChart } from "../timeline/regioncharts.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { Place } from "../types.js" */

/**
 * A picture that is drawn on, and the images that it shows.
 * @typedef {{canvas: HTMLCanvasElement, images: number[]}} OnPicture
 *
 * @typedef {{row: number, column: number}} Pixel
 */

const HINT = "Drag a rectangle over a map or an image, or give its numbers in the Region menu. Esc cancels.";
const AXIAL = "Drag over an axial slice: a region of a volume is a rectangle of rows and columns, in all slices. Esc cancels.";
const UNCHARTED = "Its share is not charted, as there are as many charts as there can be: the Region menu can put it in place of the last one.";

/**
 * What a rectangle is, in words.
 * @param {Place} place
 */
export function placeText({ top, left, height, width }) {
  return `${height} × ${width} at row ${top}, column ${left}`;
}

export class Drawing {
  #given;
  #active = false;
  /** @type {(OnPicture & {from: Pixel, rectangle?: Place}) | null} */
  #held = null;
  #ended = false; // a drag, whose click is still to come
  #band = el("span", { class: "rubber" });
  #hint = el("div", { class: "hint", role: "status", hidden: true });

  /** @param {Needs<"scene" | "state" | "hover" | "say" | "mark">} given */
  constructor(given) {
    this.#given = given;
    this.element = this.#hint;
  }

  /**
   * Take the pointer over pictures before anything else has it.
   * @param {HTMLElement} root
   */
  listen(root) {
    /** @type {(name: "pointerdown" | "pointermove" | "pointerup" | "pointercancel", listener: (event: PointerEvent, picture: OnPicture) => void) => void} */
    const on = (name, listener) => root.addEventListener(name, (event) => {
      if (!this.#active) return;
      const picture = this.#held ?? pictureAt(event);
      if (!picture && name === "pointerdown" && isOtherPlane(event)) setText(this.#hint, AXIAL);
      if (!picture) return;
      event.stopPropagation();
      listener(event, picture);
    }, { capture: true });
    on("pointerdown", (event, picture) => {
      if (event.button === 0) this.#begin(event, picture);
    });
    on("pointermove", (event) => this.#drag(event));
    on("pointerup", () => this.#end());
    on("pointercancel", () => this.#let());
    for (const name of ["pointerup", "pointercancel"]) {
      root.addEventListener(name, () => setTimeout(() => (this.#ended = false)), { capture: true });
    }
    // The click that ends a drag opens nothing.
    root.addEventListener("click", (event) => {
      const onPicture = this.#active && event.target instanceof Element && event.target.closest(".frame");
      if (!onPicture && !this.#ended) return;
      event.stopPropagation();
      event.preventDefault();
    }, { capture: true });
  }

  start() {
    this.#active = true;
    this.#given.mark("drawing", true);
    this.#given.hover(null);
    this.#hint.hidden = false;
    setText(this.#hint, HINT);
  }

  /** Leave off; false where nothing was being drawn. */
  cancel() {
    if (!this.#active) return false;
    this.#let();
    this.#active = false;
    this.#given.mark("drawing", false);
    this.#hint.hidden = true;
    return true;
  }

  /** @param {PointerEvent} event @param {OnPicture} picture */
  #begin(event, picture) {
    event.preventDefault();
    this.#held = { ...picture, from: pixelAt(picture.canvas, event) };
    picture.canvas.setPointerCapture(event.pointerId);
    picture.canvas.parentElement?.append(this.#band);
    this.#drag(event);
  }

  /** @param {PointerEvent} event */
  #drag(event) {
    if (!this.#held) return;
    const { canvas, from } = this.#held;
    const to = pixelAt(canvas, event);
    const [top, left] = [Math.min(from.row, to.row), Math.min(from.column, to.column)];
    const rectangle = { top, left, height: Math.abs(from.row - to.row) + 1, width: Math.abs(from.column - to.column) + 1 };
    this.#held.rectangle = rectangle;
    /** @type {(value: number, whole: number) => string} */
    const part = (value, whole) => `${(100 * value) / whole}%`;
    Object.assign(this.#band.style, {
      top: part(top, canvas.height), left: part(left, canvas.width),
      height: part(rectangle.height, canvas.height), width: part(rectangle.width, canvas.width),
    });
    setText(this.#hint, `${placeText(rectangle)} of ${this.#given.scene.depth ? "all slices of " : ""}${this.#nameOf(this.#held.images)}`);
  }

  #let() {
    this.#band.remove();
    this.#ended ||= this.#held !== null;
    this.#held = null;
  }

  #end() {
    if (!this.#held?.rectangle) return;
    const { canvas, images, rectangle } = this.#held;
    const problem = problemOf(rectangle, canvas);
    this.#let();
    if (problem) {
      setText(this.#hint, `Not a region: ${problem}. Esc cancels.`);
      return;
    }
    this.cancel();
    this.add(images, rectangle);
  }

  /** @param {number[]} images */
  #nameOf(images) {
    return images.length === 1 ? this.#given.scene.imageName(images[0]) : plural(images.length, "image");
  }

  /**
   * A new region of images; its share is charted at once.
   * @param {number[]} images
   * @param {Place} rectangle
   */
  add(images, rectangle) {
    const { state, scene } = this.#given;
    const probe = scene.probe ?? "";
    const name = freeName(state.regions, probe, loggedNames(scene));
    const regions = added(state.regions, { probe, name, ...rectangle, images });
    if (regions === state.regions) {
      this.#given.say(`there are ${plural(regions.length, "rectangle")} already: delete one`);
      return;
    }
    // A chart of one other image would stay empty.
    const of = images.find((image) => image === state.of) ?? null;
    state.set({ regions, charts: withChart(this.#given, name), of });
    const made = `${name}: ${placeText(rectangle)} of ${scene.depth ? "all slices of " : ""}${this.#nameOf(images)}`;
    if (regionChart(this.#given, name).there) this.#given.say(made);
    else this.#tell(`${made}. ${UNCHARTED}`);
  }

  /**
   * Say something in sight until the next press or key.
   * @param {string} text
   */
  #tell(text) {
    setText(this.#hint, text);
    this.#hint.hidden = false;
    const hide = () => {
      if (!this.#active) this.#hint.hidden = true;
    };
    for (const name of ["pointerdown", "keydown"]) document.addEventListener(name, hide, { once: true, capture: true });
  }
}

/**
 * The picture under the pointer: its canvas, and the image that it shows, or those it is the mean of.
 * @param {Event} event
 * @returns {OnPicture | null}
 */
function pictureAt(event) {
  const frame = event.target instanceof Element ? event.target.closest(".frame:not(.empty)") : null;
  const canvas = frame?.querySelector("canvas:is([data-image], [data-images]):not([data-plane=coronal], [data-plane=sagittal])");
  if (!(canvas instanceof HTMLCanvasElement)) return null;
  const { image = "", images = image } = canvas.dataset;
  return { canvas, images: images.split(",").map(Number) };
}

/**
 * Whether a volume is cut there in a way that is not drawn on.
 * @param {Event} event
 */
function isOtherPlane({ target }) {
  return target instanceof Element && target.closest(".frame")?.querySelector("canvas:is([data-plane=coronal], [data-plane=sagittal])") instanceof Element;
}

/** @param {HTMLCanvasElement} canvas @param {MouseEvent} at @returns {Pixel} */
function pixelAt(canvas, { clientX, clientY }) {
  const box = canvas.getBoundingClientRect();
  /** @type {(value: number, size: number) => number} */
  const inside = (value, size) => Math.min(Math.max(Math.floor(value * size), 0), size - 1);
  return {
    row: inside((clientY - box.top) / box.height, canvas.height),
    column: inside((clientX - box.left) / box.width, canvas.width),
  };
}
