// The help: what is on the screen, what it means and how it misleads, and the keys.

import { el } from "../kit/dom.js";
import { CALLED_ALONE } from "../numbers/regionshare.js";
import { HOW_MADE } from "../shown/grouping.js";
import { KEYS } from "./keys.js";

/**
 * What is said of the parts of the page that are there: how a part is found, what it is called, what is said.
 * @type {[selector: string, name: string, text: string][]}
 */
const PARTS = [
  [".timeline .band", "Band", "The middle half of the images; the line is their mean."],
  [
    ".timeline .line.dashed", "Dashed line",
    "The probability with the region hidden. Below the solid line: the answers relied on the region. Above it: the region misled them. On it: in the mean nothing is taken, which may be losses and gains that cancel; the sentence above the chart says how many predictions change, and how far the answers move.",
  ],
  [
    '.timeline .flips:not([d=""])', "Ticks at the foot of a chart",
    "Flips: predictions that are others than at the record before. The higher the tick, the more images; all of them from half of the images on. Point at one, or go to the step with the chart focused, to read which.",
  ],
  [
    '.timeline option:checked[value^="change:"]', "Rank correlation",
    "How alike two maps order the same places: 1 the same order, 0 none in common, −1 the opposite one. It says that maps change, not whether for better or worse.",
  ],
  ['.timeline option:checked:is([value^="share:"], [value^="drawn:"])', "Share of a region", `The region's part of what supports the class, of all that the map holds. Area: what a map that is everywhere alike gives. ${CALLED_ALONE}`],
  [
    '.timeline option:checked[value^="groups:"]', "Groups",
    `A thin line is the mean over the images of one group; of few images an accuracy moves in large steps. Where no groups were given (Probe's groups=) two are made of the scores, and fare worse because they are chosen so: when they do, and what they have in common, is the finding. ${Object.entries(HOW_MADE).map(([name, how]) => `${name}: ${how}`).join("; ")}.`,
  ],
  [
    ".edits:not([hidden])", "What the answer survives",
    "Each row asks one question of all images: is the answer still the same after this edit? The number is how far it moves, in points: 0 where it stays, 100 where it is surely another one. An edit is a question and no verdict: a good network may need colour, and an image with a part hidden is unlike those that were trained on. Compare a row over the steps, and with another run, before comparing it with other rows. What the true class loses may be near zero although answers move: some images lose what others gain.",
  ],
  [
    ".sheet.patches:not([hidden])", "Patches",
    "Of each image the part where its map is strongest, as large as it was measured. Where patches of a class show the same thing, and it is not the class, log a region of it, or an edit: a map tells where, and not yet that the network needs it. Parts that look alike may count for other reasons, and an even ground has a strongest part too, which need not be strong: its value stands beside it.",
  ],
  [
    "main .row .card:not(.original) canvas", "Maps",
    "Each row is one image: its maps at some of the logged steps and, framed, at the step under the slider. Click a row to see all methods and classes. The line above the rows says what the colours mean. A map shows where, one window or pixel at a time. Strong colour is evidence that a place is used. None is no evidence that it is not: others may stand in for it, and what is spread out, as a sky or the light, survives any one window.",
  ],
  [
    "main .plate", "Maps",
    "Each image stands large, at one step: a row a method, a column a class, the true one and those that are likeliest, each with its probability; below a row what its colours mean, below all of it the numbers. A map shows where, one window or pixel at a time. Strong colour is evidence that a place is used. None is no evidence that it is not: others may stand in for it, and what is spread out, as a sky or the light, survives any one window.",
  ],
  [
    '.legend:not([hidden])[data-sided="true"]', "The second colour",
    "Where it is painted, hiding makes the class more likely: the place speaks against it, or what is put there speaks for it. A fill is itself an image that the network may never have seen; on an even ground such as grass it may be the fill alone. Another fill tells.",
  ],
  [
    "main .mean:not([hidden])", "The mean over the images",
    "It suggests a region to test and shows no cause: where images differ in where they hold a thing, the mean blurs it. It has a scale of its own, which the line above the rows names.",
  ],
];

/** What is said of every map, whatever is shown. */
const MARKS = "Hatched with white: saturated (infinite); hatched violet: not a number; hatched grey: never seen by the model, or never hidden, as it is in no segment. The solid colours at the ends of the legend's bar lie beyond the scale.";

/** What the help says now: nothing of what is not there. */
export function help() {
  const there = PARTS.filter(([selector]) => document.querySelector(selector) !== null);
  const maps = there.some(([, name]) => name === "Maps");
  return [
    el("h3", { text: "What the maps and numbers mean, and how they mislead" }),
    ...there.map(([, name, text]) => el("p", {}, el("b", { text: `${name}. ` }), text)),
    ...(maps ? [el("p", {}, el("b", { text: "Hatching. " }), MARKS)] : []),
    el("h3", { text: "Keys" }),
    el("dl", {}, ...KEYS.flatMap(([key, text]) => [el("dt", { text: key }), el("dd", { text })])),
  ];
}
