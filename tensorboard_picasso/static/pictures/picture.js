// A picture on screen: caption, canvas, a note over it, a line below, the window or segment under the pointer.

import { contextOf, el, setText, svg } from "../kit/dom.js";
import { count } from "../kit/format.js";
import { placeOf } from "../shown/look.js";
import { edgeOfSegment, Outlines } from "../shown/outlines.js";
import { overlay } from "../numbers/palette.js";
import { cutOut, cutText, sizeOf } from "../numbers/volumes.js";
import { cutOf } from "../shown/slices.js";

/** @import { Overlay } from "../numbers/palette.js" */
/** @import { Box, Within } from "../shown/given.js" */
/** @import { Placed } from "../shown/look.js" */
/** @import { Spec } from "../shown/spec.js" */
/** @import { Canvas, Cut, CutPlane, Framed, Ground, Input } from "../types.js" */
/** @import { Given } from "./kind.js" */

/** @typedef {Float32Array | Float64Array} Values */

// Why there is no picture below a map.
/** @type {Record<string, string>} */
const LACKING = { failed: "image could not be loaded", damaged: "image cannot be decoded" };

/**
 * How many values of a whole volume lie beyond the scale.
 * @param {Values} values
 * @param {Overlay} options
 */
function beyond(values, { scale, unseen }) {
  let count = 0;
  for (let i = 0; i < values.length; i++) if (Math.abs(values[i]) > scale && Math.abs(values[i]) < Infinity && !unseen?.[i]) count++;
  return count;
}

/**
 * A part of an image's side, within it.
 * @param {number} value
 */
function inside(value) {
  return Math.min(Math.max(value, 0), 1 - 1e-9);
}

export class Picture {
  /** @type {CanvasRenderingContext2D} */
  #context;
  /** @type {ImageData | null} */
  #pixels = null;
  #note = el("span", { class: "note" });
  #outline = el("span", { class: "outline", hidden: true });
  /** @type {SVGSVGElement | null} the outline of what is no rectangle, once there was any */
  #edge = null;
  #below = el("div", { class: "below" });
  #here = el("span", { class: "here" });
  #at = el("span", { class: "at", hidden: true });
  #frame;
  #pane;
  #regions;

  /** @type {{values: Values, ground: Ground, options: Overlay} | null} what was painted last, all slices of it */
  #last = null;
  /** @type {Cut | null} which slice of a volume is painted */
  #cut = null;
  #said = "";

  /**
   * Settings (height, width, geometry) of what is painted; null where nothing is.
   * @type {Canvas | null}
   */
  settings = null;

  /**
   * @param {Given} given
   * @param {HTMLElement} caption filled by the owner
   * @param {boolean} reach whether the keyboard can go over its windows
   * @param {CutPlane} plane which way volumes are cut
   */
  constructor(given, caption, reach = false, plane = "axial") {
    this.given = given;
    this.plane = plane;
    this.canvas = el("canvas", { width: 1, height: 1, role: "img" });
    this.#context = contextOf(this.canvas);
    this.#pane = el("div", { class: "pane" }, this.canvas, this.#outline);
    this.#regions = new Outlines(given);
    this.#frame = el("div", { class: "frame" }, this.#pane, this.#note, this.#at);
    this.element = el("figure", { class: "card" }, caption, this.#frame, this.#below);
    this.#frame.addEventListener("pointermove", (event) => this.#hover(event));
    this.#frame.addEventListener("pointerleave", () => given.hover(null));
    if (reach) this.#reach();
  }

  /** What holds the picture, and what lies over it. */
  get frame() {
    return this.#frame;
  }

  /** The picture itself, which zooming enlarges. */
  get pane() {
    return this.#pane;
  }

  /**
   * What is shown, for the hover of all its pictures together.
   * @returns {number | string | null}
   */
  get image() {
    return null;
  }

  /**
   * The images whose regions are outlined.
   * @returns {number[]}
   */
  get images() {
    return [];
  }

  /**
   * Say which step is shown where it is not the one asked for: the run logged none there.
   * @param {Spec} at
   */
  stands({ data, step, asked = step }) {
    this.#at.hidden = step === asked;
    setText(this.#at, step === asked ? "" : `${data.newest === step ? "newest: " : ""}step ${count(step)}`);
    this.#at.title = step === asked ? "" : `the newest that this run logged up to step ${count(asked)}`;
  }

  /** What was painted stays, faded and without its step, until the numbers are here. */
  wait() {
    this.#frame.classList.add("loading");
    delete this.canvas.dataset.step;
    return false;
  }

  /**
   * Say why there is nothing to paint.
   * @param {string} text
   */
  say(text) {
    this.settings = null;
    this.#frame.classList.remove("loading");
    this.#frame.classList.add("empty");
    delete this.canvas.dataset.step;
    setText(this.#note, text);
    setText(this.#below, "");
    return true;
  }

  /**
   * Paint numbers over an image, of a volume those of the slice on show.
   * @param {Canvas} settings height, width and geometry of the map
   * @param {Values} values one a pixel
   * @param {Ground} ground the image's, as the store gives it
   * @param {Overlay} options of `overlay`
   * @returns {number} how many values lie beyond the scale
   */
  draw(settings, values, ground, options) {
    this.settings = settings;
    this.#last = { values, ground, options };
    const clipped = this.#render(settings, this.#last);
    return settings.depth ? beyond(values, options) : clipped;
  }

  /** Paint the slice that is chosen now, of what was painted last. */
  turn() {
    if (!this.settings?.depth || !this.#last) return;
    if (cutOf(this.given, this.settings, this.plane)?.index === this.#cut?.index) return;
    this.#render(this.settings, this.#last);
    this.call(this.#said);
  }

  /** @param {Canvas} settings @param {{values: Values, ground: Ground, options: Overlay}} what */
  #render(settings, { values, ground, options }) {
    const cut = (this.#cut = cutOf(this.given, settings, this.plane));
    const { height, width } = sizeOf(settings, cut);
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.#pixels = null;
      this.element.style.setProperty("--ratio", `${width} / ${height}`);
    }
    this.#pixels ??= this.#context.createImageData(width, height);
    const fits = ground.state === "ready" && ground.grey.length === values.length;
    const below = fits ? cutOut(ground.grey, settings, cut) : new Uint8Array(width * height).fill(128);
    const unseen = options.unseen ? cutOut(options.unseen, settings, cut) : null;
    const clipped = overlay(this.#pixels.data, cutOut(values, settings, cut), below, { ...options, unseen, width });
    this.#context.putImageData(this.#pixels, 0, 0);
    if (cut) Object.assign(this.canvas.dataset, { plane: cut.plane, slice: cut.index });
    this.#frame.classList.remove("loading", "empty");
    const lacking = LACKING[ground.state] ?? "image not kept";
    setText(this.#note, fits || ground.state === "loading" ? "" : lacking);
    return clipped;
  }

  /**
   * Say what the picture shows, to those who hear it.
   * @param {string} text
   */
  call(text) {
    this.#said = text;
    const whole = this.#cut ? `${text}, ${cutText(this.#cut)}` : text;
    this.canvas.setAttribute("aria-label", whole);
    if (this.#frame.tabIndex === 0) this.#frame.setAttribute("aria-label", whole);
  }

  /**
   * Outline regions of the images that are painted.
   * @param {Framed | Input | null} input
   */
  showRegions(input) {
    if (this.settings) this.#regions.show(this.#pane, this.images, this.settings, input, { isOriginal: false, cut: this.#cut });
  }

  /**
   * The line below the map.
   * @param {string} text
   */
  remark(text) {
    setText(this.#below, text);
  }

  /** @param {PointerEvent} event */
  #hover(event) {
    if (!this.settings) return this.given.hover(null);
    const box = this.canvas.getBoundingClientRect();
    const x = inside((event.clientX - box.left) / box.width);
    const y = inside((event.clientY - box.top) / box.height);
    this.given.hover({ image: this.image, x, y, card: this, clientX: event.clientX, clientY: event.clientY });
  }

  /** Let the arrow keys go from window to window (without windows: over 20 places a side). */
  #reach() {
    this.#frame.tabIndex = 0;
    // Whoever reads the page by ear has the arrow keys to themselves elsewhere.
    for (const [name, value] of Object.entries({ role: "application", "aria-roledescription": "map", "aria-description": "arrow keys read the map out" })) {
      this.#frame.setAttribute(name, value);
    }
    let at = { x: 0.5, y: 0.5 };
    const say = () => {
      if (!this.settings) return;
      const box = this.canvas.getBoundingClientRect();
      const where = { clientX: box.left + at.x * box.width, clientY: box.top + at.y * box.height };
      this.given.hover({ image: this.image, ...at, card: this, ...where }, true);
    };
    /** @type {Record<string, number[]>} */
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    this.#frame.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
      // Elsewhere the arrows go from step to step.
      event.stopPropagation();
      event.preventDefault();
      const { geometry } = this.settings ?? {};
      /** @type {(starts: number[] | undefined) => number} */
      const part = (starts) => 1 / Math.min(starts?.length || 20, 20);
      at = { x: inside(at.x + move[0] * part(geometry?.lefts)), y: inside(at.y + move[1] * part(geometry?.tops)) };
      say();
    });
    this.#frame.addEventListener("focus", () => this.#frame.matches(":focus-visible") && say());
    this.#frame.addEventListener("blur", () => this.given.hover(null));
  }

  /**
   * The window or segment (or pixel) under a point, as fractions of the image; null where there is no map.
   * @param {Within} point
   * @returns {Box | null}
   */
  windowAt(point) {
    if (!this.settings) return null;
    const { geometry } = this.settings;
    const { height, width } = sizeOf(this.settings, this.#cut);
    const at = placeOf(this.settings, point, this.#cut);
    const box = { left: at.left / width, top: at.top / height, width: at.width / width, height: at.height / height };
    if (!geometry?.segments || at.position === undefined) return box;
    return { ...box, edge: { height, width, path: edgeOfSegment(geometry.segments, at.position, this.settings, this.#cut) } };
  }

  /**
   * Outline a window (fractions of the image), or what is no rectangle, with this map's own value there; null: none.
   * @param {Box | null} box
   * @param {Within | null} point
   */
  mark(box, point) {
    const shown = box !== null && point !== null && this.settings !== null;
    this.#outline.hidden = !shown || box.edge !== undefined;
    this.#markEdge((shown && box.edge) || null);
    if (!shown || !this.settings) {
      this.#here.remove();
      return;
    }
    for (const key of /** @type {const} */ (["left", "top", "width", "height"])) this.#outline.style[key] = `${100 * box[key]}%`;
    setText(this.#here, this.short(placeOf(this.settings, point, this.#cut)));
    if (!this.#here.isConnected) this.#frame.append(this.#here);
  }

  /** @param {Box["edge"] | null} edge */
  #markEdge(edge) {
    if (!edge) {
      this.#edge?.remove();
      return;
    }
    const element = (this.#edge ??= svg("svg", { class: "regions edge", preserveAspectRatio: "none", "aria-hidden": "true" }));
    element.setAttribute("viewBox", `0 0 ${edge.width} ${edge.height}`);
    element.replaceChildren(...[{ class: "halo" }, { stroke: "#fff" }].map((more) => svg("path", { d: edge.path, "vector-effect": "non-scaling-stroke", ...more })));
    if (!element.isConnected) this.#pane.append(element);
  }

  /**
   * This map's value at a place, in a word.
   * @param {Placed} _at
   */
  short(_at) {
    return "";
  }

  /**
   * What is said of a place, line by line.
   * @param {Placed} _at
   * @returns {string[]}
   */
  lines(_at) {
    return [];
  }

  /**
   * What the pointer is told, line by line; null where there is no map.
   * @param {Within} point
   * @returns {string[] | null}
   */
  readout(point) {
    return this.settings && this.lines(placeOf(this.settings, point, this.#cut));
  }
}
