// Regions drawn in the tab: rectangles with a name, each on some images of a probe. Rectangles of
// one name are one region, so that it may lie elsewhere in each image, as a logged one may.

const MOST = 64; // rectangles
const MOST_IMAGES = 4096; // of one rectangle
const LONGEST = 80; // name, in characters
const SIDE = 16384; // as in stored images

/**
 * @typedef {object} Rectangle
 * @property {string} probe
 * @property {string} name
 * @property {number} top first row, pixels
 * @property {number} left first column, pixels
 * @property {number} height pixels
 * @property {number} width pixels
 * @property {number[]} images ascending
 */

// In the URL: probe~name~top.left.height.width~0-11.15, rectangles apart by "!". encodeURIComponent
// leaves both signs alone, so names have them escaped too.

function quote(text) {
  return encodeURIComponent(text.toWellFormed()).replaceAll("~", "%7E").replaceAll("!", "%21");
}

/** Whole numbers, those in a row as `first-last`. */
export function writeRanges(numbers) {
  const ranges = [];
  for (const each of numbers) {
    const last = ranges.at(-1);
    if (last && last[1] === each - 1) last[1] = each;
    else ranges.push([each, each]);
  }
  return ranges.map(([first, last]) => (first === last ? String(first) : `${first}-${last}`)).join(".");
}

function readRanges(text) {
  const found = new Set();
  for (const part of text.split(".")) {
    const [, first, , last] = /^(\d{1,9})(-(\d{1,9}))?$/.exec(part) ?? [];
    if (first === undefined) return null;
    const end = Number(last ?? first);
    if (end < Number(first) || found.size + end - first >= MOST_IMAGES) return null;
    for (let each = Number(first); each <= end; each++) found.add(each);
  }
  return [...found].sort((a, b) => a - b);
}

/** A rectangle as it stands in the URL; null where it is none. */
function readOne(text) {
  const [probe, name, place, images, ...more] = text.split("~");
  if (images === undefined || more.length || !/^\d{1,5}(\.\d{1,5}){3}$/.test(place)) return null;
  const [top, left, height, width] = place.split(".").map(Number);
  const numbers = readRanges(images);
  if (!numbers || !height || !width || top + height > SIDE || left + width > SIDE) return null;
  try {
    const names = { probe: decodeURIComponent(probe), name: named(decodeURIComponent(name)) };
    return names.name === null ? null : { ...names, top, left, height, width, images: numbers };
  } catch {
    return null; // a hand-written stray per cent sign
  }
}

/** How the state reads and writes them; what is no rectangle is left out. */
export const REGIONS = {
  read: (text) => Object.freeze(text.split("!").slice(0, MOST).map(readOne).filter(Boolean)),
  write: (list) => list
    .map(({ probe, name, top, left, height, width, images }) => [quote(probe), quote(name), [top, left, height, width].join("."), writeRanges(images)].join("~"))
    .join("!"),
};

/** A name as it is kept; null where nothing is left of it. */
export function named(text) {
  return text.trim().slice(0, LONGEST).trim() || null;
}

/** Why a rectangle is no region of an image; "" where it is one. */
export function problemOf({ top, left, height, width }, size) {
  const whole = [top, left, height, width].every((each) => Number.isInteger(each) && each >= 0);
  if (!whole || !height || !width) return "give whole numbers of pixels, height and width from 1";
  if (top + height > size.height || left + width > size.width) return `it lies outside the image of ${size.height} × ${size.width}`;
  if (height === size.height && width === size.width) return "it is the whole image: take a part of it";
  return "";
}

/** Names in the order in which they were drawn. */
export function namesOf(list, probe) {
  return [...new Set(list.filter((each) => each.probe === probe).map(({ name }) => name))];
}

/** @param {string[]} logged names that the log has: a drawn region of one would take its place */
export function freeName(list, probe, logged) {
  const taken = [...namesOf(list, probe), ...logged];
  for (let i = 1; ; i++) if (!taken.includes(`region ${i}`)) return `region ${i}`;
}

// Edits give a new list: the old one stays for undo.

/** @returns {Rectangle[]} the same list where it is full */
export function added(list, rectangle) {
  return list.length < MOST ? [...list, rectangle] : list;
}

export function removed(list, rectangle) {
  return list.filter((each) => each !== rectangle);
}

/** A region under another name; one that is there already takes its rectangles in. */
export function renamed(list, probe, before, after) {
  return list.map((each) => (each.probe === probe && each.name === before ? { ...each, name: after } : each));
}

/** A rectangle on these images too. */
export function copied(list, rectangle, images) {
  const all = [...new Set([...rectangle.images, ...images])].sort((a, b) => a - b).slice(0, MOST_IMAGES);
  return list.map((each) => (each === rectangle ? { ...each, images: all } : each));
}

/**
 * The pixels that rectangles cover together.
 * @returns {Uint8Array} 1 inside, row by row
 */
function maskOf(rectangles, height, width) {
  const mask = new Uint8Array(height * width);
  for (const each of rectangles) {
    for (let y = each.top; y < each.top + each.height; y++) {
      mask.fill(1, y * width + each.left, y * width + each.left + each.width);
    }
  }
  return mask;
}

const drawn = new WeakMap();
const NONE = Object.freeze([]);

/**
 * The regions drawn on an image of a size.
 * @returns {{name: string, mask: Uint8Array, rectangles: Rectangle[]}[]} the same for the same list
 */
export function drawnOn(list, probe, image, { height, width }) {
  if (!list.length) return NONE;
  if (!drawn.has(list)) drawn.set(list, new Map());
  const known = drawn.get(list);
  const key = [image, height, width, probe].join("\n");
  if (!known.has(key)) {
    const here = list.filter((each) => each.probe === probe && each.images.includes(image) && !problemOf(each, { height, width }));
    known.set(key, namesOf(here, probe).map((name) => {
      const rectangles = here.filter((each) => each.name === name);
      return { name, rectangles, mask: shared(rectangles, height, width) };
    }));
  }
  return known.get(key);
}

/** Those drawn at one place on all of several images. */
export function drawnOnAll(list, probe, images, size) {
  const [first, ...rest] = images.map((image) => drawnOn(list, probe, image, size));
  const same = (a, b) => a.name === b.name && a.rectangles.length === b.rectangles.length && a.rectangles.every((each, i) => each === b.rectangles[i]);
  return first.filter((region) => rest.every((others) => others.some((other) => same(region, other))));
}

const masks = new Map();

/** One mask for the same rectangles on all images: what is counted by it is counted once. */
function shared(rectangles, height, width) {
  const key = [height, width, ...rectangles.flatMap((each) => [each.top, each.left, each.height, each.width])].join();
  if (!masks.has(key)) {
    if (masks.size >= 4 * MOST) masks.clear();
    masks.set(key, maskOf(rectangles, height, width));
  }
  return masks.get(key);
}
