// Change of the maps as sources of charts.

import { count, plural } from "../kit/format.js";
import { ascending, distance } from "../kit/steps.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { From, Result } from "../shown/changes.js" */
/** @import { Line, Source, Values } from "../shown/gather.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Scene } from "../shown/scene.js" */
/** @import { Step } from "../types.js" */

/**
 * Pairs of shown runs.
 * @param {RunData[]} datas
 */
function pairs(datas) {
  return datas.flatMap((a, i) => datas.slice(i + 1).map((b) => [a, b]));
}

/** @param {number[]} values */
function mean(values) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

/**
 * The same image in two runs at the same step: how alike maps are that were trained apart.
 * @param {Needs<"scene" | "changes">} given
 * @param {string} label
 */
function betweenRuns({ scene, changes }, label) {
  return (/** @type {number} */ image) => {
    const spec = { image, label, target: scene.target(image) };
    const distances = pairs(scene.datas).map(([a, b]) => changes.of({ ...spec, data: a }, { kind: "run", data: b }));
    return scene.steps.map((step) => {
      const values = distances.map((results) => results.get(step)?.value ?? null).filter((value) => value !== null);
      const finite = values.filter(Number.isFinite);
      return values.length && !finite.length ? NaN : mean(finite);
    });
  };
}

/**
 * Whether some image of two shown runs is the same.
 * @param {Scene} scene
 */
function hasReference(scene) {
  return pairs(scene.datas).some(([a, b]) => scene.every.some((image) => {
    const hash = a.newestInput(image)?.hash;
    return hash !== undefined && hash === b.newestInput(image)?.hash;
  }));
}

/**
 * What the reference is of: the two runs by name, or how many.
 * @param {Scene} scene
 */
function referenceName(scene) {
  const runs = scene.datas.map(({ run }) => run);
  return runs.length === 2 ? runs.join(" with ") : `between ${plural(runs.length, "run")}`;
}

/** @param {Scene} scene */
function whyNoReference(scene) {
  return scene.datas.length < 2 ? "no second run to compare with: no reference" : "no run with the same images: no reference";
}

/**
 * How alike the maps of two seeds are at one step: what changes less may be sampling error.
 * @param {Scene} scene
 * @param {string} label
 * @returns {Line[]}
 */
function noiseFloor(scene, label) {
  /** @type {Values} */
  const values = (data, image) => {
    const series = data.attributions(label, image);
    return scene.steps.map((step) => series?.steps.get(step)?.agreementOf(scene.target(image, data)) ?? null);
  };
  const there = scene.datas.some((data) => scene.every.some((image) => data.attributions(label, image)?.records.some(({ agreement }) => agreement)));
  return there ? [{ name: "noise floor", short: "noise floor", style: "floor", values }] : [];
}

/**
 * Of distances the least and the most, in words.
 * @param {Step[]} distances
 */
function rangeText(distances) {
  if (!distances.length) return "";
  const sorted = distances.sort(ascending);
  const [least, most] = [sorted[0], sorted[sorted.length - 1]];
  return least === most ? plural(most, "step") : `${count(least)} to ${plural(most, "step")}`;
}

/**
 * Rank correlations of each method's maps with the checkpoint before, the first, the pinned one.
 * @param {Needs<"scene" | "state" | "changes">} given
 * @returns {Source[]}
 */
export function changeSources({ scene, state, changes }) {
  /** @type {[From, string][]} */
  const froms = [
    [{ kind: "previous" }, "checkpoint before"],
    [{ kind: "first" }, "first checkpoint"],
  ];
  if (state.pin !== null) froms.push([{ kind: "pin", step: state.pin }, `pinned step ${count(state.pin)}`]);
  const reference = hasReference(scene);
  return scene.methods.flatMap(({ label }) => froms.map(([from, name]) => {
    /** @type {(data: RunData, image: number) => Map<Step, Result>} */
    const resultsOf = (data, image) => changes.of({ data, image, label, target: scene.target(image, data) }, from);
    const floor = noiseFloor(scene, label);
    /** @type {Line} */
    const between = { name: referenceName(scene), style: "thin", common: betweenRuns({ scene, changes }, label) };
    return {
      id: `change:${from.kind}:${label}`, title: `rank correlation of ${label} with ${name}`,
      group: "change of maps", unit: "", range: "correlation", labels: [label], maps: true,
      values: (data, image) => {
        const results = resultsOf(data, image);
        return scene.steps.map((step) => results.get(step)?.value ?? null);
      },
      lines: [
        ...floor,
        ...(reference ? [between] : []),
      ],
      detail: (data, images, place) => {
        const step = scene.steps[place];
        const results = images.flatMap((image) => resultsOf(data, image).get(step) ?? []);
        const froms = [...new Set(results.map((result) => result.from))];
        const away = rangeText(froms.map((each) => distance(step, each)));
        // Images may lack other steps, and then are compared with other ones.
        if (froms.length !== 1) return away && `${away} between the two`;
        return `${away} ${step < froms[0] ? "before" : "after"} step ${count(froms[0])}`;
      },
      note: (images) => {
        const all = scene.datas.flatMap((data) => images.map((image) => resultsOf(data, image)));
        const between = rangeText(all.flatMap((results) => [...results].map(([step, { from }]) => distance(step, from))));
        const dots = floor.length ? "dots: noise floor, the same step with a second seed; where the line is above it, maps changed by less than the sampling error" : "";
        const ends = "1: the same order of places, 0: none in common";
        return [ends, between && `${between} between the two`, dots, reference ? "thin: the runs with each other, a reference if only their seeds differ" : whyNoReference(scene)].filter(Boolean).join(" · ");
      },
      pending: () => (changes.left ? `${plural(changes.left, "pair")} of maps to go` : scene.isComing(label) ? "loading" : ""),
    };
  }));
}
