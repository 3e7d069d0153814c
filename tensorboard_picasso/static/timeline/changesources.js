// Change of the maps as sources of charts.

import { count, plural } from "../kit/format.js";
import { ascending, distance } from "../kit/steps.js";

/** Pairs of shown runs. */
function pairs(datas) {
  return datas.flatMap((a, i) => datas.slice(i + 1).map((b) => [a, b]));
}

function mean(values) {
  return values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null;
}

/** The same image in two runs at the same step: how alike maps are that were trained apart. */
function betweenRuns({ scene, changes }, label) {
  return (_data, image) => {
    const spec = { image, label, target: scene.target(image) };
    const found = pairs(scene.datas).map(([a, b]) => changes.of({ ...spec, data: a }, { kind: "run", data: b }));
    return scene.steps.map((step) => {
      const values = found.map((results) => results.get(step)?.value ?? null).filter((value) => value !== null);
      const finite = values.filter(Number.isFinite);
      return values.length && !finite.length ? NaN : mean(finite);
    });
  };
}

/** Whether some image of two shown runs is the same. */
function hasReference(scene) {
  return pairs(scene.datas).some(([a, b]) => scene.every.some((image) => {
    const hash = a.newestInput(image)?.hash;
    return hash !== undefined && hash === b.newestInput(image)?.hash;
  }));
}

/** What the reference is of: the two runs by name, or how many. */
function referenceName(scene) {
  const runs = scene.datas.map(({ run }) => run);
  return runs.length === 2 ? runs.join(" with ") : `between ${plural(runs.length, "run")}`;
}

function whyNoReference(scene) {
  return scene.datas.length < 2 ? "no second run to compare with: no reference" : "no run with the same images: no reference";
}

/** How alike the maps of two seeds are at one step: what changes less may be sampling error. */
function noiseFloor(scene, label) {
  const values = (data, image) => {
    const series = data.attributions(label, image);
    return scene.steps.map((step) => series?.steps.get(step)?.agreementOf(scene.target(image, data)) ?? null);
  };
  const there = scene.datas.some((data) => scene.every.some((image) => data.attributions(label, image)?.records.some(({ agreement }) => agreement)));
  return there ? [{ name: "noise floor", short: "noise floor", style: "floor", values }] : [];
}

/** Of distances the least and the most, in words. */
function rangeText(distances) {
  if (!distances.length) return "";
  const sorted = distances.sort(ascending);
  const [least, most] = [sorted[0], sorted.at(-1)];
  return least === most ? plural(most, "step") : `${count(least)} to ${plural(most, "step")}`;
}

/** Rank correlations of each method's maps with the checkpoint before, the first, the pinned one. */
export function changeSources({ scene, state, changes }) {
  const froms = [
    [{ kind: "previous" }, "checkpoint before"],
    [{ kind: "first" }, "first checkpoint"],
    ...(state.pin === null ? [] : [[{ kind: "pin", step: state.pin }, `pinned step ${count(state.pin)}`]]),
  ];
  const reference = hasReference(scene);
  return scene.methods.flatMap(({ label }) => froms.map(([from, name]) => {
    const resultsOf = (data, image) => changes.of({ data, image, label, target: scene.target(image, data) }, from);
    const floor = noiseFloor(scene, label);
    return {
      id: `change:${from.kind}:${label}`, title: `rank correlation of ${label} with ${name}`,
      group: "change of maps", unit: "", range: "correlation", labels: [label], maps: true,
      values: (data, image) => {
        const results = resultsOf(data, image);
        return scene.steps.map((step) => results.get(step)?.value ?? null);
      },
      lines: [
        ...floor,
        ...(reference ? [{ name: referenceName(scene), style: "thin", common: true, values: betweenRuns({ scene, changes }, label) }] : []),
      ],
      detail: (data, images, place) => {
        const step = scene.steps[place];
        const results = images.map((image) => resultsOf(data, image).get(step)).filter(Boolean);
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
        return [between && `${between} between the two`, dots, reference ? "thin: the runs with each other, a reference if only their seeds differ" : whyNoReference(scene)].filter(Boolean).join(" · ");
      },
      pending: () => (changes.left ? `${plural(changes.left, "pair")} of maps to go` : ""),
    };
  }));
}
