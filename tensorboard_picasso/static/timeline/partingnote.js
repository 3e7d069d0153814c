// What hiding a region does, in words, and from which step on it counts, as marks that a click seeks to.

import { button, el } from "../kit/dom.js";
import { cancels } from "../numbers/effect.js";
import { count, percent, plural } from "../kit/format.js";
import { ERRORS, LEAST } from "../numbers/parting.js";

/** @import { Effect } from "../numbers/effect.js" */
/** @import { Parting } from "../numbers/parting.js" */
/** @import { Step } from "../types.js" */

/**
 * What the answers do, where that is known; and what the class asked about loses.
 * @typedef {Effect & {moves: Parting}} Moved
 * @typedef {NonNullable<Effect["own"]>} Own
 */

const CLOSE = 0.045; // of the width: marks nearer than that could cover each other
const HIGH = 9; // of a mark, pixels

// A sentence a run stands above the chart: each word costs the rows below their place.
const LEAST_SHORT = String(Math.round(100 * LEAST));
const LEAST_TEXT = `${LEAST_SHORT} points`;
const RULE = `Predictions: how many are others with the region hidden. Moves: how far the whole answer moves, half the sum of |p − q| over all classes (of independent labels the mean of |p − q|), in percentage points; it cannot cancel, as what the true class loses and gains may. Flagged is the first kept step from which on the answers move by at least ${LEAST_TEXT} in the mean of the images, and by at least ${ERRORS} of its standard errors, at every later kept step too. TensorBoard may keep only a sample of the logged steps.`;

/** @typedef {{name: string, colour: string, effect: Effect, part: number | null}} Part
 *   whose answers move, by name and colour, and where the step from which on they do stands on the
 *   axis, as a part of the width */

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
 * From when on the answers move enough to count: what stands before the step, and after it.
 * @param {Parting} moves
 * @param {Step[]} steps
 */
function sinceText({ from, first, last, noisy, newest }, steps) {
  if (from !== null) {
    const earlier = first !== null && first < from ? ` (first at step ${count(steps[first])})` : "";
    return [`, ${LEAST_SHORT} or more from `, from === newest ? `, the newest so far${earlier}` : earlier];
  }
  if (last !== null) return [`, ${LEAST_SHORT} or more last at step ${count(steps[last])}`, ""];
  return [noisy ? `, never ${LEAST_SHORT} and ${ERRORS} standard errors so far` : `, never ${LEAST_SHORT} so far`, ""];
}

/**
 * What the class asked about loses; where images that lose and gain cancel, that is said.
 * @param {Own} own
 */
function ownText(own) {
  const said = `${own.name} ${own.mean < 0 ? "gains" : "loses"} ${withError(own)}`;
  return cancels(own) ? `${said}, in which ${plural(own.lost, "loss", "losses")} and ${plural(own.gained, "gain")} cancel` : said;
}

/**
 * What is said behind the step: of the predicted class, and of the one asked about.
 * @param {Effect} effect
 */
function classTexts({ predicted, own }) {
  const moved = predicted && `predicted class from ${percent(predicted.whole)} to ${percent(predicted.hidden)}`;
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
 * The numbers behind the words.
 * @param {Part} part
 * @param {Step[]} steps
 */
function detail({ name, effect: { moves, own } }, steps) {
  if (moves === null) return [name, unknownText(own)].filter(Boolean).join("; ");
  const { from, before, kept, count: images, newest } = moves;
  const of = images > 1 ? `, mean of ${images} images ± its standard error` : "";
  const since = from === null ? [] : [
    before === null ? "" : `not yet at step ${count(steps[before])}, the kept step before`,
    `at ${plural(kept, "kept step")} since`,
  ];
  const apart = own && own.from !== null ? `${own.name} stays ${LEAST_TEXT} or more to one side from step ${count(steps[own.from])} on` : "";
  return [name, ...since, `at step ${count(steps[newest])}: moves ${withError(moves)}${of}`, apart].filter(Boolean).join("; ");
}

/**
 * What the numbers are of, and what stands behind ±.
 * @param {string} lead
 * @param {Part[]} parts
 * @param {Step[]} steps
 */
function leadText(lead, parts, steps) {
  const partings = parts.flatMap(({ effect: { moves, own } }) => moves ?? own ?? []);
  const newest = [...new Set(partings.map((each) => steps[each.newest]))];
  const counts = [...new Set(partings.map((each) => each.count))];
  const at = newest.length === 1 ? `at step ${count(newest[0])}, the newest` : "at the newest step of each";
  const errors = Math.max(...counts) < 2 ? "" : `; ± standard error over ${counts.length === 1 ? plural(counts[0], "image") : "the images"}`;
  return `${lead}, ${at}${errors}`;
}

/**
 * A sentence for each that is compared.
 * @param {string} lead what was done
 * @param {Part[]} parts
 * @param {Step[]} steps
 * @param {(place: number) => void} seek
 * @param {(image: number, index: number) => string} nameOf a class
 */
export function partingNote(lead, parts, steps, seek, nameOf) {
  return el(
    "div", { class: "parting" }, el("p", { class: "quiet", title: RULE, text: leadText(lead, parts, steps) }),
    ...parts.map((each) => {
      const { name, colour, effect } = each;
      const { moves } = effect;
      const told = moves === null ? [unknownText(effect.own)] : saidOf({ ...effect, moves }, steps, seek, nameOf);
      const classes = classTexts(effect).map((text) => `; ${text}`).join("");
      return el("p", { class: "value", style: { "--run": colour }, title: detail(each, steps) }, name && `${name}: `, ...told, classes);
    }),
  );
}

/**
 * The predictions first, then how far the answers move, and since when.
 * @param {Moved} effect
 * @param {Step[]} steps
 * @param {(place: number) => void} seek
 * @param {(image: number, index: number) => string} nameOf
 */
function saidOf(effect, steps, seek, nameOf) {
  const { moves } = effect;
  const [before, after] = sinceText(moves, steps);
  const { from } = moves;
  const at = from === null ? null : button(`step ${count(steps[from])} on`, `go to step ${count(steps[from])}`, () => seek(from), { class: "seek", "aria-label": null });
  return [el("b", { text: changedText(effect, nameOf) }), `, moves the answer by ${withError(moves)}`, before, at, after].filter(Boolean);
}

/**
 * A mark for each whose answers move, at its step; the words beside it are for the keyboard.
 * @param {Part[]} parts
 * @param {Step[]} steps
 * @param {(place: number) => void} seek
 */
export function partingMarks(parts, steps, seek) {
  /** @type {{part: number, element: HTMLElement}[]} */
  const made = [];
  for (const entry of parts) {
    const { part, colour, effect: { moves } } = entry;
    const from = moves?.from ?? null;
    if (from === null || part === null) continue;
    const above = made.filter((other) => Math.abs(other.part - part) < CLOSE).length;
    /** @type {(event: Event) => void} */
    const go = (event) => {
      event.stopPropagation(); // the chart below would take the press for the start of a drag
      seek(from);
    };
    const element = el("div", {
      class: "partmark", title: detail(entry, steps), data: { step: steps[from] },
      style: { left: `${100 * part}%`, "--run": colour, "--above": `${above * HIGH}px` }, on: { pointerdown: go },
    });
    made.push({ part, element });
  }
  return made.map(({ element }) => element);
}
