// B minus A of two means, and what a comparison of means is made of.

import { meanDifference } from "../shown/compare.js";
import { Difference } from "./difference.js";
import { plural } from "../kit/format.js";
import { lookMean } from "../shown/look.js";
import { MeanCard, nameOfMean, withError } from "./meancard.js";
import { distinct, membersText } from "../log/records.js";

class MeanDifference extends Difference {
  #group = null;
  #sides = [];

  get image() {
    return nameOfMean(this.#group);
  }

  get images() {
    return distinct(this.#sides[1].settings.members).map(({ image }) => image);
  }

  look(spec) {
    this.#group = spec.group;
    return lookMean(this.app, spec);
  }

  between(a, b) {
    this.#sides = [a.record, b.record];
    return meanDifference(a, b);
  }

  shared({ group, label }, { record }) {
    return this.app.scene.meanScale(record, group, label);
  }

  named({ group }, { ground }) {
    const images = this.images;
    return { data: { group: group ?? "probe", ground: ground.state, images: images.join() }, of: `the mean of ${plural(images.length, "image")}` };
  }

  of(_spec, { record }) {
    return { image: `mean of ${membersText(record.settings.members)}` };
  }

  sides(values, at) {
    // Without windows in common the errors, which are of windows, say nothing of the pixel.
    return super.sides(this.found.windows ? this.#sides.map((record) => withError(record, at.position)) : values);
  }

  lines(at) {
    const why = `mean ± standard error, both of the same ${plural(this.images.length, "image")}: not independent, so none for B − A`;
    return [...super.lines(at), ...(this.found.windows ? [why] : [])];
  }
}

export const OF_MEANS = {
  card: (app, parts) => new MeanCard(app, parts),
  difference: (app, parts) => new MeanDifference(app, parts),
  /** Which side it is says enough: there is no score of several images. */
  said: () => ["", ""],
};
