// A picture of one image: its maps, and what lies between two.

import { Card } from "./card.js";
import { difference } from "../shown/compare.js";
import { number, percent } from "../kit/format.js";
import { look } from "../shown/look.js";

/** @import { FoundMap, MapSpec } from "../shown/spec.js" */
/** @import { Kind } from "./kind.js" */

/** @type {Kind<MapSpec, FoundMap>} */
export const OF_IMAGES = {
  card: (given, parts) => new Card(given, parts),

  /** The class that is explained, and its score. */
  said(scene, { data, image, step, target }) {
    const score = data.scores.get(image)?.steps.get(step)?.score(target);
    return [scene.className(image, target, data), score === undefined ? "" : scene.raw ? number(score) : percent(score)];
  },
  look,
  between: difference,
  scale: (scene, { label, target }, { record, reading }) => (reading === "score" ? 1 : scene.scales.of(record, target, label, reading)),
  key: ({ image }) => image,
  images: ({ image }) => [image],
  named: (scene, { image, target }) => ({ data: { image, target }, of: scene.imageName(image) }),
  of: (scene, { data, image, target }) => ({ image: scene.imageName(image), class: scene.className(image, target, data) }),
};
