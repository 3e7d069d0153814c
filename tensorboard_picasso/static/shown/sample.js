// The images that edits were made of: what they are called, and their classes.

/** @import { RunData } from "../log/rundata.js" */
/** @import { Input } from "../types.js" */
/** @import { Needs } from "./given.js" */

/**
 * What is known of them in a run.
 * @param {Needs<"scene" | "store">} given
 * @param {string} run
 * @returns {RunData}
 */
export function sampleIn({ scene, store }, run) {
  return store.data(run, scene.sample ?? "");
}

/**
 * A class's name as the sample has it, else as the probe.
 * @param {Needs<"scene" | "store">} given
 * @param {string} run
 * @param {number} index
 */
export function sampleClass(given, run, index) {
  for (const { records } of sampleIn(given, run).inputs.values()) {
    const name = records.at(-1)?.class_names[index];
    if (name) return name;
  }
  return given.scene.nameOfClass(index);
}

/**
 * What an image is called.
 * @param {number} image
 * @param {Input | null} input
 */
export function nameIn(image, input) {
  const name = input?.name || String(image);
  // A bare number beside class names would be read as a class.
  return /^\d+$/.test(name) ? `image ${name}` : name;
}
