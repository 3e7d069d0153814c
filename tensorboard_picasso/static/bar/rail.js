// The left rail: which runs and which probe are shown.

import { runColour } from "../kit/chart.js";
import { el, refill, setText } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { filterTest } from "../shown/finding.js";

/** @import { Needs } from "../shown/given.js" */

export class Rail {
  #given;
  #runs = el("ul", { class: "runs" });
  #others = el("div", {});
  #probes = el("div", { class: "probes" });
  #filter;
  #count = el("span", { class: "count" });
  #wrong = el("div", { class: "wrong", role: "alert" });
  #about = el("p", { class: "quiet" });
  #made = "";

  /** @param {Needs<"scene" | "state">} given */
  constructor(given) {
    this.#given = given;
    this.#filter = el("input", {
      type: "search", placeholder: "filter runs (regex)", "aria-label": "filter runs, a regular expression",
      value: given.state.filter, on: { input: () => given.state.set({ filter: this.#filter.value }) },
    });
    this.element = el(
      "nav", { class: "rail", "aria-label": "runs and probes" },
      el("h2", {}, el("span", { text: "Runs" }), this.#count), this.#filter, this.#wrong, this.#runs, this.#others, this.#probes,
    );
  }

  update() {
    const { scene, state } = this.#given;
    const good = filterTest(state.filter) !== null;
    setText(this.#wrong, good ? "" : "not a regular expression");
    if (this.#filter !== document.activeElement) this.#filter.value = state.filter;
    this.#filter.setAttribute("aria-invalid", String(!good));
    setText(this.#about, scene.every.length ? `${plural(scene.every.length, "image")}, the same in each record. Whether training saw them is not in the log.` : "");
    const now = JSON.stringify([scene.listed, scene.shown, scene.others, scene.probes, scene.probe]);
    if (now === this.#made) return;
    this.#made = now;
    setText(this.#count, scene.shown.length < scene.runs.length ? ` ${scene.shown.length} of ${scene.runs.length} shown` : "");
    refill(this.#runs, scene.listed.map((run) => this.#run(run)));
    this.#others.replaceChildren(...(scene.others.length
      ? [el("p", { class: "quiet", title: scene.others.join("\n"), text: `${plural(scene.others.length, "run")} without this probe` })] : []));
    const probes = scene.probes.map((probe) => {
      const input = el("input", { type: "radio", name: "probe", checked: probe === scene.probe, on: { change: () => state.set({ probe, open: null, target: null, pinTarget: null }) } });
      return el("label", {}, input, el("span", { text: probe, title: probe }));
    });
    refill(this.#probes, probes.length ? [el("h2", { text: "Probe: the images watched" }), ...probes, this.#about] : []);
  }

  /** @param {string} run */
  #run(run) {
    const { scene } = this.#given;
    const input = el("input", {
      type: "checkbox", checked: scene.shown.includes(run), data: { run },
      on: { change: () => this.#choose(run, input.checked) },
    });
    const colour = el("span", { class: "swatch", style: { background: runColour(scene.runs, run) } });
    return el("li", {}, el("label", { title: run }, input, colour, el("span", { class: "name", text: run })));
  }

  /** @param {string} run @param {boolean} on */
  #choose(run, on) {
    const { scene, state } = this.#given;
    const others = (state.runs ?? scene.shown).filter((each) => each !== run);
    state.set({ runs: on ? [...others, run] : others });
  }
}
