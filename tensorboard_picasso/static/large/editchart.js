// The curve of an edit over all steps of all runs, with its interval, beside those of the same elsewhere.

import { Axis } from "../timeline/axis.js";
import { ticksOf, TimeChart } from "../timeline/timechart.js";
import { el } from "../kit/dom.js";
import { flagsOfEdit } from "../shown/flags.js";
import { amongOf } from "../shown/among.js";
import { curveOf, mainMeasure, MEASURES } from "../shown/editpoints.js";

/** @import { Edits } from "../log/edits.js" */
/** @import { RunData } from "../log/rundata.js" */
/** @import { Measure } from "../shown/editpoints.js" */
/** @import { Line, Source } from "../shown/gather.js" */
/** @import { Needs } from "../shown/given.js" */
/** @import { Asked } from "./edit.js" */

/**
 * What each measure is, in words.
 * @param {Edits} edits
 * @returns {Record<Measure, string>}
 */
function titles({ asked }) {
  const whose = asked.labelled ? "true" : "first";
  return {
    moves: "how far it moves the answers",
    flips: "predictions that change",
    follows: "predictions that become the donor’s class",
    costs: asked.output === "raw" ? `${asked.value_name || "value"} that it takes` : `what the ${whose} class loses`,
  };
}

export class EditChart {
  #given;
  #chart;
  #ticks = el("div", { class: "ticks", "aria-hidden": "true" });

  /** @param {Needs<"scene" | "state" | "seek" | "tip">} given */
  constructor(given) {
    this.#given = given;
    this.#chart = new TimeChart(given, {
      choose: (id) => given.state.set({ measure: MEASURES.find((each) => each === id) ?? null }), remove: null, tools: [],
    });
    this.element = el("div", { class: "editchart" }, this.#chart.element, this.#ticks);
  }

  /** @param {string} name @param {Asked[]} asked */
  update(name, asked) {
    const { scene, state } = this.#given;
    const sources = this.#sources(name, asked);
    const main = mainMeasure(asked[0].edits);
    const source = sources.find(({ id }) => id === state.measure) ?? sources.find(({ id }) => id === main) ?? null;
    const axis = new Axis(state.x, scene);
    this.#chart.update(source, sources, source?.id ?? main, { axis, images: [], told: false, all: true });
    this.#ticks.replaceChildren(...ticksOf(axis));
  }

  /** @param {string} name @param {Asked[]} asked @returns {Source[]} */
  #sources(name, asked) {
    const { scene } = this.#given;
    const among = amongOf(this.#given);
    const first = asked[0].edits;
    const raw = first.asked.output === "raw";
    const about = first.asked.edits.find((each) => each.name === name);
    const measures = raw ? [mainMeasure(first)] : MEASURES.filter((each) => each !== "follows" || about?.form === "swapped");
    const runs = new Map(asked.map((each) => [each.run, each]));
    /** @type {(edit: string, measure: Measure, sure: boolean) => (data: RunData) => ReturnType<typeof curveOf>} */
    const curve = (edit, measure, sure) => ({ run }) => {
      const edits = runs.get(run)?.edits ?? null;
      const place = edits?.asked.edits.findIndex((each) => each.name === edit) ?? -1;
      return curveOf(scene.steps, edits, place, { measure, among, sure });
    };
    const elsewhere = [...new Set(asked.flatMap(({ edits, place }) => (place < 0 ? [] : edits.references(edits.asked.edits[place]).map((at) => edits.asked.edits[at].name))))];
    const texts = titles(first);
    return measures.map((measure) => ({
      id: measure, title: texts[measure], group: "of this edit", unit: "", range: raw ? "free" : "points",
      means: curve(name, measure, true), ...(measure === "moves" && among === null ? { flags: ({ run }) => flagsOfEdit(scene, run, name) } : {}),
      lines: elsewhere.map((each, i) => /** @type {Line} */ ({ name: each, ...(asked.length > 1 ? {} : { short: elsewhere.length > 1 ? `elsewhere (${i + 1})` : "elsewhere" }), style: "thin", means: curve(each, measure, false) })),
      note: () => `${raw ? "" : "points; "}band: 95 % interval over the images${elsewhere.length ? "; thin: the same elsewhere" : ""}`,
    }));
  }

  /** Put the cursor at the current step. */
  move() {
    this.#chart.move();
  }
}
