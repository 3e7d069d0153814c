// What the answer survives: a row an edit of the images, most first, with how far it moves the answers.

import { runColour } from "../kit/chart.js";
import { button, el, put, setText } from "../kit/dom.js";
import { plural } from "../kit/format.js";
import { amongOf, amongText, countedOf, whyAllGroups } from "../shown/among.js";
import { namesByMoves } from "../shown/editpoints.js";
import { taking } from "../kit/taking.js";
import { editTable } from "../shown/edittable.js";
import { hardly, most } from "./most.js";
import { EditRow } from "./row.js";

/** @import { Edits } from "../log/edits.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Logged } from "./row.js" */

const FEW = 6; // rows
const SAID = 3; // runs: of more the rows alone tell
const REST = 60; // milliseconds without another step, before intervals are found
const SLICE = 8; // milliseconds of finding them between two frames

export class EditsBlock {
  #given;
  /** @type {Map<string, EditRow>} */
  #rows = new Map();
  /** @type {EditRow[]} */
  #shown = [];
  #opener;
  #told = el("p", { class: "quiet" });
  #most = el("div", { class: "most" });
  #hardly = el("p", { class: "hardly" });
  #key = el("div", { class: "key" });
  #list = el("div", { class: "editlist", id: "edits" });
  #more;
  #timer = 0;
  #resting = "";

  #taken;

  /** @param {Needs<"scene" | "state" | "store">} given @param {HTMLElement} heads over the columns */
  constructor(given, heads) {
    this.#given = given;
    this.#taken = this.#taking(heads);
    this.#opener = button("", "show or hide what the answer survives", () => this.#toggle("none"), { class: "opener", "aria-controls": "edits", "aria-label": null });
    this.#more = button("", "show all edits, or the first ones", () => this.#toggle("all"), { class: "more", "aria-controls": "edits", "aria-label": null });
    this.element = el("section", { class: "edits", "aria-label": "what the answer survives" }, el("h2", {}, this.#opener), this.#told, this.#most, this.#hardly, this.#key, this.#list, this.#more, this.#taken);
  }

  /** @param {"all" | "none"} to where it is not there yet; else back to the first ones */
  #toggle(to) {
    const { state } = this.#given;
    state.set({ edits: state.edits === to ? "few" : to });
  }

  /** What runs were asked, each with its name. */
  #logged() {
    const { scene, store } = this.#given;
    return scene.shown.flatMap((run) => {
      const edits = store.edits.of(run, scene.sample);
      return edits?.records.length ? [{ run, edits }] : []; // all may be damaged
    });
  }

  update() {
    const { state } = this.#given;
    const logged = this.#logged();
    this.#resting = "";
    const open = state.edits !== "none";
    this.element.hidden = !logged.length;
    this.#list.hidden = !open;
    setText(this.#opener, `${open ? "▾" : "▸"} What the answer survives`);
    this.#opener.setAttribute("aria-expanded", String(open));
    const names = open ? namesByMoves(logged.map(({ edits }) => edits), amongOf(this.#given)) : [];
    const few = state.edits === "all" ? names : names.slice(0, FEW);
    this.#shown = few.map((name) => {
      const row = this.#rows.get(name) ?? new EditRow(this.#given, name);
      this.#rows.set(name, row);
      row.update(logged);
      return row;
    });
    put(this.#list, this.#shown.map((row) => row.element));
    this.#say(open ? logged : []);
    this.#more.hidden = !open || names.length <= FEW;
    setText(this.#more, state.edits === "all" ? `▾ the first ${FEW}` : `▸ all ${names.length} edits`);
    this.#more.setAttribute("aria-expanded", String(state.edits === "all"));
    setText(this.#told, open && logged[0] ? about(logged[0].edits, this.#given.scene.sample) + this.#aboutCounted(logged[0]) + this.#aboutTwin() : "");
    this.#key.hidden = !open || logged.length < 2;
    this.#key.replaceChildren(...logged.map(({ run }) => el("span", { class: "value", text: run, style: { "--run": runColour(this.#given.scene.runs, run) } })));
    this.#taken.hidden = !open;
  }

  /**
   * Give the keyboard back to an edit's row.
   * @param {string} name
   */
  focus(name) {
    (this.#shown.includes(this.#rows.get(name) ?? this.#shown[0]) ? this.#rows.get(name) : this.#shown[0])?.focus();
  }

  /** Which images are counted, where not all are. @param {Logged} logged */
  #aboutCounted({ run, edits }) {
    const among = amongOf(this.#given);
    const text = among && ` Only those of ${amongText(this.#given, run, edits)}, ${edits.asked.images.filter(among.has).length}, as the View menu has it.`;
    const why = whyAllGroups(this.#given);
    return (text ?? "") + (why && ` ${why}`);
  }

  /** What is shown, as a file. @param {HTMLElement} heads over the columns */
  #taking(heads) {
    return taking({
      name: () => `${this.#given.scene.sample} edits step ${this.#given.scene.step}`,
      parts: () => (this.#shown.length ? [heads, this.#told, this.#most, this.#hardly, this.#key, this.#list] : []),
      rows: () => {
        const { scene } = this.#given;
        const logged = this.#logged();
        const steps = [...scene.columns, scene.step];
        return editTable(logged, this.#shown.map(({ name }) => name), (edits) => steps.map((step) => edits.at(step)), countedOf(this.#given, logged[0]?.run ?? ""));
      },
    });
  }

  /** @param {Logged[]} logged */
  #say(logged) {
    const among = amongOf(this.#given);
    const said = logged.length > SAID ? [] : logged.map(({ run, edits }) => [logged.length > 1 ? `${run}: ` : "", most(edits, among, () => this.#say(this.#given.state.edits === "none" ? [] : this.#logged()))]).filter(([, text]) => text);
    const before = [...this.#most.children].map((each) => each.textContent);
    if (String(said.map((each) => each.join(""))) !== String(before)) this.#most.replaceChildren(...said.map(([run, text]) => el("p", {}, el("b", { text: run }), text)));
    setText(this.#hardly, hardly(logged, among));
  }

  /** What the rows cannot be compared with. */
  #aboutTwin() {
    const { scene, state } = this.#given;
    const lacks = state.pinRun !== null && scene.edits(state.pinRun) === null;
    return lacks ? ` Not compared with ${state.pinRun}: no edits of “${scene.sample}” were logged there.` : "";
  }

  /** @param {boolean} onlyNow */
  paint(onlyNow) {
    for (const row of this.#shown) row.paint(onlyNow, false);
    const of = `${this.#given.scene.step} ${this.#shown.length}`;
    if (of === this.#resting) return;
    this.#resting = of;
    delete this.element.dataset.sure;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#makeSure([...this.#shown]), REST);
  }

  /** Find the intervals, a little between frames: while the slider moves they are not waited for. @param {EditRow[]} rows */
  #makeSure(rows) {
    const started = performance.now();
    while (rows.length && performance.now() - started < SLICE) rows.shift()?.paint(true, true);
    if (rows.length) this.#timer = setTimeout(() => this.#makeSure(rows));
    else this.element.dataset.sure = String(this.#given.scene.step);
  }
}

/** @param {Edits} edits @param {string | null} sample */
function about({ asked, edited, others }, sample) {
  const some = edited < asked.images.length ? `${edited} of ` : "";
  const images = `${some}${plural(asked.images.length, "image")}`;
  const what = asked.output === "raw"
    ? `${asked.value_name || "value"} that each edit takes from it`
    : "the numbers are how far the answers move, in points: 0 where they stay, 100 where they are others";
  const truth = asked.labelled ? "" : " Without labels the class is what was predicted at first, and the donor any other image.";
  const left = others ? ` ${plural(others, "record")} of other images or edits are not shown.` : "";
  const swapped = asked.edits.some(({ form }) => form === "swapped") ? ` Swapped: filled from another image${asked.labelled ? ", of another class" : ""}, its donor.` : "";
  return `${images} of “${sample}”, edited one way at a time; ${what}.${swapped} An edit is a question, not a verdict.${truth}${left}`;
}
