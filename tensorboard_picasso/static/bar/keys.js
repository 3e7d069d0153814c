// The keyboard.

import { isComparing, nameOf, pinned, UNPINNED } from "../shown/compare.js";
import { canSwap, swapped } from "./comparemenu.js";

/** Keys and what they do, as the help lists them. */
export const KEYS = [
  ["Space", "play or pause"],
  ["← →", "a step back or on"],
  ["Shift + ← →", "ten steps"],
  ["Home, End", "first and newest step"],
  ["p", "pin what is shown as A and compare it with what comes"],
  ["s, c", "swap A and B, stop comparing"],
  ["r", "draw a region"],
  ["Tab, then arrows", "large view: read a map out, window by window"],
  ["+ − 0", "large view: zoom in, out, whole image (also wheel over a picture, pinch)"],
  ["h j k l", "large view: move left, down, up, right (also drag)"],
  ["n, b", "large view: next image, image before"],
  ["Ctrl + Z", "undo a pin or a region (with Shift: redo)"],
  ["Esc", "close what is open"],
  ["?", "this help"],
];

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

/** Pin what is shown as A, or let go of it, and say so to those who hear the page. */
function compare(app, patch) {
  const { scene, state } = app;
  state.set(patch);
  app.say(isComparing(state) ? `A is ${nameOf(state, (target) => scene.nameOfClass(target))}` : "nothing is compared");
}

/** Elements that need the key themselves. */
function keeps(target, key) {
  if (target.matches("input[type=text], input[type=search], input[type=number], textarea")) return key !== "Escape";
  if (target.matches("select, input[type=radio], input[type=range]:not(.steps)")) return key !== "Escape";
  return key === " " && target.matches("button, summary, input[type=checkbox], a");
}

export function listenToKeys(app) {
  document.addEventListener("keydown", (event) => {
    const { key } = event;
    if ((event.ctrlKey || event.metaKey) && key.toLowerCase() === "z" && !keeps(event.target, key)) {
      const { state } = app;
      const any = event.shiftKey ? state.canRedo : state.canUndo;
      if (event.shiftKey) state.redo();
      else state.undo();
      app.say(`${any ? "" : "nothing to be "}${event.shiftKey ? "redone" : "undone"}`);
      event.preventDefault();
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || keeps(event.target, key)) return;
    const by = event.shiftKey ? 10 : 1;
    const { place, steps } = app.scene;
    const moves = { ArrowLeft: place - by, ArrowRight: place + by, Home: 0, End: steps.length - 1 };
    if (key in moves) {
      app.player.pause();
      app.seek(moves[key]);
      app.announce();
    } else if (key === " ") app.player.toggle();
    else if (key === "p" && app.scene.step !== null) compare(app, pinned(app.scene, app.state));
    else if (key === "s" && canSwap(app.scene, app.state)) compare(app, swapped(app.scene, app.state));
    else if (key === "c") compare(app, UNPINNED);
    else if (key === "r" && app.scene.every.length) app.drawing.start();
    else if (app.large.isOpen && key in ZOOMS) ZOOMS[key](app.large.zoom);
    else if (app.large.isOpen && (key === "n" || key === "b")) app.large.go(key === "n" ? 1 : -1);
    else if (key === "?") app.player.toggleHelp();
    else if (key === "Escape") {
      if (!app.drawing.cancel() && !app.player.closeMenus() && app.state.open !== null) app.open(null);
    } else return;
    event.preventDefault();
  });
}
