// What the model said, above a map.

import { el, setText } from "../kit/dom.js";
import { number, percent } from "../kit/format.js";

/** @import { Scores } from "../log/records.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Scene } from "../shown/scene.js" */

/** `✗ 3 (61 %)` */
export class Caption {
  #mark = el("span", { class: "mark" });
  #name = el("span", { class: "class" });
  #score = el("span", { class: "score" });

  constructor() {
    this.element = el("figcaption", {}, this.#mark, this.#name, this.#score);
  }

  /**
   * @param {Scene} scene
   * @param {number} image
   * @param {RunData} data
   * @param {Scores | undefined} record scores of an image in a run, or undefined where there are none
   */
  show(scene, image, data, record) {
    const prediction = record?.prediction ?? null;
    const right = scene.isRight(image, data, record);
    this.element.className = right === null ? "" : right ? "right" : "wrong";
    setText(this.#mark, right === null ? "" : right ? "✓" : "✗");
    if (!record || prediction === null) {
      setText(this.#name, record ? "NaN" : "");
      setText(this.#score, "");
      this.element.title = record ? "the model's scores are not numbers" : "";
      return;
    }
    const show = record.output === "raw" ? number : percent;
    const name = prediction.map((each) => scene.className(image, each, data)).join(", ") || "none";
    const text = prediction.map((each) => show(record.score(each))).join(", ");
    setText(this.#name, name);
    setText(this.#score, text ? `(${text})` : "");
    this.element.title = `predicted ${name}${text ? `, ${text}` : ""}${right === null ? "" : right ? ": right" : `: ${scene.labelText(image, data)}`}`;
  }
}
