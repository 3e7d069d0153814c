// One edit large: its curve over all steps of all runs, its numbers now, and the images it was made of.

import { EditChart } from "./editchart.js";
import { EditImages } from "./editimages.js";
import { EditNumbers } from "./editnumbers.js";
import { button, el, refill, setText } from "../kit/dom.js";
import { stepText } from "../kit/format.js";
import { taking } from "../kit/taking.js";
import { hidingName, hidings } from "../numbers/hidden.js";
import { amongOf, countedOf } from "../shown/among.js";
import { namesByMoves } from "../shown/editpoints.js";
import { editTable } from "../shown/edittable.js";

/** @import { Edits } from "../log/edits.js" */
/** @import { Needs } from "../shown/given.js" */

/**
 * What it needs of the page.
 * @typedef {"scene" | "state" | "store" | "seek" | "open" | "say" | "mark" | "tip"} Edited
 *
 * A run, and the edits that were logged of it; `place`: of the one that is shown, -1 where it was not asked.
 * @typedef {{run: string, edits: Edits, place: number}} Asked
 */

export class LargeEdit {
  #given;
  #back;
  /** @type {string | null} */
  #name = null;
  /** @type {Asked[]} */
  #asked = [];
  #title = el("h2", { tabindex: -1, id: "edit-title" });
  #step = el("span", { class: "quiet" });
  #about = el("p", { class: "quiet" });
  #tested = el("p", { class: "acts" });
  /** @type {EditChart | null} made once it is looked at */
  #chart = null;
  #plot = el("div", {});
  #numbers;
  #images;

  /** @param {Needs<Edited>} given @param {(name: string) => void} back gives the keyboard back to an edit's row */
  constructor(given, back) {
    this.#given = given;
    this.#back = back;
    this.#numbers = new EditNumbers(given);
    this.#images = new EditImages(given);
    this.element = el(
      "section", { class: "sheet edit", role: "dialog", "aria-labelledby": "edit-title", hidden: true },
      el("div", { class: "bar" },
        button("←", "back to all rows", () => this.close(), { class: "back" }), this.#title, this.#step,
        button("‹", "edit before (key b)", () => this.go(-1)), button("›", "next edit (key n)", () => this.go(1))),
      this.#about, this.#tested, this.#plot, this.#taking(), this.#numbers.element, this.#images.element,
    );
  }

  /** Whether an edit is chosen: an image may be open before it. */
  get isChosen() {
    return this.#name !== null;
  }

  get isOpen() {
    return !this.element.hidden;
  }

  close() {
    this.#given.state.set({ edit: null });
  }

  /** All that were logged, those that move the answers most first. */
  get #names() {
    return namesByMoves(this.#logged.map(({ edits }) => edits), amongOf(this.#given));
  }

  get #logged() {
    const { scene, store } = this.#given;
    return scene.shown.flatMap((run) => {
      const edits = store.edits.of(run, scene.sample);
      return edits?.records.length ? [{ run, edits }] : [];
    });
  }

  /**
   * Open the edit so many places on.
   * @param {number} by
   */
  go(by) {
    const names = this.#names;
    if (this.#name !== null) this.#given.state.set({ edit: names[(names.indexOf(this.#name) + by + names.length) % names.length] });
  }

  update() {
    const { scene, state } = this.#given;
    const before = this.#name;
    const name = this.#names.find((each) => each === state.edit) ?? null;
    const covered = scene.images.some((image) => image === state.open);
    this.#name = name;
    this.element.hidden = name === null || covered;
    this.#given.mark("edited", name !== null);
    if (name === null) {
      if (before !== null) this.#back(before);
      return;
    }
    this.#asked = this.#logged.map((each) => ({ ...each, place: each.edits.asked.edits.findIndex((edit) => edit.name === name) }));
    setText(this.#title, name);
    setText(this.#about, this.#aboutText());
    refill(this.#tested, this.#testedElsewhere());
    this.#chart ??= this.#makeChart();
    this.#chart.update(name, this.#asked);
    this.#numbers.update(this.#asked);
    this.#images.update(name, this.#asked);
    if (name === before || covered) return;
    // From edit to edit the keyboard stays where it is.
    if (before !== null && this.element.contains(document.activeElement)) this.#given.say(name);
    else this.#title.focus({ preventScroll: true });
  }

  #makeChart() {
    const chart = new EditChart(this.#given);
    this.#plot.append(chart.element);
    return chart;
  }

  /** The curve as a picture, and all of its numbers. */
  #taking() {
    const { scene } = this.#given;
    return taking({
      name: () => `${scene.sample} edit ${this.#name}`,
      parts: () => (this.#name === null ? [] : [this.#title, this.#about, this.#plot]),
      rows: () => {
        const elsewhere = this.#asked.flatMap(({ edits, place }) => (place < 0 ? [] : edits.references(edits.asked.edits[place]).map((at) => edits.asked.edits[at].name)));
        return editTable(this.#asked, [...new Set([this.#name ?? "", ...elsewhere])], ({ records }) => records, countedOf(this.#given, this.#asked[0].run));
      },
    });
  }

  /** Where the region that it hides or swaps is hidden in the maps' probe too: a chart of that. */
  #testedElsewhere() {
    const { scene, state } = this.#given;
    const regions = new Set(this.#asked.flatMap(({ edits, place }) => edits.asked.edits[place]?.region || []));
    return hidings(scene).filter(({ region }) => regions.has(region)).map((each) => {
      const chart = () => state.set({ charts: [`hidden:${each.region}:${each.fill}`], edit: null });
      return button(`chart ${scene.probe} with ${hidingName(each)} hidden`, "go to the maps, with that in the timeline", chart);
    });
  }

  /** What it takes away, and how. */
  #aboutText() {
    const { edits, place } = this.#asked.find((each) => each.place >= 0) ?? this.#asked[0];
    const { takes, parameters } = edits.asked.edits[place];
    const settings = Object.entries(parameters).map(([key, value]) => `${key} ${value}`).join(", ");
    return `Takes away ${takes}${settings && ` (${settings})`}. Does the answer survive that? An edit is a question, not a verdict.`;
  }

  paint() {
    if (!this.isOpen) return true;
    const { scene } = this.#given;
    setText(this.#step, scene.step === null ? "" : stepText(scene.step, scene.epoch(scene.step)));
    this.#chart?.move();
    this.#numbers.paint();
    return this.#images.paint();
  }

  /**
   * Give the keyboard back to an image.
   * @param {number} image
   */
  focus(image) {
    this.#images.focus(image);
  }
}
