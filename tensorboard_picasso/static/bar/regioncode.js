// The lines of Python that log a drawn region: hiding it takes the model.

/** @import { Place } from "../types.js" */

/** @typedef {{image: number, size: number[], rectangles: Place[]}} PartOf a region's part in an image; size: height and width, of a volume depth before them */

/**
 * Whole numbers as Python writes them, those in a row as a range.
 * @param {number[]} numbers
 */
function listed(numbers) {
  const [first, last] = [numbers[0], numbers[numbers.length - 1]];
  if (numbers.length > 2 && last - first === numbers.length - 1) return first ? `range(${first}, ${last + 1})` : `range(${last + 1})`;
  return `[${numbers.join(", ")}]`;
}

/**
 * A string as Python reads it.
 * @param {string} text
 */
function quoted(text) {
  return JSON.stringify(text);
}

/** @param {Place} place @param {number} axes how many the mask has */
function slice({ top, left, height, width }, axes) {
  return `${axes > 2 ? ":, " : ""}${top}:${top + height}, ${left}:${left + width}`;
}

/**
 * Each rectangle once, with the images that it lies on.
 * @param {PartOf[]} parts
 */
function imagesOf(parts) {
  /** @type {Map<string, number[]>} */
  const images = new Map();
  for (const { image, rectangles, size } of parts) {
    for (const rectangle of rectangles) {
      const where = slice(rectangle, size.length);
      images.set(where, [...(images.get(where) ?? []), image]);
    }
  }
  return images;
}

/**
 * Lines that need nothing of how the probe was made: they take it, and give it the region too.
 * @param {string} name of the region
 * @param {PartOf[]} parts of the images it lies on,
 *   by image
 * @param {number} count how many images the probe has
 * @returns {string}
 */
export function pythonFor(name, parts, count) {
  const lines = ["import numpy as np", ""];
  const images = parts.map(({ image }) => image);
  const rectangles = imagesOf(parts);
  const alike = parts.every(({ size }) => size.join() === parts[0].size.join());
  const everywhere = [...rectangles.values()].every((on) => on.length === images.length);
  if (alike && everywhere && images.length === count) {
    lines.push(`mask = np.zeros((${parts[0].size.join(", ")}), bool)`);
    for (const where of rectangles.keys()) lines.push(`mask[${where}] = True`);
    lines.push(`probe = probe.with_regions({${quoted(name)}: mask})`);
    return lines.join("\n");
  }
  lines.push(`masks = {i: np.zeros(probe.images[i].shape[:${parts[0].size.length}], bool) for i in ${listed(images)}}`);
  for (const [where, on] of rectangles) {
    lines.push(...(on.length === 1 ? [`masks[${on[0]}][${where}] = True`]
      : [`for i in ${listed(on)}:`, `    masks[i][${where}] = True`]));
  }
  lines.push(`probe = probe.with_regions({${quoted(name)}: masks})`);
  return lines.join("\n");
}
