// One map on screen: caption, canvas, and what it says where the pointer is.

import { el, setText } from "./dom.js";
import { count, number, percent, signed } from "./format.js";
import { halfLevel, nearest, probability } from "./maps.js";
import { GREY, overlay, PALETTES } from "./palette.js";
import { comparable, isSigned, meanOf, rival, shown, windows } from "./reading.js";

/** Whether a step was never logged for a method, or logged and not kept by TensorBoard. */
function whyAbsent(data, label, image, step) {
  const damage = data.problem(label, image, step);
  if (damage) return damage.problem === "newer" ? `newer format at step ${step}` : `damaged at step ${step}`;
  const series = data.attributions(label, image);
  if (!series) return data.methods.has(label) ? "not logged" : "";
  const last = series.records.at(-1)?.step;
  if (last !== undefined && step > last) return `ends at step ${count(last)}`;
  const scores = data.scores.get(image);
  // Each series is sampled on its own, to one common limit: a series that holds fewer records
  // than its neighbour has reached no limit, so what it lacks was never logged.
  const logged = scores?.steps.has(step) && series.records.length < scores.records.length;
  return logged ? `not logged at step ${step}` : `not kept at step ${step}`;
}

export class Card {
  #app;
  #spec = null;
  #map = null;
  #canvas;
  #context;
  #frame;
  #note;
  #below;
  #outline;
  #here;
  #painted = "";
  #image = null;

  /** @param {{caption: HTMLElement}} parts the caption's element, filled by the owner */
  constructor(app, { caption }) {
    this.#app = app;
    this.#canvas = el("canvas", { width: 1, height: 1, role: "img" });
    this.#context = this.#canvas.getContext("2d");
    this.#note = el("span", { class: "note" });
    this.#outline = el("span", { class: "outline", hidden: true });
    this.#frame = el("div", { class: "frame" }, this.#canvas, this.#note, this.#outline);
    this.#below = el("div", { class: "below" });
    this.#here = el("span", { class: "here" });
    this.element = el("figure", { class: "card" }, caption, this.#frame, this.#below);
    this.#frame.addEventListener("pointermove", (event) => this.#hover(event));
    this.#frame.addEventListener("pointerleave", () => app.hover(null));
  }

  get image() {
    return this.#spec?.image ?? null;
  }

  /**
   * Show a map.
   * @param {{data: object, image: number, label: string, step: number, target: number}} spec
   * @returns {boolean} false while it is still loading
   */
  show(spec) {
    this.#spec = spec;
    const { data, image, label, step, target } = spec;
    const record = data.attributions(label, image)?.steps.get(step) ?? null;
    if (!record) {
      if (!data.methods.has(label) && this.#app.store.loading) return this.#wait();
      return this.#say(whyAbsent(data, label, image, step) || "not logged");
    }
    if (!record.explained.includes(target)) return this.#say(`${this.#name(target)} not logged`);
    let plane = null;
    if (!record.settings.geometry) {
      plane = this.#app.store.planes.get({ data, label, image }, record, target);
      if (plane.state === "loading") return this.#wait();
      if (plane.state) return this.#say(plane.state === "not kept" ? `not kept at step ${step}` : plane.message ?? plane.state);
    } else if (!record.grid) return this.#wait();
    const input = data.input(image, record.hash);
    const ground = this.#app.store.ground(data, image, record.hash);
    if (ground.state === "loading") return this.#wait();
    this.#paint(record, plane, ground, input);
    return true;
  }

  #name(target) {
    return `“${this.#app.scene.className(this.#spec.image, target)}”`;
  }

  #wait() {
    // What was painted stays, faded and without its step, until the map is here.
    this.#frame.classList.add("loading");
    delete this.#canvas.dataset.step;
    this.#painted = "";
    return false;
  }

  #say(text) {
    this.#map = null;
    this.#painted = "";
    this.#frame.classList.remove("loading");
    this.#frame.classList.add("empty");
    delete this.#canvas.dataset.step;
    setText(this.#note, text);
    setText(this.#below, "");
    return true;
  }

  #paint(record, plane, ground, input) {
    const { scene, state } = this.#app;
    const { label, step, target, image, data } = this.#spec;
    const { height, width } = record.settings;
    const reading = this.#reading(record);
    const scale = scene.scale(record, target, label, reading);
    const isScore = reading === "score";
    const palette = isScore ? GREY : PALETTES.get(isSigned(record.settings, reading) ? state.signedPalette : state.plainPalette);
    const same = [data.run, label, image, step, record.wall, target, reading, scale, palette.name, state.opacity, ground.state, state.scale].join("\n");
    if (same === this.#painted) return;
    this.#painted = same;
    const values = shown(record, target, reading, plane);
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
      this.#image = null;
      this.element.style.setProperty("--ratio", `${width} / ${height}`);
    }
    this.#image ??= this.#context.createImageData(width, height);
    const fits = ground.state === "ready" && ground.grey.length === width * height;
    const below = fits ? ground.grey : new Uint8Array(width * height).fill(128);
    const unseen = plane?.unseen ?? input?.unseen ?? null;
    const clipped = overlay(this.#image.data, values, below, { width, palette, scale, opacity: state.opacity, opaque: isScore, unseen });
    this.#context.putImageData(this.#image, 0, 0);
    this.#map = { record, values, plane, reading, scale };
    this.#frame.classList.remove("loading", "empty");
    Object.assign(this.#canvas.dataset, { run: data.run, image, method: label, step, target, reading, scale });
    setText(this.#note, fits ? "" : "image not kept");
    setText(this.#below, this.#remark(record, values, clipped));
    this.#canvas.setAttribute("aria-label", `${label} map of ${scene.imageName(image)} for ${scene.className(image, target)} at step ${step}`);
  }

  #reading(record) {
    return this.#app.scene.fittingReading(record.settings);
  }

  /** The line below the map: only what must be said. */
  #remark(record, values, clipped) {
    const { state } = this.#app;
    const { target } = this.#spec;
    const parts = [];
    if (state.scale === "map" && this.#reading(record) !== "score") parts.push("not comparable");
    if (!comparable(record.settings)) {
      const numbers = record.statistics(target);
      if (numbers) parts.push(`Σ ${number(numbers.positive - numbers.negative)}`);
    }
    let nan = 0;
    let infinite = 0;
    for (const value of values) {
      if (value !== value) nan++;
      else if (value === Infinity || value === -Infinity) infinite++;
    }
    if (infinite) parts.push(`${infinite} saturated`);
    if (nan) parts.push(`${nan} NaN`);
    if (!parts.length && clipped && clipped > values.length / 20) parts.push(`${percent(clipped / values.length)} beyond`);
    return parts.join(" · ");
  }

  #hover(event) {
    if (!this.#map) return this.#app.hover(null);
    const box = this.#canvas.getBoundingClientRect();
    const inside = (value) => Math.min(Math.max(value, 0), 1 - 1e-9);
    const x = inside((event.clientX - box.left) / box.width);
    const y = inside((event.clientY - box.top) / box.height);
    this.#app.hover({ image: this.#spec.image, x, y, card: this, clientX: event.clientX, clientY: event.clientY });
  }

  /** Where a point lies in this map: pixel, and the window whose centre is nearest. */
  #at({ x, y }) {
    const { record } = this.#map;
    const { height, width, geometry } = record.settings;
    const row = Math.floor(y * height);
    const column = Math.floor(x * width);
    const at = { row, column, pixel: row * width + column, top: row, left: column, height: 1, width: 1 };
    if (!geometry) return at;
    const t = nearest(geometry.tops, geometry.window[0], y * height);
    const l = nearest(geometry.lefts, geometry.window[1], x * width);
    const [windowHeight, windowWidth] = geometry.window;
    return {
      ...at, position: t * geometry.lefts.length + l,
      top: geometry.tops[t], left: geometry.lefts[l], height: windowHeight, width: windowWidth,
    };
  }

  /** The window (or pixel) under a point, as fractions of the image; null where there is no map. */
  windowAt(point) {
    if (!this.#map) return null;
    const { height, width } = this.#map.record.settings;
    const at = this.#at(point);
    return { left: at.left / width, top: at.top / height, width: at.width / width, height: at.height / height };
  }

  /** Outline a window (fractions of the image), with this map's own value there; null: none. */
  mark(box, point) {
    this.#outline.hidden = box === null;
    if (box === null) {
      this.#here.remove();
      return;
    }
    for (const key of ["left", "top", "width", "height"]) this.#outline.style[key] = `${100 * box[key]}%`;
    if (!this.#map) return;
    setText(this.#here, this.#short(point));
    if (!this.#here.isConnected) this.#frame.append(this.#here);
  }

  #short(point) {
    const { record, values, reading } = this.#map;
    const at = this.#at(point);
    if (at.position === undefined) return number(values[at.pixel]);
    const { target } = this.#spec;
    if (record.settings.output === "raw" || reading === "evidence") return signed(windows(record, target, reading)[at.position]);
    return percent(probability(record.column(target)[at.position]));
  }

  /** What the pointer is told, line by line. */
  readout(point) {
    if (!this.#map) return null;
    const { record, values, plane, reading } = this.#map;
    const { target, step } = this.#spec;
    const { settings } = record;
    const at = this.#at(point);
    const name = this.#app.scene.className(this.#spec.image, target);
    const lines = at.position === undefined ? this.#pixelLines(at) : this.#windowLines(at, name);
    if (settings.geometry) {
      const unit = reading === "score" ? "" : ` ${settings.unit}`;
      const here = reading === "score" ? percent(values[at.pixel]) : `${signed(values[at.pixel])}${unit}`;
      lines.push(`pixel ${at.row}, ${at.column}: ${here}, mean of its windows`);
    } else if (plane) lines.push(`pixel ${at.row}, ${at.column} · step ${step}`);
    return lines;
  }

  #windowLines(at, name) {
    const { record, reading } = this.#map;
    const { target } = this.#spec;
    const { settings } = record;
    const before = record.wholeOf(target);
    const after = record.column(target)[at.position];
    if (settings.output === "raw") {
      return [`hide this window: the value of ${name} goes from ${number(before)} to ${number(after)}`];
    }
    const [from, to] = [percent(probability(before)), percent(probability(after))];
    const verb = after < before ? "falls" : "rises";
    const first = from === to ? `stays at ${to}` : `${verb} from ${from} to ${to}`;
    const value = windows(record, target, reading)[at.position];
    const lines = [`hide this window: ${name} ${first}`];
    if (reading === "importance") lines.push(`importance ${signed(value)} ${settings.unit} (${number(before)} to ${number(after)})`);
    if (reading === "evidence") {
      const other = this.#app.scene.className(this.#spec.image, rival(record, target));
      lines.push(`evidence for ${name} against ${other} changes by ${signed(-value)}`);
    }
    return lines;
  }

  #pixelLines(at) {
    const { record, values, plane } = this.#map;
    const { settings } = record;
    const mean = meanOf(record, this.#spec.target) || 1;
    const stored = plane.values[at.pixel];
    const half = plane.precision === "q8" && Number.isFinite(stored) ? ` ± ${number(halfLevel(stored, plane.peak, settings.sign))}` : "";
    const lines = [`${number(stored)}${half} ${settings.unit}`];
    if (!comparable(settings)) lines.push(`${number(values[at.pixel] ?? stored / mean)} times a uniform map`);
    return lines;
  }
}

