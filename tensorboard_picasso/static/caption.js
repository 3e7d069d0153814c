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

  show(scene, image, record) {
    if (!record) {
      this.element.className = "";
      setText(this.#mark, "");
      setText(this.#name, "");
      setText(this.#score, "");
      return;
    }
    const label = scene.input(image)?.label ?? null;
    const { predicted } = record;
    const right = label === predicted;
    this.element.className = label === null ? "" : right ? "right" : "wrong";
    setText(this.#mark, label === null ? "" : right ? "✓" : "✗");
    setText(this.#name, scene.className(image, predicted));
    const score = record.score(predicted);
    setText(this.#score, `(${record.output === "raw" ? number(score) : percent(score)})`);
  }
}
