// What one picture shows: an image's map, or the mean over a group. `tsc` reads this, no browser loads it.

/** @import { Attribution, Mean } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Framed, Ground, MeanGroup, Plane, Reading, Step } from "../types.js" */

/**
 * A run's method at a step; `asked`: the step asked for, where the run logged none there.
 * @typedef {{data: RunData, label: string | null, step: Step, asked?: Step}} At
 *
 * A map of an image for a class.
 * @typedef {At & {image: number, target: number, group?: undefined}} MapSpec
 *
 * The mean over some images.
 * @typedef {At & {group: MeanGroup, image?: undefined, target?: undefined}} MeanSpec
 *
 * @typedef {MapSpec | MeanSpec} Spec
 *
 * What is known of a picture: not yet, or why there is none.
 * @typedef {{loading: true, record?: undefined, why?: undefined}} Coming
 * @typedef {{why: string, record?: undefined, loading?: undefined}} Lacking
 *
 * @typedef {{ground: Ground, input: Framed | null, reading: Reading, loading?: undefined, why?: undefined}} Shown
 *
 * @typedef {Shown & {record: Attribution, plane: Plane | null, target: number}} FoundMap
 *
 * @typedef {Shown & {record: Mean, plane?: undefined, target?: undefined}} FoundMean
 */

export {};
