// Requests: the routes of docs/extending/http_api.md, errors as sentences, and nothing swallowed.

import { Pack } from "./pack.js";

/** @import { Step } from "../types.js" */
/** @import { AttributionsAnswer, Beside, EditAnswer, EditsAnswer, ExamplesAnswer, Index, InputsAnswer, MapsAnswer, MeansAnswer, ScalarAnswer, ScoresAnswer } from "./answers.js" */

/** @typedef {Record<string, unknown>} Query what is null or undefined is left out */

// The routes are beside `static/`, however deep in it the address of this module is.
const DATA = import.meta.url.slice(0, import.meta.url.lastIndexOf("/static/") + 1);

export const FEW = 4; // images that are in sight at once, as a rule: all are asked for at once

/**
 * Whether a request was given up.
 * @param {unknown} error
 */
export function isAbort(error) {
  return error instanceof Error && error.name === "AbortError";
}

/** A failed request: what failed and what to do about it. */
export class RequestError extends Error {
  /** @param {string} message @param {number} status */
  constructor(message, status) {
    super(message);
    this.status = status;
  }
}

/** @param {string} route @param {Query} query */
function address(route, query) {
  const url = new URL(route, DATA);
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) url.searchParams.set(key, String(value));
  }
  return url;
}

/**
 * Requests that were made before anyone waited for them, by address.
 * @type {Map<string, Promise<Response>>}
 */
const early = new Map();

/**
 * Take over a request that is under way: who asks for the same next is given its answer.
 * @param {string} route
 * @param {Query} query
 * @param {Promise<Response>} response
 */
export function takeOver(route, query, response) {
  // Whoever waits for it is told what failed.
  response.catch(() => {});
  early.set(address(route, query).href, response);
}

/**
 * Make a request for who asks for the same next.
 * @param {string} route
 * @param {Query} query
 */
export function ask(route, query) {
  takeOver(route, query, fetch(address(route, query).href));
}

/** @param {string} route @param {Query} query @param {AbortSignal} [signal] */
async function get(route, query, signal) {
  const { href } = address(route, query);
  const begun = early.get(href);
  early.delete(href);
  let response;
  try {
    response = await (begun ?? fetch(href, { signal }));
  } catch (error) {
    if (isAbort(error)) throw error;
    throw new RequestError("TensorBoard does not answer: is it still running?", 0);
  }
  if (!response.ok) {
    const type = response.headers.get("content-type") ?? "";
    const reason = type.startsWith("text/plain") ? (await response.text()).slice(0, 300) : "";
    throw new RequestError(reason || `TensorBoard answered ${response.status} to ${route}`, response.status);
  }
  return response;
}

/**
 * @template Header
 * @param {string} route
 * @param {Query} query
 * @param {AbortSignal} [signal]
 * @returns {Promise<Pack<Header>>}
 */
async function pack(route, query, signal) {
  const response = await get(route, query, signal);
  try {
    return new Pack(await response.arrayBuffer());
  } catch (error) {
    if (error instanceof TypeError) throw new RequestError("TensorBoard's answer broke off: is it still running?", 0);
    throw error;
  }
}

/** @returns {Promise<Index>} */
export async function fetchIndex() {
  return (await get("index", {})).json();
}

/**
 * @param {string} run
 * @param {string} probe
 * @param {boolean} pngs whether the pictures are wanted too, as far as they are small
 * @param {AbortSignal} [signal]
 * @param {number[]} [images] default: all
 * @returns {Promise<Pack<InputsAnswer>>}
 */
export function fetchInputs(run, probe, pngs, signal, images) {
  return pack("inputs", { run, probe, images: images?.join(","), pngs: pngs || undefined }, signal);
}

/**
 * @param {string} run
 * @param {string} probe
 * @param {AbortSignal} [signal]
 * @returns {Promise<Pack<ScoresAnswer>>}
 */
export function fetchScores(run, probe, signal) {
  return pack("scores", { run, probe }, signal);
}

/**
 * @param {string} run
 * @param {string} probe
 * @param {string} label
 * @param {{images?: number[], steps?: string | Step[], grids?: string | Step[]}} which
 * @returns {Query}
 */
export function attributionsQuery(run, probe, label, { images, steps, grids }) {
  return { run, probe, label, images: images?.join(","), steps: steps === undefined ? undefined : String(steps), grids: String(grids) };
}

/**
 * @param {string} run
 * @param {string} probe
 * @param {string} label
 * @param {{images?: number[], steps?: string | Step[], grids?: string | Step[]}} which
 * @param {AbortSignal} [signal]
 * @returns {Promise<Pack<AttributionsAnswer>>}
 */
export function fetchAttributions(run, probe, label, { images, steps, grids }, signal) {
  return pack("attributions", attributionsQuery(run, probe, label, { images, steps, grids }), signal);
}

/**
 * @param {string} run
 * @param {string} probe
 * @param {string} label
 * @param {{groups?: string, steps?: string}} which groups: "probe", the mean over the probe alone; else those over classes too
 * @param {AbortSignal} [signal]
 * @returns {Promise<Pack<MeansAnswer>>}
 */
export function fetchMeans(run, probe, label, { groups, steps }, signal) {
  return pack("means", { run, probe, label, groups, steps }, signal);
}

/**
 * @param {string} run
 * @param {string} probe
 * @param {string} label
 * @param {{image: number, step: Step, wall: number}[]} wanted at most 512
 * @param {AbortSignal} [signal]
 * @returns {Promise<Pack<MapsAnswer>>}
 */
export function fetchMaps(run, probe, label, wanted, signal) {
  const of = wanted.map((each) => `${each.image}:${each.step}:${each.wall}`).join(",");
  return pack("maps", { run, probe, label, of }, signal);
}

/**
 * @param {string} run
 * @param {string} probe
 * @param {AbortSignal} [signal]
 * @returns {Promise<Pack<EditsAnswer>>}
 */
export function fetchEdits(run, probe, signal) {
  return pack("edits", { run, probe }, signal);
}

/**
 * @param {string} run
 * @param {string} probe
 * @param {AbortSignal} [signal]
 * @returns {Promise<Pack<ExamplesAnswer>>}
 */
export function fetchExamples(run, probe, signal) {
  return pack("examples", { run, probe }, signal);
}

/**
 * The same in full of one edit.
 * @param {string} run
 * @param {string} probe
 * @param {string} edit
 * @param {AbortSignal} [signal]
 * @returns {Promise<Pack<EditAnswer>>}
 */
export function fetchEdit(run, probe, edit, signal) {
  return pack("edits", { run, probe, edit }, signal);
}

/**
 * Tags of ordinary scalars of a run and beside it.
 * @param {string} run
 * @param {AbortSignal} [signal]
 * @returns {Promise<{scalars: Beside[]}>}
 */
export async function fetchScalars(run, signal) {
  return (await get("scalars", { run }, signal)).json();
}

/**
 * One series of ordinary scalars.
 * @param {string} run
 * @param {string} tag
 * @param {AbortSignal} [signal]
 * @returns {Promise<Pack<ScalarAnswer>>}
 */
export function fetchScalar(run, tag, signal) {
  return pack("scalar", { run, tag }, signal);
}

/**
 * One viewed image, as a PNG.
 * @param {string} run
 * @param {string} probe
 * @param {number} image
 * @param {string} hash
 * @param {AbortSignal} [signal]
 */
export async function fetchImage(run, probe, image, hash, signal) {
  return (await get("image", { run, probe, image, hash }, signal)).blob();
}

/**
 * Where the server makes a file of an image's maps; `runs` share one scale.
 * @param {Query} query
 * @param {string[]} runs
 */
export function exportAddress(query, runs) {
  const url = address("export", query);
  for (const run of runs) url.searchParams.append("runs", run);
  return url.href;
}
