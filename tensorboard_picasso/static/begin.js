// The page is made and joined to its host, once its modules are here.

import { App } from "./app.js";
import { followTheme, readUrl } from "./kit/host.js";
import { takeOver } from "./log/api.js";
import { State } from "./shown/state.js";

/**
 * Show the dashboard.
 * @param {Promise<Response>} index which the entry has asked for
 */
export async function begin(index) {
  takeOver("index", {}, index);
  const app = new App(new State(await readUrl()));
  followTheme((dark) => document.body.classList.toggle("dark", dark));
  document.body.append(app.root);
  app.connect();
  await app.start();
}
