// What hiding a region does, in words; and from which step on its edits do more than the same elsewhere,
// as marks that a click seeks to.

import { button, el } from "../kit/dom.js";
import { cancels } from "../numbers/effect.js";
import { apart, count, percent, plural, stays } from "../kit/format.js";
import { LEAST } from "../numbers/edits.js";
import { rangeText } from "../shown/flags.js";

/** @import { Effect } from "../numbers/effect.js" */
/** @import { Newest } from "../numbers/newest.js" */
/** @import { Flag, Flags, Since } from "../shown/flags.js" */
/** @import { Step } from "../types.js" */

/**
 * What the answers do, where that is known; and what the class asked about loses.
 * @typedef {Effect & {moves: Newest}} Moved
 * @typedef {NonNullable<Effect["own"]>} Own
 */

const CLOSE = 0.045; // of the width: marks nearer than that could cover each other
const HIGH = 9; // of a mark, pixels

// A sentence a run stands above the chart: each word costs the rows below their place.
const RULE = `Predictions: how many are others with the region hidden. Moves: how far the whole answer moves, half the sum of |p − q| over all classes (of independent labels the mean of |p − q|), in percentage points; it cannot cancel, as what the true class loses and gains may. Whether that is much only the same region elsewhere tells: hiding a large part moves any answer. Where edits of the region were logged (edited= of a callback, or summary.edited), a flag marks the first kept step from which on one of them surely moves the answers by at least ${100 * LEAST} points more than the same edit at any other place asked about, at every later kept step too; in brackets the range of that step. TensorBoard may keep only a sample of the logged steps.`;
const LACKS = "not compared with the same region elsewhere: log edited= to tell";

/** @typedef {{name: string, colour: string, effect: Effect, flags?: Flags | "coming" | null}} Part
 *   whose answers move, by name and colour, and what is known beside the same elsewhere; undefined:
 *   that is said apart */

/**
 * 64, 6.4, 0
 * @param {number} value
 */
function points(value) {
  const size = 100 * Math.abs(value);
  if (Number.isNaN(size)) return "–";
  return size >= 9.95 ? count(Math.round(size)) : String(Number(size.toFixed(1)));
}

/**
 * No line breaks before or behind ±.
 * @param {{mean: number, error: number | null}} of
 */
function withError({ mean, error }) {
  return `${points(mean)}${error === null ? "" : `\u00a0±\u00a0${(100 * error).toFixed(1)}`} points`;
}

/**
 * What becomes of the predictions.
 * @param {Moved} effect
 * @param {(image: number, index: number) => string} nameOf
 */
function changedText({ moves, changed, turned }, nameOf) {
  if (turned && turned.before !== null && turned.after !== null) {
    const { before, after, image } = turned;
    if (!changed) return `hiding it leaves the prediction ${nameOf(image, before)}`;
    return before === after ? "hiding it changes what is predicted" : `hiding it changes the prediction from ${nameOf(image, before)} to ${nameOf(image, after)}`;
  }
  return `hiding it changes ${changed || "none"} of ${plural(moves.count, "prediction")}`;
}

/**
 * What the class asked about loses; where images that lose and gain cancel, that is said.
 * @param {Own} own
 */
function ownText(own) {
  const said = `${own.name} ${own.mean < 0 ? "gains" : "loses"} ${withError(own)}`;
  return cancels(own) ? `${said}, in which ${plural(own.lost, "loss", "losses")} and ${plural(own.gained, "gain")} cancel` : said;
}

/** @param {{whole: number, hidden: number}} of probabilities */
function changeText({ whole, hidden }) {
  return stays(whole, hidden) ? `stays at ${percent(whole)}` : `from ${apart(whole, hidden).join(" to ")}`;
}

/**
 * What is said behind the step: of the predicted class, and of the one asked about.
 * @param {Effect} effect
 */
function classTexts({ predicted, own }) {
  const moved = predicted && `predicted class ${changeText(predicted)}`;
  return [moved, own && !isBroken(own) && ownText(own)].filter((each) => typeof each === "string");
}

/**
 * Why it is not known how far the answers move: a model that has broken down has no answers.
 * @param {Own | null} own
 */
function unknownText(own) {
  return isBroken(own) ? "the newest scores are no numbers" : "how far the answer moves was not recorded";
}

/** @param {Own | null} own */
function isBroken(own) {
  return own !== null && Number.isNaN(own.mean);
}

/**
 * Of which images a number is.
 * @param {Part} part
 * @param {Step[]} steps
 */
function detail({ name, effect: { moves, own } }, steps) {
  if (moves === null) return [name, unknownText(own)].filter(Boolean).join("; ");
  const { count: images, newest } = moves;
  const of = images > 1 ? `, mean of ${images} images ± its standard error` : "";
  return [name, `at step ${count(steps[newest])}: moves ${withError(moves)}${of}`].filter(Boolean).join("; ");
}

/**
 * What the numbers are of, what stands behind ±, and what is lacking to tell whether they are large.
 * @param {string} lead
 * @param {Part[]} parts
 * @param {Step[]} steps
 */
function leadText(lead, parts, steps) {
  const all = parts.flatMap(({ effect: { moves, own } }) => moves ?? own ?? []);
  const newest = [...new Set(all.map((each) => steps[each.newest]))];
  const counts = [...new Set(all.map((each) => each.count))];
  const at = newest.length === 1 ? `at step ${count(newest[0])}, the newest` : "at the newest step of each";
  const errors = Math.max(...counts) < 2 ? "" : `; ± standard error over ${counts.length === 1 ? plural(counts[0], "image") : "the images"}`;
  return `${lead}, ${at}${errors}${parts.every(({ flags }) => flags === null) ? `; ${LACKS}` : ""}`;
}

/**
 * A sentence for each that is compared.
 * @param {string} lead what was done
 * @param {Part[]} parts
 * @param {Step[]} steps
 * @param {(place: number) => void} seek
 * @param {(image: number, index: number) => string} nameOf a class
 */
export function hidingNote(lead, parts, steps, seek, nameOf) {
  const some = parts.some(({ flags }) => flags !== null);
  return el(
    "div", { class: "hidingnote" }, el("p", { class: "quiet", title: RULE, text: leadText(lead, parts, steps) }),
    ...parts.map((each) => {
      const { name, colour, effect, flags } = each;
      const { moves } = effect;
      const told = moves === null ? [unknownText(effect.own)] : saidOf({ ...effect, moves }, nameOf);
      const lacks = flags === null && some ? [`; ${LACKS}`] : [];
      const since = flags && flags !== "coming" ? ["; ", ...sinceNodes(flags, steps, seek)] : lacks;
      const classes = classTexts(effect).map((text) => `; ${text}`).join("");
      return el("p", { class: "value", style: { "--run": colour }, title: detail(each, steps) }, name && `${name}: `, ...told, ...since, classes);
    }),
  );
}

/**
 * The predictions first, then how far the answers move.
 * @param {Moved} effect
 * @param {(image: number, index: number) => string} nameOf
 */
function saidOf(effect, nameOf) {
  return [el("b", { text: changedText(effect, nameOf) }), `, moves the answer by ${withError(effect.moves)}`];
}

/**
 * Which of a region's edits do more than the same elsewhere, and since when.
 * @param {Flags} flags
 * @param {Step[]} steps
 * @param {(place: number) => void} seek
 */
export function sinceNodes({ flags }, steps, seek) {
  const forms = flags.map(({ form }) => form);
  if (flags.every(({ since }) => since === null)) return [`${forms.join(" or ")} it does not surely move answers more than the same region elsewhere`];
  const told = flags.flatMap(({ form, since }) => {
    if (since === null) return [", ", `${form} not surely`];
    const { step } = since;
    const go = button(`step ${count(step)} on`, `go to step ${count(step)}`, () => seek(steps.indexOf(step)), { class: "seek", "aria-label": null });
    return [", ", `${form} from `, go, `${rangeText(since)}${step === steps.at(-1) ? ", the newest so far" : ""}`];
  });
  return ["more than the same region elsewhere: ", ...told.slice(1)];
}

/**
 * All that a flag says.
 * @param {string} name of the run
 * @param {Flag & {since: Since}} flag
 * @param {Flags} flags
 */
function flagText(name, { name: edit, since }, { images, sample }) {
  const run = name && `${name}: `;
  return `${run}from step ${count(since.step)}${rangeText(since)} on the score of ${plural(images, "image")} of “${sample}” depends on this region, by “${edit}”, more than on the same region elsewhere`;
}

/**
 * A mark for each edit of the region that is flagged, at its step; the words beside it are for the keyboard.
 * @param {{name: string, colour: string, flags: Flags | "coming" | null, parts: (number | null)[]}[]} of
 *   each run, with where each step stands as a part of the width
 * @param {Step[]} steps
 * @param {(place: number) => void} seek
 */
export function flagMarks(of, steps, seek) {
  /** @type {{part: number, element: HTMLElement}[]} */
  const made = [];
  for (const { name, colour, flags, parts } of of) {
    for (const flag of flags === null || flags === "coming" ? [] : flags.flags) {
      const { since } = flag;
      const place = since === null ? -1 : steps.indexOf(since.step);
      const part = parts[place] ?? null;
      if (since === null || part === null || flags === null || flags === "coming") continue;
      const above = made.filter((other) => Math.abs(other.part - part) < CLOSE).length;
      /** @type {(event: Event) => void} */
      const go = (event) => {
        event.stopPropagation(); // the chart below would take the press for the start of a drag
        seek(place);
      };
      const element = el("div", {
        class: "flagmark", title: flagText(name, { ...flag, since }, flags), data: { step: since.step, form: flag.form },
        style: { left: `${100 * part}%`, "--run": colour, "--above": `${above * HIGH}px` }, on: { pointerdown: go },
      });
      made.push({ part, element });
    }
  }
  return made.map(({ element }) => element);
}
