// The shapes that rooms hand to each other, declared once: `tsc` reads them, no browser loads this.

/**
 * A training step: a number where that holds it exactly, else a BigInt; see kit/steps.js.
 * @typedef {number | bigint} Step
 *
 * One of the ways in which the same stored numbers are shown.
 * @typedef {"importance" | "score" | "evidence"} Reading
 *
 * Whether zero lies in the middle, and what stands on either side of it.
 * @typedef {"contribution" | "direction" | "unsigned"} Sign
 *
 * Which part of the map a region has a share of.
 * @typedef {"positive" | "negative" | "absolute"} Part
 *
 * @typedef {object} Size
 * @property {number} height pixels; of a volume those of its sheet, all slices beneath each other
 * @property {number} width pixels
 * @property {number} [depth] slices of a volume; a picture has none
 *
 * Which way a volume is cut: across its depth, its height or its width.
 * @typedef {"axial" | "coronal" | "sagittal"} CutPlane
 *
 * One slice; `index` from 0 on, across the plane.
 * @typedef {{depth: number, plane: CutPlane, index: number}} Cut
 *
 * Where a grid's windows lie, or segments in their place: then there are no tops and lefts.
 * @typedef {object} Windows
 * @property {number[]} tops first rows, ascending; of a volume within a slice
 * @property {number[]} lefts first columns, ascending
 * @property {number[]} window height and width
 * @property {number[]} [fronts] first slices, ascending, of a volume
 * @property {number} [window_depth] slices of each of its windows
 * @property {Segments} [segments]
 *
 * The segment of each pixel, from 0 on, -1: of none; `key` tells them apart.
 * @typedef {{key: string, count: number, labels: Int16Array}} Segments
 *
 * @typedef {Windows & {classes: number[]}} Geometry
 *
 * What is painted.
 * @typedef {Size & {geometry: Windows | null}} Canvas
 */

// What was logged, as docs/extending/http_api.md has it.

/**
 * Numbers that stand behind the header of an answer; `of` is never there, it says what they are read as.
 * @template [Read=unknown]
 * @typedef {{at: number, length: number, type: string, of?: Read}} Reference
 */

/**
 * A logged region, and what its numbers are to be compared with; null where that is not known.
 * @typedef {object} Compared
 * @property {string} name
 * @property {number} area
 * @property {number | null} ceiling
 * @property {number | null} tolerance of the pointing game, pixels
 * @property {number | null} chance_pointing what maps give that have nothing to do with it
 * @property {number | null} chance_iou likewise
 *
 * A region's share of a map, each part NaN where the map has none.
 * @typedef {Record<Part, number>} Shares
 *
 * Where the strongest pixels of a map lie, and of the map of a second seed its share too; NaN where that is not known.
 * @typedef {Record<"pointing" | "iou" | Part, number>} Located
 *
 * What repeats from record to record of a method.
 * @typedef {object} Settings
 * @property {string} method
 * @property {Sign} sign
 * @property {string} unit
 * @property {string} [score] what was explained
 * @property {string} output "raw": plain values
 * @property {string} layer "" where none is meant
 * @property {Step | null} seed
 * @property {Record<string, string>} parameters
 * @property {number} height pixels
 * @property {number} width pixels
 * @property {number} [depth] as of `Size`
 * @property {string | null} precision
 * @property {Compared[]} regions
 * @property {Geometry | null} geometry null: maps, and no grid
 *
 * An image that a mean is over, and the class that its importance is for.
 * @typedef {{image: number, target: number, hash: string}} Member
 *
 * @typedef {object} MeanSettings
 * @property {string} method
 * @property {Sign} sign
 * @property {string} unit
 * @property {string} [score]
 * @property {string} output
 * @property {Record<string, string>} parameters
 * @property {number} height pixels
 * @property {number} width pixels
 * @property {number} [depth] as of `Size`
 * @property {boolean} labelled whether the classes are labels, or predictions
 * @property {Member[]} members
 * @property {Compared[]} regions
 * @property {Windows} geometry
 *
 * An image as it was given.
 * @typedef {object} Input
 * @property {Step} step
 * @property {number} wall
 * @property {string} hash
 * @property {string} name
 * @property {number | null} label
 * @property {number[] | null} labels where any number of classes may be true
 * @property {number | null} source_index
 * @property {string | null} group which of a few it belongs to
 * @property {string[]} class_names
 * @property {number} height pixels
 * @property {number} width pixels
 * @property {number} [depth] as of `Size`
 * @property {Uint8Array<ArrayBuffer> | null} png
 * @property {boolean} display whether it is shown by another picture
 * @property {Outlined[]} regions
 * @property {Uint8Array | null} unseen 1 where the model never looks
 *
 * A region of a picture.
 * @typedef {{name: string, mask: Uint8Array}} Outlined
 *
 * What is known of a picture beside its pixels.
 * @typedef {Size & {unseen: Uint8Array | null, regions: Outlined[]}} Framed
 *
 * What the model says with a region hidden; null where it is not known.
 * @typedef {object} Hidden
 * @property {string} region
 * @property {string} fill
 * @property {Float32Array} values as those of the whole image
 * @property {number | null} moves 0 to 1
 * @property {boolean | null} flips
 * @property {number | null} predicted
 *
 * What the model says of an image at a step.
 * @typedef {object} Answer
 * @property {Step} step
 * @property {Hidden[]} hidden
 * @property {number | null} predicted null: no score is a number
 * @property {number[] | null} prediction all that are predicted
 * @property {(index: number | number[], values?: Float32Array) => number} score
 *
 * A map at a step, from its statistics and, where it is here, its grid.
 * @typedef {object} MapRecord
 * @property {Step} step
 * @property {number} wall
 * @property {string} hash of the image
 * @property {Settings} settings
 * @property {number[]} explained classes
 * @property {Float32Array | null} whole
 * @property {Float32Array | null} grid
 * @property {Map<number | string, number>} peaks what was found already
 * @property {(target: number) => Float64Array | null} column one value a window
 * @property {(target: number) => number} wholeOf
 * @property {(target: number) => Statistics | null} statistics
 * @property {(target: number) => number} peak
 *
 * Of one map over its finite values, by the names that answers give; of means without `whole`.
 * @typedef {Record<string, number> & {whole: number, shares: (Compared & Shares)[]}} Statistics
 *
 * A map at full resolution.
 * @typedef {object} Plane
 * @property {Float32Array} values one a pixel
 * @property {number} peak
 * @property {string} precision
 * @property {Uint8Array | null} unseen
 */

/**
 * Records of one thing over training.
 * @template T
 * @typedef {{records: T[], steps: Map<Step, T>}} Series
 */

/**
 * Whose images a mean is over: a class's, a group's by its name, or (null) the whole probe's.
 * @typedef {number | string | null} MeanGroup
 *
 * What cannot be read: of an image, or of the mean over a group.
 * @typedef {object} Problem
 * @property {number} [image]
 * @property {MeanGroup} [group]
 * @property {Step} step
 * @property {"damaged" | "newer" | "refused"} problem
 * @property {string} message
 * @property {string} source what it is of: a method, or a kind of records
 *
 * The pixels under a map, or why there are none.
 * @typedef {{state: "ready", pixels: ImageData, grey: Uint8Array} | {state: "loading" | "not kept" | "failed" | "damaged"}} Ground
 */

// What is chosen.

/**
 * A class, or a word for each image's own or its prediction; null: its own.
 * @typedef {number | "own" | "predicted" | null} Choice
 *
 * What the user chose, as state.js has it in the URL; null: left to the data.
 * @typedef {object} Choices
 * @property {string} filter
 * @property {string[] | null} runs
 * @property {string | null} probe
 * @property {Step | null} step null: the newest
 * @property {string | null} method
 * @property {Exclude<Choice, "own">} target
 * @property {Reading} reading
 * @property {string} signedPalette
 * @property {string} plainPalette
 * @property {number} opacity
 * @property {"shared" | "step" | "map"} scale
 * @property {"small" | "medium" | "large"} size
 * @property {number} speed steps a second
 * @property {string} find
 * @property {number | null} ofClass
 * @property {string | null} ofGroup
 * @property {number | null} asClass
 * @property {"all" | "right" | "wrong"} verdict
 * @property {string} sort
 * @property {"strips" | "grid"} density
 * @property {"steps" | "step" | null} page null: one step alone where there is but one
 * @property {"probe" | "classes"} means
 * @property {"alike" | "strongest" | "listed" | null} patches in which order they stand; null: not shown
 * @property {Step | null} patchesAt the step that the order is found at, null: the newest
 * @property {"none" | "some"} around how much is shown around a patch
 * @property {"few" | "all" | "none"} edits
 * @property {string | null} edit
 * @property {"moves" | "flips" | "follows" | "costs" | null} measure
 * @property {Step | null} pin
 * @property {string | null} pinRun
 * @property {Choice} pinTarget
 * @property {string | null} pinMethod
 * @property {"side" | "swipe"} layout
 * @property {number} swipe
 * @property {number[]} zoom scale, left and top
 * @property {number | null} slice of the deepest volume, from 0 on; null: the middle one
 * @property {number[]} cross where the planes cross a slice: row and column, as parts of its sides
 * @property {"step" | "share"} align
 * @property {readonly Rectangle[]} regions
 * @property {"originals" | "drawn" | "all" | "none"} outlines
 * @property {"log" | "even" | "change"} film
 * @property {number} frames
 * @property {string[] | null} charts
 * @property {number | null} of
 * @property {"order" | "step" | "log" | "epoch" | "wall"} x
 * @property {number | null} open
 *
 * A drawn region's rectangle.
 * @typedef {object} Rectangle
 * @property {string} probe
 * @property {string} name
 * @property {number} top first row, pixels
 * @property {number} left first column, pixels
 * @property {number} height pixels
 * @property {number} width pixels
 * @property {number[]} images ascending
 *
 * Where it lies.
 * @typedef {{top: number, left: number, height: number, width: number}} Place
 */

export {};
