// A row of an edit: how far it moves the answers at the columns and now, and in words, for each run.

import { runColour } from "../kit/chart.js";
import { button, el, put, setText } from "../kit/dom.js";
import { count, number, points as shown } from "../kit/format.js";
import { finite } from "../kit/lists.js";
import { amongOf, ofClassAlone, ofGroupAlone } from "../shown/among.js";
import { estimateOf, knownEstimate, meanOf, POINTS, valuesOf } from "../shown/editpoints.js";
import { Still } from "../pictures/still.js";
import { moreEstimate, rangeText } from "../shown/flags.js";
import { isComparing } from "../shown/compare.js";
import { sampleClass } from "../shown/sample.js";
import { againstTwin, twinOf } from "../shown/twin.js";

/** @import { Example } from "../log/alledits.js" */
/** @import { Answered, Edits } from "../log/edits.js" */
/** @import { Difference, Estimate } from "../numbers/edits.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Choices } from "../types.js" */

/** @typedef {{run: string, edits: Edits}} Logged */

/** @param {Estimate} found */
function interval({ low, high }) {
  return Number.isNaN(low) ? "" : `${shown(low)}–${shown(high)}`;
}

const APART = 20; // points: what a mean over classes, or groups, hides

/**
 * What there is of a list, each once.
 * @template T
 * @param {(T | null | undefined)[]} values
 */
function distinct(values) {
  return [...new Set(values)].filter((value) => value !== null && value !== undefined);
}

/**
 * What images are chosen by.
 * @param {Pick<Choices, "ofClass" | "ofGroup">} state
 */
function whichText({ ofClass, ofGroup }) {
  return [ofClass === null ? "" : "class", ofGroup === null ? "" : "group"].filter(Boolean).join(" and ");
}

/** One run's part of a row. */
class Strip {
  #given;
  #logged;
  #place;
  /** @type {HTMLElement[]} */
  #cells = [];
  #now = el("span", { class: "points now" });
  #against = el("b", { class: "against" });
  #words = el("span");
  #said = el("span", { class: "said" }, this.#against, this.#words);

  /** @param {Needs<"scene" | "state" | "store">} given @param {Logged} logged @param {number} place of the edit; -1: it was not asked in this run */
  constructor(given, logged, place) {
    this.#given = given;
    this.#logged = logged;
    this.#place = place;
    this.element = el("div", { class: "strip", data: { run: logged.run }, style: { "--run": runColour(given.scene.runs, logged.run) } });
  }

  get edits() {
    return this.#logged.edits;
  }

  /** Of which images: those of the true class, and of the group, that are listed. */
  get #which() {
    return { among: amongOf(this.#given) };
  }

  /** Of how many images something is so, and of how many that was asked. @param {Answered} record @param {"flips" | "follows"} measure */
  #counted(record, measure) {
    const known = finite(valuesOf(this.edits, record, this.#place, { ...this.#which, measure }));
    return { yes: known.filter(Boolean).length, all: known.length };
  }

  /** @param {boolean} several */
  update(several) {
    const { scene, state } = this.#given;
    this.element.classList.toggle("several", several);
    this.element.title = several ? this.#logged.run : "";
    // As the maps have it: A beside B, or the steps before.
    const cells = isComparing(state) ? Number(state.layout === "side") : scene.columns.length;
    this.#cells = Array.from({ length: cells }, (_, i) => this.#cells[i] ?? el("span", { class: "points" }));
    put(this.element, [...this.#cells, this.#now, this.#said]);
  }

  /** @param {boolean} onlyNow @param {boolean} sure with the intervals that were not found yet */
  paint(onlyNow, sure) {
    const { scene, state } = this.#given;
    if (!onlyNow && !isComparing(state)) scene.columns.forEach((step, i) => this.#show(this.#cells[i], this, this.edits.at(step), null));
    this.#show(this.#now, this, this.edits.at(scene.step), sure ? estimateOf : knownEstimate);
    const record = this.edits.at(scene.step);
    this.#compare(record, sure);
    setText(this.#words, this.#wordsOf(record, sure));
  }

  /** What differs from the twin that is chosen in *Compare*. @param {Answered | null} record @param {boolean} sure */
  #compare(record, sure) {
    const { scene, state } = this.#given;
    const twin = record && this.#place >= 0 && this.#counted(record, "flips").all ? twinOf(scene, state, this.edits, record) : null;
    const found = twin && record ? againstTwin(this.edits, record, this.edits.asked.edits[this.#place].name, twin, { ...this.#which, sure }) : null;
    if (isComparing(state) && this.#cells[0]) this.#show(this.#cells[0], twin ?? this, twin?.record ?? null, null);
    setText(this.#against, twin ? againstText(found, twin.name) : "");
    this.#against.title = found ? againstTitle(found) : "";
  }

  /**
   * @param {HTMLElement} cell
   * @param {{edits: Edits}} of a run: this one, or A
   * @param {Answered | null} record
   * @param {typeof knownEstimate | null} find gives its interval; null: none is shown
   */
  #show(cell, { edits }, record, find) {
    const place = edits === this.edits ? this.#place : edits.place(this.edits.asked.edits[this.#place].name);
    const points = record && place >= 0 ? meanOf(valuesOf(edits, record, place, this.#which)) : NaN;
    const found = find && record && !Number.isNaN(points) ? find(edits, record, place, this.#which) : null;
    cell.dataset.points = Number.isNaN(points) ? "" : points.toFixed(3);
    cell.dataset.step = record ? String(record.step) : "";
    cell.style.setProperty("--part", this.edits.asked.output === "raw" || Number.isNaN(points) ? "0" : String(points / POINTS));
    const text = Number.isNaN(points) ? "–" : shown(points);
    cell.replaceChildren(text, ...(found && interval(found) ? [el("small", { text: interval(found) })] : []));
    cell.title = this.#title(record, points, found);
  }

  /** @param {Answered | null} record @param {number} points @param {Estimate | null} found */
  #title(record, points, found) {
    if (!record) return "not logged yet";
    if (Number.isNaN(points)) return `step ${count(record.step)}: not asked`;
    const sure = found && interval(found) ? `, ${interval(found)} at 95 % over ${found.count} images` : "";
    return `step ${count(record.step)}: ${number(points)}${this.edits.asked.output === "raw" ? "" : " points"}${sure}`;
  }

  /** @param {Answered | null} record @param {boolean} sure */
  #wordsOf(record, sure) {
    if (!record || this.#place < 0) return this.#place < 0 ? "not asked in this run" : "";
    const edit = this.edits.asked.edits[this.#place];
    const { yes, all } = this.#counted(record, "flips");
    if (!all) return this.#why();
    const parts = [];
    if (this.edits.asked.output !== "raw") {
      const { yes: followed, all: could } = this.#counted(record, "follows");
      const donors = edit.form === "swapped" && could ? `, to the donor’s class in ${share(followed, could)}` : "";
      parts.push(`the prediction changes in ${share(yes, all)} of ${all}${donors}`);
      const lost = meanOf(valuesOf(this.edits, record, this.#place, { ...this.#which, measure: "costs" }));
      parts.push(...this.#apart(record));
      if (shown(Math.abs(lost)) !== "0" && !Number.isNaN(lost)) parts.push(`the ${this.edits.asked.labelled ? "true" : "first"} class ${lost < 0 ? "gains" : "loses"} ${shown(Math.abs(lost))}`);
      parts.push(...this.#elsewhere(record, sure));
    }
    return parts.join("; ");
  }

  /** Of which class, and of which group, it moves answers most and least, where these are far apart. @param {Answered} record */
  #apart(record) {
    if (this.#which.among) return [];
    const { images } = this.edits.asked;
    const classes = distinct(images.map(({ truths }) => truths[0])).map((index) => ({ name: sampleClass(this.#given, this.#logged.run, index), among: ofClassAlone(index) }));
    const groups = distinct(images.map(({ group }) => group)).map((name) => ({ name, among: ofGroupAlone(name) }));
    return [classes, groups].flatMap((all) => {
      const means = all.map(({ name, among }) => ({ name, points: meanOf(valuesOf(this.edits, record, this.#place, { among })) }));
      const known = means.filter(({ points }) => !Number.isNaN(points)).sort((a, b) => b.points - a.points);
      const [most, least] = [known[0], known[known.length - 1]];
      if (!most || most.points - least.points < APART) return [];
      return [[most, least].map(({ name, points }) => `${name} moves ${shown(points)}`).join(", ")];
    });
  }

  /** What the same edit does at other places. @param {Answered} record @param {boolean} sure */
  #elsewhere(record, sure) {
    const { among } = this.#which;
    const more = moreEstimate(this.edits, record, this.#place, { among, sure });
    if (!more?.count) return [];
    const since = among === null ? this.#given.scene.flagTimes.since(this.edits, this.#place) : null; // a flag is of all images
    const { size, ends } = sized(more);
    return [`${size} than the same elsewhere${ends && ` (${ends})`}`, ...(since ? [`surely more since step ${count(since.step)}${rangeText(since)}`] : [])];
  }

  /** Why nothing was asked of any image. */
  #why() {
    const { edits, images, labelled } = this.edits.asked;
    const { among } = this.#which;
    if (among && !images.some(among.has)) return `no image of this ${whichText(this.#given.state)} was edited`;
    if (edits[this.#place].form === "swapped" && images.every(({ donor }) => donor === null)) return `not asked: there is no ${labelled ? "image of another class" : "other image"}`;
    return "not asked: it changes nothing of these images";
  }
}

/**
 * How much more or less it is, and the interval of that.
 * @param {Estimate} found
 */
function sized({ value, low, high }) {
  const [word, ends] = value < 0 ? ["less", [-high, -low]] : ["more", [low, high]];
  return { size: `${shown(Math.abs(value))} ${word}`, ends: Number.isNaN(low) ? "" : ends.map(shown).join(" to ") };
}

/**
 * How much more or less it is than in the twin.
 * @param {Difference | null} found
 * @param {string} name of the twin
 */
function againstText(found, name) {
  if (!found || Number.isNaN(found.value)) return `not asked ${name}; `;
  const { size, ends } = sized(found);
  return `${size} than ${name} (${ends && `${ends}, `}${found.paired ? "the same images" : "other images"}); `;
}

/** @param {Difference} found */
function againstTitle({ count: images, paired }) {
  if (paired) return `95 % interval of the difference image by image, over ${images} images that both were asked about`;
  return "95 % interval of the difference of two means: the images of both are drawn again independently, as they are not the same";
}

/** @param {number} part @param {number} all */
function share(part, all) {
  return `${Math.round((100 * part) / all)} %`;
}

export class EditRow {
  #given;
  #name;
  /** @type {Map<string, Strip>} */
  #strips = new Map();
  #label;
  #pictures = el("span", { class: "asedited" });
  /** @type {Example | null} */
  #example = null;
  #column = el("div", { class: "strips" });

  /** @param {Needs<"scene" | "state" | "store">} given @param {string} name the edit's */
  constructor(given, name) {
    this.#given = given;
    this.#name = name;
    this.#label = button(name, `open “${name}” large`, () => given.state.set({ edit: name }), { class: "edit" });
    this.element = el("div", { class: "editrow", data: { edit: name } }, el("div", { class: "editname" }, this.#pictures, this.#label), this.#column);
  }

  /** @param {Logged[]} logged */
  update(logged) {
    const strips = logged.map((each) => {
      const place = each.edits.asked.edits.findIndex(({ name }) => name === this.#name);
      const before = this.#strips.get(each.run);
      const strip = before?.edits === each.edits ? before : new Strip(this.#given, each, place);
      this.#strips.set(each.run, strip);
      strip.update(logged.length > 1);
      if (place >= 0) this.#label.title = `takes away ${each.edits.asked.edits[place].takes}: open it large`;
      return strip.element;
    });
    put(this.#column, strips);
    this.#picture(logged);
  }

  /** An image as it is edited, and its donor; nothing where none was kept. @param {Logged[]} logged */
  #picture(logged) {
    const { scene, store } = this.#given;
    const examples = logged.flatMap(({ run }) => store.edits.examples(run, scene.sample));
    const example = examples.find(({ edited }) => edited.has(this.#name)) ?? null;
    if (example === this.#example) return;
    this.#example = example;
    const swaps = logged.some(({ edits }) => edits.asked.edits.some(({ name, form }) => name === this.#name && form === "swapped"));
    const [edited, donor] = [example?.edited.get(this.#name), swaps ? example?.donor : null];
    this.#pictures.replaceChildren(
      ...(edited ? [new Still(edited, `an image, ${this.#name}`).element] : []),
      ...(edited && donor ? [new Still(donor, "its donor").element] : []),
    );
  }

  /** @param {boolean} onlyNow @param {boolean} sure as of a strip */
  paint(onlyNow, sure) {
    for (const element of this.#column.children) {
      if (element instanceof HTMLElement) this.#strips.get(element.dataset.run ?? "")?.paint(onlyNow, sure);
    }
  }

  get name() {
    return this.#name;
  }

  focus() {
    this.#label.focus();
  }
}
