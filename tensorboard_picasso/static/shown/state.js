// What the user chose. The URL holds it, so that a reload or a shared link shows the same.

import { MEASURES } from "./editpoints.js";
import { OUTLINES } from "./outlines.js";
import { palettesFor } from "../numbers/palette.js";
import { REGIONS } from "../numbers/regions.js";
import { stepOf } from "../kit/steps.js";

/** @import { Choices } from "../types.js" */

/**
 * How a choice stands in the URL: its key, its default, reading and writing; `read` gives undefined
 * where the text says nothing.
 * @template T
 * @typedef {{key: string, initial: T, read: (text: string) => T | undefined, write: (value: NonNullable<T>) => string}} Key
 */

const LIST = {
  /** @type {(text: string) => string[] | undefined} */
  read: (text) => {
    try {
      return text.split(",").filter(Boolean).map(decodeURIComponent);
    } catch {
      return undefined; // a hand-written stray per cent sign
    }
  },
  /** @type {(list: string[]) => string} */
  write: (list) => list.map(encodeURIComponent).join(","),
};
/** @type {{read: (text: string) => string, write: (text: string) => string}} */
const TEXT = { read: (text) => text, write: (text) => text };
const WHOLE = {
  /** @type {(text: string) => number | undefined} */
  read: (text) => (/^\d{1,15}$/.test(text) ? Number(text) : undefined),
  write: String,
};
const STEP = { read: stepOf, write: String };

/** @param {number[]} values */
function oneNumberOf(values) {
  return {
    /** @type {(text: string) => number | undefined} */
    read: (text) => values.find((value) => String(value) === text),
    write: String,
  };
}

/**
 * @template {string} Word
 * @param {readonly Word[]} words
 * @returns {{read: (text: string) => Word | undefined, write: (word: Word) => string}}
 */
function oneOf(words) {
  return { read: (text) => words.find((each) => each === text), write: String };
}

/** @param {number} low @param {number} high */
function within(low, high) {
  return {
    /** @type {(text: string) => number | undefined} */
    read: (text) => {
      const value = Number(text);
      return text !== "" && value >= low && value <= high ? value : undefined;
    },
    write: String,
  };
}

/** @type {"own"} instead of a class: each image's own, the truth or else the newest prediction */
export const OWN_CLASS = "own";
/** @type {"predicted"} instead of a class: what is predicted of each image at the newest step */
export const PREDICTED = "predicted";

/**
 * @template {string} Word
 * @param {Word[]} words
 * @returns {{read: (text: string) => Word | number | undefined, write: (value: string | number) => string}}
 */
function classOr(...words) {
  return { read: (text) => words.find((each) => each === text) ?? WHOLE.read(text), write: String };
}

/**
 * A choice of class as a menu says it.
 * @param {string} text
 */
export function classOf(text) {
  return [OWN_CLASS, PREDICTED].find((each) => each === text) ?? Number(text);
}

const WHOLE_IMAGE = [1, 0, 0];
// Scale, and the left and top edge of what is in sight, as parts of the image.
const ZOOM = {
  /** @type {(text: string) => number[] | undefined} */
  read: (text) => {
    const [scale, left, top] = text.split(",").map(Number);
    /** @type {(value: number) => boolean} */
    const inside = (value) => value >= 0 && value <= 1 - 1 / scale + 1e-6;
    return scale >= 1 && scale <= 16 && inside(left) && inside(top) ? [scale, left, top] : undefined;
  },
  /** @type {(zoom: number[]) => string} */
  write: (zoom) => zoom.map((value) => String(Number(value.toFixed(4)))).join(","),
};

const MIDDLE = [0.5, 0.5];
const CROSS = {
  /** @type {(text: string) => number[] | undefined} */
  read: (text) => {
    const parts = text.split(",").map((part) => (part === "" ? NaN : Number(part)));
    return parts.length === 2 && parts.every((part) => part >= 0 && part <= 1) ? parts : undefined;
  },
  write: ZOOM.write,
};

/**
 * The choices that make A; null: as in B.
 * @type {readonly ["pinRun", "pin", "pinTarget", "pinMethod"]}
 */
export const PINS = ["pinRun", "pin", "pinTarget", "pinMethod"];

/** Choices that turn volumes: what is here is cut otherwise, and nothing else changes. */
export const TURNS = ["slice", "cross"];
export const READINGS = /** @type {const} */ (["importance", "score", "evidence"]);
export const SCALES = /** @type {const} */ (["shared", "step", "map"]);
export const SIZES = { small: 72, medium: 96, large: 144 };
export const SIZE_NAMES = /** @type {(keyof typeof SIZES)[]} */ (Object.keys(SIZES));
export const LAYOUTS = /** @type {const} */ (["side", "swipe"]);
export const VERDICTS = /** @type {const} */ (["all", "right", "wrong"]);
export const PAGES = /** @type {const} */ (["steps", "step"]);
export const DENSITIES = /** @type {const} */ (["strips", "grid"]);
/** In which order patches stand. */
export const PATCH_ORDERS = /** @type {const} */ (["alike", "strongest", "listed"]);
/** How much is shown around them. */
export const SURROUNDINGS = /** @type {const} */ (["none", "some"]);
/** How many edits are listed. */
export const EDITS = /** @type {const} */ (["few", "all", "none"]);
export const FILMS = /** @type {const} */ (["log", "even", "change"]);
export const FRAMES = [6, 12, 24, 48];
const ALIGNMENTS = /** @type {const} */ (["step", "share"]);
export const AXES = /** @type {const} */ (["order", "step", "log", "epoch", "wall"]);
export const SPEEDS = [2, 5, 10, 20, 30, 60];

/** @type {{[Name in keyof Choices]: Key<Choices[Name]>}} default null: chosen from the data */
const KEYS = {
  filter: { key: "filter", initial: "", ...TEXT },
  runs: { key: "runs", initial: null, ...LIST },
  probe: { key: "probe", initial: null, ...TEXT },
  step: { key: "step", initial: null, ...STEP },
  method: { key: "method", initial: null, ...TEXT },
  // A class, the predicted one, or null: the truth, else the newest prediction.
  target: { key: "target", initial: null, ...classOr(PREDICTED) },
  reading: { key: "reading", initial: "importance", ...oneOf(READINGS) },
  signedPalette: { key: "palette", initial: "orange–blue", ...oneOf(palettesFor(true)) },
  plainPalette: { key: "plain", initial: "ember", ...oneOf(palettesFor(false)) },
  opacity: { key: "opacity", initial: 0.85, ...within(0, 1) },
  scale: { key: "scale", initial: "shared", ...oneOf(SCALES) },
  size: { key: "size", initial: "medium", ...oneOf(SIZE_NAMES) },
  speed: { key: "speed", initial: 10, ...oneNumberOf(SPEEDS) },
  // Which images are listed: a regular expression for the tag, a true class, a group, what is
  // predicted now, right or wrong now.
  find: { key: "find", initial: "", ...TEXT },
  ofClass: { key: "ofclass", initial: null, ...WHOLE },
  ofGroup: { key: "ofgroup", initial: null, ...TEXT, read: (text) => text || undefined },
  asClass: { key: "asclass", initial: null, ...WHOLE },
  verdict: { key: "verdict", initial: "all", ...oneOf(VERDICTS) },
  sort: { key: "sort", initial: "flips", ...TEXT },
  // Maps over the steps, or one step alone, each image large.
  page: { key: "page", initial: null, ...oneOf(PAGES) },
  density: { key: "density", initial: "strips", ...oneOf(DENSITIES) },
  // Which means are shown before the images: over the probe, or over its classes too.
  means: { key: "means", initial: "probe", ...oneOf(/** @type {const} */ (["probe", "classes"])) },
  // The sheet of patches: its order, the step that this is found at, and what is shown around each.
  patches: { key: "patches", initial: null, ...oneOf(PATCH_ORDERS) },
  patchesAt: { key: "patchesat", initial: null, ...STEP },
  around: { key: "around", initial: "some", ...oneOf(SURROUNDINGS) },
  // Of the block "what the answer survives".
  edits: { key: "edits", initial: "few", ...oneOf(EDITS) },
  // The edit that is shown large, and what of it is charted.
  edit: { key: "edit", initial: null, ...TEXT },
  measure: { key: "measure", initial: null, ...oneOf(MEASURES) },
  // What the page is compared with, where it is not the same; see compare.js.
  pin: { key: "pin", initial: null, ...STEP },
  pinRun: { key: "pinrun", initial: null, ...TEXT },
  pinTarget: { key: "pinclass", initial: null, ...classOr(OWN_CLASS, PREDICTED) },
  pinMethod: { key: "pinmethod", initial: null, ...TEXT },
  layout: { key: "layout", initial: "side", ...oneOf(LAYOUTS) },
  swipe: { key: "swipe", initial: 50, ...within(0, 100) },
  zoom: { key: "zoom", initial: WHOLE_IMAGE, ...ZOOM },
  // Which slice of volumes is shown, and where the other planes of the large view lie.
  slice: { key: "slice", initial: null, ...WHOLE },
  cross: { key: "cross", initial: MIDDLE, ...CROSS },
  align: { key: "align", initial: "step", ...oneOf(ALIGNMENTS) },
  // Rectangles that were drawn, see regions.js, and which regions are outlined.
  regions: { key: "regions", initial: Object.freeze([]), ...REGIONS },
  outlines: { key: "outlines", initial: "originals", ...oneOf(OUTLINES) },
  // The film strip of the large view: which steps, and how many.
  film: { key: "film", initial: "log", ...oneOf(FILMS) },
  frames: { key: "frames", initial: 12, ...oneNumberOf(FRAMES) },
  // The timeline: ids of what is charted (null: the first source), over all images or of one,
  // and what its axis counts.
  charts: { key: "charts", initial: null, ...LIST },
  of: { key: "of", initial: null, ...WHOLE },
  x: { key: "x", initial: "order", ...oneOf(AXES) },
  open: { key: "open", initial: null, ...WHOLE },
};

/** @type {(keyof Choices)[]} what was made by hand and can be undone */
const UNDOABLE = ["pin", "pinRun", "pinTarget", "pinMethod", "regions"];

/** @param {Map<string, string>} url */
function valuesOf(url) {
  const values = entries().map(([name, { key, initial, read }]) => {
    const text = url.get(key);
    return [name, text === undefined ? initial : (read(text) ?? initial)];
  });
  return /** @type {Choices} */ (Object.fromEntries(values));
}

/** The keys with their names, as one kind: which belongs to which the types of an object's entries cannot say. */
function entries() {
  return /** @type {[keyof Choices, Key<unknown>][]} */ (Object.entries(KEYS));
}

/** @typedef {Chosen & Readonly<Choices>} State */

class Chosen {
  /** @type {Choices} */
  #values;
  /** @type {((names: Set<string>) => void)[]} */
  #listeners = [];
  /** @type {Partial<Choices>[]} */
  #done = [];
  /** @type {Partial<Choices>[]} */
  #undone = [];

  /** @param {Map<string, string>} url entries as `host.readUrl` gives them */
  constructor(url) {
    this.#values = valuesOf(url);
    for (const [name] of entries()) {
      Object.defineProperty(this, name, { get: () => this.#values[name], enumerable: true });
    }
  }

  /**
   * Change some values; listeners are told the names of those that really changed.
   * @param {Partial<Choices>} patch
   */
  set(patch) {
    // A part of a picture is in sight as long as its image is open.
    const other = patch.open !== undefined && patch.open !== this.#values.open;
    const all = other ? { zoom: WHOLE_IMAGE, ...patch } : patch;
    // What changes together comes back together: charts with their region, steps with their pin.
    const before = this.#pick([...new Set([...UNDOABLE, ...namesOf(all)])]);
    this.#change(all);
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

  /** @param {Partial<Choices>[]} from @param {Partial<Choices>[]} to */
  #step(from, to) {
    const patch = from.pop();
    if (!patch) return;
    to.push(this.#pick(namesOf(patch)));
    this.#change(patch);
  }

  /** @param {(keyof Choices)[]} names */
  #pick(names) {
    return Object.fromEntries(names.map((name) => [name, this.#values[name]]));
  }

  /** @param {Partial<Choices>} patch */
  #change(patch) {
    const changed = namesOf(patch).filter((name) => this.#values[name] !== patch[name]);
    if (!changed.length) return;
    for (const name of changed) Object.assign(this.#values, { [name]: patch[name] });
    for (const listener of this.#listeners) listener(new Set(changed));
  }

  /**
   * Take over another URL's entries.
   * @param {Map<string, string>} url
   */
  follow(url) {
    const values = valuesOf(url);
    const changed = entries().filter(([name, { write }]) => {
      const [now, next] = [this.#values[name], values[name]].map((value) => (value === null ? null : write(value)));
      return now !== next;
    });
    // Its zoom goes with its image, also where it is that of the one before.
    this.set({ zoom: values.zoom, ...Object.fromEntries(changed.map(([name]) => [name, values[name]])) });
  }

  /** @param {(names: Set<string>) => void} listener */
  onChange(listener) {
    this.#listeners.push(listener);
  }

  /**
   * Entries for the URL: what differs from the defaults.
   * @param {Partial<Choices>} fixed values to hold on to where a choice is left to the data
   */
  url(fixed = {}) {
    /** @type {Map<string, string>} */
    const written = new Map();
    for (const [name, { key, initial, write }] of entries()) {
      const value = this.#values[name] ?? fixed[name] ?? null;
      const usual = initial ?? null;
      if (value !== null && write(value) !== (usual === null ? null : write(usual))) written.set(key, write(value));
    }
    return written;
  }
}

// Its constructor makes a property of each choice.
export const State = /** @type {new (url: Map<string, string>) => State} */ (Chosen);

/** @param {Partial<Choices>} patch */
function namesOf(patch) {
  return /** @type {(keyof Choices)[]} */ (Object.keys(patch));
}
