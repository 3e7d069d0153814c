// What the page gives its views, of which each names what it needs: `tsc` reads this, no browser loads it.
// All views get the one object, as each names its needs in its type, `Needs<…>`: `tsc` refuses what is not named, and a
// view that makes others hands on what it got instead of repacking a narrower one for each.

/** @import { Tip } from "../kit/tip.js" */
/** @import { Scalars } from "../log/scalars.js" */
/** @import { Store } from "../log/store.js" */
/** @import { Changes } from "./changes.js" */
/** @import { Scene } from "./scene.js" */
/** @import { Shares } from "./shares.js" */
/** @import { State } from "./state.js" */
/** @import { Size } from "../types.js" */

/**
 * @typedef {object} Given
 * @property {Scene} scene what is on show
 * @property {State} state what is chosen
 * @property {Store} store what was logged
 * @property {Shares} shares of drawn regions
 * @property {Changes} changes of the maps
 * @property {Scalars} scalars
 * @property {Tip} tip what is said beside the pointer
 * @property {(place: number) => void} seek goes to a place in the list of steps
 * @property {(image: number | null) => void} open opens an image large, or (null) goes back to the rows
 * @property {(point: Point | null, aloud?: boolean) => void} hover points at a place of an image on all its
 *   maps; null: at none
 * @property {(text: string) => void} say says something to those who hear the page
 * @property {() => void} announce says to them where playback or the keyboard went
 * @property {(work: Work) => void} schedule asks for work in the next frame
 * @property {() => void} looked says that other rows came in sight
 * @property {(name: string, on: boolean) => void} mark gives the page a class, or takes it away
 */

/**
 * Join the data again (after maps' records alone: charts of other numbers stay), paint all, paint the step, draw the
 * charts again (or those alone that say what is to come).
 * @typedef {"all" | "records" | "paint" | "step" | "charts" | "pending"} Work
 *
 * What is read out under the pointer.
 * @typedef {object} Readable
 * @property {(point: Within) => Box | null} windowAt
 * @property {(point: Within) => string[] | null} readout
 *
 * A place in an image, 0 to 1 along each side.
 * @typedef {{x: number, y: number}} Within
 *
 * A part of an image, as parts of its sides; `edge`: its outline where it is no rectangle, in pixels of an image of a size.
 * @typedef {{left: number, top: number, width: number, height: number, edge?: Size & {path: string}}} Box
 *
 * A place pointed at, in the window's pixels too; `image`: what all its pictures are known by.
 * @typedef {Within & {image: number | string | null, card: Readable, clientX: number, clientY: number}} Point
 */

/**
 * What a view needs of all that.
 * @template {keyof Given} Names
 * @typedef {Pick<Given, Names>} Needs
 */

export {};
