// A PNG's pixels, as they were stored: no colour management, no premultiplied alpha.

import { messageOf } from "../kit/format.js";
import { pixels } from "./pack.js";

/** A picture that cannot be decoded: to ask for it again does not help. */
export class PictureError extends Error {}

const ROWS = 1 << 14; // of a canvas: one of 2¹⁶ rows, as of a volume's slices beneath each other, stays empty
const HEAD = [0x89504e47, 0x0d0a1a0a, 13, 0x49484452]; // a PNG's, up to its width and height

/**
 * See that it is a PNG, the browser would open others too, and that its own head declares no more
 * pixels than may be drawn: a few bytes may stand for gigabytes.
 * @param {Blob} png
 */
async function check(png) {
  const head = new DataView(await png.slice(0, 24).arrayBuffer());
  if (head.byteLength < 24 || HEAD.some((each, k) => head.getUint32(4 * k) !== each)) throw new Error("no PNG");
  pixels(head.getUint32(20), head.getUint32(16));
}

/**
 * @param {Blob} png
 * @returns {Promise<ImageData>}
 */
export async function pixelsOf(png) {
  let bitmap;
  try {
    await check(png);
    bitmap = await createImageBitmap(png, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  } catch (error) {
    throw new PictureError(messageOf(error));
  }
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, Math.min(height, ROWS));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  if (!context) throw new PictureError("the browser gives no canvas");
  const all = new ImageData(width, height);
  for (let top = 0; top < height; top += ROWS) {
    const rows = Math.min(ROWS, height - top);
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, top, width, rows, 0, 0, width, rows);
    all.data.set(context.getImageData(0, 0, width, rows).data, 4 * width * top);
  }
  return all;
}
