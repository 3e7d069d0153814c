// A menu of the top bar: closed until it is asked for, and what it holds imported then.

import { el, refill } from "../kit/dom.js";
import { Later } from "../kit/later.js";

/** @import { Needs } from "../shown/given.js" */

/** @typedef {typeof import("./contents.js").contents} Contents */

const CONTENTS = new Later(async () => (await import("./contents.js")).contents);

export class Menu {
  /** @type {HTMLDivElement} */
  #panel;
  #button;
  #given;
  #make;
  /** @type {string | null} */
  #said = ""; // by the panel when it was filled: a button of it may say "Copied" since
  /** @type {Element | null} */
  #from = null;

  /**
   * @param {Needs<"lacks">} given
   * @param {string} text
   * @param {(contents: Contents) => Node[]} make what the panel holds, made anew whenever it opens
   * @param {string} name
   */
  constructor(given, text, make, name = text.toLowerCase()) {
    this.#given = given;
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
    CONTENTS.use((contents) => this.#open(contents), this.#given.lacks);
  }

  /** @param {Contents} contents */
  #open(contents) {
    this.#panel.replaceChildren(...el("div", {}, ...this.#make(contents)).childNodes);
    this.#said = this.#panel.textContent;
    this.#panel.hidden = false;
    this.#button.setAttribute("aria-expanded", "true");
    // What has no fields is read and scrolled.
    const first = this.#panel.querySelector(":is(button, select, input):enabled");
    (first instanceof HTMLElement ? first : this.#panel).focus();
  }

  /** Offer what fits now: one choice may change what others there are. */
  update() {
    if (this.#panel.hidden || !CONTENTS.here) return;
    const next = el("div", {}, ...this.#make(CONTENTS.here));
    if (next.textContent === this.#said) return;
    this.#said = next.textContent;
    refill(this.#panel, next.childNodes);
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
