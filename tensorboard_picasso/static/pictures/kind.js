// What a picture may be of, an image or the mean over several: `tsc` reads this, no browser loads it.

/** @import { Difference, Refused } from "../shown/compare.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Placed } from "../shown/look.js" */
/** @import { Scene } from "../shown/scene.js" */
/** @import { Coming, FoundMap, FoundMean, Lacking, Spec } from "../shown/spec.js" */
/** @import { CutPlane } from "../types.js" */
/** @import { Picture } from "./picture.js" */

/** @typedef {Needs<"scene" | "state" | "store" | "hover">} Given what pictures need of the page */

/** @typedef {{caption: HTMLElement, reach?: boolean, plane?: CutPlane}} Parts of a picture, as `Picture` takes them */

/**
 * What a comparison is made of, and what is said in it.
 * @template {Spec} Of
 * @template {FoundMap | FoundMean} Found
 * @typedef {object} Kind
 * @property {(given: Given, parts: Parts) => Picture & {show: (spec: Of) => boolean}} card one side
 * @property {(scene: Scene, spec: Of) => [string, string]} said what stands above a side: a class, and its score
 * @property {(given: Given, spec: Of) => Coming | Lacking | Found} look
 * @property {(a: Found, b: Found) => Difference | Refused} between
 * @property {(scene: Scene, spec: Of, found: Found) => number} scale that the difference shares with the maps
 * @property {(spec: Of) => number | string} key what all pictures of it are known by
 * @property {(spec: Of, found: Found) => number[]} images whose regions are outlined
 * @property {(scene: Scene, spec: Of, found: Found) => {data: Record<string, string | number>, of: string}} named
 *   what the canvas says it shows
 * @property {(scene: Scene, spec: Of, found: Found) => {image: string, class?: string}} of what a side is of, in a file
 * @property {(found: Found, at: Placed) => string} [windowed] a side's own number of a window, where it is no plain one
 * @property {(found: Found) => string} [remark] what must be known of two windows' numbers
 */

export {};
