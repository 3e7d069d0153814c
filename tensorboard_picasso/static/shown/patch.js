// The part of an image where its map is strongest, cut out of it; found once a map.

import { kept } from "../kit/lists.js";
import { partOf, windows } from "../numbers/reading.js";
import { strongestRectangle, strongestWindow } from "../numbers/strongest.js";
import { look } from "./look.js";

/** @import { Attribution } from "../log/records.js" */
/** @import { Strongest } from "../numbers/strongest.js" */
/** @import { Choices, Step } from "../types.js" */
/** @import { Needs } from "./given.js" */
/** @import { Scene } from "./scene.js" */
/** @import { Coming, FoundMap, Lacking, MapSpec } from "./spec.js" */
/** @import { State } from "./state.js" */

/** @typedef {{record: Attribution, strongest: Strongest, pixels: ImageData, loading?: undefined, why?: undefined}} Cut */

const NEAR = 4; // steps beside the one on show

/**
 * What was found, by class; null: nothing stands out.
 * @type {WeakMap<Attribution, Map<number, Strongest | null>>}
 */
const found = new WeakMap();

/**
 * Cut a patch out.
 * @param {Needs<"scene" | "store">} given
 * @param {MapSpec} spec
 * @returns {Coming | Lacking | Cut}
 */
export function cut(given, spec) {
  const record = spec.data.attributions(spec.label, spec.image)?.steps.get(spec.step);
  if (record?.settings.depth) return { why: "no patches of volumes" };
  const known = record && found.get(record)?.get(spec.target);
  if (record && known !== undefined) return cutOut(given, spec, record, known);
  const looked = look(given, spec);
  if (!looked.record) return looked;
  const strongest = strongestOf(looked);
  kept(found, looked.record, () => new Map()).set(spec.target, strongest);
  return cutOut(given, spec, looked.record, strongest);
}

/**
 * @param {Needs<"store">} given
 * @param {MapSpec} spec
 * @param {Attribution} record
 * @param {Strongest | null} strongest
 * @returns {Coming | Lacking | Cut}
 */
function cutOut({ store }, { data, image }, record, strongest) {
  if (!strongest) return { why: "nothing stands out in the map" };
  const ground = store.grounds.of(data, image, record.hash);
  if (ground.state === "loading") return { loading: true };
  if (ground.state !== "ready") return { why: ground.state === "not kept" ? "image not kept" : `image ${ground.state}` };
  const { pixels } = ground;
  const { height, width } = record.settings;
  if (pixels.height !== height || pixels.width !== width) return { why: "the map has another size than the image" };
  return { record, strongest, pixels };
}

/** @param {FoundMap} looked */
function strongestOf({ record, plane, input, target }) {
  const { settings } = record;
  if (settings.geometry) {
    const values = windows(record, target, "importance");
    return values && strongestWindow(values, settings.geometry, settings.width);
  }
  return plane && strongestRectangle(plane.values, settings, partOf(settings), plane.unseen ?? input?.unseen ?? null);
}

/**
 * The step that the order is found at; null where there is none.
 * @param {Scene} scene
 * @param {State} state
 */
export function orderStep(scene, state) {
  return state.patchesAt ?? scene.steps.at(-1) ?? null;
}

/**
 * The steps whose maps of all images are needed first: the one on show and the one of the order; once these are here, those beside.
 * @param {Scene} scene
 * @param {State} state
 * @returns {Step[]}
 */
export function patchSteps(scene, state) {
  const { place, steps, datas, images, label } = scene;
  const asked = [scene.step, orderStep(scene, state)].filter((step) => step !== null);
  // Runs log at steps of their own.
  const first = new Set(asked.flatMap((step) => datas.map((data) => data.at(step))));
  const here = datas.every((data) => images.every((image) => {
    const series = data.attributions(label, image)?.steps;
    return asked.every((step) => {
      const record = series?.get(data.at(step));
      return record && (!record.settings.geometry || record.grid);
    });
  }));
  return [...first, ...(here ? steps.slice(Math.max(place - NEAR, 0), place + NEAR + 1) : [])];
}

/**
 * Whether the patches are shown, with nothing large before them.
 * @param {Pick<Choices, "patches" | "open" | "edit">} state
 */
export function patchesOnTop({ patches, open, edit }) {
  return patches !== null && open === null && edit === null;
}
