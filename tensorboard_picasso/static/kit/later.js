// Modules that the first look does not need: run when they are needed, and ahead while the page rests.

/**
 * A module that is imported later.
 * @template Module
 */
export class Later {
  /** @type {Module | null} */
  here = null;
  #load;
  /** @type {Promise<Module> | null} */
  #coming = null;

  /** @param {() => Promise<Module>} load imports it */
  constructor(load) {
    this.#load = load;
    every.push(this);
  }

  /** Resolves once it is here; whoever asks after it failed tries again. */
  bring() {
    this.#coming ??= this.#load().then((module) => (this.here = module)).catch((error) => {
      this.#coming = null;
      throw error;
    });
    return this.#coming;
  }

  /**
   * Do something with it: at once where it is here.
   * @param {(module: Module) => void} work
   * @param {(error: unknown) => void} lacks told where it cannot be loaded
   */
  use(work, lacks) {
    if (this.here) work(this.here);
    else this.bring().then(work).catch(lacks);
  }
}

/** @type {Later<unknown>[]} */
const every = [];

/** Import all of them, one at a time, so that none is waited for once it is needed. */
export async function bringAll() {
  // Of what fails is told when it is needed.
  for (const each of every) await each.bring().catch(() => {});
}
