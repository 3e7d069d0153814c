// Outlines of regions over pictures.

import { svg } from "../kit/dom.js";
import { kept } from "../kit/lists.js";
import { drawnOnAll, namesOf } from "../numbers/regions.js";
import { cutOut, sizeOf } from "../numbers/volumes.js";

/** @import { Cut, Framed, Input, Rectangle, Segments, Size } from "../types.js" */
/** @import { Needs } from "./given.js" */
/** @import { Scene } from "./scene.js" */

// Unlike the maps' orange and blue, and unlike the runs.
const COLOURS = ["#ffe14d", "#7dffb0", "#ff8df4", "#8dfdff", "#d0ff4d", "#ffb3b3"];

// "originals": drawn regions on all pictures, logged ones on the images as they were given.
export const OUTLINES = /** @type {const} */ (["originals", "drawn", "all", "none"]);

/**
 * Names of the logged regions of all images.
 * @param {Scene} scene
 */
export function loggedNames(scene) {
  return [...new Set(scene.every.flatMap((image) => (scene.input(image)?.regions ?? []).map(({ name }) => name)))];
}

/**
 * The colour of a drawn region, by its place among all of them; logged regions are white.
 * @param {readonly Rectangle[]} list
 * @param {string | null} probe
 * @param {string} name
 */
export function regionColour(list, probe, name) {
  return COLOURS[Math.max(namesOf(list, probe).indexOf(name), 0) % COLOURS.length];
}

/**
 * The edge of a mask, as the path of an SVG whose unit is a pixel: stretches between a pixel inside
 * and one outside.
 * @param {Uint8Array} mask
 * @param {number} height
 * @param {number} width
 */
function edgeOf(mask, height, width) {
  // With a frame of pixels outside, so that none has to be asked whether it is in the image.
  const wide = width + 2;
  const inside = new Uint8Array(wide * (height + 2));
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) if (mask[y * width + x]) inside[(y + 1) * wide + x + 1] = 1;
  }
  /** @type {string[]} */
  const parts = [];
  /** @type {(lines: number, length: number, across: number, along: number, draw: (line: number, from: number, to: number) => string) => void} */
  const trace = (lines, length, across, along, draw) => {
    for (let line = 0; line <= lines; line++) {
      const start = (line + 1) * across + along;
      /** @type {(at: number) => boolean} */
      const differs = (at) => inside[start + at * along] !== inside[start + at * along - across];
      for (let at = 0; at < length; at++) {
        const from = at;
        while (at < length && differs(at)) at++;
        if (at > from) parts.push(draw(line, from, at));
      }
    }
  };
  trace(height, width, wide, 1, (y, from, to) => `M${from} ${y}H${to}`);
  trace(width, height, 1, wide, (x, from, to) => `M${x} ${from}V${to}`);
  return parts.join("");
}

/** @type {WeakMap<Uint8Array, Map<string, string>>} by mask, of a volume's each slice */
const edges = new WeakMap();

/** @param {Uint8Array} mask @param {Size} size @param {Cut | null} cut the slice of a volume */
function edgeFor(mask, size, cut) {
  const { height, width } = sizeOf(size, cut);
  const made = kept(edges, mask, () => new Map());
  return kept(made, cut ? `${cut.plane} ${cut.index}` : "", () => edgeOf(cutOut(mask, size, cut), height, width));
}

/** @type {WeakMap<Segments, Map<number, string>>} */
const ofSegments = new WeakMap();

/**
 * The edge of a segment, as the path of an SVG whose unit is a pixel.
 * @param {Segments} segments
 * @param {number} number of it
 * @param {Size} size of the image, pixels
 * @param {Cut | null} cut the slice of a volume
 */
export function edgeOfSegment(segments, number, size, cut = null) {
  const { height, width } = sizeOf(size, cut);
  if (cut) return edgeOf(Uint8Array.from(cutOut(segments.labels, size, cut), (label) => (label === number ? 1 : 0)), height, width);
  const made = kept(ofSegments, segments, () => new Map());
  return kept(made, number, () => edgeOf(Uint8Array.from(segments.labels, (label) => (label === number ? 1 : 0)), height, width));
}

/**
 * What is outlined on a picture of an image, or of the mean of several.
 * @param {Needs<"state" | "scene">} given
 * @param {number[]} images
 * @param {Size} size of the picture, pixels
 * @param {Framed | Input | null} input the image's, with its logged regions; of several: what they share
 * @param {{isOriginal: boolean, cut: Cut | null}} shown whether the picture is of what was given, and of a volume which slice
 * @returns {{name: string, edge: string, colour: string}[]}
 */
function outlinesOf({ state, scene }, images, size, input, { isOriginal, cut }) {
  if (state.outlines === "none") return [];
  const drawn = drawnOnAll(state.regions, scene.probe, images, size).map(({ name, mask }) => ({
    name, edge: edgeFor(mask, size, cut), colour: regionColour(state.regions, scene.probe, name),
  }));
  const wanted = state.outlines === "all" || (state.outlines === "originals" && isOriginal);
  const fits = wanted && input?.height === size.height && input.width === size.width && input.depth === size.depth;
  const logged = input && fits ? input.regions.map(({ name, mask }) => ({ name, edge: edgeFor(mask, size, cut), colour: "#fff" })) : [];
  return [...logged, ...drawn];
}

/** The outlines on one picture. */
export class Outlines {
  #given;
  /** @type {SVGSVGElement | null} */
  #element = null;
  #shown = "";

  /** @param {Needs<"state" | "scene">} given */
  constructor(given) {
    this.#given = given;
  }

  /**
   * Show those of images over the element that holds their picture.
   * @param {Element} holder
   * @param {number[]} images
   * @param {Size} size
   * @param {Framed | Input | null} input
   * @param {{isOriginal: boolean, cut: Cut | null}} shown
   */
  show(holder, images, size, input, shown) {
    const outlines = outlinesOf(this.#given, images, size, input, shown);
    const wanted = outlines.map(({ name, edge, colour }) => `${name}\n${edge}\n${colour}`).join("\n");
    if (wanted === this.#shown) return;
    this.#shown = wanted;
    const element = (this.#element ??= svg("svg", { class: "regions", preserveAspectRatio: "none", "aria-hidden": "true" }));
    const { height, width } = sizeOf(size, shown.cut);
    element.setAttribute("viewBox", `0 0 ${width} ${height}`);
    element.replaceChildren(...outlines.flatMap(({ name, edge, colour }) => [
      svg("path", { d: edge, class: "halo", "vector-effect": "non-scaling-stroke" }),
      svg("path", { d: edge, stroke: colour, "vector-effect": "non-scaling-stroke", data: { region: name } }),
    ]));
    if (outlines.length) holder.append(element);
    else element.remove();
  }
}
