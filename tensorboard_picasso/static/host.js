// The one adapter to TensorBoard around us: URL, reloads, dark mode.

const PREFIX = 'p.picasso.';

function outer() {
  try {
    return window.parent.location.hash === undefined ? window : window.parent;
  } catch {
    return window;
  }
}

/** The state in the address, as an object of strings. */
export function readUrl() {
  const state = {};
  for (const part of outer().location.hash.slice(1).split('&')) {
    const [key, value = ''] = part.split('=');
    if (key.startsWith(PREFIX)) state[decodeURIComponent(key.slice(PREFIX.length))] = decodeURIComponent(value);
  }
  return state;
}

/** Put the state into the address without a new history entry. */
export function writeUrl(state) {
  const place = outer();
  const parts = place.location.hash.slice(1).split('&').filter((part) => part && !part.startsWith(PREFIX));
  if (!parts.length) parts.push('picasso');
  // Another tab is in front: its address is not ours to change.
  if (parts[0] !== 'picasso') return;
  for (const [key, value] of Object.entries(state)) {
    parts.push(`${PREFIX}${encodeURIComponent(key)}=${encodeURIComponent(value)}`);
  }
  const hash = `#${parts.join('&')}`;
  if (hash !== place.location.hash) place.history.replaceState(place.history.state, '', hash);
}

/** Call back whenever TensorBoard has reloaded its data. */
export function onReload(callback) {
  const channel = new MessageChannel();
  channel.port1.onmessage = (event) => {
    let message = event.data;
    if (typeof message === 'string') {
      try {
        message = JSON.parse(message);
      } catch {
        return;
      }
    }
    if (message?.type === 'experimental.DataReloaded') callback();
    // The host waits for an answer to every message.
    if (message?.id !== undefined && !message.isReply) {
      channel.port1.postMessage(JSON.stringify({...message, isReply: true, payload: null, error: null}));
    }
  };
  if (window.parent !== window) {
    window.parent.postMessage('experimental.bootstrap', '*', [channel.port2]);
  }
}

/** Follow TensorBoard's dark mode, which it does not pass on. */
export function followTheme() {
  const media = matchMedia('(prefers-color-scheme: dark)');
  let body = null;
  try {
    body = window.parent !== window ? window.parent.document.body : null;
  } catch {
    body = null;
  }
  const apply = () => {
    const dark = body ? body.classList.contains('dark-mode') : media.matches;
    document.documentElement.dataset.theme = dark ? 'dark' : 'light';
  };
  apply();
  media.addEventListener('change', apply);
  if (body) new MutationObserver(apply).observe(body, {attributes: true, attributeFilter: ['class']});
}

/** True where the tab is in front; a hidden tab's frame has no height. */
export const visible = () => window.innerHeight > 0 && !document.hidden;
