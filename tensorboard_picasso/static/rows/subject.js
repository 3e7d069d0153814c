// What a row is of, an image or the mean over a group: `tsc` reads this, no browser loads it.

/** @import { RunData } from "../log/rundata.js" */
/** @import { Taken } from "../pictures/difference.js" */
/** @import { Kind } from "../pictures/kind.js" */
/** @import { Picture } from "../pictures/picture.js" */
/** @import { FoundMap, FoundMean, Spec } from "../shown/spec.js" */
/** @import { Step } from "../types.js" */

/**
 * @template {Spec} Of
 * @template {FoundMap | FoundMean} Found
 * @typedef {object} Subject
 * @property {Kind<Of, Found>} kind
 * @property {boolean} reach whether the keyboard can go over the windows of its pictures
 * @property {(() => void) | null} open what a click on a picture does
 * @property {(data: RunData, step: Step) => Of} spec what a picture of a run shows at a step
 * @property {(now: boolean) => Cell<Of>} cell a picture of a strip; `now`: that of the current step
 * @property {(data: RunData, taken: () => Taken | null) => Tail} tail what a strip ends with
 * @property {() => Shown} original
 * @property {(data: RunData) => string | undefined} pixels what is averaged or shown of a run, to tell
 *   runs apart
 * @property {boolean} early whether the first run has an original before it is known of what
 */

/**
 * @template {Spec} Of
 * @typedef {{card: Picture, show: (spec: Of) => boolean}} Cell
 */

/**
 * What stands at the end of a strip; `first`: of the first run.
 * @typedef {{element: HTMLElement, update: (name: string, first: boolean) => void, move: () => void}} Tail
 *
 * What was given.
 * @typedef {{element: HTMLElement, update: (data: RunData) => void, paint: (data: RunData) => void, focus: () => void}} Shown
 *
 * What rows need of the page.
 * @typedef {"scene" | "state" | "store" | "seek" | "open" | "hover"} Rowed
 */

export {};
