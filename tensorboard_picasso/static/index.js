// The entry: TensorBoard imports this module into the plugin's frame and calls `render`.

// It imports nothing, so that it is there first, and asks at once for all that the first look
// needs: the index, the style, and the modules, which the server gives as one.

const HERE = new URL("./", import.meta.url);
const ROUTES = new URL(import.meta.url.slice(0, import.meta.url.lastIndexOf("/static/") + 1));

const index = fetch(new URL("index", ROUTES));
// Whoever waits for it is told what failed.
index.catch(() => {});

/** @param {Record<string, string>} attributes */
function link(attributes) {
  const made = document.createElement("link");
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  document.head.append(made);
  return made;
}

const style = new Promise((resolve, reject) => {
  const sheet = link({ rel: "stylesheet", href: new URL("style.css", HERE).href });
  sheet.addEventListener("load", resolve);
  sheet.addEventListener("error", () => reject(new Error("the style sheet did not load: reload the page")));
});
style.catch(() => {});

/** Show the dashboard. The host drops a rejection, so what fails is shown here. */
export async function render() {
  try {
    document.documentElement.lang = "en";
    document.title = "Picasso";
    const [{ begin }] = await Promise.all([import("./begin.js"), style]);
    await begin(index);
  } catch (error) {
    console.error(error);
    const told = document.createElement("p");
    told.setAttribute("role", "alert");
    told.textContent = `Picasso cannot start: ${error instanceof Error ? error.message : error}`;
    document.body.append(told);
  }
}
