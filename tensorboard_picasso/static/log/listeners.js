// Whom the store tells what came, and what it asks them: `tsc` reads this, no browser loads it.

/** @import { Step } from "../types.js" */

/**
 * What the store is told, and whom it tells.
 * @typedef {object} Listeners
 * @property {(what: Came) => void} changed what came
 * @property {() => Sight} sight what is looked at
 * @property {() => void} settled makes it known which images are in sight
 * @property {() => Promise<void>} rested resolves once what is not waited for may be asked for
 * @property {() => "probe" | "classes"} means which means: over the probe, or over its classes too
 * @property {() => void} retry loads all again
 *
 * Which images and steps are looked at, and of which images all steps are charted; `brief`: whether
 * nothing on show needs other steps, `newest`: whether the newest step is the current one.
 * @typedef {{images: Set<number>, steps: Set<Step>, charted: Set<number>, brief: boolean, newest: boolean}} Sight
 *
 * "series": scores, edits, or anything; "records": maps' records and means alone.
 * @typedef {"index" | "series" | "records" | "images" | "maps" | "errors" | "loading"} Came
 */

export {};
