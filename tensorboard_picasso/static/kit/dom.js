// Making elements. Text goes in as text: names of runs, tags and classes are untrusted.

const SVG = "http://www.w3.org/2000/svg";

function fill(element, options, children) {
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || value === null || value === false) continue;
    if (key === "class") element.setAttribute("class", value);
    else if (key === "text") element.textContent = value;
    else if (key === "on") for (const [name, listener] of Object.entries(value)) element.addEventListener(name, listener);
    else if (key === "data") Object.assign(element.dataset, value);
    else if (key === "style") for (const [name, text] of Object.entries(value)) element.style.setProperty(name, text);
    else element.setAttribute(key, value === true ? "" : String(value));
  }
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** An element with attributes; `text`, `on`, `data` and `style` are what they say. */
export function el(name, options = {}, ...children) {
  return fill(document.createElement(name), options, children);
}

/** The same for SVG. */
export function svg(name, options = {}, ...children) {
  return fill(document.createElementNS(SVG, name), options, children);
}

/** Set text only where it changed, so that nothing is laid out again for nothing. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Text that may go on in the next line after each of its commas. */
export function setBreakable(element, text) {
  if (element.textContent === text) return element;
  element.replaceChildren(...text.split(/(?<=,)/).flatMap((part, i) => (i ? [el("wbr"), part] : [part])));
  return element;
}

/** A labelled select: `choices` are [value, text] pairs. */
export function select(label, choices, value, onChange) {
  const options = choices.map(([key, text]) => el("option", { value: key, text, selected: key === value }));
  const control = el("select", { on: { change: () => onChange(control.value) } }, ...options);
  return el("label", { class: "field" }, el("span", { text: label }), control);
}

export function button(text, label, onClick, options = {}) {
  return el("button", { type: "button", text, "aria-label": label, title: label, on: { click: onClick }, ...options });
}

/**
 * A button that copies a text.
 * @param {() => string} read the text by then
 * @param {(text: string) => HTMLElement} shown where it stands, for pages that may not write to the
 *   clipboard: those without https, and those in the frame of a notebook
 */
export function copier(text, label, read, shown) {
  const copy = button(text, label, async () => {
    const content = read();
    try {
      await navigator.clipboard.writeText(content);
      copy.textContent = "Copied";
    } catch {
      const place = shown(content);
      if (place.select) place.select();
      else window.getSelection().selectAllChildren(place);
      copy.textContent = document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C";
    }
  });
  return copy;
}

const CONTROLS = "button, select, input, summary, a";

/** What a control is called. */
function nameOf(control) {
  const label = control.labels?.[0];
  const words = label ? [...label.querySelectorAll("span")].map((each) => each.textContent).join("") : control.textContent;
  return control.getAttribute("aria-label") ?? words;
}

// What is taken only once it is sent; all other controls are taken as they change.
const UNSENT = "form :is(input, select), input:focus:not([readonly])";

/** Whether somebody put something into a control since it was made. */
function isEdited(control) {
  if (!control.options) return control.value !== control.defaultValue;
  const first = [...control.options].findIndex((each) => each.defaultSelected);
  return control.selectedIndex !== Math.max(first, 0);
}

/** Which details of a part of the page these are. */
function detailsName(details) {
  return JSON.stringify([details.closest("section")?.dataset.region, details.querySelector("summary").textContent]);
}

/**
 * Put other children in. What was typed and not yet sent stays, and what was opened. What had the
 * keyboard has it again: the control of the same name, else the one in its place.
 */
export function refill(element, children) {
  const before = [...element.querySelectorAll(CONTROLS)];
  const place = before.indexOf(document.activeElement);
  const name = place < 0 ? null : nameOf(before[place]);
  const caret = before[place]?.selectionStart ?? null;
  const edited = [...element.querySelectorAll(UNSENT)].filter(isEdited);
  const unsent = new Map(edited.map((each) => [nameOf(each), each.value]));
  // A field that goes while it is edited would send what is half typed.
  for (const each of edited) if (!each.options) each.value = each.defaultValue;
  const opened = new Set([...element.querySelectorAll("details[open]")].map(detailsName));
  element.replaceChildren(...children);
  for (const each of element.querySelectorAll("form :is(input, select), input[type=text]")) {
    const value = unsent.get(nameOf(each));
    if (value !== undefined && (!each.options || [...each.options].some((option) => option.value === value))) each.value = value;
  }
  for (const each of element.querySelectorAll("details")) if (opened.has(detailsName(each))) each.open = true;
  if (place < 0) return;
  const controls = [...element.querySelectorAll(CONTROLS)].filter((each) => !each.disabled);
  const next = controls.find((each) => nameOf(each) === name) ?? controls[Math.min(place, controls.length - 1)];
  next?.focus();
  if (caret !== null && next?.type === before[place].type) next.setSelectionRange(caret, caret);
}
