// Patches of the coming steps: found a little between frames, so that play does not wait for them.

import { cut } from "../shown/patch.js";

/** @import { Needs } from "../shown/given.js" */
/** @import { Step } from "../types.js" */
/** @import { Tile } from "./tile.js" */

const SLICE = 6; // milliseconds at a time: what is left of a frame stays for painting
const FETCHING = 96; // maps asked for at once, so that what is looked at waits for few of them
const ROOM = 256 << 20; // pixels of maps without a grid that are looked through ahead
const LEAST = 4; // steps

export class Ahead {
  #given;
  /** @type {() => Tile[]} */
  #tiles;
  /** @type {Set<Step>} those of which all that there is was found */
  #done = new Set();
  #timer = 0;
  #on = false;

  /** @param {Needs<"scene" | "store">} given @param {() => Tile[]} tiles */
  constructor(given, tiles) {
    this.#given = given;
    this.#tiles = tiles;
  }

  /** Look again at all steps: other maps are on show, or more were logged. */
  again() {
    this.#done.clear();
  }

  /**
   * Go on, or stop.
   * @param {boolean} on
   */
  run(on) {
    this.#on = on;
    this.wake();
  }

  /** Something that was waited for may have come. */
  wake() {
    if (!this.#on) return;
    this.#timer ||= setTimeout(() => {
      this.#timer = 0;
      this.#work();
    });
  }

  #work() {
    const { steps, place } = this.#given.scene;
    const tiles = this.#tiles();
    const until = performance.now() + SLICE;
    for (const step of [...steps.slice(place + 1), ...steps.slice(0, place + 1)].slice(0, this.#reach(tiles.length))) {
      if (this.#done.has(step)) continue;
      let waiting = 0;
      for (const tile of tiles) {
        if (performance.now() > until) return this.wake();
        // What comes wakes it.
        if (cut(this.#given, tile.spec(step)).loading && ++waiting === FETCHING) return;
      }
      if (waiting) return;
      this.#done.add(step);
    }
  }

  /**
   * How many of the coming steps are looked at: grids are here already, other maps are large.
   * @param {number} images
   */
  #reach(images) {
    const settings = this.#given.scene.settings();
    if (!settings || settings.geometry || !images) return Infinity;
    return Math.max(LEAST, Math.floor(ROOM / (images * settings.height * settings.width)));
  }
}
