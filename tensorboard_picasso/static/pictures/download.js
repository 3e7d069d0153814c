// Taking maps away: links to files that the server makes, and B − A as it is shown.

import { exportAddress } from "../log/api.js";
import { isComparing } from "../shown/compare.js";
import { differenceCsv, differenceName, differenceNpz } from "./differencefiles.js";
import { button, el, refill, setText } from "../kit/dom.js";
import { save } from "../kit/files.js";
import { isSigned } from "../numbers/reading.js";
import { cutOf } from "../shown/slices.js";

/** @import { RunData } from "../log/rundata.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { MeanGroup, Reading, Size } from "../types.js" */
/** @import { Taken } from "./difference.js" */

/** Of volumes these are of the slice on show. */
const PICTURES = ["gif", "webp"];
/** @type {[string, string][]} */
const FORMATS = [["gif", "GIF"], ["webp", "WebP"], ["npz", "NPZ"], ["csv", "CSV"]];
/** @type {[string, (taken: Taken) => Blob, string][]} */
const OF_DIFFERENCE = [["NPZ", differenceNpz, "npz"], ["CSV", differenceCsv, "csv"]];

/**
 * A line of links a file format, to what a query asks for in the palette and scale on show.
 * @param {Needs<"scene" | "state">} given
 * @param {string} name
 * @param {Record<string, unknown>} query
 * @param {string | null} label
 * @param {Reading} reading
 * @param {Size | undefined} of what has the slices
 */
function links({ scene, state }, name, query, label, reading, of) {
  const settings = scene.settings(label);
  const palette = settings && !isSigned(settings, reading) ? state.plainPalette : state.signedPalette;
  const look = { palette: reading === "score" ? null : palette, opacity: state.opacity, scale: state.scale, fps: Math.min(state.speed, 50) };
  const cut = of ? cutOf({ scene, state }, of) : null;
  return FORMATS.map(([format, text]) => {
    const slice = cut && PICTURES.includes(format) ? { slice: cut.index } : {};
    const href = exportAddress({ ...query, label, format, reading, ...look, ...slice }, scene.shown);
    return el("a", { href, download: true, text, "aria-label": `${name} as ${text}` });
  });
}

/**
 * The files of one image in one run: a line a method, for the class and reading on show.
 * @param {Needs<"scene" | "state">} given
 * @param {RunData} data
 * @param {number} image
 */
export function imageFiles(given, data, image) {
  const { scene, state } = given;
  const target = scene.target(image, data);
  /** @type {(method: {label: string}) => boolean | undefined} */
  const explains = ({ label }) => data.attributions(label, image)?.records.some((each) => each.explained.includes(target));
  const query = { run: data.run, probe: data.probe, image, target: state.target };
  return [
    el("p", { class: "quiet", text: `All steps, for “${scene.className(image, target, data)}”: pictures as shown here, or the numbers.` }),
    ...scene.methods.filter(explains).map(({ label }) => {
      const reading = scene.fittingReading(scene.settings(label));
      return el("p", {}, el("span", { class: "quiet", text: label }), ...links(given, label, query, label, reading, data.attributions(label, image)?.records.at(-1)?.settings));
    }),
  ];
}

/**
 * The files of the mean over a group in one run.
 * @param {Needs<"scene" | "state">} given
 * @param {RunData} data
 * @param {MeanGroup} group
 */
export function meanFiles(given, data, group) {
  const { scene } = given;
  const name = `mean ${scene.label} of ${scene.nameOfMean(group) || "the probe"}`;
  const which = typeof group === "string" ? { named: group } : { group: group ?? "probe" };
  const query = { run: data.run, probe: data.probe, ...which };
  return [el("p", {}, el("span", { class: "quiet", text: "all steps" }), ...links(given, name, query, scene.label, "importance", data.mean(scene.label, group)?.records.at(-1)?.settings))];
}

/** A disclosure with the files of one picture; while something is compared, also with B − A. */
export class Download {
  #given;
  #files;
  #taken;
  /** @type {number | null} the slice that the links name */
  #slice = null;
  #why = el("span", { class: "quiet", role: "status" });
  #links = el("div", { class: "links" });

  /**
   * @param {Needs<"state">} given
   * @param {() => HTMLElement[]} files lines of links, made while it is open
   * @param {() => Taken | null} taken what B − A shows, as `Difference` gives it
   */
  constructor(given, files, taken) {
    this.#given = given;
    this.#files = files;
    this.#taken = taken;
    this.element = el("details", { class: "download", on: { toggle: () => this.update() } }, el("summary", { text: "Download" }), this.#links);
  }

  /** Volumes may have been turned: links to pictures name the slice. */
  turn() {
    if (this.#slice !== this.#given.state.slice) this.update();
  }

  update() {
    this.#slice = this.#given.state.slice;
    if (this.element.open) refill(this.#links, [...this.#files(), ...(isComparing(this.#given.state) ? [this.#difference()] : [])]);
  }

  #difference() {
    /** @type {(make: (taken: Taken) => Blob, ending: string) => void} */
    const take = (make, ending) => {
      const taken = this.#taken();
      setText(this.#why, taken ? "" : "nothing is subtracted here");
      if (taken) save(make(taken), `${differenceName(taken)}.${ending}`);
    };
    setText(this.#why, "");
    const buttons = OF_DIFFERENCE.map(([text, make, ending]) => button(text, `B − A as ${text}`, () => take(make, ending)));
    return el("p", {}, el("span", { class: "quiet", text: "B − A, as shown" }), ...buttons, this.#why);
  }
}
