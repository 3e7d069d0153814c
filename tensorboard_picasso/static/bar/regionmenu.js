// The Region menu: drawing regions, what regions there are, and how to have one hidden as a whole.

import { code } from "../kit/code.js";
import { placeText } from "./drawing.js";
import { el, named, select } from "../kit/dom.js";
import { DRAWN } from "../shown/finding.js";
import { plural } from "../kit/format.js";
import { loggedNames, OUTLINES, regionColour } from "../shown/outlines.js";
import { pythonFor } from "./regioncode.js";
import { regionChart, withoutChart } from "../timeline/regioncharts.js";
import { copied, drawnOn, named as nameKept, namesOf, problemOf, removed, renamed, writeRanges } from "../numbers/regions.js";
import { shapeOf } from "../numbers/volumes.js";

/** @import { Options } from "../kit/dom.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Scene } from "../shown/scene.js" */
/** @import { Choices, Rectangle, Size } from "../types.js" */
/** @import { Drawing } from "./drawing.js" */

/** @type {Record<Choices["outlines"], string>} */
const OUTLINE_NAMES = { originals: "drawn; logged on the image", drawn: "of drawn regions", all: "of all regions", none: "of none" };

/** @param {string} text @param {string} label @param {() => void} onClick @param {Options} options */
function act(text, label, onClick, options = {}) {
  return el("button", { type: "button", text, "aria-label": label, title: label, on: { click: onClick }, ...options });
}

/**
 * The Region menu's fields.
 * @param {Needs<"scene" | "state">} given
 * @param {Drawing} drawing
 * @param {() => void} close
 */
export function regionMenu(given, drawing, close) {
  const { state, scene } = given;
  const names = namesOf(state.regions, scene.probe);
  const draw = () => {
    close();
    drawing.start();
  };
  return [
    el(
      "div", { class: "acts" },
      act("Draw a rectangle", "draw a rectangle (key r)", draw, { disabled: !scene.every.length }),
      act("Undo", "undo (Ctrl + Z)", () => state.undo(), { disabled: !state.canUndo }),
      act("Redo", "redo (Ctrl + Shift + Z)", () => state.redo(), { disabled: !state.canRedo }),
    ),
    byNumbers(given, drawing),
    ...names.map((name) => drawnRegion(given, name)),
    ...(names.length ? [el("p", { text: "Two regions of one name are one: it may lie elsewhere in each image." })] : []),
    ...loggedNames(scene).map((name) => loggedRegion(given, name)),
    select("outlines", named(OUTLINES, OUTLINE_NAMES), state.outlines, (outlines) => state.set({ outlines })),
  ];
}

/**
 * A rectangle by its numbers.
 * @param {Needs<"scene" | "state">} given
 * @param {Drawing} drawing
 */
function byNumbers(given, drawing) {
  const { state, scene } = given;
  const input = () => el("input", { type: "number", min: 0, step: 1, required: true });
  const fields = { top: input(), left: input(), height: input(), width: input() };
  const several = severalImages(scene);
  const images = scene.every.filter((image) => scene.input(image));
  const which = el(
    "select", { "aria-label": "of which images" },
    ...images.map((image) => el("option", { value: image, text: scene.imageName(image), selected: image === state.open })),
    ...several.map(({ text, images: of }) => el("option", { value: of.join(), text })),
  );
  const problem = el("span", { class: "wrong", role: "alert" });
  const form = el(
    "form", { class: "byhand" },
    ...Object.entries(fields).map(([name, input]) => el("label", {}, el("span", { text: name }), input)),
    el("label", {}, el("span", { text: "of" }), which), el("button", { type: "submit", text: "Add" }), problem,
  );
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    /** @type {(input: HTMLInputElement) => number} */
    const number = (input) => (input.value.trim() === "" ? NaN : Number(input.value));
    const { top, left, height, width } = fields;
    const rectangle = { top: number(top), left: number(left), height: number(height), width: number(width) };
    const chosen = which.value.split(",").map(Number);
    const size = scene.input(chosen[0]);
    problem.textContent = size ? problemOf(rectangle, size) : "no image is loaded yet";
    if (problem.textContent) return;
    form.reset();
    drawing.add(chosen, rectangle);
  });
  return form;
}

/**
 * All images where they have one size, and those behind each mean, as on whose pictures one draws.
 * @param {Scene} scene
 */
function severalImages(scene) {
  const [first] = scene.every;
  const size = scene.input(first);
  const alike = size ? ofSize(scene, size) : [];
  const whole = alike.length > 1 && alike.length === scene.every.length;
  const all = whole ? [{ text: `all ${plural(alike.length, "image")}`, images: [...alike].sort((a, b) => a - b) }] : [];
  const means = scene.groups.flatMap((group) => {
    const images = scene.behindMean(group);
    const of = group === null ? "the mean" : `the mean of ${scene.nameOfMean(group)}`;
    return images && images.length < scene.every.length ? [{ text: `${of}: ${plural(images.length, "image")}`, images }] : [];
  });
  return [...all, ...means];
}

/**
 * Images of the probe that have a size.
 * @param {Scene} scene
 * @param {Size} size
 */
function ofSize(scene, { height, width, depth }) {
  return scene.every.filter((image) => {
    const input = scene.input(image);
    return input?.height === height && input.width === width && input.depth === depth;
  });
}

/**
 * Which images, in words.
 * @param {Scene} scene
 * @param {number[]} images
 */
function imagesText(scene, images) {
  if (images.length === 1) return scene.imageName(images[0]);
  return images.length === scene.every.length ? `all ${plural(images.length, "image")}` : `images ${writeRanges(images).replaceAll(".", ", ").replaceAll("-", "–")}`;
}

/** @param {Needs<"scene" | "state">} given @param {string} name */
function drawnRegion(given, name) {
  const { state, scene } = given;
  const rectangles = state.regions.filter((each) => each.probe === scene.probe && each.name === name);
  const field = el("input", { type: "text", value: name, maxlength: 80, "aria-label": `name of ${name}`, class: "name" });
  field.addEventListener("change", () => {
    const next = nameKept(field.value);
    if (next === null || next === name) field.value = name;
    else {
      const sort = state.sort === DRAWN + name ? DRAWN + next : state.sort;
      state.set({ regions: renamed(state.regions, scene.probe ?? "", name, next), charts: withoutChart(given, name, next), sort });
    }
  });
  /** @type {(rectangle: Rectangle) => void} */
  const remove = (rectangle) => state.set({
    regions: removed(state.regions, rectangle), ...(rectangles.length === 1 ? { charts: withoutChart(given, name) } : {}),
  });
  const colour = regionColour(state.regions, scene.probe, name);
  return el(
    "section", { class: "regionof", data: { region: name } },
    el("div", { class: "regionhead" }, el("span", { class: "swatch", style: { background: colour } }), field),
    ...rectangles.map((rectangle) => {
      const size = scene.input(rectangle.images[0]);
      const alike = size ? ofSize(scene, size) : [];
      const more = alike.some((image) => !rectangle.images.includes(image));
      const all = size && `copy to all ${plural(alike.length, "image")} of ${size.depth ? shapeOf(size).join(" × ") : `${size.height} × ${size.width}`}`;
      return el(
        "div", { class: "rectangle" },
        el("span", { text: `${placeText(rectangle)} · ${imagesText(scene, rectangle.images)}` }),
        more ? act(`Copy to all ${alike.length}`, `${name}: ${all}`, () => state.set({ regions: copied(state.regions, rectangle, alike) })) : null,
        act("Delete", `delete ${placeText(rectangle)} of ${name}`, () => remove(rectangle)),
      );
    }),
    charting(given, name),
    lines(given, name),
  );
}

/**
 * A way to chart a region's share, where no chart does.
 * @param {Needs<"scene" | "state">} given
 * @param {string} name
 */
function charting(given, name) {
  const { there, room, with: charts } = regionChart(given, name);
  if (there) return null;
  const label = given.scene.label;
  const text = room ? "Chart its share" : "Chart its share in place of the last chart";
  return el("div", { class: "acts" }, act(text, `${text}: ${name} in ${label}`, () => given.state.set({ charts })));
}

/**
 * The lines that log a region; nothing where it lies in no image.
 * @param {Needs<"scene" | "state">} given
 * @param {string} name
 */
function lines({ state, scene }, name) {
  const parts = scene.every.flatMap((image) => {
    const input = scene.input(image);
    const region = input && drawnOn(state.regions, scene.probe, image, input).find((each) => each.name === name);
    const whole = region?.mask.every(Boolean);
    return region ? [{ image, size: shapeOf(input).slice(input.depth ? 0 : 1), rectangles: region.rectangles, whole }] : [];
  });
  if (!parts.length) return el("p", { text: "It lies in none of the images that are loaded." });
  const all = parts.find(({ whole }) => whole);
  if (all) return el("p", { text: `Its rectangles cover all of ${scene.imageName(all.image)}: take a part of it.` });
  return el(
    "details", {}, el("summary", { text: "Code that hides it as a whole, for the next training" }),
    code("Log this region", pythonFor(name, parts, scene.every.length)),
    el("p", { text: `Put the lines where your probe “${scene.probe}” has been made, however that was; here it is called probe. Log with it as before.` }),
    el("p", { text: "A drawn region can only be weighed in the maps. Whether the network needs it shows when the model is run without it." }),
  );
}

/** @param {Needs<"scene">} given @param {string} name */
function loggedRegion({ scene }, name) {
  const images = scene.every.filter((image) => scene.input(image)?.regions.some((each) => each.name === name));
  const masks = images.flatMap((image) => scene.input(image)?.regions.find((each) => each.name === name)?.mask ?? []);
  const areas = masks.map((mask) => mask.reduce((sum, each) => sum + each, 0));
  const [least, most] = [Math.min(...areas), Math.max(...areas)];
  const size = least === most ? plural(least, "pixel") : `${least} to ${plural(most, "pixel")}`;
  return el(
    "section", { class: "regionof" },
    el("div", { class: "regionhead" }, el("span", { class: "swatch logged" }), el("b", { text: name }), el("span", { class: "quiet", text: `logged · ${size} · ${imagesText(scene, images)}` })),
  );
}
