// The lines of a chart of the timeline, from what `gather` found.

import { band, dots, HEIGHT, heightOf, line, path, WIDTH } from "../kit/chart.js";
import { el, svg } from "../kit/dom.js";
import { finite } from "../kit/lists.js";

/** @import { Flips } from "../numbers/flips.js" */
/** @import { Point } from "../numbers/spread.js" */
/** @import { Gathered, Range } from "../shown/gather.js" */
/** @import { Axis } from "./axis.js" */

const NEUTRAL = "var(--quiet)";
const ROOM = 0.17; // of the height, between the names of two lines
const NAMED = 5; // lines of groups that have room for their names

const FLAT = 0.1; // of the value of a line that never changes, above and below it

/** @param {Point[]} points */
function listOf(points) {
  return points.map(({ mean }) => mean);
}

/**
 * What the height stands for, least and largest, bands too; `empty` where there is nothing to draw.
 * @param {Range} kind
 * @param {Gathered} gathered
 */
export function rangeOf(kind, { runs, common, references }) {
  const lists = [...runs.flatMap(({ points, lines }) => [points, ...lines.map((each) => each.points)]), ...common.map(({ points }) => points)];
  const bands = runs.flatMap(({ points }) => points.flatMap(({ low, high }) => [low, high]));
  const values = finite([...lists.flatMap(listOf), ...bands, ...references.map(({ value }) => value)]);
  if (!values.length) return { low: 0, high: 1, empty: true };
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const room = least < most ? 0 : FLAT * Math.abs(least) || 1;
  const [low, high] = {
    probability: [0, 1],
    share: [0, Math.min(1, 1.1 * most) || 1],
    correlation: [least < 0 ? -1 : 0, 1],
    points: [Math.min(0, 1.1 * least), Math.max(0, Math.min(Math.max(100, most), 1.1 * most)) || (least < 0 ? 0 : 1)],
    free: [least - room, most + room],
  }[kind];
  return { low, high, empty: false };
}

/**
 * Ticks at the foot: the more predictions flip, the higher, up to a quarter of the height.
 * @param {Flips[]} points
 * @param {(number | null)[]} parts
 */
function flipPath(points, parts) {
  return points
    .map((point, place) => {
      const part = parts[place];
      if (!point.flips.length || part === null) return "";
      const height = 4 + 21 * Math.min((2 * point.flips.length) / point.images, 1);
      return `M${(part * WIDTH).toFixed(1)} ${HEIGHT}v${-height.toFixed(1)}`;
    })
    .join("");
}

/**
 * The elements of a drawing: what is beside a line lies under it.
 * @param {Gathered} gathered
 * @param {string | undefined} style
 * @param {Axis} axis
 * @param {{low: number, high: number}} ends
 */
export function curves({ runs, common, references }, style, axis, { low, high }) {
  const range = [low, high];
  /** @type {(y: number, colour: string | null, name: string) => SVGElement} */
  const level = (y, colour, name) => path(`M0 ${y}H${WIDTH}`, colour, name);
  const alone = runs.length === 1;
  const drawn = [0, HEIGHT / 2, HEIGHT].map((y) => level(y, null, "grid"));
  for (const { value, colour } of references) drawn.push(level(heightOf(value, range) * HEIGHT, colour ?? NEUTRAL, "line reference"));
  for (const { data, colour, points, lines, flips } of runs) {
    const parts = axis.parts(data);
    const middle = band(points.map((each) => each.low), points.map((each) => each.high), range, parts);
    if (points.some((each) => each.low !== each.high)) drawn.push(svg("path", { d: middle, class: "band", fill: colour }));
    if (flips) drawn.push(path(flipPath(flips, parts), colour, "flips"));
    for (const extra of lines) {
      drawn.push(path(line(listOf(extra.points), range, parts), (alone && extra.colour) || colour, `line ${extra.style}`));
      if (extra.style === "floor") drawn.push(path(dots(listOf(extra.points), range, parts), colour, "dots"));
    }
    drawn.push(path(line(listOf(points), range, parts), colour, style ? `line ${style}` : "line"));
  }
  for (const extra of common) drawn.push(path(line(listOf(extra.points), range, axis.parts(runs[0]?.data)), NEUTRAL, `line ${extra.style}`));
  return drawn;
}

/**
 * The line that ends lowest; none where none is there.
 * @template {{points: Point[]}} Of
 * @param {Of[]} lines
 */
function worst(lines) {
  const ends = lines.flatMap((each) => {
    const last = finite(listOf(each.points)).at(-1);
    return last === undefined ? [] : [{ each, last }];
  });
  return ends.sort((a, b) => a.last - b.last).slice(0, 1).map(({ each }) => each);
}

/**
 * Names at the right end of thin lines and noise floors, none on top of another.
 * @param {Gathered} gathered
 * @param {{low: number, high: number}} ends
 * @param {(value: number) => string} show
 */
export function endLabels({ runs, common, references }, { low, high }, show) {
  const floors = runs.flatMap(({ colour, lines }) => lines.filter(({ style }) => style === "floor")
    .map(({ name, points }) => ({ name, points, colour: runs.length > 1 ? colour : null })));
  const several = runs.length > 1;
  const groups = runs.map(({ colour, lines }) => lines.flatMap((each) => (each.colour ? [{ ...each, colour: several ? colour : each.colour }] : [])));
  // Where there is no room for all names the worst ones are told.
  const told = groups.flat().length > NAMED ? groups.map(worst).flat() : groups.flat();
  const ends = [...common.map(({ name, points }) => ({ name, points, colour: null })), ...floors, ...told].flatMap(({ name, points, colour }) => {
    const last = finite(listOf(points)).at(-1);
    return last === undefined ? [] : [{ name, value: last, colour }];
  });
  const named = references.map((each) => ({ ...each, name: `${each.name} ${show(each.value)}` }));
  const labels = [...named, ...ends].map((each) => ({ ...each, top: heightOf(each.value, [low, high]) })).sort((a, b) => a.top - b.top);
  for (let i = 1; i < labels.length; i++) labels[i].top = Math.max(labels[i].top, labels[i - 1].top + ROOM);
  // What was pushed out at the foot goes up again.
  for (let i = labels.length - 1, floor = 1; i >= 0; i--) {
    labels[i].top = Math.min(labels[i].top, floor);
    floor = labels[i].top - ROOM;
  }
  return labels.map(({ name, colour, top }) => el("span", { text: name, style: { top: `${100 * top}%`, color: colour ?? NEUTRAL } }));
}
