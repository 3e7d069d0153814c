// Regions drawn in the tab: rectangles with a name, each on some images of a probe. Rectangles of
// one name are one region, so that it may lie elsewhere in each image, as a logged one may.

import { kept, ordered } from "../kit/lists.js";
import { shapeOf } from "./volumes.js";

/** @import { Place, Rectangle, Size } from "../types.js" */

const MOST = 64; // rectangles
const MOST_IMAGES = 4096; // of one rectangle
const LONGEST = 80; // name, in characters
const SIDE = 16384; // as in stored images

/** @typedef {{name: string, mask: Uint8Array, rectangles: Rectangle[]}} DrawnRegion */

// In the URL: probe~name~top.left.height.width~0-11.15, rectangles apart by "!". encodeURIComponent
// leaves both signs alone, so names have them escaped too.

/** @param {string} text */
function quote(text) {
  return encodeURIComponent(text.toWellFormed()).replaceAll("~", "%7E").replaceAll("!", "%21");
}

/**
 * Whole numbers, those in a row as `first-last`.
 * @param {number[]} numbers
 */
export function writeRanges(numbers) {
  /** @type {number[][]} */
  const ranges = [];
  for (const number of numbers) {
    const last = ranges.at(-1);
    if (last && last[1] === number - 1) last[1] = number;
    else ranges.push([number, number]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(".");
}

/** @param {string} text */
function readRanges(text) {
  /** @type {Set<number>} */
  const numbers = new Set();
  for (const part of text.split(".")) {
    const [, low, , high] = /^(\d{1,9})(-(\d{1,9}))?$/.exec(part) ?? [];
    if (low === undefined) return null;
    const [first, last] = [Number(low), Number(high ?? low)];
    if (last < first || numbers.size + last - first >= MOST_IMAGES) return null;
    for (let each = first; each <= last; each++) numbers.add(each);
  }
  return ordered(numbers);
}

/**
 * A rectangle as it stands in the URL; null where it is none.
 * @param {string} text
 * @returns {Rectangle | null}
 */
function readOne(text) {
  const [probe, name, place, images, ...more] = text.split("~");
  if (images === undefined || more.length || !/^\d{1,5}(\.\d{1,5}){3}$/.test(place)) return null;
  const [top, left, height, width] = place.split(".").map(Number);
  const numbers = readRanges(images);
  if (!numbers || !height || !width || top + height > SIDE || left + width > SIDE) return null;
  try {
    const known = named(decodeURIComponent(name));
    return known === null ? null : { probe: decodeURIComponent(probe), name: known, top, left, height, width, images: numbers };
  } catch {
    return null; // a hand-written stray per cent sign
  }
}

/** How the state reads and writes them; what is no rectangle is left out. */
export const REGIONS = {
  /** @type {(text: string) => readonly Rectangle[]} */
  read: (text) => Object.freeze(text.split("!").slice(0, MOST).map(readOne).filter((each) => each !== null)),
  /** @type {(list: readonly Rectangle[]) => string} */
  write: (list) => list
    .map(({ probe, name, top, left, height, width, images }) => [quote(probe), quote(name), [top, left, height, width].join("."), writeRanges(images)].join("~"))
    .join("!"),
};

/**
 * A name as it is kept; null where nothing is left of it.
 * @param {string} text
 */
export function named(text) {
  return text.trim().slice(0, LONGEST).trim() || null;
}

/**
 * Why a rectangle is no region of an image; "" where it is one. Of a volume it is that of all slices.
 * @param {Place} place
 * @param {Size} image
 */
export function problemOf({ top, left, height, width }, image) {
  const [, rows, columns] = shapeOf(image);
  const size = { height: rows, width: columns };
  const whole = [top, left, height, width].every((each) => Number.isInteger(each) && each >= 0);
  if (!whole || !height || !width) return "give whole numbers of pixels, height and width from 1";
  if (top + height > size.height || left + width > size.width) return `it lies outside the image of ${size.height} × ${size.width}`;
  if (height === size.height && width === size.width) return "it is the whole image: take a part of it";
  return "";
}

/**
 * Names in the order in which they were drawn.
 * @param {readonly Rectangle[]} list
 * @param {string | null} probe
 */
export function namesOf(list, probe) {
  return [...new Set(list.filter((each) => each.probe === probe).map(({ name }) => name))];
}

/**
 * @param {readonly Rectangle[]} list
 * @param {string} probe
 * @param {string[]} logged names that the log has: a drawn region of one would take its place
 */
export function freeName(list, probe, logged) {
  const taken = [...namesOf(list, probe), ...logged];
  for (let i = 1; ; i++) if (!taken.includes(`region ${i}`)) return `region ${i}`;
}

// Edits give a new list: the old one stays for undo.

/**
 * @param {readonly Rectangle[]} list
 * @param {Rectangle} rectangle
 * @returns {readonly Rectangle[]} the same list where it is full
 */
export function added(list, rectangle) {
  return list.length < MOST ? [...list, rectangle] : list;
}

/** @param {readonly Rectangle[]} list @param {Rectangle} rectangle */
export function removed(list, rectangle) {
  return list.filter((each) => each !== rectangle);
}

/**
 * A region under another name; one that is there already takes its rectangles in.
 * @param {readonly Rectangle[]} list
 * @param {string} probe
 * @param {string} before
 * @param {string} after
 */
export function renamed(list, probe, before, after) {
  return list.map((each) => (each.probe === probe && each.name === before ? { ...each, name: after } : each));
}

/**
 * A rectangle on these images too.
 * @param {readonly Rectangle[]} list
 * @param {Rectangle} rectangle
 * @param {number[]} images
 */
export function copied(list, rectangle, images) {
  const all = ordered([...rectangle.images, ...images]).slice(0, MOST_IMAGES);
  return list.map((each) => (each === rectangle ? { ...each, images: all } : each));
}

/**
 * The pixels that rectangles cover together.
 * @param {Place[]} rectangles
 * @param {Size} size
 * @returns {Uint8Array} 1 inside, row by row, of a volume in each slice
 */
function maskOf(rectangles, size) {
  const [depth, height, width] = shapeOf(size);
  const mask = new Uint8Array(depth * height * width);
  for (const rectangle of rectangles) {
    for (let y = rectangle.top; y < rectangle.top + rectangle.height; y++) {
      mask.fill(1, y * width + rectangle.left, y * width + rectangle.left + rectangle.width);
    }
  }
  for (let slice = 1; slice < depth; slice++) mask.copyWithin(slice * height * width, 0, height * width);
  return mask;
}

/** @type {WeakMap<readonly Rectangle[], Map<string, readonly DrawnRegion[]>>} */
const drawn = new WeakMap();
/** @type {readonly DrawnRegion[]} */
const NONE = Object.freeze([]);

/**
 * The regions drawn on an image of a size.
 * @param {readonly Rectangle[]} list
 * @param {string | null} probe
 * @param {number} image
 * @param {Size} size
 * @returns {readonly DrawnRegion[]} the same for the same list
 */
export function drawnOn(list, probe, image, size) {
  if (!list.length) return NONE;
  const known = kept(drawn, list, () => new Map());
  return kept(known, [image, ...shapeOf(size), probe].join("\n"), () => {
    const here = list.filter((each) => each.probe === probe && each.images.includes(image) && !problemOf(each, size));
    return namesOf(here, probe).map((name) => {
      const rectangles = here.filter((each) => each.name === name);
      return { name, rectangles, mask: shared(rectangles, size) };
    });
  });
}

/**
 * Those drawn at one place on all of several images.
 * @param {readonly Rectangle[]} list
 * @param {string | null} probe
 * @param {number[]} images
 * @param {Size} size
 */
export function drawnOnAll(list, probe, images, size) {
  const [first, ...rest] = images.map((image) => drawnOn(list, probe, image, size));
  /** @type {(a: DrawnRegion, b: DrawnRegion) => boolean} */
  const same = (a, b) => a.name === b.name && a.rectangles.length === b.rectangles.length && a.rectangles.every((each, i) => each === b.rectangles[i]);
  return first.filter((region) => rest.every((others) => others.some((other) => same(region, other))));
}

/** @type {Map<string, Uint8Array>} */
const masks = new Map();

/**
 * One mask for the same rectangles on all images: what is counted by it is counted once.
 * @param {Place[]} rectangles
 * @param {Size} size
 */
function shared(rectangles, size) {
  const key = [...shapeOf(size), ...rectangles.flatMap((each) => [each.top, each.left, each.height, each.width])].join();
  if (!masks.has(key) && masks.size >= 4 * MOST) masks.clear();
  return kept(masks, key, () => maskOf(rectangles, size));
}
