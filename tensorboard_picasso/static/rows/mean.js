// The mean over the probe, or over one of its classes, as the subject of a row.

import { Download, meanFiles } from "../pictures/download.js";
import { MeanCard } from "../pictures/meancard.js";
import { OF_MEANS } from "../pictures/meankind.js";
import { Original } from "../pictures/original.js";
import { el, put, setText } from "../kit/dom.js";
import { distinct, membersText } from "../log/records.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Taken } from "../pictures/difference.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { FoundMean, MeanSpec } from "../shown/spec.js" */
/** @import { MeanGroup, MeanSettings, Step } from "../types.js" */
/** @import { Rowed, Shown, Subject, Tail } from "./subject.js" */

/**
 * Which class the importance is for, in words.
 * @param {boolean} labelled
 */
export function classOf(labelled) {
  return labelled ? "the true class" : "what each step predicts";
}

/** @implements {Subject<MeanSpec, FoundMean>} */
export class MeanSubject {
  #given;
  #group;
  kind = OF_MEANS;
  reach = true;
  early = false;
  open = null;
  /** @type {HTMLElement[]} what stands where rows of images have their chart, at the first run */
  said = [];

  /** @param {Needs<Rowed>} given @param {MeanGroup} group */
  constructor(given, group) {
    this.#given = given;
    this.#group = group;
  }

  /** @param {RunData} data @param {Step} step @returns {MeanSpec} */
  spec(data, step) {
    return { data, group: this.#group, label: this.#given.scene.label, step: data.at(step), asked: step };
  }

  /** @param {boolean} now */
  cell(now) {
    const card = new MeanCard(this.#given, { reach: now });
    return { card, show: (/** @type {MeanSpec} */ spec) => card.show(spec) };
  }

  /** @param {RunData} data @param {() => Taken | null} taken */
  tail(data, taken) {
    return new Aside(this.#given, this, data, this.#group, taken);
  }

  original() {
    return new MeanOriginal(this.#given, this.#group);
  }

  /** @param {RunData} data */
  pixels(data) {
    return newestSettings(this.#given, data, this.#group)?.members.map(({ hash }) => hash).join();
  }
}

/**
 * @param {Needs<"scene">} given
 * @param {RunData} data
 * @param {MeanGroup} group
 * @returns {MeanSettings | null}
 */
function newestSettings({ scene }, data, group) {
  return data.mean(scene.label, group)?.records.at(-1)?.settings ?? null;
}

/**
 * What is said of a mean, and its files.
 * @implements {Tail}
 */
class Aside {
  #given;
  #subject;
  #data;
  #group;
  #name = el("span", { class: "runname" });
  #download;
  element = el("div", { class: "aside" });

  /**
   * @param {Needs<"scene" | "state">} given
   * @param {{said: HTMLElement[]}} subject
   * @param {RunData} data
   * @param {MeanGroup} group
   * @param {() => Taken | null} taken
   */
  constructor(given, subject, data, group, taken) {
    this.#given = given;
    this.#subject = subject;
    this.#data = data;
    this.#group = group;
    this.#download = new Download(given, () => meanFiles(given, data, group), taken);
  }

  /** @param {string} name @param {boolean} first */
  update(name, first) {
    setText(this.#name, name);
    this.#download.element.hidden = this.#data.mean(this.#given.scene.label, this.#group) === null;
    this.#download.update();
    put(this.element, [this.#name, ...(first ? this.#subject.said : []), this.#download.element]);
  }

  move() {
    this.#download.turn();
  }
}

/**
 * The mean of the images' pixels.
 * @implements {Shown}
 */
class MeanOriginal {
  #given;
  #group;
  #name = el("span", { class: "class" });
  #count = el("span", { class: "score" });
  #picture;
  #frame;
  element = el("figure", { class: "card original" });

  /** @param {Needs<"scene" | "state" | "store">} given @param {MeanGroup} group */
  constructor(given, group) {
    this.#given = given;
    this.#group = group;
    this.#picture = new Original(given, this.element, { role: "img" });
    this.#frame = el("div", { class: "frame" }, this.#picture.canvas);
    this.element.append(el("figcaption", {}, this.#name, this.#count), this.#frame);
  }

  /**
   * Say which images they are.
   * @param {RunData} data
   */
  update(data) {
    const settings = newestSettings(this.#given, data, this.#group);
    if (!settings) return;
    const { members, labelled } = settings;
    const name = this.#given.scene.nameOfMean(this.#group);
    const images = membersText(members);
    setText(this.#name, name);
    this.#name.hidden = !name;
    setText(this.#count, name ? `· mean of ${distinct(members).length}` : `mean of ${images}`);
    const of = name ? `${images} of “${name}”` : images;
    this.element.title = `The mean over ${of} of the importance for ${classOf(labelled)}. It suggests a region to test: log that region, and hide it as a whole.`;
    this.#picture.canvas.setAttribute("aria-label", `mean of the pixels of ${of}`);
  }

  /** @param {RunData} data */
  paint(data) {
    const settings = newestSettings(this.#given, data, this.#group);
    if (!settings) return;
    const images = distinct(settings.members).map(({ image }) => image);
    const input = data.commonInput(settings);
    if (input) this.#picture.outline(this.#frame, images, input);
    this.#picture.paint(this.#given.store.grounds.ofMean(data, settings.members), settings, { images: images.join() });
  }

  focus() {}
}
