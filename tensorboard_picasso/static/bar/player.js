// The top bar: play, the slider over logged steps, a step by number, and the closed menus.

import { button, el, setText } from "../kit/dom.js";
import { stepText } from "../kit/format.js";
import { isVisible } from "../kit/host.js";
import { compareMenu } from "./comparemenu.js";
import { help } from "./help.js";
import { Menu } from "./menu.js";
import { regionMenu } from "./regionmenu.js";
import { SliceSlider } from "./slices.js";
import { viewMenu } from "./viewmenu.js";
import { stepOf } from "../kit/steps.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { Drawing } from "./drawing.js" */
/** @import { Acts } from "./viewmenu.js" */

/**
 * What the top bar does with the page.
 * @typedef {Acts & {reload: () => void, readAhead: () => void, isPainted: () => boolean}} PlayerActs
 *   `readAhead` decodes the maps of the coming steps; `isPainted`: all in sight is the current step's
 */

export class Player {
  /** @type {Needs<"scene" | "state" | "seek" | "announce" | "schedule">} */
  #given;
  /** @type {PlayerActs} */
  #acts;
  #playing = false;
  #last = 0;
  #play;
  #slider;
  #label = el("span", { class: "now" });
  #entry;
  #menus;

  /**
   * @param {Needs<"scene" | "state" | "store" | "seek" | "say" | "announce" | "schedule">} given
   * @param {Drawing} drawing
   * @param {PlayerActs} acts
   */
  constructor(given, drawing, acts) {
    this.#given = given;
    this.#acts = acts;
    this.#play = button("▶", "play", () => this.toggle(), { class: "play" });
    this.#slider = el("input", {
      type: "range", class: "steps", min: 0, max: 0, step: 1, "aria-label": "step",
      on: { input: () => (this.pause(), given.seek(Number(this.#slider.value))) },
    });
    this.#entry = el("input", {
      type: "text", inputmode: "numeric", class: "entry", "aria-label": "go to step", title: "go to the logged step at or before this one",
      on: { change: () => this.#enter(), focus: () => this.#entry.select() },
    });
    this.slices = new SliceSlider(given);
    const close = () => this.closeMenus();
    this.#menus = [
      new Menu("View", () => viewMenu(given, acts, close)), new Menu("Compare", () => compareMenu(given, close)),
      new Menu("Region", () => regionMenu(given, drawing, close)), new Menu("?", help, "help"),
    ];
    this.element = el(
      "header", { class: "top" },
      this.#play, this.#slider, this.#label,
      el("label", { class: "field" }, el("span", { text: "step" }), this.#entry),
      this.slices.element,
      button("↻", "look for new data", () => acts.reload(), { class: "reload" }),
      ...this.#menus.map((menu) => menu.element),
    );
  }

  #enter() {
    const { steps } = this.#given.scene;
    const text = this.#entry.value.replaceAll(/[,\s]/g, "");
    const asked = stepOf(text) ?? Number(text);
    const after = steps.findIndex((step) => step > asked);
    if (text !== "" && !Number.isNaN(asked)) {
      this.pause();
      this.#given.seek(after < 0 ? steps.length - 1 : after - 1);
      this.#given.announce();
    }
    this.#given.schedule("step");
    this.#entry.blur();
  }

  update() {
    const last = Math.max(this.#given.scene.steps.length - 1, 0);
    this.#slider.max = String(last);
    for (const menu of this.#menus) menu.update();
    this.#slider.disabled = this.#play.disabled = this.#entry.disabled = last === 0;
  }

  /** Show the current step. */
  move() {
    const { scene } = this.#given;
    const { step } = scene;
    const text = step === null ? "" : stepText(step, scene.epoch(step));
    this.#slider.value = String(scene.place);
    this.#slider.setAttribute("aria-valuetext", text);
    setText(this.#label, text);
    this.#entry.style.setProperty("--digits", String(Math.max(...[scene.steps[0], scene.steps.at(-1)].map((each) => String(each ?? "").length))));
    this.slices.move();
    if (document.activeElement !== this.#entry) this.#entry.value = String(step ?? "");
  }

  toggle() {
    if (this.#playing) this.pause();
    else this.#start();
  }

  #start() {
    const { scene } = this.#given;
    if (scene.steps.length < 2) return;
    if (scene.place === scene.steps.length - 1) this.#given.seek(0);
    this.#playing = true;
    this.#show();
    this.#last = performance.now();
    requestAnimationFrame((now) => this.#tick(now));
  }

  pause() {
    if (!this.#playing) return;
    this.#playing = false;
    this.#show();
    this.#given.announce();
  }

  #show() {
    setText(this.#play, this.#playing ? "❚❚" : "▶");
    this.#play.setAttribute("aria-label", this.#playing ? "pause" : "play");
    this.#play.title = this.#playing ? "pause" : "play";
  }

  /**
   * A step on when its time has come and the one on screen is complete.
   * @param {number} now
   */
  #tick(now) {
    if (!this.#playing) return;
    if (!isVisible()) return this.pause();
    const { scene, state } = this.#given;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const pause = 1000 / (calm ? Math.min(state.speed, 2) : state.speed);
    this.#acts.readAhead();
    // A little early rather than a frame late.
    if (now - this.#last >= pause - 4 && this.#acts.isPainted()) {
      this.#last = now;
      if (scene.place === scene.steps.length - 1) return this.pause();
      this.#given.seek(scene.place + 1);
    }
    requestAnimationFrame((next) => this.#tick(next));
  }

  toggleHelp() {
    this.#menus.at(-1)?.toggle();
  }

  /** Close an open menu; false where none was open. */
  closeMenus() {
    return this.#menus.map((menu) => menu.close()).includes(true);
  }
}
