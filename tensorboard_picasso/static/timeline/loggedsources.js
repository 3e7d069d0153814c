// Logged regions in the maps as sources of charts: their share, and whether the strongest pixels lie in them.

import { count, number, plural, points } from "../kit/format.js";
import { partOf } from "../numbers/reading.js";
import { ALONE } from "../numbers/regionshare.js";
import { unsure, valuesOf } from "../shown/editpoints.js";
import { overSteps } from "../shown/gather.js";

/** @import { Attribution } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Line, Source } from "../shown/gather.js" */
/** @import { Scene } from "../shown/scene.js" */
/** @import { Compared, Located } from "../types.js" */

/**
 * A region in the maps of a method; twice: whether some were made with a second seed.
 * @typedef {{name: string, label: string, twice: boolean}} Of
 */

/**
 * What a number of a region is of a map.
 * @typedef {(record: Attribution, target: number, name: string) => number | null} Read
 */

/**
 * What is counted of the strongest pixels, and how it is told.
 * @type {{part: "pointing" | "iou", chance: "chance_pointing" | "chance_iou", title: string, told: (region: Compared) => string}[]}
 */
const MEASURED = [
  {
    part: "pointing", chance: "chance_pointing", title: "pointing game",
    told: ({ tolerance }) => `1: the strongest pixel lies in the region or within ${number(tolerance ?? 0)} pixels of it`,
  },
  { part: "iou", chance: "chance_iou", title: "IoU", told: () => "of the region with as many of the strongest pixels" },
];

/**
 * The names of all regions that were logged with the images.
 * @param {Scene} scene
 */
function regionNames(scene) {
  return [...new Set(scene.every.flatMap((image) => (scene.input(image)?.regions ?? []).map(({ name }) => name)))];
}

/**
 * A region's references, of the newest record; null where there is none.
 * @param {RunData} data
 * @param {string} label
 * @param {number} image
 * @param {string} name
 * @returns {Compared | null}
 */
function comparedOf(data, label, image, name) {
  const newest = data.attributions(label, image)?.records.at(-1);
  return newest?.settings.regions.find((each) => each.name === name) ?? null;
}

/** @type {Read} */
function shareOf(record, target, name) {
  return record.statistics(target)?.shares.find((each) => each.name === name)?.[partOf(record.settings)] ?? null;
}

/**
 * The same number of the map of a second seed: what differs less from it may be sampling error.
 * @param {Scene} scene
 * @param {Of} of
 * @param {(found: Located, record: Attribution) => number} read
 * @returns {Line[]}
 */
function secondSeed(scene, { name, label, twice }, read) {
  if (!twice) return [];
  return [{
    name: "second seed", short: "second seed", style: "floor",
    values: (data, image) => overSteps(scene, data.attributions(label, image), (record) => {
      const found = record.secondOf(scene.target(image, data), name);
      return found && read(found, record);
    }),
  }];
}

/**
 * What there is to say of sampling error.
 * @param {Scene} scene
 * @param {string} label
 * @param {Line[]} lines
 */
function noiseText(scene, label, lines) {
  if (lines.length) return "dots: the same step with a second seed; what differs less is sampling error";
  const records = scene.datas.flatMap((data) => scene.every.flatMap((image) => data.attributions(label, image)?.records.at(-1) ?? []));
  return records.some(({ settings }) => settings.seed !== null) ? "no second seed was logged: no noise floor" : "";
}

/**
 * What takes the model: whether the answers stand when all but the region is another picture's.
 * @param {Scene} scene
 * @param {string} name
 */
function relianceText(scene, name) {
  const told = scene.shown.flatMap((run) => {
    const edits = scene.loggedEdits(run);
    const place = edits?.asked.edits.findIndex((each) => each.region === name && each.form === "swapped" && !each.matched && each.name.startsWith("all but ")) ?? -1;
    const newest = edits?.at(null) ?? null;
    if (!edits || !newest || place < 0 || edits.asked.output === "raw") return [];
    const { value, count: asked } = unsure(valuesOf(edits, newest, place, { measure: "moves" }));
    return !asked ? [] : [`${scene.shown.length > 1 ? `${run}: ` : ""}${points(value)} points at step ${count(newest.step)}, ${plural(asked, "image")}`];
  });
  if (told.length) return `no measure of reliance; everything else swapped moves the answers by ${told.join("; ")}`;
  return "no measure of reliance: log edited= to see whether answers stand with everything else swapped";
}

/**
 * A region's share of a method's maps, with what it is to be compared with.
 * @param {Scene} scene
 * @param {Of} of
 * @returns {Source}
 */
function shareSource(scene, { name, label, twice }) {
  const lines = secondSeed(scene, { name, label, twice }, (found, { settings }) => found[partOf(settings)]);
  return {
    id: `share:${name}:${label}`, title: `share of ${name} in ${label}`,
    group: "regions", unit: "", range: "share", labels: [label], lines,
    values: (data, image) => overSteps(scene, data.attributions(label, image), (record) => shareOf(record, scene.target(image, data), name)),
    references: (data, image) => {
      const records = data.attributions(label, image)?.records ?? [];
      if (!records.length) return [];
      const about = comparedOf(data, label, image, name);
      return [
        { name: "area", value: about?.area ?? NaN },
        { name: `first step (${count(records[0].step)})`, value: shareOf(records[0], scene.target(image, data), name) ?? NaN },
        { name: ALONE, value: about?.ceiling ?? NaN },
      ].filter(({ value }) => Number.isFinite(value));
    },
    note: () => (lines.length ? noiseText(scene, label, lines) : ""),
    pending: () => (scene.isComing(label) ? "loading" : ""),
  };
}

/**
 * Whether the strongest pixels of a method's maps lie in a region, beside what chance gives.
 * @param {Scene} scene
 * @param {Of} of
 * @param {typeof MEASURED[number]} measure
 * @returns {Source}
 */
function foundSource(scene, { name, label, twice }, { part, chance, title, told }) {
  /** @type {Read} */
  const read = (record, target) => record.locatedOf(target, name)?.[part] ?? null;
  const lines = secondSeed(scene, { name, label, twice }, (found) => found[part]);
  return {
    id: `${part}:${name}:${label}`, title: `${title} of ${name} in ${label}`,
    group: "strongest pixels", unit: "", range: "share", labels: [label], lines, yesOrNo: part === "pointing",
    values: (data, image) => overSteps(scene, data.attributions(label, image), (record) => read(record, scene.target(image, data), name)),
    references: (data, image) => {
      const value = comparedOf(data, label, image, name)?.[chance] ?? null;
      return value === null ? [] : [{ name: "by chance", value }];
    },
    note: (images) => {
      const all = scene.datas.flatMap((data) => images.flatMap((image) => comparedOf(data, label, image, name) ?? []));
      const known = all.find((each) => each[chance] !== null);
      if (all.length && !known) return "not recorded: logged by an older version";
      return [relianceText(scene, name), known && told(known), noiseText(scene, label, lines)].filter(Boolean).join(" · ");
    },
    pending: () => (scene.isComing(label) || scene.shown.some((run) => scene.edits(run) === "coming") ? "loading" : ""),
  };
}

/**
 * All of a region in the maps of each method.
 * @param {Scene} scene
 * @returns {Source[]}
 */
export function loggedSources(scene) {
  const names = regionNames(scene);
  if (!names.length) return [];
  const methods = scene.methods.map(({ label }) => {
    const twice = scene.datas.some((data) => scene.every.some((image) => data.attributions(label, image)?.records.some((each) => each.second)));
    return { label, twice };
  });
  const pairs = names.flatMap((name) => methods.map((each) => ({ ...each, name })));
  return [
    ...pairs.map((of) => shareSource(scene, of)),
    ...pairs.flatMap((of) => MEASURED.map((measure) => foundSource(scene, of, measure))),
  ];
}
