// The numbers of one image in one run, as tables.

import { el } from "../kit/dom.js";
import { apart, count, number, percent, stays } from "../kit/format.js";
import { whyLacking } from "../shown/look.js";
import { partOf } from "../numbers/reading.js";
import { drawnOn } from "../numbers/regions.js";
import { ALONE, CALLED_ALONE, referencesOf } from "../numbers/regionshare.js";

/** @import { Attribution, Scores } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Part, Step } from "../types.js" */

export const CLASSES = 5; // lines in the chart and rows in the table

/** @param {string} name @param {(string | Element)[]} heads @param {(string | Element)[][]} rows */
export function table(name, heads, rows) {
  return el(
    "table", {}, el("caption", { text: name }),
    el("thead", {}, el("tr", {}, ...heads.map((each) => el("th", { scope: "col" }, each)))),
    el("tbody", {}, ...rows.map((cells) => el("tr", {}, ...cells.map((each, i) => el(i ? "td" : "th", i ? {} : { scope: "row" }, each))))),
  );
}

/**
 * What becomes of a prediction; of independent labels others may join the likeliest, or leave it.
 * @param {number} before
 * @param {number | null} after
 * @param {boolean | null} flips
 * @param {(index: number) => string} name
 */
function predictionText(before, after, flips, name) {
  if (flips === null) return "not recorded";
  if (!flips) return `stays ${name(before)}`;
  return after === null || before === after ? "other labels are predicted" : `${name(before)} → ${name(after)}`;
}

const EFFECT_HEADS = ["region hidden (fill)", "prediction", "moves"];

const EFFECT_NOTE = "Moves: how far the whole answer moves, half the sum of |p − q| over all classes; of independent labels the mean of |p − q|.";

const FIRST_STEP = "of what supports, first";
const SHARE_HEADS = ["region", "of what supports, now", "of what opposes, now", FIRST_STEP, "area", ALONE];

const SHARE_NOTE = `Two totals, each 100 % over the whole image: what supports the class (of methods without a sign the map's strength), and what speaks against it. ${FIRST_STEP}: at the first kept step, an untrained network where that is the start of training from scratch. Area: what a map that is everywhere alike gives. ${CALLED_ALONE}`;

export class Tables {
  #given;
  #data;
  #image;

  /**
   * @param {Needs<"scene" | "state" | "store" | "shares">} given
   * @param {RunData} data
   * @param {number} image
   */
  constructor(given, data, image) {
    this.#given = given;
    this.#data = data;
    this.#image = image;
  }

  /**
   * The tables of a step.
   * @param {Step} step
   */
  at(step) {
    const { scene, store } = this.#given;
    const scores = this.#data.scores.get(this.#image)?.steps.get(step) ?? null;
    /** @type {(index: number) => string} */
    const name = (index) => scene.className(this.#image, index, this.#data);
    if (!scores) {
      const why = whyLacking(this.#data.scores.get(this.#image), step, store.index?.samples);
      return [el("p", { class: "quiet", text: `scores ${why}` })];
    }
    /** @type {(value: number) => string} */
    const show = (value) => (Number.isNaN(value) ? "–" : scene.raw ? number(value) : percent(value));
    // With a region hidden another class may come first.
    const first = scores.hidden.flatMap(({ values }) => scores.ranked(1, values));
    const classes = [...new Set([...scores.ranked(CLASSES), ...scene.truths(this.#image, this.#data), ...first])];
    const heads = ["class", scene.measure, ...(scene.raw ? [] : ["log-odds"]), ...scores.hidden.map((each) => `${each.region} hidden (${each.fill})`)];
    const rows = classes.map((each) => [
      name(each), show(scores.score(each)), ...(scene.raw ? [] : [number(scores.logOdds(each))]),
      ...scores.hidden.map(({ values }) => show(scores.score(each, values))),
    ]);
    return [table("class scores", heads, rows), ...this.#effects(scores), ...this.#shares(step)];
  }

  /**
   * What hiding each region does to the answer: first what cannot cancel over images.
   * @param {Scores} scores
   */
  #effects(scores) {
    const { scene } = this.#given;
    const before = scores.predicted;
    if (scene.raw || !scores.hidden.length || before === null) return [];
    /** @type {(index: number) => string} */
    const name = (index) => scene.className(this.#image, index, this.#data);
    const own = scene.target(this.#image, this.#data);
    const classes = own === before ? [] : [own];
    /** @type {(index: number, values: Float32Array) => string} */
    const change = (index, values) => {
      const [p, q] = [scores.score(index), scores.score(index, values)];
      return stays(p, q) ? `stays at ${percent(p)}` : apart(p, q).join(" → ");
    };
    const rows = scores.hidden.map(({ region, fill, values, moves, flips, predicted }) => [
      `${region} (${fill})`, predictionText(before, predicted, flips, name),
      moves === null ? "not recorded" : `${(100 * moves).toFixed(1)} points`, change(before, values), ...classes.map((each) => change(each, values)),
    ]);
    const heads = [...EFFECT_HEADS, `predicted with nothing hidden: ${name(before)}`, ...classes.map(name)];
    return [table("what hiding a region does", heads, rows), el("p", { class: "quiet", text: EFFECT_NOTE })];
  }

  /**
   * Each region's share of the maps, beside what it is to be compared with.
   * @param {Step} step
   */
  #shares(step) {
    const { scene } = this.#given;
    const target = scene.target(this.#image, this.#data);
    /** @type {string[][]} */
    const rows = [];
    for (const { label } of scene.methods) {
      const series = this.#data.attributions(label, this.#image);
      const record = series?.steps.get(step);
      const first = series?.records[0]?.statistics(target);
      const part = record ? partOf(record.settings) : "positive";
      record?.statistics(target)?.shares.forEach((share, i) => rows.push([
        `${label}: ${share.name}`, percent(share[part]), part === "positive" ? percent(share.negative) : "–", first?.shares[i] ? percent(first.shares[i][part]) : "–",
        percent(share.area), share.ceiling === null || share.ceiling === undefined ? "–" : percent(share.ceiling),
      ]));
      rows.push(...this.#drawn(label, step, target));
    }
    /** @type {(index: number) => string} */
    const name = (index) => scene.className(this.#image, index, this.#data);
    const title = `share of the map for ${name(target)}`;
    const firsts = scene.methods.map(({ label }) => this.#data.attributions(label, this.#image)?.records[0]?.step);
    const steps = [...new Set(firsts)].filter((each) => each !== undefined).map(count).join(", ");
    const heads = SHARE_HEADS.map((head) => (head === FIRST_STEP ? `${head} (${steps})` : head));
    return rows.length ? [table(title, heads, rows), el("p", { class: "quiet", text: SHARE_NOTE })] : [];
  }

  /**
   * The same of the regions that were drawn.
   * @param {string} label
   * @param {Step} step
   * @param {number} target
   */
  #drawn(label, step, target) {
    const { scene, shares, state } = this.#given;
    const series = this.#data.attributions(label, this.#image);
    const now = series?.steps.get(step);
    if (!series || !now) return [];
    const part = partOf(now.settings);
    /** @type {(record: Attribution, mask: Uint8Array, which?: Part) => string} */
    const share = (record, mask, which = part) => {
      const parts = shares.get({ data: this.#data, label, image: this.#image, record, target }, mask);
      return parts === undefined ? "…" : percent(parts?.[which] ?? NaN);
    };
    return drawnOn(state.regions, scene.probe, this.#image, now.settings).map(({ name, mask }) => {
      const { area, ceiling } = referencesOf(now.settings, mask);
      const against = part === "positive" ? share(now, mask, "negative") : "–";
      return [`${label}: ${name} (drawn)`, share(now, mask), against, share(series.records[0], mask), percent(area), ceiling === null ? "–" : percent(ceiling)];
    });
  }
}
