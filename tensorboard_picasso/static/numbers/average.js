// The mean of several images, pixel by pixel.

/**
 * @param {ImageData[]} images of one size
 * @returns {ImageData|null} null where the sizes differ
 */
export function average(images) {
  const [{ width, height }] = images;
  if (images.some((each) => each.width !== width || each.height !== height)) return null;
  const sums = new Float64Array(4 * width * height);
  for (const { data } of images) for (let i = 0; i < sums.length; i++) sums[i] += data[i];
  const result = new ImageData(width, height);
  for (let i = 0; i < sums.length; i++) result.data[i] = Math.floor(sums[i] / images.length + 0.5);
  return result;
}
