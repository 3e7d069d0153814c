// Shares of drawn regions as sources of charts.

import { count, plural } from "../kit/format.js";
import { drawnOn, namesOf } from "../numbers/regions.js";
import { partOf } from "../numbers/reading.js";
import { ALONE, referencesOf } from "../numbers/regionshare.js";
import { overSteps } from "../shown/gather.js";

/** @import { Attribution } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Source } from "../shown/gather.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Size } from "../types.js" */

/**
 * How links name such a source.
 * @param {string} name
 * @param {string | null} label
 */
export function drawnId(name, label) {
  return `drawn:${name}:${label}`;
}

/**
 * The share of each drawn region in each method's maps; see shares.js for how it is counted.
 * @param {Needs<"scene" | "shares" | "state">} given
 * @returns {Source[]}
 */
export function drawnSources({ scene, shares, state }) {
  return namesOf(state.regions, scene.probe).flatMap((name) => scene.methods.map(({ label }) => {
    /** @type {(image: number, size: Size) => Uint8Array | undefined} */
    const maskOn = (image, size) => drawnOn(state.regions, scene.probe, image, size).find((each) => each.name === name)?.mask;
    /** @type {(data: RunData, image: number, record: Attribution) => number | null} */
    const share = (data, image, record) => {
      const mask = maskOn(image, record.settings);
      const parts = mask && shares.get({ data, label, image, record, target: scene.target(image, data) }, mask);
      return parts?.[partOf(record.settings)] ?? null;
    };
    return {
      id: drawnId(name, label), title: `share of ${name} (drawn) in ${label}`,
      group: "regions", unit: "", range: "share", labels: [label], maps: true,
      values: (data, image) => {
        const series = data.attributions(label, image);
        return overSteps(scene, series, (record) => share(data, image, record));
      },
      references: (data, image) => {
        const records = data.attributions(label, image)?.records ?? [];
        const newest = records.at(-1);
        const mask = newest && maskOn(image, newest.settings);
        if (!mask) return [];
        const { area, ceiling } = referencesOf(newest.settings, mask);
        return [
          { name: "area", value: area },
          { name: `first step (${count(records[0].step)})`, value: share(data, image, records[0]) ?? NaN },
          { name: ALONE, value: ceiling ?? NaN },
        ].filter(({ value }) => Number.isFinite(value));
      },
      note: () => {
        const images = scene.every.filter((image) => {
          const input = scene.input(image);
          return input && maskOn(image, input);
        });
        if (images.length === 1) return `on ${scene.imageName(images[0])}`;
        return images.length < scene.every.length ? `on ${images.length} of ${plural(scene.every.length, "image")}` : "";
      },
      pending: () => {
        const { progress } = shares;
        return progress ? `counting: ${count(progress.done)} of ${plural(progress.all, "map")}` : "";
      },
    };
  }));
}
