// The entry: TensorBoard imports this module into the plugin's frame and calls `render`.

// Only what is needed to ask for the index is imported with it; the rest comes while that is under way.

import { fetchIndex } from "./log/api.js";
import { el } from "./kit/dom.js";
import { messageOf } from "./kit/format.js";
import { followTheme, readUrl } from "./kit/host.js";

function loadStyle() {
  return new Promise((resolve, reject) => {
    const style = el("link", { rel: "stylesheet", href: new URL("style.css", import.meta.url).href });
    style.addEventListener("load", resolve);
    style.addEventListener("error", () => reject(new Error("the style sheet did not load: reload the page")));
    document.head.append(style);
  });
}

/** Show the dashboard. The host drops a rejection, so what fails is shown here. */
export async function render() {
  try {
    document.documentElement.lang = "en";
    document.title = "Picasso";
    const index = fetchIndex();
    // Whoever waits for it is told what failed.
    index.catch(() => {});
    const [{ App }, { State }, url] = await Promise.all([import("./app.js"), import("./shown/state.js"), readUrl(), loadStyle()]);
    followTheme((dark) => document.body.classList.toggle("dark", dark));
    const app = new App(new State(url));
    document.body.append(app.root);
    app.connect();
    await app.start(index);
  } catch (error) {
    console.error(error);
    document.body.append(el("p", { role: "alert", text: `Picasso cannot start: ${messageOf(error)}` }));
  }
}
