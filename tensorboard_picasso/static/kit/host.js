// Everything that is known of TensorBoard around this page: the URL's hash, messages, dark mode.
// The page also works alone, without a host.

const PREFIX = "p.picasso.";
const QUIET = 500; // milliseconds

function outer() {
  try {
    // Reading the location throws where the parent is of another origin.
    void window.parent.location.hash;
    return window.parent;
  } catch {
    return window;
  }
}

const page = outer();
const alone = page === window;
// Our entries of the address as they were last read or written.
let known = "";

/** @param {string} hash */
function parse(hash) {
  /** @type {Map<string, string>} */
  const values = new Map();
  for (const part of hash.replace(/^#/, "").split("&")) {
    const at = part.indexOf("=");
    const key = at < 0 ? "" : part.slice(0, at);
    if (!key.startsWith(PREFIX)) continue;
    try {
      values.set(key.slice(PREFIX.length), decodeURIComponent(part.slice(at + 1)));
    } catch {
      // A hand-written hash may hold a stray per cent sign: that key is left out.
    }
  }
  return values;
}

/** @type {MessagePort | null} */
let port = null;
let last = 0;
/** @type {Map<number, (payload: Record<string, string> | null) => void>} */
const waiting = new Map();
/** @type {Map<string, (payload: unknown) => void>} */
const listeners = new Map();

/** @param {MessageEvent<string>} event */
function receive(event) {
  const { type, id, payload, isReply } = JSON.parse(event.data);
  if (isReply) {
    waiting.get(id)?.(payload);
    waiting.delete(id);
    return;
  }
  listeners.get(type)?.(payload);
  port?.postMessage(JSON.stringify({ type, id, payload: null, error: null, isReply: true }));
}

/** @param {string} type @returns {Promise<Record<string, string> | null>} */
function ask(type) {
  if (port === null) return Promise.resolve(null);
  const id = last++;
  port.postMessage(JSON.stringify({ type, id, payload: null, error: null, isReply: false }));
  return new Promise((resolve) => {
    waiting.set(id, resolve);
    setTimeout(() => resolve(null), 500);
  });
}

/**
 * Open the channel to the host; `onReload` is called when it read new data.
 * @param {() => void} onReload
 */
export function connect(onReload) {
  if (window.parent === window) return;
  const channel = new MessageChannel();
  port = channel.port1;
  port.onmessage = receive;
  listeners.set("experimental.DataReloaded", onReload);
  window.parent.postMessage("experimental.bootstrap", "*", [channel.port2]);
}

/** What the hash holds for this plugin. */
function read() {
  const entries = parse(page.location.hash);
  known = told(entries);
  return entries;
}

/** @param {Map<string, string>} entries in one way of many that they may be written */
function told(entries) {
  return JSON.stringify([...entries].sort());
}

/** What the URL holds for this plugin: the hash; where it cannot be read, the host's message. */
export async function readUrl() {
  if (!alone || window.parent === window) return read();
  const answer = await ask("experimental.GetURLPluginData");
  return new Map(Object.entries(answer ?? {}));
}

/**
 * Be told when another address of this tab is opened: a link that was pasted, the way back.
 * @param {(entries: Map<string, string>) => void} listener
 */
export function followUrl(listener) {
  page.addEventListener("hashchange", () => {
    if (alone || /^#picasso(&|$)/.test(page.location.hash)) listener(read());
  });
}

/** @param {Map<string, string>} entries */
function hashOf(entries) {
  const parts = page.location.hash.replace(/^#/, "").split("&").filter(Boolean);
  const others = parts.filter((part) => !part.startsWith(PREFIX));
  const ours = [...entries].map(([key, value]) => `${PREFIX}${key}=${encodeURIComponent(value)}`);
  return `#${[...others, ...ours].join("&")}`;
}

/**
 * The address of the page with these entries.
 * @param {Map<string, string>} entries
 */
export function addressOf(entries) {
  return new URL(hashOf(entries), page.location.href).href;
}

/**
 * Put entries into the URL's hash, leaving what is not ours.
 * @param {Map<string, string>} entries
 * @returns whether to come again: an address was just opened, and is to be followed first
 */
export function writeUrl(entries) {
  // TensorBoard puts its active tab first; another tab's address is not ours to change.
  if (!alone && !/^#picasso(&|$)/.test(page.location.hash)) return false;
  const before = known;
  // The page is told of another address in a task of its own, after this one perhaps.
  if (told(read()) !== before) return true;
  known = told(entries);
  const hash = hashOf(entries);
  if (hash !== page.location.hash) page.history.replaceState(page.history.state, "", hash);
  return false;
}

/**
 * Follow light and dark: the host's class, or the system's wish where there is no host.
 * @param {(dark: boolean) => void} apply
 */
export function followTheme(apply) {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const update = () => apply(alone ? media.matches : page.document.body.classList.contains("dark-mode"));
  media.addEventListener("change", update);
  if (!alone) {
    const observer = new MutationObserver(update);
    observer.observe(page.document.body, { attributes: true, attributeFilter: ["class"] });
  }
  update();
}

/** Whether the page can be seen: a hidden tab's frame stays alive at height 0. */
export function isVisible() {
  return !document.hidden && window.innerHeight > 0;
}

/** Wait until the page has painted and has nothing to do: what is not waited for must not hold it up. */
export function quiet() {
  return new Promise((resolve) => requestIdleCallback(resolve, { timeout: QUIET }));
}
