// What the routes answer, as docs/extending/http_api.md has it: `tsc` reads this, no browser loads it.

/** @import { Input, MeanGroup, MeanSettings, Problem, Reference, Settings, Step } from "../types.js" */

/**
 * Bytes, and numbers of a kind.
 * @typedef {Reference<Uint8Array<ArrayBuffer>>} Bytes
 * @typedef {Reference<Float32Array>} Floats
 * @typedef {Reference<Float64Array>} Doubles
 * @typedef {Reference<Int32Array>} Places
 *
 * @typedef {Omit<Problem, "source">} WireProblem
 */

/**
 * A method that a run logged; `means`: what it has means over.
 * @typedef {{label: string, method: string, maps: boolean, means: MeanGroup[]}} Method
 *
 * @typedef {object} Index
 * @property {number | null} samples how many steps TensorBoard keeps of a series, 0: all, null: not known
 * @property {{name: string, probes: {name: string, images: number[], methods: Method[], scored: boolean, edits: boolean}[]}[]} runs
 * @property {{run: string, tag: string, problem: string, message: string}[]} problems
 */

/**
 * @typedef {Omit<Input, "class_names" | "png" | "regions" | "unseen"> & {class_names: number | null,
 *   png: Bytes | null, regions: {name: string, mask: Bytes}[], unseen: Bytes | null}} WireInput
 *
 * @typedef {{class_names: string[][], images: {image: number, records: WireInput[]}[], problems: WireProblem[]}} InputsAnswer
 */

/**
 * What records of scores have in common.
 * @typedef {object} ScoresSettings
 * @property {string} output
 * @property {string} value_name
 * @property {boolean} independent
 * @property {number} class_count
 * @property {number[] | null} classes
 * @property {{region: string, fill: string}[]} hidden
 *
 * The scores of an image, a column each; places are in the answer's lists.
 * @typedef {object} WireScores
 * @property {number} image
 * @property {Reference<BigInt64Array>} steps
 * @property {Doubles} walls
 * @property {Doubles} epochs
 * @property {Places} hashes
 * @property {Places} settings
 * @property {Floats} values
 * @property {Floats} moves
 * @property {Bytes} flips
 * @property {Places} predicted
 *
 * @typedef {{hashes: string[], settings: ScoresSettings[], images: WireScores[], remarks: string[], problems: WireProblem[]}} ScoresAnswer
 */

/**
 * The records of a method of an image, a column each; places are in the answer's lists.
 * @typedef {object} WireAttributions
 * @property {number} image
 * @property {Reference<BigInt64Array>} steps
 * @property {Doubles} walls
 * @property {Places} hashes
 * @property {Places} settings
 * @property {Places} targets
 * @property {Doubles} statistics
 * @property {Doubles} located of each target of each record in turn, of each region two numbers
 * @property {Floats} whole
 * @property {{records: Places, values: Floats}} grids of some records
 * @property {{records: Places, agreements: Doubles, regions: Doubles}} seconds likewise
 *
 * @typedef {object} AttributionsAnswer
 * @property {Settings[]} settings
 * @property {string[]} hashes
 * @property {number[][]} targets
 * @property {string[]} statistics names, in the order of a row
 * @property {Reference<BigInt64Array>} logged the steps of all records where some alone were asked for
 * @property {WireAttributions[]} images
 * @property {WireProblem[]} problems
 */

/**
 * @typedef {object} WireMean
 * @property {Step} step
 * @property {number} wall
 * @property {number} settings which of the answer's
 * @property {Doubles} statistics
 * @property {Floats} means
 * @property {Floats} errors
 * @property {Floats | null} counts
 *
 * @typedef {object} MeansAnswer
 * @property {MeanSettings[]} settings
 * @property {string[]} statistics names, in the order of a record's
 * @property {{group: MeanGroup, name: string, records: WireMean[]}[]} groups
 * @property {WireProblem[]} problems
 */

/**
 * The maps of an image at a step, as stored.
 * @typedef {object} StoredPlanes
 * @property {number} image
 * @property {Step} step
 * @property {number} height
 * @property {number} width
 * @property {Settings["sign"]} sign
 * @property {string} precision
 * @property {Bytes | null} unseen
 * @property {{target: number, peak: number, values: Bytes, special: Bytes | null, differences: boolean}[]} planes
 *
 * @typedef {object} MapsAnswer
 * @property {StoredPlanes[]} records
 * @property {{image: number, step: Step, wall: number}[]} missing
 * @property {(WireProblem & {image: number})[]} problems
 */

/**
 * What was asked of a probe's images; `matched`: the edit that one is the reference of, at another place.
 * @typedef {{name: string, takes: string, form: string, region: string, matched: string, parameters: Record<string, string>}} WireEdit
 *
 * @typedef {object} Asked
 * @property {string} output
 * @property {string} value_name
 * @property {boolean} labelled whether truths are labels
 * @property {WireEdit[]} edits
 * @property {AskedImage[]} images
 *
 * One of them; `group`: which of a few it belongs to.
 * @typedef {{hash: string, truths: number[], donor: number | null, donor_class: number | null, group: string | null}} AskedImage
 *
 * Numbers of [edits, images].
 * @typedef {object} WireEdits
 * @property {Step} step
 * @property {number} wall
 * @property {number | null} epoch
 * @property {number} asked which of the answer's
 * @property {Floats} moves
 * @property {Bytes} flips
 * @property {Bytes} follows
 * @property {Floats} costs
 *
 * @typedef {{asked: Asked[], records: WireEdits[], problems: WireProblem[]}} EditsAnswer
 *
 * One edit in full: numbers of [images], and of [images, 3] for its true class, its first prediction and its donor's class.
 * @typedef {{step: Step, asked: number, heads: Floats, predicted: Floats, whole: Floats, edited: Floats}} WireEditAnswers
 *
 * @typedef {{asked: Asked[], records: WireEditAnswers[], problems: WireProblem[]}} EditAnswer
 *
 * An image as its edits make it, small PNGs.
 * @typedef {{image: number, hash: string, whole: Bytes, donor: Bytes | null, edited: {edit: string, png: Bytes}[]}} WireExample
 *
 * @typedef {{images: WireExample[], problems: WireProblem[]}} ExamplesAnswer
 */

/**
 * Ordinary scalars beside a run.
 * @typedef {{where: string, run: string, tags: string[]}} Beside
 *
 * @typedef {{steps: Reference<BigInt64Array>, walls: Doubles, values: Doubles}} ScalarAnswer
 */

export {};
