// Steps are whole numbers of 64 bits. Here a step is a number where that holds it exactly, and a
// BigInt beyond: equal steps are then one key of a map, and `<` orders any two. Whatever else is
// counted with steps is counted here, since `-` and `Math.min` refuse to mix the two.

/** @import { Step } from "../types.js" */

const LEAST = -(2n ** 63n);
const MOST = 2n ** 63n - 1n;

/** @param {number | bigint} whole @returns {Step} */
function canonical(whole) {
  const small = Number(whole);
  return Number.isSafeInteger(small) ? small : whole;
}

/**
 * The step that digits say; undefined where they say none.
 * @param {string} text
 */
export function stepOf(text) {
  if (!/^-?\d{1,19}$/.test(text)) return undefined;
  const whole = BigInt(text);
  return whole >= LEAST && whole <= MOST ? canonical(whole) : undefined;
}

/**
 * Steps of an array of 64-bit integers.
 * @param {ArrayLike<number | bigint>} array
 */
export function stepsOf(array) {
  return Array.from(array, canonical);
}

/**
 * To sort by.
 * @param {Step} a
 * @param {Step} b
 */
export function ascending(a, b) {
  return a < b ? -1 : Number(a > b);
}

/**
 * How far two steps are from each other, exactly: as a step is.
 * @param {Step} a
 * @param {Step} b
 */
export function distance(a, b) {
  if (typeof a === "number" && typeof b === "number" && Number.isSafeInteger(a - b)) return Math.abs(a - b);
  const between = BigInt(a) - BigInt(b);
  return canonical(between < 0n ? -between : between);
}

/**
 * How far it is from one step to another, as a number: rounded only beyond 2⁵³.
 * @param {Step} from
 * @param {Step} to
 */
export function advance(from, to) {
  if (typeof from === "number" && typeof to === "number") return to - from;
  return Number(BigInt(to) - BigInt(from));
}

/**
 * Round steps within a range, at most about six.
 * @param {Step} low
 * @param {Step} high
 */
export function roundSteps(low, high) {
  const [first, last] = [BigInt(low), BigInt(high)];
  const span = last - first;
  if (span <= 0n) return [low];
  const fifth = span / 5n;
  const power = 10n ** BigInt(Math.max(String(fifth).length - 1, 0));
  const by = [1n, 2n, 5n, 10n].map((each) => each * power).find((each) => span <= 6n * each) ?? power;
  const round = (first / by) * by;
  const steps = [];
  for (let each = round < first ? round + by : round; each <= last; each += by) steps.push(canonical(each));
  return steps;
}

/**
 * The least and the greatest step, and between them those a power of ten above a third one.
 * @param {Step} low
 * @param {Step} high
 * @param {Step} origin
 */
export function powersBetween(low, high, origin) {
  const [first, last, from] = [low, high, origin].map(BigInt);
  const powers = [low];
  for (let power = 1n; from + power < last; power *= 10n) if (from + power > first) powers.push(canonical(from + power));
  return high > low ? [...powers, high] : powers;
}
