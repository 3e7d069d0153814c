// The scales of the maps and means on show, each found once.

import { kept } from "../kit/lists.js";
import { commonScale, ownScale, weighed } from "../numbers/reading.js";

/** @import { Attribution, Mean } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { MeanGroup, Reading, Step } from "../types.js" */
/** @import { State } from "./state.js" */

export class Scales {
  #state;
  #scene;
  /** @type {Map<string, number>} */
  #scales = new Map();

  /**
   * @param {State} state
   * @param {{datas: RunData[], target: (image: number, data: RunData) => number}} scene
   */
  constructor(state, scene) {
    this.#state = state;
    this.#scene = scene;
  }

  /** Find them again: something else is on show. */
  clear() {
    this.#scales.clear();
  }

  /**
   * Scale of one map under the scale mode; `label` and `reading` as they are shown.
   * @param {Attribution} record
   * @param {number} target
   * @param {string | null} label
   * @param {Reading} reading
   */
  of(record, target, label, reading) {
    if (reading === "score") return 1;
    const mode = this.#state.scale;
    if (mode === "map") return ownScale(record, target, reading);
    return this.#largest(label, reading, mode === "step" ? record.step : null);
  }

  /**
   * The scale of all steps and runs.
   * @param {string | null} label
   * @param {Reading} reading
   */
  shared(label, reading) {
    return this.#largest(label, reading, null);
  }

  /**
   * Scale of a mean under the scale mode: those over the probe (group null) share one, those over classes and groups another.
   * @param {Mean} record
   * @param {MeanGroup} group
   * @param {string | null} label
   */
  ofMean(record, group, label) {
    const mode = this.#state.scale;
    return mode === "map" ? record.peak() : this.#largestMean(label, group === null, mode === "step" ? record.step : null);
  }

  /**
   * The scale of such means of all steps and runs.
   * @param {MeanGroup} group
   * @param {string | null} label
   */
  sharedOfMeans(group, label) {
    return this.#largestMean(label, group === null, null);
  }

  /** @param {string | null} label @param {boolean} ofProbe @param {Step | null} step */
  #largestMean(label, ofProbe, step) {
    const key = `${label}\nmeans\n${ofProbe}\n${step}`;
    return kept(this.#scales, key, () => {
      let largest = 0;
      for (const data of this.#scene.datas) {
        for (const [group, series] of data.means.get(label ?? "")?.groups ?? []) {
          if ((group === null) !== ofProbe) continue;
          const records = step === null ? series.records : [series.steps.get(step)];
          for (const record of records) if (record) largest = Math.max(largest, record.peak());
        }
      }
      return largest;
    });
  }

  /**
   * The scale of the maps of a method, at one step or (null) at all: the largest of the images'.
   * @param {string | null} label
   * @param {Reading} reading
   * @param {Step | null} step
   */
  #largest(label, reading, step) {
    const key = `${label}\n${reading}\n${step}`;
    return kept(this.#scales, key, () => {
      let largest = 0;
      for (const data of this.#scene.datas) {
        for (const [image, series] of data.methods.get(label ?? "") ?? []) {
          const target = this.#scene.target(image, data);
          const common = commonScale(series.records.map((each) => weighed(each, target, reading)));
          const record = step === null ? null : series.steps.get(step);
          const own = step === null ? common : record ? ownScale(record, target, reading) : 0;
          largest = Math.max(largest, Math.min(own, common));
        }
      }
      return largest;
    });
  }
}
