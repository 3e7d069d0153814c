// Lists and maps.

/**
 * The finite numbers of a list.
 * @param {Iterable<number | null | undefined>} values
 */
export function finite(values) {
  return [...values].filter((value) => typeof value === "number").filter(Number.isFinite);
}

/**
 * What a map holds under a key, made where it is not there yet.
 * @template {WeakKey | string | number | bigint | null} Key
 * @template Value
 * @param {{has: (key: Key) => boolean, get: (key: Key) => Value | undefined, set: (key: Key, value: Value) => unknown}} map
 * @param {Key} key
 * @param {() => Value} make
 * @returns {Value}
 */
export function kept(map, key, make) {
  if (map.has(key)) return /** @type {Value} */ (map.get(key));
  const made = make();
  map.set(key, made);
  return made;
}

/**
 * Numbers ascending, each once.
 * @param {Iterable<number>} numbers
 */
export function ordered(numbers) {
  return [...new Set(numbers)].sort((a, b) => a - b);
}

/**
 * Whether two lists hold the same.
 * @param {readonly unknown[]} a
 * @param {readonly unknown[]} b
 */
export function alike(a, b) {
  return a === b || (a.length === b.length && a.every((each, i) => each === b[i]));
}
