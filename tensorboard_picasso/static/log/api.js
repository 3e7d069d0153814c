// Requests: the routes of docs/http_api.md, errors as sentences, and nothing swallowed.

import { Pack } from "./pack.js";

const DATA = new URL("../../", import.meta.url);

/** A failed request: what failed and what to do about it. */
export class RequestError extends Error {
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

function address(route, query) {
  const url = new URL(route, DATA);
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) url.searchParams.set(key, value);
  }
  return url;
}

async function get(route, query, signal) {
  let response;
  try {
    response = await fetch(address(route, query), { signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new RequestError("TensorBoard does not answer: is it still running?", 0);
  }
  if (!response.ok) {
    const type = response.headers.get("content-type") ?? "";
    const reason = type.startsWith("text/plain") ? (await response.text()).slice(0, 300) : "";
    throw new RequestError(reason || `TensorBoard answered ${response.status} to ${route}`, response.status);
  }
  return response;
}

async function pack(route, query, signal) {
  const response = await get(route, query, signal);
  try {
    return new Pack(await response.arrayBuffer());
  } catch (error) {
    if (error instanceof TypeError) throw new RequestError("TensorBoard's answer broke off: is it still running?", 0);
    throw error;
  }
}

export async function fetchIndex(signal) {
  return (await get("index", {}, signal)).json();
}

/** @param {boolean} pngs whether the pictures are wanted too, as far as they are small */
export function fetchInputs(run, probe, pngs, signal) {
  return pack("inputs", { run, probe, pngs: pngs || undefined }, signal);
}

export function fetchScores(run, probe, signal) {
  return pack("scores", { run, probe }, signal);
}

/** @param {{images?: number[], grids?: string|number[]}} which */
export function fetchAttributions(run, probe, label, { images, grids }, signal) {
  const query = { run, probe, label, images: images?.join(","), grids: Array.isArray(grids) ? grids.join(",") : grids };
  return pack("attributions", query, signal);
}

/** @param {string} [groups] "probe": the mean over the probe alone; else those over classes too */
export function fetchMeans(run, probe, label, groups, signal) {
  return pack("means", { run, probe, label, groups }, signal);
}

/** @param {{image: number, step: number, wall: number}[]} wanted at most 512 */
export function fetchMaps(run, probe, label, wanted, signal) {
  const of = wanted.map((each) => `${each.image}:${each.step}:${each.wall}`).join(",");
  return pack("maps", { run, probe, label, of }, signal);
}

/** Tags of ordinary scalars of a run and beside it. */
export async function fetchScalars(run, signal) {
  return (await get("scalars", { run }, signal)).json();
}

/** One series of ordinary scalars. */
export function fetchScalar(run, tag, signal) {
  return pack("scalar", { run, tag }, signal);
}

/** One viewed image, as a PNG. */
export async function fetchImage(run, probe, image, hash, signal) {
  return (await get("image", { run, probe, image, hash }, signal)).blob();
}

/** Where the server makes a file of an image's maps; `runs` share one scale. */
export function exportAddress(query, runs) {
  const url = address("export", query);
  for (const run of runs) url.searchParams.append("runs", run);
  return url.href;
}
