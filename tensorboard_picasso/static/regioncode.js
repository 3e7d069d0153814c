// The lines of Python that log a drawn region: hiding it takes the model.

/** Whole numbers as Python writes them, those in a row as a range. */
function listed(numbers) {
  const [first, last] = [numbers[0], numbers.at(-1)];
  if (numbers.length > 2 && last - first === numbers.length - 1) return first ? `range(${first}, ${last + 1})` : `range(${last + 1})`;
  return `[${numbers.join(", ")}]`;
}

/** A string as Python reads it. */
function quoted(text) {
  return JSON.stringify(text);
}

function slice({ top, left, height, width }) {
  return `${top}:${top + height}, ${left}:${left + width}`;
}

function call(name, images, labels, regions) {
  const given = [name, images, ...(labels ? [`labels=${labels}`] : []), `regions=${regions}`];
  return ["probe = summary.Probe(", ...given.map((each) => `    ${each},`), ")"];
}

/**
 * @param {string} name of the region
 * @param {{image: number, size: number[], rectangles: object[]}[]} parts of the images it lies on,
 *   by image; size is height and width
 * @param {{probe: string, count: number, labelled: boolean}} probe its name, how many images it
 *   has, and whether they have labels
 * @returns {string}
 */
export function pythonFor(name, parts, { probe, count, labelled }) {
  const whole = parts.length === count;
  const key = (part) => [part.size, ...part.rectangles.map(slice)].join();
  const alike = parts.every((part) => key(part) === key(parts[0]));
  const region = quoted(name);
  const size = ([height, width]) => `(${height}, ${width})`;
  const lines = ["import numpy as np", "from tensorboard_picasso import summary", ""];
  if (whole && alike) {
    lines.push(`mask = np.zeros(${size(parts[0].size)}, bool)`);
    for (const each of parts[0].rectangles) lines.push(`mask[${slice(each)}] = True`);
    lines.push(...call(quoted(probe), "images", labelled && "labels", `{${region}: mask}`));
    return lines.join("\n");
  }
  const images = parts.map(({ image }) => image);
  // Every image of a probe has its mask, so images without one are left out.
  if (!whole) lines.push(`chosen = ${listed(images)}`);
  const same = parts.every((part) => size(part.size) === size(parts[0].size));
  const each = whole ? "images" : "chosen";
  lines.push(same
    ? `masks = [np.zeros(${size(parts[0].size)}, bool) for _ in ${each}]`
    : `masks = [np.zeros(size, bool) for size in [${parts.map((part) => size(part.size)).join(", ")}]]`);
  for (const [where, places] of placesOf(parts)) {
    const [only] = places;
    lines.push(...(places.length === 1 ? [`masks[${only}][${where}] = True`]
      : [`for i in ${listed(places)}:`, `    masks[i][${where}] = True`]));
  }
  const given = whole ? "images" : "[images[i] for i in chosen]";
  const labels = labelled && (whole ? "labels" : "[labels[i] for i in chosen]");
  lines.push(...call(quoted(whole ? probe : `${probe}, ${name}`), given, labels, `{${region}: masks}`));
  return lines.join("\n");
}

/** Each rectangle once, with the places of the images that it lies on. */
function placesOf(parts) {
  const found = new Map();
  parts.forEach(({ rectangles }, place) => {
    for (const each of rectangles) found.set(slice(each), [...(found.get(slice(each)) ?? []), place]);
  });
  return found;
}
