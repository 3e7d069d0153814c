// The tab as it is on screen, as a PNG: the page itself, drawn by the browser through an SVG.

import { contextOf } from "./dom.js";

const EDGE = 8; // pixels around parts
const PLAIN = { display: "block", position: "static", padding: "0", margin: "0", border: "0", overflow: "visible", width: "auto", minWidth: "0", height: "auto", maxHeight: "none" };

/**
 * A copy of an element that looks the same: canvases as pictures, scrolled parts where they are.
 * @param {HTMLElement} root
 */
function copyOf(root) {
  const copy = /** @type {HTMLElement} */ (root.cloneNode(true));
  const [from, to] = [root, copy].map((each) => [...each.querySelectorAll("canvas")]);
  from.forEach((canvas, i) => {
    const picture = document.createElement("img");
    picture.src = canvas.toDataURL();
    picture.className = canvas.className;
    const { imageRendering, visibility, opacity } = getComputedStyle(canvas);
    const size = { width: `${canvas.offsetWidth}px`, height: `${canvas.offsetHeight}px` };
    Object.assign(picture.style, { display: "block", imageRendering, visibility, opacity, ...size });
    to[i].replaceWith(picture);
  });
  const [boxes, copies] = [root, copy].map((each) => elements(each, "main, .rail, .sheet, .films"));
  boxes.forEach((box, i) => {
    copies[i].style.overflow = "hidden";
    for (const child of elements(copies[i], ":scope > *")) {
      child.style.position = "relative";
      child.style.top = `${-box.scrollTop}px`;
      child.style.left = `${-box.scrollLeft}px`;
    }
    // What sticks to the top of the box stays there.
    elements(box, ".heads").forEach((head, k) => {
      const stuck = head.getBoundingClientRect().top - (head.parentElement ?? box).getBoundingClientRect().top;
      Object.assign(elements(copies[i], ".heads")[k].style, { position: "relative", top: `${stuck}px` });
    });
  });
  for (const [i, field] of [...root.querySelectorAll("input")].entries()) {
    const same = copy.querySelectorAll("input")[i];
    if (field.type === "checkbox" || field.type === "radio") same.toggleAttribute("checked", field.checked);
    else same.setAttribute("value", field.value);
  }
  for (const [i, field] of [...root.querySelectorAll("select")].entries()) {
    [...copy.querySelectorAll("select")[i].options].forEach((option, k) => option.toggleAttribute("selected", k === field.selectedIndex));
  }
  for (const panel of copy.querySelectorAll(".panel")) panel.remove();
  return copy;
}

/** @param {Element} within @param {string} selector @returns {HTMLElement[]} */
function elements(within, selector) {
  return [...within.querySelectorAll(selector)].filter((each) => each instanceof HTMLElement);
}

async function styles() {
  const texts = [...document.querySelectorAll("link")].filter(({ rel }) => rel === "stylesheet").map(async ({ href }) => (await fetch(href)).text());
  return (await Promise.all(texts)).join("\n");
}

/**
 * Parts of the page, one below the other, as they stand in it.
 * @param {HTMLElement} root
 * @param {HTMLElement[]} parts
 */
function stacked(root, parts) {
  const stack = /** @type {HTMLElement} */ (root.cloneNode(false));
  Object.assign(stack.style, { display: "block", minWidth: "0", height: "auto", padding: `${EDGE}px` });
  for (const part of parts) {
    const { width, height } = part.getBoundingClientRect();
    let copy = copyOf(part);
    Object.assign(copy.style, { boxSizing: "border-box", position: "relative", margin: `0 0 ${EDGE}px`, width: `${width}px`, height: `${height}px` });
    // What it stands in gives it its look, and no room.
    for (let around = part.parentElement; around && around !== root; around = around.parentElement) {
      const shell = /** @type {HTMLElement} */ (around.cloneNode(false));
      Object.assign(shell.style, PLAIN);
      shell.append(copy);
      copy = shell;
    }
    stack.append(copy);
  }
  return stack;
}

/**
 * Draw the page, or parts of it.
 * @param {HTMLElement} root what is drawn, at its size on screen
 * @param {HTMLElement[]} [parts] of it, one below the other
 * @returns {Promise<Blob>} a PNG, in device pixels
 */
export async function snapshot(root, parts) {
  const boxes = (parts ?? [root]).map((each) => each.getBoundingClientRect());
  const edge = parts ? EDGE : 0;
  const width = Math.max(...boxes.map((box) => box.width)) + 2 * edge;
  const height = boxes.reduce((sum, box) => sum + box.height + edge, edge);
  const page = document.createElement("div");
  page.className = document.body.className;
  const style = document.createElement("style");
  style.textContent = await styles();
  // The sheet's rules for the page and its root hold for this copy of it.
  style.textContent += `\n.page { height: ${height}px; width: ${width}px; background: var(--ground); color: var(--text); font: 13px/1.35 system-ui, sans-serif; font-variant-numeric: tabular-nums; }`;
  page.classList.add("page");
  page.append(style, parts ? stacked(root, parts) : copyOf(root));
  page.setAttribute("xmlns", "http://www.w3.org/1999/xhtml");
  const body = new XMLSerializer().serializeToString(page);
  // As wide as the page, which the sheet's rules for narrow ones ask for.
  const wide = Math.max(width, root.getBoundingClientRect().width);
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${wide}" height="${height}"><foreignObject width="100%" height="100%">${body}</foreignObject></svg>`;
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const scale = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const context = contextOf(canvas);
  context.scale(scale, scale);
  context.drawImage(image, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("the browser makes no picture of the page"))), "image/png");
  });
}
