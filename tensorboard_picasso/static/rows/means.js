// The first rows: the mean over the probe, and behind a disclosure the means over its classes and groups.

import { meansFit } from "../shown/compare.js";
import { button, el, setText } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { Listing } from "./listing.js";
import { classOf, MeanSubject } from "./mean.js";
import { Row } from "./row.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { Scene } from "../shown/scene.js" */
/** @import { State } from "../shown/state.js" */
/** @import { MeanGroup } from "../types.js" */
/** @import { Rowed } from "./subject.js" */

/**
 * Why the means do not fit what the page shows; null where they do.
 * @param {Scene} scene
 * @param {State} state
 */
function whyNot(scene, state) {
  if (scene.reading !== "importance") return "it is of the importance";
  return meansFit(scene, state) ? null : `it is for ${classOf(scene.labelled)}`;
}

/** All rows of means of the method on show; nothing where it has none. */
export class Means {
  #given;
  /** @type {Map<MeanGroup, MeanSubject>} */
  #subjects = new Map();
  #listing;
  #note = el("span");
  #other;
  #told = el("p", { class: "quiet" });
  #opener;

  /** @param {Needs<Rowed | "schedule">} given */
  constructor(given) {
    this.#given = given;
    this.#opener = button("", "means over the classes and groups", () => this.#toggle(), { class: "classes", "aria-controls": "means" });
    const show = button("show it", "show the mean over the probe", () => given.state.set({ reading: "importance", target: null, pinTarget: null }));
    this.#other = el("p", { class: "other quiet" }, this.#note, show);
    this.#listing = new Listing((/** @type {MeanGroup} */ group) => this.#make(group), () => given.schedule("paint"), { id: "means" });
    this.element = el("div", { class: "means" }, this.#other, this.#listing.element);
  }

  get cards() {
    return this.#listing.cards;
  }

  #toggle() {
    const { state } = this.#given;
    state.set({ means: state.means === "classes" ? "probe" : "classes" });
  }

  update() {
    const { scene, state } = this.#given;
    const { groups } = scene;
    const why = whyNot(scene, state);
    this.element.hidden = !groups.length;
    this.#other.hidden = why === null;
    setText(this.#note, `The mean over the probe is not shown: ${why}. `);
    const opened = state.means === "classes";
    const counted = { "class mean": "number", "group mean": "string" };
    const parts = Object.entries(counted).flatMap(([name, type]) => {
      const { length } = groups.filter((group) => typeof group === type);
      return length ? [plural(length, name)] : [];
    });
    this.#opener.hidden = !parts.length;
    setText(this.#opener, `${opened ? "▾" : "▸"} ${parts.join(", ")}`);
    this.#opener.setAttribute("aria-expanded", String(opened));
    setText(this.#told, `Mean importance for ${classOf(scene.labelled)}: it suggests a region to test.`);
    this.#listing.list(why === null ? groups.filter((group) => group === null || opened) : []);
    for (const [group, row] of this.#listing.rows) {
      const subject = this.#subjects.get(group);
      if (subject) subject.said = group === null ? [this.#told, this.#opener] : [];
      row.update();
    }
  }

  /** @param {MeanGroup} group */
  #make(group) {
    const subject = new MeanSubject(this.#given, group);
    this.#subjects.set(group, subject);
    const name = group === null ? "mean over the probe" : `mean over ${this.#given.scene.nameOfMean(group)}`;
    return new Row(this.#given, subject, { class: "row mean", data: { group: group ?? "probe" }, "aria-label": name });
  }

  /**
   * Paint the rows in sight; false while something is still loading.
   * @param {boolean} onlyNow
   */
  paint(onlyNow) {
    return this.#listing.paint(onlyNow);
  }
}
