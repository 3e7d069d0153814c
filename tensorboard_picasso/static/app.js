// The page: choices, data and parts joined; who is told of what, and when it is painted.

import { Changes } from "./shown/changes.js";
import { isComparing } from "./shown/compare.js";
import { el, setText } from "./kit/dom.js";
import { Drawing } from "./bar/drawing.js";
import { emptyPage } from "./bar/empty.js";
import { decodeAhead, prefetch } from "./shown/coming.js";
import { stepText } from "./kit/format.js";
import { addressOf, connect, followUrl, isVisible, writeUrl } from "./kit/host.js";
import { listenToKeys } from "./bar/keys.js";
import { Legend } from "./pictures/legend.js";
import { Notices } from "./bar/notices.js";
import { patchesOnTop, patchSteps } from "./shown/patch.js";
import { Paper } from "./rows/paper.js";
import { Plate } from "./large/plate.js";
import { Player } from "./bar/player.js";
import { Rail } from "./bar/rail.js";
import { Rest } from "./shown/rest.js";
import { Rows } from "./rows/rows.js";
import { Scalars } from "./log/scalars.js";
import { Scene } from "./shown/scene.js";
import { Shares } from "./shown/shares.js";
import { Sheets } from "./large/sheets.js";
import { PINS, SIZES, TURNS } from "./shown/state.js";
import { Store } from "./log/store.js";
import { Timeline } from "./timeline/timeline.js";
import { Tip } from "./kit/tip.js";

/** @import { Index } from "./log/answers.js" */
/** @import { Came } from "./log/listeners.js" */
/** @import { Given, Point, Work } from "./shown/given.js" */
/** @import { State } from "./shown/state.js" */

// Kinds of work, each holding those after it: join the data again, or what maps' records say of it, paint all, paint the step.
const WORK = /** @type {const} */ (["all", "records", "paint", "step"]);
// Choices that change which data is shown; the others only change how.
const DATA_CHOICES = ["runs", "filter", "probe", "method", "means", "charts", "of", "open", "edit", "patches", ...PINS];
// Choices that no number or picture depends on.
const UNPAINTED = ["speed", "swipe", "zoom"];
const SHORT_NAME = 3; // letters that fit beside a score above a map
const NEAR = 4;
const FIRST_IMAGES = 8; // loaded before it is known which are in sight

export class App {
  /** @type {Set<Work>} */
  #pending = new Set();
  #frame = 0;
  #frames = 0;
  #urlTimer = 0;
  #live = el("div", { class: "live", "aria-live": "polite" });
  #empty = el("div", { class: "empty-page", hidden: true });
  /** @type {Point | null} */
  #pointed = null;
  // Whether something in sight waits for maps: those that come for the charts need no painting.
  #lacking = true;
  #looked = false; // whether all in sight was painted once
  #alone = false; // whether all methods of one step were asked for
  #laid = false; // whether the rows stand where the data in them has them

  /** @param {State} state */
  constructor(state) {
    this.state = state;
    this.store = new Store({
      changed: (what) => this.#came(what),
      sight: () => this.#sight(),
      settled: () => this.#settled(),
      rested: () => this.rest.begins(),
      means: () => state.means,
      retry: () => this.start(),
    });
    this.shares = new Shares(this.store, () => this.#weighed());
    this.scene = new Scene(state, this.store, this.shares, () => this.schedule("all"));
    this.scalars = new Scalars(() => this.schedule("charts"));
    this.changes = new Changes(this.store, () => this.schedule("charts"));
    this.tip = new Tip();
    this.rest = new Rest({ isLooked: () => this.#looked, isLacking: () => this.#lacking });
    const { scene, store, shares, scalars, changes, tip } = this;
    /** @type {Given} each view is given what it names of it */
    const given = {
      scene, state, store, shares, scalars, changes, tip,
      seek: (place) => this.seek(place),
      open: (image) => this.open(image),
      hover: (point, aloud) => this.hover(point, aloud),
      say: (text) => setText(this.#live, text),
      announce: () => this.announce(),
      schedule: (work) => this.schedule(work),
      looked: () => this.looked(),
      mark: (name, on) => this.root.classList.toggle(name, on),
    };
    this.drawing = new Drawing(given);
    this.player = new Player(given, this.drawing, {
      reload: () => this.reload(),
      link: () => this.link(),
      savePicture: () => (this.player.closeMenus(), this.paper.save()),
      print: () => (this.player.closeMenus(), this.paper.print()),
      readAhead: () => patchesOnTop(state) || decodeAhead(this, state.open !== null && this.sheets.hasImage ? [state.open] : this.rows.inSight),
      isPainted: () => this.root.dataset.step === String(scene.step),
    });
    this.timeline = new Timeline(given);
    this.rail = new Rail(given);
    this.legend = new Legend(given);
    this.rows = new Rows(given, (image) => new Plate(given, image));
    this.notices = new Notices(given);
    const centre = el("main", {}, this.notices.element, this.rows.element, this.#empty);
    const body = el("div", { class: "body" }, this.rail.element, this.legend.element, centre);
    this.root = el(
      "div", { id: "picasso", tabindex: -1 },
      this.player.element, this.timeline.element,
      body, this.drawing.element, tip.element, this.#live,
    );
    this.sheets = new Sheets(given, this.rows, body);
    this.paper = new Paper(given, {
      root: () => this.root, rows: this.rows, isCovered: () => this.sheets.top !== null,
      failed: (error) => this.notices.broken("The picture could not be made", error),
    });
    this.drawing.listen(this.root);
    state.onChange((names) => this.#chosen(names));
    listenToKeys(given, { player: this.player, drawing: this.drawing, sheet: () => this.sheets.top });
    for (const event of ["resize", "visibilitychange"]) (event === "resize" ? window : document).addEventListener(event, () => this.schedule());
  }

  /** Join the page to its host. */
  connect() {
    connect(() => this.reload());
    followUrl((url) => this.state.follow(url));
    this.#size();
    this.#swipe();
  }

  /** @param {Promise<Index>} [index] where it is on its way already */
  async start(index) {
    await this.store.loadIndex(index);
    await this.#load();
  }

  /** Look for new data: the host read some, or the user asks. */
  async reload() {
    await this.store.loadIndex();
    this.scalars.refresh();
    // The index may hold runs that were not there before.
    this.scene.update();
    if (this.store.errors.has("index")) return;
    await Promise.all([this.store.refresh(this.scene.probe ?? "", this.#runs(), this.#labels()), this.#edits(true)]);
  }

  /** @param {boolean} again */
  async #edits(again) {
    const { scene: { sample }, state: { edit } } = this;
    if (sample !== null) await this.store.edits.show(sample, this.#runs(), { again, edit });
  }

  /** What is looked at: its maps are loaded first. */
  #sight() {
    const { scene, state, timeline: { wants } } = this;
    // The steps beside the current one are where the slider goes first.
    const near = scene.steps.slice(Math.max(scene.place - NEAR, 0), scene.place + NEAR + 1);
    const patched = patchesOnTop(state);
    const images = state.open !== null ? [state.open] : patched ? scene.images : this.rows.inSight;
    return {
      images: new Set(images.length ? images : scene.images.slice(0, FIRST_IMAGES)),
      steps: new Set(patched ? patchSteps(scene, state) : [...scene.columns, ...near]),
      charted: new Set(wants.images),
      brief: state.open === null && !scene.alone && !isComparing(state) && !wants.labels.length,
      newest: state.step === null,
    };
  }

  /** Lay out the rows of what came, to know which are in sight: their maps are asked for before the next frame. */
  #settled() {
    if (this.#laid) return;
    this.#laid = true;
    this.scene.update();
    this.rows.update();
    this.rows.measure();
  }

  /** Other rows came in sight. */
  looked() {
    this.store.look(this.scene.probe ?? "", this.#runs(), this.#labels());
    this.#prefetch();
    this.schedule("paint");
  }

  /** Where an image is shown large all methods are needed. */
  #labels() {
    const { alone, label, methods } = this.scene;
    if (alone || this.state.open !== null) return methods.map((each) => each.label);
    return [...new Set([label, this.state.pinMethod, ...this.timeline.wants.labels])].filter((each) => each !== null);
  }

  /** What is compared is loaded too, whether it is shown or not. */
  #runs() {
    const { runs, shown } = this.scene;
    const { pinRun } = this.state;
    return pinRun !== null && runs.includes(pinRun) && !shown.includes(pinRun) ? [...shown, pinRun] : shown;
  }

  async #load() {
    this.scene.update();
    const maps = this.store.show(this.scene.probe ?? "", this.#runs(), this.#labels());
    await Promise.all([maps, this.#edits(false)]);
  }

  /** @param {Came} what */
  #came(what) {
    if (what === "errors") this.notices.update();
    else if (what === "loading") this.#loading();
    else if (what === "images") this.schedule("paint");
    else if (what === "maps") {
      if (this.#lacking) this.schedule("paint");
    } else {
      this.#laid = false;
      this.schedule(what === "records" ? "records" : "all");
    }
    if (what === "maps" || what === "series" || what === "records") this.changes.wake();
    if (what === "maps") {
      this.shares.wake();
      this.sheets.wake();
    }
    if (what === "errors") this.shares.forget();
  }

  /** Shares of drawn regions came. */
  #weighed() {
    this.schedule(this.scene.awaited ? "all" : "charts");
    if (this.sheets.hasImage) this.schedule("paint");
  }

  #loading() {
    this.root.classList.toggle("loading", this.store.loading);
    if (!this.store.loading) this.schedule("pending");
  }

  /** @param {Set<string>} names */
  #chosen(names) {
    if (names.has("step")) this.rest.break();
    this.#laid = false;
    this.#addressed();
    if (DATA_CHOICES.some((name) => names.has(name))) this.#load();
    if (names.size === 1 && names.has("step") && this.state.verdict === "all" && this.state.asClass === null) this.schedule("step");
    else if ([...names].every((name) => TURNS.includes(name))) this.schedule("paint");
    else if (![...names].every((name) => UNPAINTED.includes(name))) this.schedule("all");
    if (names.has("swipe")) this.#swipe();
    if (names.has("size")) this.#size();
  }

  /** Write the address, once nothing changed for a moment. */
  #addressed() {
    clearTimeout(this.#urlTimer);
    this.#urlTimer = setTimeout(() => {
      if (writeUrl(this.state.url())) this.#addressed();
    }, 200);
  }

  #swipe() {
    this.root.style.setProperty("--swipe", `${this.state.swipe}%`);
    for (const line of this.root.querySelectorAll("input")) if (line.matches(".swipe")) line.value = String(this.state.swipe);
  }

  #size() {
    this.root.style.setProperty("--size", `${SIZES[this.state.size]}px`);
  }

  /** An address that shows the same to whoever opens it, also when more was logged. */
  link() {
    const { step, shown, probe, label } = this.scene;
    return addressOf(this.state.url({ step, runs: shown, probe, method: label }));
  }

  /**
   * Ask for work in the next frame: of a kind above, or the timeline's "charts".
   * A hidden frame waits until it can be seen.
   * @param {Work} [kind] default: that which is due
   */
  schedule(kind) {
    if (kind) this.#pending.add(kind);
    if (!this.#pending.size || this.#frame || !isVisible()) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      this.#work();
    });
  }

  #work() {
    const kind = WORK.find((each) => this.#pending.has(each));
    const [charts, pending] = /** @type {const} */ (["charts", "pending"]).map((each) => this.#pending.has(each));
    this.#pending.clear();
    try {
      if (kind === "all" || kind === "records") this.#update(kind === "all" || charts);
      else if (charts || pending) this.timeline.update(charts);
      if (kind) this.paint(kind === "step");
    } catch (error) {
      console.error(error);
      this.notices.broken("The tab failed and may show what is out of date: reload the page", error);
    }
  }

  /** @param {boolean} charts whether all charts are drawn again */
  #update(charts) {
    this.shares.supersede();
    this.scene.update();
    const { scene, store } = this;
    const { alone } = scene;
    if (alone && !this.#alone) this.#load();
    this.#alone = alone;
    const empty = store.index !== null && !scene.probes.length;
    this.#empty.hidden = !empty;
    if (empty && !this.#empty.firstChild) this.#empty.replaceChildren(emptyPage());
    this.root.classList.toggle("nothing", empty);
    const wordy = scene.every.some((image) => scene.input(image)?.class_names.some((name) => name.length > SHORT_NAME));
    // The names of groups stand beside how many images they have.
    const grouped = this.state.means === "classes" && scene.groups.some((group) => typeof group === "string");
    this.root.classList.toggle("wordy", wordy || grouped);
    this.root.classList.toggle("alone", alone);
    this.root.classList.toggle("single", alone && scene.steps.length < 2);
    this.root.classList.toggle("dense", this.state.density === "grid" && !alone && !isComparing(this.state));
    this.root.classList.toggle("comparing", isComparing(this.state));
    this.rail.update();
    this.legend.update();
    this.timeline.update(charts);
    this.rows.update();
    this.sheets.update();
    this.notices.update();
    this.player.update();
    this.#prefetch();
  }

  #prefetch() {
    if (!patchesOnTop(this.state)) prefetch(this, this.#sight().images);
  }

  /**
   * Paint what is in sight; the root says which step when all of it is that step's.
   * @param {boolean} onlyNow
   */
  paint(onlyNow = false) {
    const { scene } = this;
    const covered = this.sheets.top !== null;
    const rows = covered || this.rows.paint(onlyNow);
    const ready = this.sheets.paint() && rows;
    this.#lacking = !ready || !(covered || this.rows.whole) || (onlyNow && this.#lacking);
    if (ready && scene.step !== null) this.root.dataset.step = String(scene.step);
    else delete this.root.dataset.step;
    this.root.dataset.frame = String(++this.#frames);
    this.timeline.move();
    this.player.move();
    if (ready && scene.step !== null && !this.#looked) {
      this.#looked = true;
      this.rest.break();
    }
    if (this.#pointed) this.hover(this.#pointed);
    return ready;
  }

  /**
   * Go to a place in the list of steps; the newest one is followed when more come.
   * @param {number} place
   */
  seek(place) {
    const { steps } = this.scene;
    if (!steps.length) return;
    const at = Math.min(Math.max(place, 0), steps.length - 1);
    this.state.set({ step: at === steps.length - 1 ? null : steps[at] });
  }

  /**
   * Open an image large, or go back to the rows.
   * @param {number | null} image
   */
  open(image) {
    this.hover(null);
    this.state.set({ open: image });
  }

  /** Say where playback or the keyboard went, for those who hear the page. */
  announce() {
    const { step } = this.scene;
    if (step !== null) setText(this.#live, stepText(step, this.scene.epoch(step)));
  }

  /**
   * Point at a place of an image: outlined on all its maps, read out beside the pointer.
   * @param {Point | null} point
   * @param {boolean} aloud
   */
  hover(point, aloud = false) {
    this.#pointed = point;
    const cards = [...this.rows.cards, ...this.sheets.cards];
    const box = point?.card.windowAt(point) ?? null;
    for (const card of cards) card.mark(card.image === point?.image ? box : null, point);
    const lines = box && point ? point.card.readout(point) : null;
    if (!lines || !point) {
      this.tip.hide();
      return;
    }
    if (aloud) setText(this.#live, lines.join(". "));
    this.tip.show(lines, point);
  }
}
