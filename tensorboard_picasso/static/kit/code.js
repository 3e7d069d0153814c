// Lines of Python to take away.

import { copier, el } from "./dom.js";

/**
 * Lines under a title, with a button that copies them.
 * @param {string} title
 * @param {string} text
 */
export function code(title, text) {
  const lines = el("pre", { text });
  const copy = copier("Copy", `copy: ${title}`, () => text, () => lines);
  return el("section", {}, el("div", { class: "codehead" }, el("h3", { text: title }), copy), lines);
}
