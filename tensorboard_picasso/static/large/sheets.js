// What is shown large, an image, an edit or the patches: a sheet that covers the rows, made once one is opened.

import { Patches } from "../patches/sheet.js";
import { LargeEdit } from "./edit.js";
import { Large } from "./large.js";

/** @import { Patched } from "../patches/sheet.js" */
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
  /** @type {Patches | null} */
  #patches = null;

  /** @param {Needs<Blocked | Edited | Patched>} given @param {Back} rows @param {HTMLElement} beside where they are put in, last */
  constructor(given, rows, beside) {
    this.#given = given;
    this.#rows = rows;
    this.#beside = beside;
  }

  /** Whether an image or an edit is to be shown large. */
  get #wanted() {
    const { open, edit } = this.#given.state;
    return open !== null || edit !== null;
  }

  #make() {
    const edit = new LargeEdit(this.#given, (name) => this.#rows.focusEdit(name));
    this.#large = new Large(this.#given, (image) => this.#below(edit).focus(image));
    this.#edit = edit;
    this.#beside.append(edit.element, this.#large.element);
  }

  /** What an image covers. @param {LargeEdit} edit */
  #below(edit) {
    if (edit.isChosen) return edit;
    return this.#patches?.isOpen ? this.#patches : this.#rows;
  }

  /** Whether an image is. */
  get hasImage() {
    return this.#large?.isOpen ?? false;
  }

  /** The one on top, which covers the rows; null where none is open. */
  get top() {
    return [this.#large, this.#edit, this.#patches].find((each) => each?.isOpen) ?? null;
  }

  get cards() {
    return this.#large?.cards ?? [];
  }

  update() {
    const { scene, state } = this.#given;
    if (!this.#large && this.#wanted) this.#make();
    this.#edit?.update();
    if (!this.#patches && state.patches !== null) {
      this.#patches = new Patches(this.#given);
      this.#beside.append(this.#patches.element);
    }
    // Before the image, which gives the keyboard back to what it covered.
    this.#patches?.update(scene.images.some((image) => image === state.open) || (this.#edit?.isChosen ?? false));
    this.#large?.update();
  }

  /** False while something is still loading. */
  paint() {
    const large = this.#large && this.#edit ? this.#large.paint() && this.#edit.paint() : !this.#wanted;
    return large && (this.#patches?.paint() ?? this.#given.state.patches === null);
  }

  /** Maps came. */
  wake() {
    this.#patches?.wake();
  }
}
