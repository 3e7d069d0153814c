// Zoom and pan of the large view, the same for all its pictures.

const MOST = 16;
const LINE = 16; // pixels of a wheel that counts lines
const STILL = 250; // milliseconds after which a turn of the wheel is a new one

/** @typedef {{zoom: number[], set: (patch: {zoom: number[]}) => void, onChange: (listener: (names: Set<string>) => void) => void}} Zoomed */

export class Zoom {
  /**
   * @type {{zoom: number[], set: (patch: {zoom: number[]}) => void, onChange: (listener: (names: Set<string>) => void) => void}}
   */
  #state;
  /** @type {Map<number, {frame: Element, x: number, y: number}>} */
  #held = new Map();
  /** When the page was last scrolled by the wheel, and when a picture was last zoomed by it. */
  #scrolled = -Infinity;
  #zoomed = -Infinity;

  /** @param {Zoomed} state */
  constructor(state) {
    this.#state = state;
  }

  /**
   * Let an element's pictures be zoomed and moved.
   * @param {HTMLElement} element
   */
  follow(element) {
    /** @type {(event: Event) => Element | null} */
    const framed = ({ target }) => (target instanceof Element ? target.closest(".frame") : null);
    element.addEventListener("wheel", (event) => this.#wheel(event, framed(event)), { passive: false });
    element.addEventListener("pointerdown", (event) => {
      const frame = framed(event);
      if (frame && event.button === 0) this.#held.set(event.pointerId, { frame, x: event.clientX, y: event.clientY });
    });
    element.addEventListener("pointermove", (event) => this.#drag(event));
    for (const name of /** @type {const} */ (["pointerup", "pointercancel", "pointerleave"])) {
      element.addEventListener(name, (event) => this.#held.delete(event.pointerId));
    }
    const show = () => {
      const [scale, x, y] = this.#state.zoom;
      element.classList.toggle("zoomed", scale > 1);
      element.style.setProperty("--zoom", String(scale));
      element.style.setProperty("--pan-x", `${-100 * x}%`);
      element.style.setProperty("--pan-y", `${-100 * y}%`);
    };
    this.#state.onChange((names) => names.has("zoom") && show());
    show();
  }

  /**
   * The wheel zooms about the pointer. Where there is nothing to zoom out of, it scrolls the page,
   * and a turn that began with the one does not end with the other: a page that scrolls under the
   * pointer would stop at the first picture, and a picture zoomed out would run away.
   * @param {WheelEvent} event
   * @param {Element | null} frame
   */
  #wheel(event, frame) {
    const { deltaX, deltaY, deltaMode, timeStamp } = event;
    // A pinch on a touchpad arrives as a wheel with Ctrl.
    const pinch = event.ctrlKey || event.metaKey;
    const idle = deltaY >= 0 && this.#state.zoom[0] === 1;
    const sideways = event.shiftKey || Math.abs(deltaX) >= Math.abs(deltaY);
    if (!pinch && (!frame || sideways || timeStamp - this.#scrolled < STILL || (idle && timeStamp - this.#zoomed > STILL))) {
      this.#scrolled = timeStamp;
      return;
    }
    if (!frame) return;
    event.preventDefault();
    this.#zoomed = timeStamp;
    // A notch of a mouse's wheel and a pinch, which comes in small parts, go about as far.
    this.by(Math.exp(-deltaY * (deltaMode ? LINE : 1) / (pinch ? 300 : 500)), ...within(frame, event));
  }

  /**
   * One pointer moves the picture, two pinch it.
   * @param {PointerEvent} event
   */
  #drag(event) {
    const held = this.#held.get(event.pointerId);
    if (!held) return;
    const box = held.frame.getBoundingClientRect();
    const [dx, dy] = [event.clientX - held.x, event.clientY - held.y];
    const other = [...this.#held].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const before = Math.hypot(held.x - other.x, held.y - other.y);
      const after = Math.hypot(event.clientX - other.x, event.clientY - other.y);
      if (before > 0) this.by(after / before, (other.x - box.left) / box.width, (other.y - box.top) / box.height);
    } else this.move(-dx / box.width, -dy / box.height);
    [held.x, held.y] = [event.clientX, event.clientY];
  }

  /**
   * Zoom by a factor around a point of the frame (0..1 along each side).
   * @param {number} factor
   * @param {number} x
   * @param {number} y
   */
  by(factor, x = 0.5, y = 0.5) {
    const [scale, left, top] = this.#state.zoom;
    const next = Math.min(Math.max(scale * factor, 1), MOST);
    this.#set(next, left + x / scale - x / next, top + y / scale - y / next);
  }

  /**
   * Move by parts of a frame.
   * @param {number} dx
   * @param {number} dy
   */
  move(dx, dy) {
    const [scale, left, top] = this.#state.zoom;
    this.#set(scale, left + dx / scale, top + dy / scale);
  }

  reset() {
    this.#set(1, 0, 0);
  }

  /** @param {number} scale @param {number} left @param {number} top */
  #set(scale, left, top) {
    /** @type {(value: number) => number} */
    const inside = (value) => Math.min(Math.max(value, 0), 1 - 1 / scale);
    const zoom = [scale, inside(left), inside(top)];
    if (zoom.some((value, i) => Math.abs(value - this.#state.zoom[i]) > 1e-6)) this.#state.set({ zoom });
  }
}

/** @param {Element} frame @param {MouseEvent} point */
function within(frame, { clientX, clientY }) {
  const box = frame.getBoundingClientRect();
  return [(clientX - box.left) / box.width, (clientY - box.top) / box.height];
}
