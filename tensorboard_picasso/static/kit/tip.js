// What is said beside the pointer, or beside what has the keyboard.

import { el } from "./dom.js";

const AWAY = 8; // pixels to the window's edge

export class Tip {
  element = el("div", { class: "tip", hidden: true });

  /**
   * Say something near a point of the window, pixels.
   * @param {string[]} lines the first one is the heading
   * @param {{clientX: number, clientY: number}} at
   */
  show(lines, { clientX, clientY }) {
    this.element.hidden = false;
    this.element.replaceChildren(...lines.map((text) => el("div", { text })));
    const { offsetWidth, offsetHeight } = this.element;
    const left = Math.min(clientX + 14, window.innerWidth - offsetWidth - AWAY);
    const below = clientY + 18 + offsetHeight < window.innerHeight;
    this.element.style.left = `${Math.max(left, AWAY)}px`;
    this.element.style.top = `${below ? clientY + 18 : clientY - offsetHeight - 12}px`;
  }

  hide() {
    this.element.hidden = true;
  }
}
