// The entry: TensorBoard imports this module into the plugin's frame and calls `render`.

import { App } from "./app.js";
import { el } from "./dom.js";
import { followTheme, readUrl } from "./host.js";
import { State } from "./state.js";

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
    const [url] = await Promise.all([readUrl(), loadStyle()]);
    followTheme((dark) => document.body.classList.toggle("dark", dark));
    const app = new App(new State(url));
    document.body.append(app.root);
    app.connect();
    await app.start();
  } catch (error) {
    console.error(error);
    document.body.append(el("p", { role: "alert", text: `Picasso cannot start: ${error.message}` }));
  }
}
