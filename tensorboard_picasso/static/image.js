// A PNG's pixels, as they were stored: no colour management, no premultiplied alpha.

/**
 * @param {Blob} png
 * @returns {Promise<ImageData>}
 */
export async function pixelsOf(png) {
  const bitmap = await createImageBitmap(png, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}
