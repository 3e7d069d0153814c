// The images that an edit was made of: some before and after beside their donor, and all by how far their answer moves.

import { button, el, put, setText } from "../kit/dom.js";
import { runColour } from "../kit/chart.js";
import { number, percent, plural, points } from "../kit/format.js";
import { kept } from "../kit/lists.js";
import { Original } from "../pictures/original.js";
import { Still } from "../pictures/still.js";
import { amongOf, amongText } from "../shown/among.js";
import { valuesOf } from "../shown/editpoints.js";
import { nameIn, sampleClass, sampleIn } from "../shown/sample.js";

/** @import { Answered } from "../log/edits.js" */
/** @import { Said } from "../log/editanswers.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Asked, Edited } from "./edit.js" */

const EXAMPLES = 3;

/** @param {number} odds */
function probability(odds) {
  return 1 / (1 + Math.exp(-odds));
}

/** A picture of the sample: its pixels once they are here. */
class Picture {
  #given;
  #run;
  #image;
  #hash;
  #original;

  /** @param {Needs<"scene" | "state" | "store">} given @param {Asked} asked @param {number} image @param {boolean} outlined */
  constructor(given, { run, edits }, image, outlined) {
    this.#given = given;
    this.#run = run;
    this.#image = image;
    this.#hash = edits.asked.images[image].hash;
    this.element = el("div", { class: "pane" });
    this.#original = new Original(given, this.element, { class: "original" });
    this.element.append(this.#original.canvas);
    this.outlined = outlined;
  }

  get input() {
    return sampleIn(this.#given, this.#run).input(this.#image, this.#hash);
  }

  paint() {
    const { input } = this;
    if (!input) return true;
    if (this.outlined) this.#original.outline(this.element, [this.#image], input);
    const ground = this.#given.store.grounds.of(sampleIn(this.#given, this.#run), this.#image, this.#hash);
    this.#original.paint(ground, input, { image: this.#image, hash: this.#hash });
    return ground.state !== "loading";
  }
}

/** One run's part. */
class RunImages {
  #given;
  #asked;
  #title;
  #told = el("p", { class: "quiet" });
  #examples = el("div", { class: "examples" });
  #list = el("div", { class: "sample", role: "list" });
  /** @type {Map<number, {element: HTMLElement, frame: HTMLButtonElement, words: HTMLElement, points: HTMLElement, picture: Picture}>} */
  #items = new Map();
  /** @type {Map<number, {element: HTMLElement, before: HTMLElement, after: HTMLElement, frames: [number, HTMLButtonElement][], pictures: (Picture | Still)[]}>} */
  #shown = new Map();

  /** @param {Needs<Edited>} given @param {Asked} asked */
  constructor(given, asked) {
    this.#given = given;
    this.#asked = asked;
    this.#title = el("h3", {}, el("span", { class: "swatch", style: { background: runColour(given.scene.runs, asked.run) } }), el("span", { text: asked.run }));
    this.element = el("section", { class: "editimages", data: { run: asked.run } }, this.#title, this.#examples, this.#told, this.#list);
  }

  get edits() {
    return this.#asked.edits;
  }

  /** @param {number} index */
  #class(index) {
    return sampleClass(this.#given, this.#asked.run, index);
  }

  /** @param {number} image */
  #name(image) {
    const { hash } = this.edits.asked.images[image];
    return nameIn(image, sampleIn(this.#given, this.#asked.run).input(image, hash));
  }

  /** Whether the maps that are shown are of these images. */
  get #mapped() {
    const { scene } = this.#given;
    return scene.sample === scene.probe && scene.methods.length > 0;
  }

  /** @param {number} image @param {HTMLElement} inner */
  #frame(image, inner) {
    const frame = button("", "", () => this.#given.open(image), { class: "frame", data: { image } });
    frame.append(inner);
    return frame;
  }

  /** Let a picture open the image's maps, where there are some. @param {number} image @param {HTMLButtonElement} frame */
  #offer(image, frame) {
    const name = this.#name(image);
    frame.disabled = !this.#mapped || !this.#given.scene.images.includes(image);
    frame.title = frame.disabled ? name : `maps of ${name}`;
    frame.setAttribute("aria-label", frame.title);
  }

  /** Show the current step; false while pictures are loading. */
  paint() {
    const { scene, store } = this.#given;
    const among = amongOf(this.#given);
    const { edits, place, run } = this.#asked;
    const record = edits.at(scene.step);
    const name = edits.asked.edits[place]?.name ?? "";
    const answers = store.edits.answers(edits, name);
    this.element.hidden = !record || place < 0;
    if (!record || place < 0) return true;
    this.#title.hidden = scene.shown.length < 2;
    const moved = valuesOf(edits, record, place, { among });
    const all = [...moved.keys()].filter((image) => !Number.isNaN(moved[image])).sort((a, b) => moved[b] - moved[a] || a - b);
    const of = among ? ` of ${amongText(this.#given, run, edits)}` : "";
    const left = edits.asked.images.length - all.length;
    const unasked = among === null && left ? ` Not asked of ${plural(left, "image")}: it changes nothing of them, or a budget left them out.` : "";
    setText(this.#told, `${plural(all.length, "image")}${of}, ${edits.asked.output === "raw" ? "those that lose most" : "those whose answer moves most"} first, as they are unedited.${unasked}${this.#mapped ? " A click opens an image’s maps." : ""}`);
    put(this.#list, all.map((image) => this.#item(image).element));
    for (const image of all) this.#tell(image, record, moved[image], answers?.at(record.step, image) ?? null);
    const examples = this.#chosen(place);
    put(this.#examples, examples.map((image) => this.#example(image).element));
    for (const image of examples) this.#tellExample(image, answers?.at(record.step, image) ?? null);
    this.element.dataset.step = answers ? String(record.step) : "";
    const pictures = [...all.map((image) => this.#item(image).picture), ...examples.flatMap((image) => this.#example(image).pictures)];
    return pictures.map((each) => !(each instanceof Picture) || each.paint()).every(Boolean) && (answers !== null || store.failed(run));
  }

  /** Those of which pictures were kept, by image. */
  get #kept() {
    const { scene, store } = this.#given;
    const { edits, images } = this.edits.asked;
    const name = edits[this.#asked.place].name;
    const kept = store.edits.examples(this.#asked.run, scene.sample).filter(({ image, hash, edited }) => images[image]?.hash === hash && edited.has(name));
    return new Map(kept.map((each) => [each.image, each]));
  }

  /**
   * The images that are shown before and after: those of which pictures were kept, else those moved most at the newest
   * step, so that they stay.
   * @param {number} place
   */
  #chosen(place) {
    const newest = this.edits.at(null);
    if (!newest) return [];
    const among = amongOf(this.#given);
    const pictured = [...this.#kept.keys()].filter((image) => among?.has(this.edits.asked.images[image], image) ?? true);
    if (pictured.length) return pictured;
    const moved = valuesOf(this.edits, newest, place, { among });
    const all = [...moved.keys()].filter((image) => !Number.isNaN(moved[image]));
    return all.sort((a, b) => moved[b] - moved[a] || a - b).slice(0, EXAMPLES);
  }

  /** @param {number} image */
  #item(image) {
    return kept(this.#items, image, () => {
      const picture = new Picture(this.#given, this.#asked, image, false);
      const [words, moves] = [el("span", { class: "words" }), el("span", { class: "points" })];
      const frame = this.#frame(image, picture.element);
      return { element: el("div", { class: "item", role: "listitem", data: { image } }, frame, moves, words), frame, words, points: moves, picture };
    });
  }

  /** @param {number} image @param {Answered} record @param {number} moved @param {Said | null} said */
  #tell(image, record, moved, said) {
    const { element, frame, words, points: shown } = this.#item(image);
    this.#offer(image, frame);
    const raw = this.edits.asked.output === "raw";
    const text = raw ? number(moved) : points(moved);
    setText(shown, text);
    shown.style.setProperty("--part", raw ? "0" : String(moved / 100));
    const flip = said && said.predicted !== null ? this.#flip(said) : "";
    setText(words, flip);
    element.classList.toggle("flip", said !== null && said.predicted !== null && said.predicted !== said.head);
    const { truths } = this.edits.asked.images[image];
    const truth = truths.length && this.edits.asked.labelled ? `, true class ${truths.map((each) => this.#class(each)).join(", ")}` : "";
    const { group } = this.edits.asked.images[image];
    const belongs = group === null ? "" : `, group ${group}`;
    element.title = `${this.#name(image)}${truth}${belongs}: ${raw ? "" : "moves "}${text}${raw ? "" : " points"}${flip && `, ${flip}`}`;
  }

  /** @param {Said} said */
  #flip({ head, predicted }) {
    if (this.edits.asked.output === "raw" || predicted === null) return "";
    return predicted === head ? `stays ${this.#class(head)}` : `${this.#class(head)} → ${this.#class(predicted)}`;
  }

  /** @param {number} image */
  #example(image) {
    return kept(this.#shown, image, () => {
      const { donor } = this.edits.asked.images[image];
      const [before, after] = [el("figcaption"), el("figcaption")];
      const own = new Picture(this.#given, this.#asked, image, true);
      /** @type {(Picture | Still)[]} */
      const pictures = [own];
      /** @type {[number, HTMLButtonElement][]} */
      const frames = [[image, this.#frame(image, own.element)]];
      const parts = [el("figure", {}, frames[0][1], before)];
      const made = this.#kept.get(image)?.edited.get(this.edits.asked.edits[this.#asked.place].name);
      if (made) {
        const still = new Still(made, `${this.#name(image)}, edited`);
        pictures.push(still);
        parts.push(el("figure", {}, el("div", { class: "frame" }, still.element), after));
      } else parts[0].append(after);
      if (donor !== null && this.#swaps) {
        const other = new Picture(this.#given, this.#asked, donor, false);
        pictures.push(other);
        frames.push([donor, this.#frame(donor, other.element)]);
        parts.push(el("figure", { class: "donor" }, frames[1][1], el("figcaption", { text: this.#donorText(donor) })));
      }
      return { element: el("div", { class: "example", role: "group", "aria-label": this.#name(image) }, ...parts), before, after, frames, pictures };
    });
  }

  get #swaps() {
    return this.edits.asked.edits[this.#asked.place].form === "swapped";
  }

  /** @param {number} donor */
  #donorText(donor) {
    const { truths } = this.edits.asked.images[donor];
    const name = this.#name(donor);
    return `donor: ${name}${truths.length && this.edits.asked.labelled ? `, ${truths.map((each) => this.#class(each)).join(", ")}` : ""}`;
  }

  /** @param {number} image @param {Said | null} said */
  #tellExample(image, said) {
    const { before, after, frames } = this.#example(image);
    for (const [of, frame] of frames) this.#offer(of, frame);
    const { truths, donor_class } = this.edits.asked.images[image];
    const { labelled, output, value_name } = this.edits.asked;
    /** @type {(value: number) => string} */
    const show = (value) => (output === "raw" ? number(value) : percent(probability(value)).replace(" ", "\u00a0"));
    const truth = truths.length && labelled && output !== "raw" ? `, truly ${truths.map((each) => this.#class(each)).join(", ")}` : "";
    if (said && said.predicted !== null && output === "raw") {
      const value = said.of(truths[0] ?? said.head);
      const called = value_name || "value";
      setText(before, `${this.#name(image)}${value ? `: ${called} ${number(value.before)}` : ""}`);
      setText(after, value ? `edited: ${number(value.after)}` : "");
      return;
    }
    if (!said || said.predicted === null) {
      setText(before, `${this.#name(image)}${truth}`);
      setText(after, said ? "not asked of this image" : "");
      return;
    }
    /** @type {(index: number, when: "before" | "after") => string} */
    const told = (index, when) => {
      const value = said.of(index)?.[when];
      return value === undefined || Number.isNaN(value) ? this.#class(index) : `${this.#class(index)} (${show(value)})`;
    };
    const kinds = [said.head, ...truths.slice(0, 1), ...(this.#swaps && donor_class !== null ? [donor_class] : [])];
    const others = [...new Set(kinds)].filter((each) => each !== said.predicted);
    const also = others.length ? `; ${others.map((each) => told(each, "after")).join(", ")}` : "";
    setText(before, `${this.#name(image)}${truth}: predicted ${told(said.head, "before")}`);
    setText(after, `edited: ${told(said.predicted, "after")}${also}`);
  }

  /** @param {number} image */
  focus(image) {
    this.#items.get(image)?.frame.focus();
  }
}

export class EditImages {
  #given;
  /** @type {Map<string, RunImages>} */
  #runs = new Map();
  element = el("div", {});

  /** @param {Needs<Edited>} given */
  constructor(given) {
    this.#given = given;
  }

  /** @param {string} name @param {Asked[]} asked */
  update(name, asked) {
    const before = this.#runs;
    this.#runs = new Map(asked.map((each) => {
      const key = `${name}\n${each.run}`;
      const known = before.get(key);
      return [key, known?.edits === each.edits ? known : new RunImages(this.#given, each)];
    }));
    put(this.element, [...this.#runs.values()].map(({ element }) => element));
  }

  /** Show the current step; false while pictures are loading. */
  paint() {
    return [...this.#runs.values()].map((each) => each.paint()).every(Boolean);
  }

  /** @param {number} image */
  focus(image) {
    [...this.#runs.values()][0]?.focus(image);
  }
}
