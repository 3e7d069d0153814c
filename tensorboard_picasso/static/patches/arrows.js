// Which of many elements an arrow key leads to.

/** @type {Record<string, number>} */
const BESIDE = { ArrowLeft: -1, ArrowRight: 1 };
/** @type {Record<string, number>} */
const ACROSS = { ArrowUp: -1, ArrowDown: 1 };

/**
 * The one before or after; above and below, of the nearest line the one that is least aside.
 * @template {HTMLElement} Of
 * @param {Of[]} all as they are read
 * @param {Of} from
 * @param {string} key
 * @returns {Of | null} null where there is none, or the key is no arrow
 */
export function neighbour(all, from, key) {
  if (key in BESIDE) return all[all.indexOf(from) + BESIDE[key]] ?? null;
  if (!(key in ACROSS)) return null;
  const box = from.getBoundingClientRect();
  const beyond = all.flatMap((element) => {
    const { left, top } = element.getBoundingClientRect();
    const lines = ACROSS[key] * (top - box.top);
    return lines > box.height / 2 ? [{ element, lines, aside: Math.abs(left - box.left) }] : [];
  });
  return beyond.sort((a, b) => a.lines - b.lines || a.aside - b.aside)[0]?.element ?? null;
}
