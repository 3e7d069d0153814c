// The top bar: play, the slider over logged steps, a step by number, and the closed menus.

import { compareMenu } from "./comparemenu.js";
import { button, el, setText } from "../kit/dom.js";
import { stepText } from "../kit/format.js";
import { isVisible } from "../kit/host.js";
import { help, Menu, viewMenu } from "./menus.js";
import { regionMenu } from "./regionmenu.js";
import { stepOf } from "../kit/steps.js";

export class Player {
  #app;
  #playing = false;
  #last = 0;
  #play;
  #slider;
  #label = el("span", { class: "now" });
  #entry;
  #menus;

  constructor(app) {
    this.#app = app;
    this.#play = button("▶", "play", () => this.toggle(), { class: "play" });
    this.#slider = el("input", {
      type: "range", class: "steps", min: 0, max: 0, step: 1, "aria-label": "step",
      on: { input: () => (this.pause(), app.seek(Number(this.#slider.value))) },
    });
    this.#entry = el("input", {
      type: "text", inputmode: "numeric", class: "entry", "aria-label": "go to step", title: "go to the logged step at or before this one",
      on: { change: () => this.#enter(), focus: () => this.#entry.select() },
    });
    this.#menus = [
      new Menu("View", () => viewMenu(app)), new Menu("Compare", () => compareMenu(app)),
      new Menu("Region", () => regionMenu(app)), new Menu("?", help, "help"),
    ];
    this.element = el(
      "header", { class: "top" },
      this.#play, this.#slider, this.#label,
      el("label", { class: "field" }, el("span", { text: "step" }), this.#entry),
      button("↻", "look for new data", () => app.reload(), { class: "reload" }),
      ...this.#menus.map((menu) => menu.element),
    );
  }

  #enter() {
    const { steps } = this.#app.scene;
    const text = this.#entry.value.replaceAll(/[,\s]/g, "");
    const asked = stepOf(text) ?? Number(text);
    const after = steps.findIndex((step) => step > asked);
    if (text !== "" && !Number.isNaN(asked)) {
      this.pause();
      this.#app.seek(after < 0 ? steps.length - 1 : after - 1);
      this.#app.announce();
    }
    this.#app.schedule("step");
    this.#entry.blur();
  }

  update() {
    const last = Math.max(this.#app.scene.steps.length - 1, 0);
    this.#slider.max = last;
    for (const menu of this.#menus) menu.update();
    this.#slider.disabled = this.#play.disabled = this.#entry.disabled = last === 0;
  }

  /** Show the current step. */
  move() {
    const { scene } = this.#app;
    const { step } = scene;
    const text = step === null ? "" : stepText(step, scene.epoch(step));
    this.#slider.value = scene.place;
    this.#slider.setAttribute("aria-valuetext", text);
    setText(this.#label, text);
    this.#entry.style.setProperty("--digits", Math.max(...[scene.steps[0], scene.steps.at(-1)].map((each) => String(each ?? "").length)));
    if (document.activeElement !== this.#entry) this.#entry.value = step ?? "";
  }

  toggle() {
    if (this.#playing) this.pause();
    else this.#start();
  }

  #start() {
    const { scene } = this.#app;
    if (scene.steps.length < 2) return;
    if (scene.place === scene.steps.length - 1) this.#app.seek(0);
    this.#playing = true;
    this.#show();
    this.#last = performance.now();
    requestAnimationFrame((now) => this.#tick(now));
  }

  pause() {
    if (!this.#playing) return;
    this.#playing = false;
    this.#show();
    this.#app.announce();
  }

  #show() {
    setText(this.#play, this.#playing ? "❚❚" : "▶");
    this.#play.setAttribute("aria-label", this.#playing ? "pause" : "play");
    this.#play.title = this.#playing ? "pause" : "play";
  }

  /** A step on when its time has come and the one on screen is complete. */
  #tick(now) {
    if (!this.#playing) return;
    if (!isVisible()) return this.pause();
    const { scene, root, state } = this.#app;
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const pause = 1000 / (calm ? Math.min(state.speed, 2) : state.speed);
    this.#app.readAhead();
    // A little early rather than a frame late.
    if (now - this.#last >= pause - 4 && root.dataset.step === String(scene.step)) {
      this.#last = now;
      if (scene.place === scene.steps.length - 1) return this.pause();
      this.#app.seek(scene.place + 1);
    }
    requestAnimationFrame((next) => this.#tick(next));
  }

  toggleHelp() {
    this.#menus.at(-1).toggle();
  }

  /** Close an open menu; false where none was open. */
  closeMenus() {
    return this.#menus.map((menu) => menu.close()).includes(true);
  }
}
