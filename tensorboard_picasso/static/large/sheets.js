// What is shown large, an image or an edit: a sheet that covers the rows, made once one is opened.

import { LargeEdit } from "./edit.js";
import { Large } from "./large.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { Blocked } from "./block.js" */
/** @import { Edited } from "./edit.js" */

/** To what the keyboard goes back: `focus` an image, `focusEdit` an edit. @typedef {{focus: (image: number) => void, focusEdit: (name: string) => void}} Back */

export class Sheets {
  #given;
  #rows;
  #beside;
  /** @type {Large | null} */
  #large = null;
  /** @type {LargeEdit | null} */
  #edit = null;

  /** @param {Needs<Blocked | Edited>} given @param {Back} rows @param {HTMLElement} beside where they are put in, last */
  constructor(given, rows, beside) {
    this.#given = given;
    this.#rows = rows;
    this.#beside = beside;
  }

  /** Whether something is to be shown large. */
  get #wanted() {
    const { open, edit } = this.#given.state;
    return open !== null || edit !== null;
  }

  #make() {
    const edit = new LargeEdit(this.#given, (name) => this.#rows.focusEdit(name));
    this.#large = new Large(this.#given, (image) => (edit.isChosen ? edit : this.#rows).focus(image));
    this.#edit = edit;
    this.#beside.append(edit.element, this.#large.element);
  }

  /** Whether an image is. */
  get hasImage() {
    return this.#large?.isOpen ?? false;
  }

  /** The one on top, which covers the rows; null where neither is open. */
  get top() {
    return [this.#large, this.#edit].find((each) => each?.isOpen) ?? null;
  }

  get cards() {
    return this.#large?.cards ?? [];
  }

  update() {
    if (!this.#large && this.#wanted) this.#make();
    this.#edit?.update();
    this.#large?.update();
  }

  /** False while something is still loading. */
  paint() {
    if (!this.#large || !this.#edit) return !this.#wanted;
    return this.#large.paint() && this.#edit.paint();
  }
}
