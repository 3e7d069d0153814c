// The keyboard.

import { canSwap, isComparing, nameOf, pinned, swapped, UNPINNED } from "../shown/compare.js";
import { patchesOnTop } from "../shown/patch.js";

/** @import { Zoom } from "../kit/zoom.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Choices } from "../types.js" */
/** @import { Drawing } from "./drawing.js" */
/** @import { Player } from "./player.js" */

/** Keys and what they do, as the help lists them. */
export const KEYS = [
  ["Space", "play or pause"],
  ["← →", "a step back or on"],
  ["Shift + ← →", "ten steps"],
  ["Home, End", "first and newest step"],
  ["Page Up, Page Down", "volumes: the slice before, the next one (Shift: ten)"],
  ["m", "volumes: the slice where the map is strongest"],
  ["p", "pin what is shown as A and compare it with what comes"],
  ["s, c", "swap A and B, stop comparing"],
  ["r", "draw a region"],
  ["w", "what each class rests on, as patches of all images; back to the rows"],
  ["Tab, then arrows", "patches: go from one to another (Enter opens its image)"],
  ["Tab, then arrows", "large view: read a map out, window by window"],
  ["Tab, then arrows", "large view of a volume: move where the planes cross (also a click)"],
  ["+ − 0", "large view: zoom in, out, whole image (also wheel over a picture, pinch)"],
  ["h j k l", "large view: move left, down, up, right (also drag)"],
  ["n, b", "large view: next image or edit, the one before"],
  ["Ctrl + Z", "undo a pin or a region (with Shift: redo)"],
  ["Esc", "close what is open"],
  ["?", "this help"],
];

/** What is shown large. @typedef {{zoom?: Zoom, go?: (by: number) => void, close: () => void}} Sheet */

/** @type {Record<string, (zoom: Zoom) => void>} */
const ZOOMS = {
  "+": (zoom) => zoom.by(1.5),
  "=": (zoom) => zoom.by(1.5),
  "-": (zoom) => zoom.by(1 / 1.5),
  0: (zoom) => zoom.reset(),
  h: (zoom) => zoom.move(-0.2, 0),
  j: (zoom) => zoom.move(0, 0.2),
  k: (zoom) => zoom.move(0, -0.2),
  l: (zoom) => zoom.move(0.2, 0),
};

/**
 * Pin what is shown as A, or let go of it, and say so to those who hear the page.
 * @param {Needs<"scene" | "state" | "say">} given
 * @param {Partial<Choices>} patch
 */
function compare(given, patch) {
  const { scene, state } = given;
  state.set(patch);
  given.say(isComparing(state) ? `A is ${nameOf(state, (target) => scene.nameOfClass(target))}` : "nothing is compared");
}

/**
 * The patches shown on top, or where they are, the rows.
 * @param {Choices} state
 * @returns {Partial<Choices>}
 */
export function patchesTurned(state) {
  return patchesOnTop(state) ? { patches: null } : { patches: state.patches ?? "alike", open: null, edit: null };
}

/**
 * Elements that need the key themselves.
 * @param {EventTarget | null} target
 * @param {string} key
 */
function keeps(target, key) {
  if (!(target instanceof Element)) return false;
  if (target.matches("input[type=text], input[type=search], input[type=number], textarea")) return key !== "Escape";
  // The browser's own pages of a slider are tenths of it.
  if (target.matches(".slices") && (key === "PageUp" || key === "PageDown")) return false;
  if (target.matches("select, input[type=radio], input[type=range]:not(.steps)")) return key !== "Escape";
  return key === " " && target.matches("button, summary, input[type=checkbox], a");
}

/**
 * @param {Needs<"scene" | "state" | "seek" | "open" | "say" | "announce">} given
 * @param {{player: Player, drawing: Drawing, sheet: () => Sheet | null}} parts `sheet`: the one on top
 */
export function listenToKeys(given, { player, drawing, sheet }) {
  const { slices } = player;
  document.addEventListener("keydown", (event) => {
    const { key } = event;
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z" && !keeps(event.target, key)) {
      const { state } = given;
      const any = event.shiftKey ? state.canRedo : state.canUndo;
      if (event.shiftKey) state.redo();
      else state.undo();
      given.say(`${any ? "" : "nothing to be "}${event.shiftKey ? "redone" : "undone"}`);
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || keeps(event.target, key)) return;
    const by = event.shiftKey ? 10 : 1;
    const top = sheet();
    const { place, steps } = given.scene;
    /** @type {Record<string, number>} */
    const moves = { ArrowLeft: place - by, ArrowRight: place + by, Home: 0, End: steps.length - 1 };
    if (key in moves) {
      player.pause();
      given.seek(moves[key]);
      given.announce();
    } else if (slices.isShown && (key === "PageUp" || key === "PageDown")) slices.by(key === "PageUp" ? -by : by);
    else if (slices.isShown && key === "m") slices.goToStrongest();
    else if (key === " ") player.toggle();
    else if (key === "p" && given.scene.step !== null) compare(given, pinned(given.scene, given.state));
    else if (key === "s" && canSwap(given.scene, given.state)) compare(given, swapped(given.scene, given.state));
    else if (key === "c") compare(given, UNPINNED);
    else if (key === "r" && given.scene.every.length) drawing.start();
    else if (top?.zoom && key in ZOOMS) ZOOMS[key](top.zoom);
    else if (key === "w" && given.scene.images.length) given.state.set(patchesTurned(given.state));
    else if (top?.go && (key === "n" || key === "b")) top.go(key === "n" ? 1 : -1);
    else if (key === "?") player.toggleHelp();
    else if (key === "Escape") {
      if (drawing.cancel() || player.closeMenus()) return;
      if (given.state.open !== null) given.open(null);
      else top?.close();
    } else return;
    event.preventDefault();
  });
}
