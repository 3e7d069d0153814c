// A disclosure that gives a part of the page away: as a picture, and its numbers as CSV.

import { button, el, setText } from "./dom.js";
import { csv, save } from "./files.js";
import { messageOf } from "./format.js";
import { snapshot } from "./snapshot.js";

/** @typedef {string | number | bigint | null | undefined} Cell */

/**
 * What is given away, asked for by then.
 * @typedef {object} Taken
 * @property {() => string} name of the file, without its ending
 * @property {() => HTMLElement[]} parts of the page, one below the other
 * @property {() => Cell[][]} rows the heads first
 */

/** @param {Taken} taken */
export function taking({ name, parts, rows }) {
  const said = el("span", { class: "quiet", role: "status" });
  const picture = async () => {
    setText(said, "");
    try {
      const shown = parts();
      const root = shown[0]?.closest("#picasso");
      if (!(root instanceof HTMLElement)) throw new Error("nothing is shown");
      save(await snapshot(root, shown), `${name()}.png`);
    } catch (error) {
      setText(said, messageOf(error));
    }
  };
  const numbers = () => {
    setText(said, "");
    try {
      const table = rows();
      if (table.length < 2) throw new Error("nothing is shown");
      save(csv(table), `${name()}.csv`);
    } catch (error) {
      setText(said, messageOf(error));
    }
  };
  return el(
    "details", { class: "download" }, el("summary", { text: "Download" }),
    el("p", {}, button("PNG", "what is shown here, as PNG", picture), button("CSV", "its numbers, as CSV", numbers), said),
  );
}
