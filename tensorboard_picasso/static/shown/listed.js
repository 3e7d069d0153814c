// What is listed one below the other, an image each: `tsc` reads this, no browser loads it.

/** @import { Box, Point, Readable, Within } from "./given.js" */

/**
 * A picture whose places are pointed at.
 * @typedef {Readable & {image: number | string | null, mark: (box: Box | null, point: Point | Within | null) => void}} Marked
 */

/**
 * @typedef {object} Listed
 * @property {HTMLElement} element
 * @property {boolean | null} visible whether it is in sight; null until that is known
 * @property {boolean} stale whether what it shows is out of date, and made when it is next in sight
 * @property {boolean} whole whether what it shows beside the current step had all its pictures when painted last
 * @property {Marked[]} cards
 * @property {() => void} ready makes what the keyboard can reach, also out of sight
 * @property {(onlyNow: boolean) => boolean} paint false while something is still loading
 * @property {() => void} focus
 */

export {};
