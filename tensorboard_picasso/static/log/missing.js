// Which grids of a method are not here, and how much of a method fits into one answer.

import { ascending } from "../kit/steps.js";
import { countOf } from "../numbers/places.js";

/** @import { Attribution } from "./records.js" */
/** @import { RunData } from "./rundata.js" */

const CHUNK = 8 << 20; // bytes of grids a request

/**
 * A record whose grid is not here.
 * @typedef {{image: number, record: Attribution}} Lacking
 */

/**
 * Records of a method whose grid is not here.
 * @param {RunData} data
 * @param {string} label
 */
export function missing(data, label) {
  /** @type {Lacking[]} */
  const lacking = [];
  for (const { image, records } of data.methods.get(label)?.values() ?? []) {
    for (const record of records) if (record.settings.geometry && !record.grid) lacking.push({ image, record });
  }
  return lacking;
}

/** @param {Attribution} record */
function bytesOf({ settings: { geometry } }) {
  return geometry ? 4 * countOf(geometry) * geometry.classes.length : 0;
}

/**
 * Bytes of the grids of those records that a test picks.
 * @param {RunData} data
 * @param {string} label
 * @param {(record: Attribution) => unknown} test
 */
export function sizeOf(data, label, test) {
  let size = 0;
  for (const { records } of data.methods.get(label)?.values() ?? []) {
    for (const record of records) if (test(record)) size += bytesOf(record);
  }
  return size;
}

/**
 * The first images whose missing grids fit into one answer; one at the least.
 * @param {Lacking[]} records
 */
export function firstGroup(records) {
  /** @type {Map<number, number>} */
  const bytes = new Map();
  for (const { image, record } of records) bytes.set(image, (bytes.get(image) ?? 0) + bytesOf(record));
  /** @type {number[]} */
  const group = [];
  let room = CHUNK;
  for (const [image, size] of bytes) {
    if (group.length && size > room) break;
    group.push(image);
    room -= size;
  }
  return group;
}

/** @param {Lacking[]} records */
export function imagesOf(records) {
  return [...new Set(records.map(({ image }) => image))];
}

/** @param {Lacking[]} records */
export function stepsOf(records) {
  return [...new Set(records.map(({ record }) => record.step))].sort(ascending);
}

/**
 * Images in groups of so many records together, about; of one image at the least.
 * @param {number[]} images
 * @param {RunData} data
 * @param {number} most
 */
export function grouped(images, data, most) {
  const count = Math.max(1, Math.floor((most * data.images.length) / Math.max(1, data.size)));
  return Array.from({ length: Math.ceil(images.length / count) }, (_, i) => images.slice(i * count, (i + 1) * count));
}
