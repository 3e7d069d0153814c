// A picture of the mean over several images, and what lies between two.

import { meanDifference } from "../shown/compare.js";
import { plural } from "../kit/format.js";
import { lookMean } from "../shown/look.js";
import { MeanCard, nameOfMean, withError } from "./meancard.js";
import { distinct, membersText } from "../log/records.js";

/** @import { FoundMean, MeanSpec } from "../shown/spec.js" */
/** @import { Kind } from "./kind.js" */

/** @param {FoundMean} found */
function imagesOf({ record }) {
  return distinct(record.settings.members).map(({ image }) => image);
}

/** @type {Kind<MeanSpec, FoundMean>} */
export const OF_MEANS = {
  card: (given, parts) => new MeanCard(given, parts),
  /** Which side it is says enough: there is no score of several images. */
  said: () => ["", ""],
  look: lookMean,
  between: meanDifference,
  scale: (scene, { group, label }, { record }) => scene.scales.ofMean(record, group, label),
  key: ({ group }) => nameOfMean(group),
  images: (_spec, found) => imagesOf(found),
  named(_scene, { group }, found) {
    const images = imagesOf(found);
    return { data: { group: group ?? "probe", ground: found.ground.state, images: images.join() }, of: `the mean of ${plural(images.length, "image")}` };
  },
  of: (_scene, _spec, { record }) => ({ image: `mean of ${membersText(record.settings.members)}` }),
  windowed: ({ record }, at) => withError(record, at.position ?? 0),
  remark: (found) => `mean ± standard error, both of the same ${plural(imagesOf(found).length, "image")}: not independent, so none for B − A`,
};
