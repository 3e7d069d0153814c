// The rows: the means, then an image each, with their headings.

import { isComparing, nameOf } from "../shown/compare.js";
import { button, el, refill, setBreakable, setText } from "../kit/dom.js";
import { count, plural, stepText } from "../kit/format.js";
import { EditsBlock } from "../edits/block.js";
import { ImageSubject } from "./image.js";
import { Listing } from "./listing.js";
import { Means } from "./means.js";
import { Row } from "./row.js";

/** @import { Options } from "../kit/dom.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Listed } from "../shown/listed.js" */
/** @import { Rowed } from "./subject.js" */

/** All rows with their headings. */
export class Rows {
  #given;
  #means;
  /** @type {EditsBlock | null} there once edits were logged */
  #edits = null;
  #strips;
  #make;
  /** @type {Listing<number, Listed> | null} made once one step is shown alone */
  #plates = null;
  #heads = el("div", { class: "heads" });
  #now = el("span", { class: "head step now" });
  #nothing = el("p", { class: "quiet" });
  #awaited = el("p", { class: "quiet awaited", role: "status" });

  /**
   * @param {Needs<Rowed | "schedule" | "looked">} given
   * @param {(image: number) => Listed} plate an image where one step is shown alone
   */
  constructor(given, plate) {
    this.#given = given;
    this.#make = plate;
    this.#means = new Means(given);
    this.#strips = new Listing((/** @type {number} */ image) => this.#row(image), given.looked, { class: "list" });
    this.element = el("div", { class: "rows" }, this.#heads, this.#means.element, this.#nothing, this.#awaited, this.#strips.element);
    this.#strips.element.addEventListener("focusin", ({ target }) => {
      const row = target instanceof Element ? target.closest(".row") : null;
      // The keyboard came to a row: it may go on to the next one before that is in sight.
      for (const neighbour of [row?.previousElementSibling, row?.nextElementSibling]) this.#strips.of(neighbour)?.ready();
    });
  }

  /** @returns {Listing<number, Listed>} what is listed of each image: a row, or the step alone */
  get #images() {
    return this.#plates && this.#given.scene.alone ? this.#plates : this.#strips;
  }

  get cards() {
    return [...this.#means.cards, ...this.#images.cards];
  }

  /** Find out at once which rows are in sight. */
  measure() {
    this.#images.measure();
  }

  /** Whether the fixed columns of the rows in sight have all their maps. */
  get whole() {
    return this.#images.whole;
  }

  /** Images whose row is in sight. */
  get inSight() {
    return this.#images.inSight;
  }

  update() {
    const { scene } = this.#given;
    this.#means.update();
    if (!this.#edits && this.#logged) this.#makeEdits();
    this.#edits?.update();
    if (scene.alone && !this.#plates) this.#makePlates();
    this.#strips.list(scene.alone ? [] : scene.images);
    this.#plates?.list(scene.alone ? scene.images : []);
    for (const [image, row] of this.#images.rows) {
      row.stale = true;
      row.element.setAttribute("aria-label", scene.imageName(image));
    }
    this.#images.element.style.setProperty("--runs", String(scene.datas.length));
    setText(this.#nothing, this.#why());
    const { awaited } = scene;
    setText(this.#awaited, awaited ? `Not in order yet: the share of ${awaited.region} is counted in ${count(awaited.done)} of ${plural(awaited.all, "map")}.` : "");
    this.#heads.hidden = scene.alone || !scene.images.length && this.#means.element.hidden && (this.#edits?.element.hidden ?? true);
    this.#head();
  }

  /** Whether edits were logged of what is shown. */
  get #logged() {
    const { scene, store } = this.#given;
    return scene.shown.some((run) => store.edits.of(run, scene.sample)?.records.length);
  }

  #makeEdits() {
    this.#edits = new EditsBlock(this.#given, this.#heads);
    this.#means.element.after(this.#edits.element);
  }

  /** Why no image is listed, and what to do about it. */
  #why() {
    const { scene, state, store } = this.#given;
    if (scene.images.length || store.loading || store.index === null) return "";
    if (!scene.listed.length) return `No run matches “${state.filter}”.`;
    if (!scene.shown.length) return "No run is ticked: tick one on the left.";
    return scene.every.length ? "No image is listed: the View menu's choice of images leaves none." : "";
  }

  #makePlates() {
    this.#plates = new Listing((/** @type {number} */ image) => this.#make(image), this.#given.looked, { class: "plates" });
    this.#strips.element.after(this.#plates.element);
  }

  /**
   * All images of the one step, painted as far as their maps are here.
   * @returns {{elements: HTMLElement[], whole: boolean}} `whole`: they all are
   */
  all() {
    const plates = this.#plates ? [...this.#plates.rows.values()] : [];
    const painted = plates.map((plate) => plate.paint(false));
    return { elements: plates.map(({ element }) => element), whole: painted.every(Boolean) };
  }

  /** @param {number} image */
  #row(image) {
    return new Row(this.#given, new ImageSubject(this.#given, image), { class: "row", data: { image } });
  }

  #head() {
    const { scene } = this.#given;
    const comparing = isComparing(this.#given.state);
    const steps = comparing ? this.#sides() : scene.columns.map((step) =>
      setBreakable(button("", `go to step ${count(step)}`, () => this.#given.seek(scene.steps.indexOf(step)), { class: "head step" }), stepText(step)));
    refill(this.#heads, [
      el("span", { class: "head", text: "image" }),
      el("div", { class: "strip" }, ...steps, ...(comparing ? [] : [this.#now]), el("span", { class: "head spark", text: `${scene.measure} of ${scene.charted === null ? scene.truthName : scene.choiceName(scene.charted)}` })),
    ]);
    this.#title();
  }

  /** Heads of a comparison. */
  #sides() {
    const { scene, state } = this.#given;
    const name = nameOf(state, (target) => scene.nameOfClass(target));
    /** @type {(text: string, options?: Options) => HTMLElement} */
    const head = (text, options = {}) => el("span", { class: "head", text, title: text, ...options });
    const a = head(`A: ${name}`);
    return state.layout === "swipe" ? [el("span", { class: "head" }, a, el("br"), this.#now), head("B − A")] : [a, this.#now, head("B − A")];
  }

  #title() {
    const { scene } = this.#given;
    const side = isComparing(this.#given.state) ? "B" : "now";
    setBreakable(this.#now, scene.step === null ? "" : `${side}: ${count(scene.step)}`);
    this.#now.title = scene.step === null ? "" : stepText(scene.step, scene.epoch(scene.step));
  }

  /**
   * Paint the rows in sight; false while something is still loading.
   * @param {boolean} onlyNow
   */
  paint(onlyNow) {
    this.#title();
    this.#edits?.paint(onlyNow);
    const ready = this.#images.paint(onlyNow);
    // After the images, so that theirs are asked for first.
    return this.#means.paint(onlyNow) && ready;
  }

  /**
   * Give the keyboard back to an edit's row.
   * @param {string} name
   */
  focusEdit(name) {
    this.#edits?.focus(name);
  }

  /**
   * Give the keyboard back to a row's image.
   * @param {number} image
   */
  focus(image) {
    this.#images.rows.get(image)?.focus();
  }
}
