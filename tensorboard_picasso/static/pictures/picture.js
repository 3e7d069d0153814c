// A picture on screen: caption, canvas, a note over it, a line below, the window under the pointer.

import { el, setText } from "../kit/dom.js";
import { count } from "../kit/format.js";
import { placeOf } from "../shown/look.js";
import { Outlines } from "../shown/outlines.js";
import { overlay } from "../numbers/palette.js";

// Why there is no picture below a map.
const LACKING = { failed: "image could not be loaded", damaged: "image cannot be decoded" };

export class Picture {
  #context;
  #pixels = null;
  #note = el("span", { class: "note" });
  #outline = el("span", { class: "outline", hidden: true });
  #below = el("div", { class: "below" });
  #here = el("span", { class: "here" });
  #at = el("span", { class: "at", hidden: true });
  #frame;
  #pane;
  #regions;

  /** Settings (height, width, geometry) of what is painted; null where nothing is. */
  settings = null;

  /**
   * @param {HTMLElement} caption filled by the owner
   * @param {boolean} reach whether the keyboard can go over its windows
   */
  constructor(app, caption, reach = false) {
    this.app = app;
    this.canvas = el("canvas", { width: 1, height: 1, role: "img" });
    this.#context = this.canvas.getContext("2d");
    this.#pane = el("div", { class: "pane" }, this.canvas, this.#outline);
    this.#regions = new Outlines(app);
    this.#frame = el("div", { class: "frame" }, this.#pane, this.#note, this.#at);
    this.element = el("figure", { class: "card" }, caption, this.#frame, this.#below);
    this.#frame.addEventListener("pointermove", (event) => this.#hover(event));
    this.#frame.addEventListener("pointerleave", () => app.hover(null));
    if (reach) this.#reach();
  }

  /** The image that is shown, for the hover of all its pictures together. */
  get image() {
    return null;
  }

  /** The images whose regions are outlined. */
  get images() {
    return [this.image];
  }

  /** Say which step is shown where it is not the one asked for: the run logged none there. */
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

  /** Say why there is nothing to paint. */
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
   * Paint numbers over an image.
   * @param {object} settings height, width and geometry of the map
   * @param {ArrayLike<number>} values one a pixel
   * @param {object} ground the image's, as the store gives it
   * @param {object} options of `overlay`
   * @returns {number} how many values lie beyond the scale
   */
  draw(settings, values, ground, options) {
    const { height, width } = settings;
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
      this.#pixels = null;
      this.element.style.setProperty("--ratio", `${width} / ${height}`);
    }
    this.#pixels ??= this.#context.createImageData(width, height);
    const fits = ground.state === "ready" && ground.grey.length === width * height;
    const below = fits ? ground.grey : new Uint8Array(width * height).fill(128);
    const clipped = overlay(this.#pixels.data, values, below, { ...options, width });
    this.#context.putImageData(this.#pixels, 0, 0);
    this.settings = settings;
    this.#frame.classList.remove("loading", "empty");
    const lacking = LACKING[ground.state] ?? "image not kept";
    setText(this.#note, fits || ground.state === "loading" ? "" : lacking);
    return clipped;
  }

  /** Say what the picture shows, to those who hear it. */
  call(text) {
    this.canvas.setAttribute("aria-label", text);
    if (this.#frame.tabIndex === 0) this.#frame.setAttribute("aria-label", text);
  }

  /** Outline regions of the images that are painted. */
  showRegions(input) {
    this.#regions.show(this.#pane, this.images, this.settings, input);
  }

  /** The line below the map. */
  remark(text) {
    setText(this.#below, text);
  }

  #hover(event) {
    if (!this.settings) return this.app.hover(null);
    const box = this.canvas.getBoundingClientRect();
    const inside = (value) => Math.min(Math.max(value, 0), 1 - 1e-9);
    const x = inside((event.clientX - box.left) / box.width);
    const y = inside((event.clientY - box.top) / box.height);
    this.app.hover({ image: this.image, x, y, card: this, clientX: event.clientX, clientY: event.clientY });
  }

  /** Let the arrow keys go from window to window (without a grid: over 20 places a side). */
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
      this.app.hover({ image: this.image, ...at, card: this, ...where }, true);
    };
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    this.#frame.addEventListener("keydown", (event) => {
      const move = moves[event.key];
      if (!move || event.ctrlKey || event.metaKey || event.altKey) return;
      // Elsewhere the arrows go from step to step.
      event.stopPropagation();
      event.preventDefault();
      const { geometry } = this.settings ?? {};
      const part = (starts) => 1 / Math.min(starts?.length ?? 20, 20);
      const inside = (value) => Math.min(Math.max(value, 0), 1 - 1e-9);
      at = { x: inside(at.x + move[0] * part(geometry?.lefts)), y: inside(at.y + move[1] * part(geometry?.tops)) };
      say();
    });
    this.#frame.addEventListener("focus", () => this.#frame.matches(":focus-visible") && say());
    this.#frame.addEventListener("blur", () => this.app.hover(null));
  }

  /** The window (or pixel) under a point, as fractions of the image; null where there is no map. */
  windowAt(point) {
    if (!this.settings) return null;
    const { height, width } = this.settings;
    const at = placeOf(this.settings, point);
    return { left: at.left / width, top: at.top / height, width: at.width / width, height: at.height / height };
  }

  /** Outline a window (fractions of the image), with this map's own value there; null: none. */
  mark(box, point) {
    const shown = box !== null && this.settings !== null;
    this.#outline.hidden = !shown;
    if (!shown) {
      this.#here.remove();
      return;
    }
    for (const key of ["left", "top", "width", "height"]) this.#outline.style[key] = `${100 * box[key]}%`;
    setText(this.#here, this.short(placeOf(this.settings, point)));
    if (!this.#here.isConnected) this.#frame.append(this.#here);
  }

  /** This map's value at a place, in a word. */
  short() {
    return "";
  }

  /** What the pointer is told, line by line; null where there is no map. */
  readout(point) {
    return this.settings && this.lines(placeOf(this.settings, point));
  }
}
