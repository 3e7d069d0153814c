// The edits of a probe in a run: what was asked of which images, and what became of the answers.

/** @import { Step } from "../types.js" */
/** @import { Asked, EditsAnswer, WireEdit, WireEdits } from "./answers.js" */
/** @import { Pack } from "./pack.js" */

/** In a byte for each image and edit, beside 0 for no and 1 for yes. */
export const NOT_ASKED = 2;

/** What was answered at one step. */
export class Answered {
  #images;
  #moves;
  #flips;
  #follows;
  #costs;

  /** @param {WireEdits} record @param {Asked} asked @param {Pack<EditsAnswer>} pack */
  constructor(record, asked, pack) {
    this.step = record.step;
    this.epoch = record.epoch;
    this.wall = record.wall;
    this.#images = asked.images.length;
    const count = asked.edits.length * asked.images.length;
    this.#moves = pack.array(record.moves, count);
    this.#flips = pack.array(record.flips, count);
    this.#follows = pack.array(record.follows, count);
    this.#costs = pack.array(record.costs, count);
  }

  /** @template {Float32Array | Uint8Array} Numbers @param {Numbers} values @param {number} edit */
  #row(values, edit) {
    return values.subarray(edit * this.#images, (edit + 1) * this.#images);
  }

  /**
   * How far the answer of each image moves, 0 to 1; NaN where nothing was asked.
   * @param {number} edit its place
   */
  moves(edit) {
    return this.#row(this.#moves, edit);
  }

  /**
   * One number an image: how far its answer moves, whether the prediction is another one, or the donor's class, 0 to 1,
   * or what its true class loses; NaN where that was not asked.
   * @param {number} edit
   * @param {"moves" | "flips" | "follows" | "costs"} measure
   */
  each(edit, measure) {
    const values = this.#row({ moves: this.#moves, flips: this.#flips, follows: this.#follows, costs: this.#costs }[measure], edit);
    return values instanceof Uint8Array ? Float32Array.from(values, (value) => (value === NOT_ASKED ? NaN : value)) : values;
  }
}

/** All that was logged of it, of the images and edits that were asked about last. */
export class Edits {
  /** @param {Pack<EditsAnswer>} pack */
  constructor(pack) {
    const { asked, records, problems } = pack.header;
    this.problems = problems;
    const newest = records.at(-1)?.asked ?? 0;
    /** @type {Asked} */
    this.asked = asked[newest] ?? { output: "", value_name: "", labelled: true, edits: [], images: [] };
    this.records = records.filter((each) => each.asked === newest).map((each) => new Answered(each, this.asked, pack));
    this.steps = new Map(this.records.map((each) => [each.step, each]));
    /** How many records are of other images or edits. */
    this.others = records.length - this.records.length;
  }

  /** How many images were edited last: a budget leaves some out. */
  get edited() {
    const newest = this.records.at(-1);
    if (!newest) return 0;
    const asked = this.asked.edits.map((_, edit) => newest.each(edit, "flips"));
    return this.asked.images.filter((_, image) => asked.some((flips) => !Number.isNaN(flips[image]))).length;
  }

  /**
   * The newest record at a step; null before the first.
   * @param {Step | null} step
   */
  at(step) {
    const known = step === null ? undefined : this.steps.get(step);
    return known ?? this.records.findLast((each) => step === null || each.step <= step) ?? null;
  }

  /**
   * The place of an edit; -1 where it was not asked.
   * @param {string} name
   */
  place(name) {
    return this.asked.edits.findIndex((edit) => edit.name === name);
  }

  /**
   * The places of the edits that are references of one.
   * @param {WireEdit} edit
   */
  references(edit) {
    return this.asked.edits.flatMap(({ matched }, i) => (matched === edit.name ? [i] : []));
  }
}
