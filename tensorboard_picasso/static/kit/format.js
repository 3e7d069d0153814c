// Numbers and names as people read them.

/** @import { Step } from "../types.js" */

const MINUS = "−";

/** @param {Step} value */
export function count(value) {
  // The browser's own way takes milliseconds at first.
  if (typeof value === "bigint" || Number.isSafeInteger(value)) return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
  return value.toLocaleString("en-US");
}

/**
 * A probability; never "100 %" or "0 %" where something is left.
 * @param {number} p
 */
export function percent(p) {
  if (Number.isNaN(p)) return "–";
  if (p === 0 || p === 1) return `${100 * p} %`;
  if (p > 0.999) return ">99.9 %";
  if (p < 0.001) return "<0.1 %";
  if (p > 0.99 || p < 0.01) return `${(100 * p).toFixed(1)} %`;
  return `${Math.round(100 * p)} %`;
}

/**
 * Compare names as people order them: seed2 before seed10, lr0.0005 before lr0.001.
 * @param {string} a
 * @param {string} b
 */
export function natural(a, b) {
  /** @type {(text: string) => string[]} */
  const parts = (text) => text.split(/(\d+(?:\.\d+)?)/);
  const [left, right] = [parts(a), parts(b)];
  for (let i = 0; i < Math.min(left.length, right.length); i++) {
    if (left[i] === right[i]) continue;
    // Every other part is a number.
    return (i % 2 && Number(left[i]) - Number(right[i])) || (left[i] < right[i] ? -1 : 1);
  }
  return left.length - right.length;
}

const STAYS = 0.001;

/**
 * Whether a probability is said to stay: it changes by less than a tenth of a point.
 * @param {number} a
 * @param {number} b
 */
export function stays(a, b) {
  return Math.abs(a - b) < STAYS;
}

/**
 * Two probabilities of which none is said to stay, with as many digits as it takes to tell them apart.
 * @param {number} a
 * @param {number} b
 */
export function apart(a, b) {
  const short = [percent(a), percent(b)];
  return short[0] === short[1] ? [a, b].map((p) => `${(100 * p).toFixed(1)} %`) : short;
}

/**
 * Three significant digits, with a minus sign that is as wide as a plus.
 * @param {number} value
 */
export function number(value) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : `${MINUS}∞`;
  if (value === 0) return "0";
  const size = Math.abs(value);
  const text = size >= 1e5 || size < 1e-3 ? size.toExponential(2) : String(Number(size.toPrecision(3)));
  return (value < 0 ? MINUS : "") + text.replace("e-", `e${MINUS}`).replace("e+", "e");
}

/**
 * A correlation, -1 to 1: three decimals.
 * @param {number} value
 */
export function correlation(value) {
  return Number.isNaN(value) ? "NaN" : value.toFixed(3).replace("-", MINUS);
}

/**
 * Points, of which a hundred are all: tenths only where there are few.
 * @param {number} value
 */
export function points(value) {
  if (Number.isNaN(value)) return "–";
  return number(Math.abs(value) >= 10 ? Math.round(value) : Number(value.toFixed(1)));
}

/** @param {number} value */
export function signed(value) {
  return value > 0 ? `+${number(value)}` : number(value);
}

/**
 * `step 1,240 · epoch 20`
 * @param {Step} step
 * @param {number | null} [epoch]
 */
export function stepText(step, epoch) {
  const at = `step ${count(step)}`;
  return epoch === null || epoch === undefined ? at : `${at} · epoch ${Number(epoch.toFixed(2))}`;
}

/** @param {Step} n @param {string} one @param {string} many */
export function plural(n, one, many = `${one}s`) {
  return `${count(n)} ${n === 1 ? one : many}`;
}

/**
 * What an error says.
 * @param {unknown} error
 */
export function messageOf(error) {
  return error instanceof Error ? error.message : String(error);
}

/**
 * What was thrown, as an error.
 * @param {unknown} thrown
 */
export function errorOf(thrown) {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
