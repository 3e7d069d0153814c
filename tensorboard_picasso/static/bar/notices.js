// What went wrong, in sight: failed requests with a way to try again, records that cannot be read.

import { button, el, refill } from "../kit/dom.js";
import { messageOf, plural } from "../kit/format.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { Problem } from "../types.js" */

const SHOWN = 20;

/** @param {Problem} problem */
function where({ image, group, source }) {
  if (image !== undefined) return `image ${image}, ${source}`;
  if (group === undefined) return `all images, ${source}`;
  if (group === null) return `${source}, whole probe`;
  return `${source}, ${typeof group === "string" ? "group" : "class"} ${group}`;
}

export class Notices {
  #given;
  #open = false;
  /** @type {string | null} */
  #broken = null;

  /** @param {Needs<"scene" | "store">} given */
  constructor(given) {
    this.#given = given;
    this.element = el("div", { class: "notices" });
  }

  /**
   * The page itself failed at something.
   * @param {string} what
   * @param {unknown} error
   */
  broken(what, error) {
    this.#broken = `${what}: ${messageOf(error)}`;
    this.update();
  }

  update() {
    const { scene, store } = this.#given;
    // Many requests may fail for one reason: it is said once, and all are tried again.
    const errors = [...new Set([...store.errors.values()].map(({ message }) => message))].map((message) =>
      el("div", { class: "error", role: "alert" }, el("span", { text: message }), button("Retry", "try again", () => this.#retry(message))));
    const problems = [
      // What is said of steps stands in the remarks on the runs that are shown.
      ...(store.index?.problems ?? []).filter((each) => each.problem === "series").map((each) => `${each.run}, ${each.tag}: ${each.message}`),
      ...scene.datas.flatMap((data) => [...data.problems.values()].flat()
        .map((each) => `${data.run}, ${where(each)}, step ${each.step}: ${each.message}`)),
      ...scene.shown.flatMap((run) => (store.edits.of(run, scene.sample)?.problems ?? []).map((each) => `${run}, edits of ${scene.sample}, step ${each.step}: ${each.message}`)),
    ];
    const broken = this.#broken && el("div", { class: "error", role: "alert", text: this.#broken });
    const remarks = scene.datas.flatMap((data) => data.remarks.map((text) => el("p", { class: "remarks quiet", text: `${data.run}: ${text}` })));
    const next = el("div", {}, broken, ...errors, problems.length ? this.#list(problems) : null, ...remarks);
    // An alert that is put in again is read aloud again.
    if (next.textContent !== this.element.textContent) refill(this.element, next.childNodes);
  }

  /** @param {string} message */
  #retry(message) {
    for (const error of [...this.#given.store.errors.values()]) if (error.message === message) error.retry();
  }

  /** @param {string[]} problems */
  #list(problems) {
    const more = problems.length > SHOWN ? [el("li", { text: `and ${problems.length - SHOWN} more` })] : [];
    const list = el("ul", {}, ...problems.slice(0, SHOWN).map((text) => el("li", { text })), ...more);
    const details = el("details", { class: "problems", open: this.#open }, el("summary", { text: `${plural(problems.length, "record")} cannot be read` }), list);
    details.addEventListener("toggle", () => (this.#open = details.open));
    return details;
  }
}
