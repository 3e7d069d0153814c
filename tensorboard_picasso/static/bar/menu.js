// A menu of the top bar: closed until it is asked for, and what it holds made then.

import { el, refill } from "../kit/dom.js";

export class Menu {
  /** @type {HTMLDivElement} */
  #panel;
  #button;
  #make;
  /** @type {string | null} */
  #said = ""; // by the panel when it was filled: a button of it may say "Copied" since
  /** @type {Element | null} */
  #from = null;

  /**
   * @param {string} text
   * @param {() => Node[]} make what the panel holds, made anew whenever it opens
   * @param {string} name
   */
  constructor(text, make, name = text.toLowerCase()) {
    this.#make = make;
    this.#panel = el("div", { class: "panel", role: "dialog", "aria-label": name, tabindex: -1, hidden: true });
    this.#button = el("button", {
      type: "button", text: text === "?" ? "?" : `${text} ▾`, "aria-label": name, "aria-expanded": "false", "aria-haspopup": "dialog",
      on: { click: () => this.toggle() },
    });
    this.element = el("div", { class: `menu ${name}` }, this.#button, this.#panel);
    document.addEventListener("pointerdown", (event) => {
      if (!(event.target instanceof Node && this.element.contains(event.target))) this.close();
    });
    // Who tabs on has left the menu. Focus that goes nowhere is a panel made anew.
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (relatedTarget instanceof Node && !this.element.contains(relatedTarget)) this.close();
    });
  }

  toggle() {
    if (!this.#panel.hidden) {
      this.close();
      return;
    }
    // A key opens it from anywhere, and closing it leads back there.
    this.#from = document.activeElement;
    this.#panel.replaceChildren(...this.#contents().childNodes);
    this.#said = this.#panel.textContent;
    this.#panel.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    // What has no fields is read and scrolled.
    const first = this.#panel.querySelector(":is(button, select, input):enabled");
    (first instanceof HTMLElement ? first : this.#panel).focus();
  }

  /** Offer what fits now: one choice may change what others there are. */
  update() {
    if (this.#panel.hidden) return;
    const next = this.#contents();
    if (next.textContent === this.#said) return;
    this.#said = next.textContent;
    refill(this.#panel, next.childNodes);
  }

  #contents() {
    return el("div", {}, ...this.#make());
  }

  close() {
    if (this.#panel.hidden) return false;
    const from = this.#from;
    const back = from instanceof HTMLElement && from.isConnected && from !== document.body ? from : this.#button;
    if (this.#panel.contains(document.activeElement)) back.focus();
    this.#panel.hidden = true;
    this.#button.setAttribute("aria-expanded", "false");
    return true;
  }
}
