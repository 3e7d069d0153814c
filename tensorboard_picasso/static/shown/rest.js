// When the page rests: what nobody waits for is asked for then, so that it holds up nothing.

import { quiet } from "../kit/host.js";

const BREAK = 120; // milliseconds after the first look or a step
const PATIENCE = 1000; // milliseconds that the first look is waited for
const GLANCE = 30; // milliseconds between two looks whether the page rests

export class Rest {
  #page;
  #broken = 0; // when it was broken last

  /** @param {{isLooked: () => boolean, isLacking: () => boolean}} page whether all in sight was painted once, and whether something in sight waits for maps */
  constructor(page) {
    this.#page = page;
  }

  /** All in sight was painted first, or another step was chosen. */
  break() {
    this.#broken = performance.now();
  }

  /** Resolves once all in sight is painted and nobody goes from step to step; where steps are waited for, at once. */
  async begins() {
    const since = performance.now();
    for (;;) {
      await quiet();
      const now = performance.now();
      const { isLooked, isLacking } = this.#page;
      const waits = isLooked() ? !isLacking() && now - this.#broken < BREAK : now - since < PATIENCE;
      if (!waits) return;
      await new Promise((resolve) => setTimeout(resolve, GLANCE));
    }
  }
}
