// Where the lines of a chart part, in words and as marks that a click seeks to.

import { button, el } from "./dom.js";
import { count, plural } from "./format.js";
import { ERRORS, isLarge, LEAST } from "./parting.js";

const CLOSE = 0.045; // of the width: marks nearer than that could cover each other
const HIGH = 9; // of a mark, pixels

const LEAST_TEXT = `${Math.round(100 * LEAST)} points`;
const RULE = `The first kept step from which on the probability with the region hidden lies at least ${LEAST_TEXT} (percentage points) to one side of that of the whole image, at every later kept step too. Over several images: the mean of their differences, which must also be at least ${ERRORS} of its standard errors, else it counts as noise. TensorBoard may keep only a sample of the logged steps.`;

/** @typedef {{name: string, colour: string, found: import("./parting.js").Parting, part: number|null}} Part
 *   what parted, by name and colour, and where `from` stands on the axis, as a part of the width */

function points(value) {
  return Number.isNaN(value) ? "–" : count(Math.round(100 * Math.abs(value)));
}

function withError({ mean, error }) {
  return `${points(mean)}${error === null ? "" : ` ± ${(100 * error).toFixed(1)}`} points`;
}

/** What stands around the step: before it, and after it. */
function words(found, steps) {
  const { from, first, last, mean, newest, noisy } = found;
  if (from !== null) {
    const earlier = first < from ? `, first at step ${count(steps[first])}` : "";
    const after = from === newest ? `, the newest so far (${points(mean)}${earlier})` : ` (${points(mean)} at the newest${earlier})`;
    return [`${mean > 0 ? "costs" : "adds"} ${LEAST_TEXT} or more from `, after];
  }
  const now = isLarge(found) ? `${withError(found)} at the newest, within noise` : `${Number.isNaN(mean) ? "no number" : `less than ${LEAST_TEXT}`} at the newest`;
  if (last !== null) return [`${now}; ${LEAST_TEXT} or more last at step ${count(steps[last])}`, ""];
  return [noisy ? `${now}; never beyond noise so far` : `never ${LEAST_TEXT} so far`, ""];
}

/** The numbers behind the words. */
function detail({ name, found }, steps) {
  const { from, before, kept, count: images, newest } = found;
  const of = images > 1 ? `, mean of ${images} images ± its standard error` : "";
  const size = `at step ${count(steps[newest])}: ${withError(found)}${of}`;
  const since = from === null ? [] : [
    before === null ? "" : `not yet at step ${count(steps[before])}, the kept step before`,
    `at ${plural(kept, "kept step")} since`,
  ];
  return [name, ...since, size].filter(Boolean).join("; ");
}

/**
 * One sentence for all that is compared.
 * @param {string} lead what was done
 * @param {Part[]} parts
 * @param {number[]} steps
 * @param {(place: number) => void} seek
 */
export function partingNote(lead, parts, steps, seek) {
  return el(
    "p", { class: "parting" }, el("span", { class: "quiet", title: RULE, text: lead }),
    ...parts.map((each) => {
      const { name, colour, found } = each;
      const [before, after] = words(found, steps);
      const at = found.from === null ? null : `step ${count(steps[found.from])} on`;
      return el(
        "span", { class: "value", style: { "--run": colour }, title: detail(each, steps) }, name && `${name}: `, before,
        at && button(at, `go to step ${count(steps[found.from])}`, () => seek(found.from), { class: "seek", "aria-label": null }), after,
      );
    }),
  );
}

/** A mark for each that parted, at its step; the words beside it are for the keyboard. */
export function partingMarks(parts, steps, seek) {
  const made = [];
  for (const each of parts) {
    const { part, colour, found } = each;
    if (found.from === null || part === null) continue;
    const above = made.filter((other) => Math.abs(other.part - part) < CLOSE).length;
    const go = (event) => {
      event.stopPropagation(); // the chart below would take the press for the start of a drag
      seek(found.from);
    };
    const element = el("div", {
      class: "partmark", title: detail(each, steps), data: { step: steps[found.from] },
      style: { left: `${100 * part}%`, "--run": colour, "--above": `${above * HIGH}px` }, on: { pointerdown: go },
    });
    made.push({ part, element });
  }
  return made.map(({ element }) => element);
}
