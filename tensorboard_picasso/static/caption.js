// What the model said, above a map.

import { el, setText } from "./dom.js";
import { number, percent } from "./format.js";

/** `✗ 3 (61 %)` */
export class Caption {
  #mark = el("span", { class: "mark" });
  #name = el("span", { class: "class" });
  #score = el("span", { class: "score" });

  constructor() {
    this.element = el("figcaption", {}, this.#mark, this.#name, this.#score);
  }

  /** @param {object} record scores of an image in a run, or undefined where there are none */
  show(scene, image, data, record) {
    const label = scene.input(image, data)?.label ?? null;
    const predicted = record?.predicted ?? null;
    const judged = label !== null && predicted !== null;
    const right = label === predicted;
    this.element.className = judged ? (right ? "right" : "wrong") : "";
    setText(this.#mark, judged ? (right ? "✓" : "✗") : "");
    if (predicted === null) {
      setText(this.#name, record ? "NaN" : "");
      setText(this.#score, "");
      this.element.title = record ? "the model's scores are not numbers" : "";
      return;
    }
    const name = scene.className(image, predicted, data);
    const score = record.score(predicted);
    const text = record.output === "raw" ? number(score) : percent(score);
    setText(this.#name, name);
    setText(this.#score, `(${text})`);
    this.element.title = `predicted ${name}, ${text}${label === null ? "" : right ? ": right" : `: the true class is ${scene.className(image, label, data)}`}`;
  }
}
