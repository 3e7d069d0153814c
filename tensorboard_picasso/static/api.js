// Requests to the plugin's routes. A failure is an error with the server's own sentence.

import {readPack} from './pack.js';

const BASE = new URL('../', import.meta.url);

async function get(route, query = {}) {
  const url = new URL(route, BASE);
  for (const [key, value] of Object.entries(query)) url.searchParams.set(key, value);
  let response;
  try {
    response = await fetch(url);
  } catch {
    throw new Error('TensorBoard does not answer: is it still running?');
  }
  if (!response.ok) throw new Error((await response.text()).slice(0, 300) || `HTTP ${response.status}`);
  return response;
}

export const index = async () => (await get('index')).json();

export const pack = async (route, query) => readPack(await (await get(route, query)).arrayBuffer());

/** Pixels of one viewed image: {width, height, data} RGBA. */
export async function image(query) {
  const bitmap = await createImageBitmap(await (await get('image', query)).blob());
  const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
  const context = canvas.getContext('2d', {willReadFrequently: true});
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, bitmap.width, bitmap.height);
}
