// What the user chose. The URL holds it, so that a reload or a shared link shows the same.

import { OUTLINES } from "./outlines.js";
import { palettesFor } from "../numbers/palette.js";
import { REGIONS } from "../numbers/regions.js";
import { stepOf } from "../kit/steps.js";

const LIST = {
  read: (text) => {
    try {
      return text.split(",").filter(Boolean).map(decodeURIComponent);
    } catch {
      return undefined; // a hand-written stray per cent sign
    }
  },
  write: (list) => list.map(encodeURIComponent).join(","),
};
const TEXT = { read: (text) => text, write: (text) => text };
const WHOLE = { read: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined), write: String };
const STEP = { read: stepOf, write: String };
const oneNumberOf = (values) => ({ read: (text) => values.find((value) => String(value) === text), write: String });
const oneOf = (...values) => ({ read: (text) => (values.includes(text) ? text : undefined), write: String });

function within(low, high) {
  return {
    read: (text) => {
      const value = Number(text);
      return text !== "" && value >= low && value <= high ? value : undefined;
    },
    write: String,
  };
}

/** Instead of a class: each image's own, the truth or else the newest prediction. */
export const OWN_CLASS = "own";
/** Instead of a class: what is predicted of each image at the newest step. */
export const PREDICTED = "predicted";
const classOr = (...words) => ({ read: (text) => (words.includes(text) ? text : WHOLE.read(text)), write: String });

/** A choice of class as a menu says it. */
export function classOf(text) {
  return [OWN_CLASS, PREDICTED].includes(text) ? text : Number(text);
}

const WHOLE_IMAGE = Object.freeze([1, 0, 0]);
// Scale, and the left and top edge of what is in sight, as parts of the image.
const ZOOM = {
  read: (text) => {
    const [scale, left, top] = text.split(",").map(Number);
    const inside = (value) => value >= 0 && value <= 1 - 1 / scale + 1e-6;
    return scale >= 1 && scale <= 16 && inside(left) && inside(top) ? [scale, left, top] : undefined;
  },
  write: (zoom) => zoom.map((value) => String(Number(value.toFixed(4)))).join(","),
};

export const READINGS = ["importance", "score", "evidence"];
export const SCALES = ["shared", "step", "map"];
export const SIZES = { small: 72, medium: 96, large: 144 };
export const LAYOUTS = ["side", "swipe"];
export const VERDICTS = ["all", "right", "wrong"];
export const DENSITIES = ["strips", "grid"];
export const FILMS = ["log", "even", "change"];
export const FRAMES = [6, 12, 24, 48];
const ALIGNMENTS = ["step", "share"];
export const AXES = ["order", "step", "log", "epoch", "wall"];
export const SPEEDS = [2, 5, 10, 20, 30, 60];

// Key in the URL, default, reading and writing. null: chosen from the data.
const KEYS = {
  filter: { key: "filter", initial: "", ...TEXT },
  runs: { key: "runs", initial: null, ...LIST },
  probe: { key: "probe", initial: null, ...TEXT },
  step: { key: "step", initial: null, ...STEP },
  method: { key: "method", initial: null, ...TEXT },
  // A class, the predicted one, or null: the truth, else the newest prediction.
  target: { key: "target", initial: null, ...classOr(PREDICTED) },
  reading: { key: "reading", initial: "importance", ...oneOf(...READINGS) },
  signedPalette: { key: "palette", initial: "orange–blue", ...oneOf(...palettesFor(true)) },
  plainPalette: { key: "plain", initial: "ember", ...oneOf(...palettesFor(false)) },
  opacity: { key: "opacity", initial: 0.85, ...within(0, 1) },
  scale: { key: "scale", initial: "shared", ...oneOf(...SCALES) },
  size: { key: "size", initial: "medium", ...oneOf(...Object.keys(SIZES)) },
  speed: { key: "speed", initial: 10, ...oneNumberOf(SPEEDS) },
  // Which images are listed: a regular expression for the tag, a true class, what is
  // predicted now, right or wrong now.
  find: { key: "find", initial: "", ...TEXT },
  ofClass: { key: "ofclass", initial: null, ...WHOLE },
  asClass: { key: "asclass", initial: null, ...WHOLE },
  verdict: { key: "verdict", initial: "all", ...oneOf(...VERDICTS) },
  sort: { key: "sort", initial: "flips", ...TEXT },
  density: { key: "density", initial: "strips", ...oneOf(...DENSITIES) },
  // Which means are shown before the images: over the probe, or over its classes too.
  means: { key: "means", initial: "probe", ...oneOf("probe", "classes") },
  // What the page is compared with, where it is not the same; see compare.js.
  pin: { key: "pin", initial: null, ...STEP },
  pinRun: { key: "pinrun", initial: null, ...TEXT },
  pinTarget: { key: "pinclass", initial: null, ...classOr(OWN_CLASS, PREDICTED) },
  pinMethod: { key: "pinmethod", initial: null, ...TEXT },
  layout: { key: "layout", initial: "side", ...oneOf(...LAYOUTS) },
  swipe: { key: "swipe", initial: 50, ...within(0, 100) },
  zoom: { key: "zoom", initial: WHOLE_IMAGE, ...ZOOM },
  align: { key: "align", initial: "step", ...oneOf(...ALIGNMENTS) },
  // Rectangles that were drawn, see regions.js, and which regions are outlined.
  regions: { key: "regions", initial: Object.freeze([]), ...REGIONS },
  outlines: { key: "outlines", initial: "originals", ...oneOf(...OUTLINES) },
  // The film strip of the large view: which steps, and how many.
  film: { key: "film", initial: "log", ...oneOf(...FILMS) },
  frames: { key: "frames", initial: 12, ...oneNumberOf(FRAMES) },
  // The timeline: ids of what is charted (null: the first source), over all images or of one,
  // and what its axis counts.
  charts: { key: "charts", initial: null, ...LIST },
  of: { key: "of", initial: null, ...WHOLE },
  x: { key: "x", initial: "order", ...oneOf(...AXES) },
  open: { key: "open", initial: null, ...WHOLE },
};

/** What was made by hand and can be undone. */
const UNDOABLE = ["pin", "pinRun", "pinTarget", "pinMethod", "regions"];

function valuesOf(url) {
  const read = ([name, { key, initial, read }]) => [name, url.has(key) ? (read(url.get(key)) ?? initial) : initial];
  return Object.fromEntries(Object.entries(KEYS).map(read));
}

export class State {
  #values = {};
  #listeners = [];
  #done = [];
  #undone = [];

  /** @param {Map<string, string>} url entries as `host.readUrl` gives them */
  constructor(url) {
    this.#values = valuesOf(url);
    for (const name of Object.keys(KEYS)) {
      Object.defineProperty(this, name, { get: () => this.#values[name], enumerable: true });
    }
  }

  /** Change some values; listeners are told the names of those that really changed. */
  set(patch) {
    // What changes together comes back together: charts with their region, steps with their pin.
    const before = this.#pick([...new Set([...UNDOABLE, ...Object.keys(patch)])]);
    this.#change(patch);
    if (UNDOABLE.every((name) => before[name] === this.#values[name])) return;
    this.#undone = [];
    this.#done.push(before);
  }

  get canUndo() {
    return this.#done.length > 0;
  }

  get canRedo() {
    return this.#undone.length > 0;
  }

  /** Take the last change of what can be undone back. */
  undo() {
    this.#step(this.#done, this.#undone);
  }

  /** Do again what was taken back. */
  redo() {
    this.#step(this.#undone, this.#done);
  }

  #step(from, to) {
    if (!from.length) return;
    const patch = from.pop();
    to.push(this.#pick(Object.keys(patch)));
    this.#change(patch);
  }

  #pick(names) {
    return Object.fromEntries(names.map((name) => [name, this.#values[name]]));
  }

  #change(patch) {
    const changed = Object.keys(patch).filter((name) => this.#values[name] !== patch[name]);
    if (!changed.length) return;
    for (const name of changed) this.#values[name] = patch[name];
    for (const listener of this.#listeners) listener(new Set(changed));
  }

  /** Take over another URL's entries. */
  follow(url) {
    const values = valuesOf(url);
    const changed = (name) => {
      const { write } = KEYS[name];
      const [now, next] = [this.#values[name], values[name]].map((value) => (value === null ? null : write(value)));
      return now !== next;
    };
    this.set(Object.fromEntries(Object.entries(values).filter(([name]) => changed(name))));
  }

  onChange(listener) {
    this.#listeners.push(listener);
  }

  /**
   * Entries for the URL: what differs from the defaults.
   * @param {object} fixed values to hold on to where a choice is left to the data
   */
  url(fixed = {}) {
    const entries = new Map();
    for (const [name, { key, initial, write }] of Object.entries(KEYS)) {
      const value = this.#values[name] ?? fixed[name] ?? null;
      if (value !== null && write(value) !== (initial === null ? null : write(initial))) entries.set(key, write(value));
    }
    return entries;
  }
}
