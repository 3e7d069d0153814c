// The page is made and joined to its host. What it loads first is asked for before its views are here.

import { followTheme, readUrl } from "./kit/host.js";
import { fetchIndex, takeOver } from "./log/api.js";
import { askAhead } from "./shown/ahead.js";
import { State } from "./shown/state.js";

/**
 * Show the dashboard.
 * @param {Promise<Response>} response to the request for the index, which the entry made
 */
export async function begin(response) {
  takeOver("index", {}, response);
  const index = fetchIndex();
  const state = new State(await readUrl());
  // What fails is told by whoever waits for the index.
  index.then((found) => askAhead(found, state)).catch(() => {});
  const { App } = await import("./app.js");
  followTheme((dark) => document.body.classList.toggle("dark", dark));
  const app = new App(state);
  document.body.append(app.root);
  app.connect();
  await app.start(index);
}
