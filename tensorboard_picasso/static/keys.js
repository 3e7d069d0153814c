// The keyboard.

import { isComparing, pinned, UNPINNED } from "./compare.js";
import { swapped } from "./comparemenu.js";

/** Keys and what they do, as the help lists them. */
export const KEYS = [
  ["Space", "play or pause"],
  ["← →", "a step back or on"],
  ["Shift + ← →", "ten steps"],
  ["Home, End", "first and newest step"],
  ["p", "pin what is shown as A and compare it with what comes"],
  ["s, c", "swap A and B, stop comparing"],
  ["Esc", "close what is open"],
  ["?", "this help"],
];

/** Elements that need the key themselves. */
function keeps(target, key) {
  if (target.matches("input[type=text], input[type=search], input[type=number], textarea")) return key !== "Escape";
  if (target.matches("select, input[type=radio], input[type=range]:not(.steps)")) return key !== "Escape";
  return key === " " && target.matches("button, summary, input[type=checkbox], a");
}

export function listenToKeys(app) {
  document.addEventListener("keydown", (event) => {
    const { key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || keeps(event.target, key)) return;
    const by = event.shiftKey ? 10 : 1;
    const { place, steps } = app.scene;
    const moves = { ArrowLeft: place - by, ArrowRight: place + by, Home: 0, End: steps.length - 1 };
    if (key in moves) {
      app.player.pause();
      app.seek(moves[key]);
      app.announce();
    } else if (key === " ") app.player.toggle();
    else if (key === "p" && app.scene.step !== null) app.state.set(pinned(app.scene, app.state));
    else if (key === "s" && isComparing(app.state)) app.state.set(swapped(app.scene, app.state));
    else if (key === "c") app.state.set(UNPINNED);
    else if (key === "?") app.player.toggleHelp();
    else if (key === "Escape") {
      if (!app.player.closeMenus() && app.state.open !== null) app.open(null);
    } else return;
    event.preventDefault();
  });
}
