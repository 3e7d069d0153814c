// Making elements. Text goes in as text: names of runs, tags and classes are untrusted.

/** @import { Step } from "../types.js" */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Attributes; what is null, undefined or false is left out.
 * @typedef {object} Special
 * @property {string | null} [text]
 * @property {{[Name in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[Name]) => void}} [on]
 * @property {Record<string, Step | string>} [data]
 * @property {Record<string, string>} [style]
 *
 * @typedef {Special & {[name: string]: unknown}} Options
 *
 * @typedef {Node | string | null | undefined} Child
 */

/**
 * @template {HTMLElement | SVGElement} Made
 * @param {Made} element
 * @param {Options} options
 * @param {Child[]} children
 */
function fill(element, { text, on = {}, data = {}, style = {}, ...attributes }, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (value !== undefined && value !== null && value !== false) element.setAttribute(key, value === true ? "" : String(value));
  }
  if (text !== undefined && text !== null) element.textContent = text;
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, /** @type {EventListener} */ (listener));
  Object.assign(element.dataset, data);
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * An element with attributes; `text`, `on`, `data` and `style` are what they say.
 * @template {keyof HTMLElementTagNameMap} Name
 * @param {Name} name
 * @param {Options} options
 * @param {Child[]} children
 */
export function el(name, options = {}, ...children) {
  return fill(document.createElement(name), options, children);
}

/**
 * The same for SVG.
 * @template {keyof SVGElementTagNameMap} Name
 * @param {Name} name
 * @param {Options} options
 * @param {Child[]} children
 */
export function svg(name, options = {}, ...children) {
  return fill(document.createElementNS(SVG, name), options, children);
}

/**
 * What a canvas is painted with.
 * @param {HTMLCanvasElement} canvas
 */
export function contextOf(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("the browser gives no canvas to paint on");
  return context;
}

/**
 * Set text only where it changed, so that nothing is laid out again for nothing.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Text that may go on in the next line after each of its commas.
 * @param {Element} element
 * @param {string} text
 */
export function setBreakable(element, text) {
  if (element.textContent === text) return element;
  element.replaceChildren(...text.split(/(?<=,)/).flatMap((part, i) => (i ? [el("wbr"), part] : [part])));
  return element;
}

/**
 * Put elements in, in this order, and take the others out. What is there already is not touched, so
 * that it keeps the keyboard and its place.
 * @param {Element} element
 * @param {Element[]} children
 */
export function put(element, children) {
  const wanted = new Set(children);
  for (const child of [...element.children]) if (!wanted.has(child)) child.remove();
  children.forEach((each, i) => {
    if (element.children[i] !== each) element.insertBefore(each, element.children[i] ?? null);
  });
}

/**
 * A labelled select: `choices` are [value, text] pairs.
 * @template {string} Value
 * @param {string} label
 * @param {(readonly [Value, string])[]} choices
 * @param {string | null} value
 * @param {(value: Value) => void} onChange
 */
export function select(label, choices, value, onChange) {
  const options = choices.map(([key, text]) => el("option", { value: key, text, selected: key === value }));
  const control = el("select", { on: { change: () => onChange(/** @type {Value} */ (control.value)) } }, ...options);
  return el("label", { class: "field" }, el("span", { text: label }), control);
}

/**
 * A choice that is called what it is.
 * @template {string} Value
 * @param {Value} value
 * @returns {[Value, Value]}
 */
export function itself(value) {
  return [value, value];
}

/**
 * Choices with their names.
 * @template {string} Value
 * @param {readonly Value[]} values
 * @param {Record<Value, string>} names
 * @returns {[Value, string][]}
 */
export function named(values, names) {
  return values.map((each) => [each, names[each]]);
}

/** @param {string} text @param {string} label @param {() => void} onClick @param {Options} options */
export function button(text, label, onClick, options = {}) {
  return el("button", { type: "button", text, "aria-label": label, title: label, on: { click: onClick }, ...options });
}

/**
 * A button that copies a text.
 * @param {string} text
 * @param {string} label
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
      if (place instanceof HTMLInputElement) place.select();
      else window.getSelection()?.selectAllChildren(place);
      copy.textContent = document.execCommand("copy") ? "Copied" : "Selected: press Ctrl+C";
    }
  });
  return copy;
}

const CONTROLS = "button, select, input, summary, a";

/** @typedef {HTMLInputElement | HTMLSelectElement} Field */

/**
 * What a control is called.
 * @param {Element} control
 */
function nameOf(control) {
  const label = "labels" in control ? /** @type {Field} */ (control).labels?.[0] : undefined;
  const words = label ? [...label.querySelectorAll("span")].map((each) => each.textContent).join("") : control.textContent;
  return control.getAttribute("aria-label") ?? words;
}

// What is taken only once it is sent; all other controls are taken as they change.
const UNSENT = "form :is(input, select), input:focus:not([readonly])";

/**
 * @param {Element} element
 * @param {string} selector of fields alone
 * @returns {Field[]}
 */
function fieldsOf(element, selector) {
  return [...element.querySelectorAll(selector)].map((each) => /** @type {Field} */ (each));
}

/**
 * Whether somebody put something into a control since it was made.
 * @param {Field} control
 */
function isEdited(control) {
  if (control instanceof HTMLInputElement) return control.value !== control.defaultValue;
  const first = [...control.options].findIndex((each) => each.defaultSelected);
  return control.selectedIndex !== Math.max(first, 0);
}

/**
 * Which details of a part of the page these are.
 * @param {HTMLDetailsElement} details
 */
function detailsName(details) {
  return JSON.stringify([details.closest("section")?.dataset.region, details.querySelector("summary")?.textContent]);
}

/**
 * Put other children in. What was typed and not yet sent stays, and what was opened. What had the
 * keyboard has it again: the control of the same name, else the one in its place.
 * @param {Element} element
 * @param {Iterable<Node>} children
 */
export function refill(element, children) {
  const before = [...element.querySelectorAll(CONTROLS)];
  const place = document.activeElement ? before.indexOf(document.activeElement) : -1;
  const held = before[place] ?? null;
  // Out of the page it has no label.
  const name = held && nameOf(held);
  const [from, to] = held instanceof HTMLInputElement ? [held.selectionStart, held.selectionEnd] : [null, null];
  const edited = fieldsOf(element, UNSENT).filter(isEdited);
  const unsent = new Map(edited.map((each) => [nameOf(each), each.value]));
  // A field that goes while it is edited would send what is half typed.
  for (const field of edited) if (field instanceof HTMLInputElement) field.value = field.defaultValue;
  const opened = new Set([...element.querySelectorAll("details")].filter((each) => each.open).map(detailsName));
  element.replaceChildren(...children);
  for (const field of fieldsOf(element, "form :is(input, select), input[type=text]")) {
    const value = unsent.get(nameOf(field));
    const fits = field instanceof HTMLInputElement || [...field.options].some((option) => option.value === value);
    if (value !== undefined && fits) field.value = value;
  }
  for (const details of element.querySelectorAll("details")) if (opened.has(detailsName(details))) details.open = true;
  if (!held) return;
  const controls = [...element.querySelectorAll(CONTROLS)].filter((each) => !each.matches(":disabled"));
  const next = controls.find((each) => nameOf(each) === name) ?? controls[Math.min(place, controls.length - 1)];
  if (next instanceof HTMLElement) next.focus();
  const alike = held instanceof HTMLInputElement && next instanceof HTMLInputElement && next.type === held.type;
  if (from !== null && alike) next.setSelectionRange(from, to);
  if (next instanceof HTMLInputElement && next.type === "text" && unsent.get(nameOf(next)) === next.value) sendAsIs(next);
}

/**
 * Have a field sent that nobody types in any more: what a script has put in is no change to a browser.
 * @param {HTMLInputElement} field
 */
function sendAsIs(field) {
  const { value } = field;
  /** @type {(event: Event) => void} */
  const send = (event) => {
    const sends = event instanceof KeyboardEvent ? event.key === "Enter" : field.isConnected;
    if (!sends || field.value !== value) return;
    for (const kind of ["keydown", "blur"]) field.removeEventListener(kind, send);
    field.dispatchEvent(new Event("change", { bubbles: true }));
  };
  for (const kind of ["keydown", "blur"]) field.addEventListener(kind, send);
}
