// An image as the subject of a row: its original, its maps, and how sure the network is of it.

import { Caption } from "../pictures/caption.js";
import { Card } from "../pictures/card.js";
import { OF_IMAGES } from "../pictures/imagekind.js";
import { Original } from "../pictures/original.js";
import { across, drawing, line, path, rangeOf, seekable } from "../kit/chart.js";
import { el, setText } from "../kit/dom.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { FoundMap, MapSpec } from "../shown/spec.js" */
/** @import { Step } from "../types.js" */
/** @import { Cell, Rowed, Shown, Subject, Tail } from "./subject.js" */

/** @implements {Subject<MapSpec, FoundMap>} */
export class ImageSubject {
  #given;
  #image;
  kind = OF_IMAGES;
  reach = false;
  early = true;
  open;

  /** @param {Needs<Rowed>} given @param {number} image */
  constructor(given, image) {
    this.#given = given;
    this.#image = image;
    this.open = () => given.open(image);
  }

  /** @param {RunData} data @param {Step} step @returns {MapSpec} */
  spec(data, step) {
    const { scene } = this.#given;
    return { data, image: this.#image, label: scene.label, step: data.at(step), asked: step, target: scene.target(this.#image, data) };
  }

  /** @returns {Cell<MapSpec>} */
  cell() {
    const caption = new Caption();
    const card = new Card(this.#given, { caption: caption.element });
    card.element.addEventListener("click", this.open);
    return {
      card,
      show: (spec) => {
        const { data, image, step } = spec;
        caption.show(this.#given.scene, image, data, data.scores.get(image)?.steps.get(step));
        return card.show(spec);
      },
    };
  }

  /** @param {RunData} data */
  tail(data) {
    return new Spark(this.#given, data, this.#image);
  }

  original() {
    return new ImageOriginal(this.#given, this.#image);
  }

  /** @param {RunData} data */
  pixels(data) {
    return data.newestInput(this.#image)?.hash;
  }
}

/**
 * How likely the class is over training, in one run.
 * @implements {Tail}
 */
class Spark {
  #given;
  #data;
  #image;
  #name = el("span", { class: "runname" });
  #cursor = el("div", { class: "cursor" });
  #dot = el("div", { class: "dot" });
  #range = [0, 1];
  /** @type {(number | null)[]} */
  #values = [];
  element = el("div", { class: "spark" });

  /** @param {Needs<"scene" | "seek">} given @param {RunData} data @param {number} image */
  constructor(given, data, image) {
    this.#given = given;
    this.#data = data;
    this.#image = image;
    seekable(this.element, () => given.scene.steps.length, given.seek);
  }

  /** @param {string} name */
  update(name) {
    const { scene } = this.#given;
    const series = this.#data.scores.get(this.#image);
    const truth = scene.charted === null ? scene.truths(this.#image, this.#data) : scene.chosen(scene.charted, this.#image, this.#data);
    this.#values = scene.steps.map((step) => series?.steps.get(step)?.score(truth) ?? null);
    this.#range = rangeOf([this.#values], series?.records[0]?.output === "raw");
    setText(this.#name, name);
    const drawn = drawing(path("M0 50H1000", "", "grid"), path(line(this.#values, this.#range), "var(--run)"));
    this.element.replaceChildren(this.#name, drawn, this.#cursor, this.#dot);
  }

  /** Put the cursor at the current step. */
  move() {
    const { place, step, steps } = this.#given.scene;
    this.#cursor.style.left = `${across(place, steps.length) / 10}%`;
    const at = step === null ? -1 : steps.indexOf(this.#data.at(step));
    const value = this.#values[at] ?? null;
    this.#dot.hidden = value === null || !Number.isFinite(value);
    if (value === null || this.#dot.hidden) return;
    const [low, high] = this.#range;
    this.#dot.style.left = `${across(at, steps.length) / 10}%`;
    this.#dot.style.top = `${100 - (high > low ? (100 * (value - low)) / (high - low) : 50)}%`;
  }
}

/**
 * An image as it was given, with its label.
 * @implements {Shown}
 */
class ImageOriginal {
  #given;
  #image;
  #name = el("span", { class: "class" });
  #which = el("span", { class: "score" });
  #source = el("div", { class: "below" });
  #picture;
  #opener;
  element = el("figure", { class: "card original" });

  /** @param {Needs<"scene" | "state" | "store" | "open">} given @param {number} image */
  constructor(given, image) {
    this.#given = given;
    this.#image = image;
    this.#picture = new Original(given, this.element);
    this.#opener = el("button", { type: "button", class: "frame", on: { click: () => given.open(image) } }, this.#picture.canvas);
    this.element.append(el("figcaption", {}, this.#name, this.#which), this.#opener, this.#source);
  }

  /**
   * Say what a run knows of the image.
   * @param {RunData} data
   */
  update(data) {
    const { scene } = this.#given;
    const labels = scene.labelNames(this.#image, data);
    const name = scene.imageName(this.#image);
    setText(this.#name, labels || name);
    this.#name.title = scene.labelText(this.#image, data);
    setText(this.#which, labels ? name : "");
    const example = scene.exampleName(this.#image, data);
    const groups = scene.grouping.of(this.#image, data);
    const group = groups.length > 0 && `group ${groups.join(", ")}`;
    setText(this.#source, [...groups, example].filter(Boolean).join(" · "));
    this.#source.title = [group, scene.grouping.about(groups)].filter(Boolean).join("; ");
    const called = [name, group, example && `${example} of the dataset`].filter(Boolean).join(", ");
    this.#opener.setAttribute("aria-label", `open ${called} large`);
    this.#opener.title = called;
  }

  /** @param {RunData} data */
  paint(data) {
    const input = data.newestInput(this.#image);
    if (!input) return;
    this.#picture.outline(this.#opener, [this.#image], input);
    this.#picture.paint(this.#given.store.grounds.of(data, this.#image, input.hash), input, { hash: input.hash, image: this.#image });
  }

  focus() {
    this.#opener.focus();
  }
}
