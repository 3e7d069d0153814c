// Stored maps that are looked at next: fetched and decoded before.

/** @import { Needs } from "./given.js" */

const AHEAD = 8; // steps decoded before they are shown

/**
 * Fetch them: columns first, then the steps after this one.
 * @param {Needs<"scene" | "store">} given
 * @param {Iterable<number>} images
 */
export function prefetch({ scene, store }, images) {
  const { label } = scene;
  if (label === null || scene.settings(label)?.geometry !== null) return;
  const wanted = [...scene.columns, ...scene.steps.slice(Math.max(scene.place, 0)), ...scene.steps];
  for (const step of wanted) {
    for (const data of scene.datas) {
      for (const image of images) {
        const record = data.attributions(label, image)?.steps.get(data.at(step));
        if (record) store.planes.prefetch({ data, label, image }, [record]);
      }
    }
  }
}

/**
 * Decode those of the coming steps.
 * @param {Needs<"scene" | "store">} given
 * @param {Iterable<number>} images
 */
export function decodeAhead({ scene, store }, images) {
  const { label, place } = scene;
  if (label === null || scene.settings(label)?.geometry !== null) return;
  for (const step of scene.steps.slice(place + 1, place + 1 + AHEAD)) {
    for (const data of scene.datas) {
      for (const image of images) {
        const record = data.attributions(label, image)?.steps.get(data.at(step));
        const target = scene.target(image, data);
        if (record?.targets.includes(target)) store.planes.get({ data, label, image }, record, target);
      }
    }
  }
}
