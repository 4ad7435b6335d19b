/** The glass pane: what of the login is where, with the real values where a script can read them. */

import { connection } from './connection.js';
import { fill, h, icon, need } from './dom.js';
import { CSRF_COOKIE, MODES, csrfCookie } from './modes.js';
import { seen } from './seen.js';

/** @typedef {import('./modes.js').Held} Held */

/** Names of what is shown in full. @type {Set<string>} */
const open = new Set();

const ZONES = /** @type {const} */ ([
  { kind: 'script', icon: 'script', title: 'Scripts can read', none: 'Nothing. There is no secret here for an injected script to find.' },
  { kind: 'browser', icon: 'cookie', title: 'The browser keeps from scripts', none: 'Nothing: no cookie is set.' },
  { kind: 'server', icon: 'server', title: 'Only the server knows', none: '' },
]);

/** @param {import('./modes.js').Mode} mode */
export function drawHoldings(mode) {
  const inside = connection.user !== null;
  need('glass-title').textContent = inside ? 'What your browser holds' : 'What it would hold';
  need('glass-intro').textContent = inside
    ? 'Values are the real ones, read by a script of this page. Where none is shown, no script could read it.'
    : `After a login with “${MODES[mode].name}”. Pick another way to compare.`;
  fill(need('holdings'), ...ZONES.map((zone) => drawZone(zone, MODES[mode][zone.kind], inside)), drawProof(mode, inside), drawWhatIf(mode, inside));
}

/** @param {typeof ZONES[number]} zone @param {Held[]} items @param {boolean} inside */
function drawZone(zone, items, inside) {
  return h(
    'section',
    { class: `zone ${zone.kind}` },
    h('div', { class: 'zone-head' }, icon(zone.icon), h('h3', {}, zone.title), h('span', { class: 'badge' }, items.length)),
    items.length === 0 && h('p', {}, zone.none),
    items.map((held) => drawHeld(held, inside)),
  );
}

/** @param {Held} held @param {boolean} inside */
function drawHeld(held, inside) {
  const value = inside && held.live ? liveValue(held.live) : null;
  const shown = open.has(held.name);
  const toggle = () => {
    if (shown) open.delete(held.name);
    else open.add(held.name);
    drawHoldings(connection.mode);
    /** @type {HTMLElement | null} */ (document.querySelector(`[data-held="${held.name}"]`))?.focus();
  };
  return h(
    'div',
    { class: 'held' },
    h(
      'div',
      { class: 'held-name' },
      h('strong', {}, held.name),
      value && shortened(value) !== value && h('button', { class: 'button compact', type: 'button', 'data-held': held.name, 'aria-expanded': shown, onclick: toggle }, shown ? 'Hide' : 'Show'),
    ),
    value && h('p', { class: 'held-value', tabindex: shown ? 0 : null }, shown ? value : shortened(value)),
    held.attributes && h('p', { class: 'held-attributes' }, ...held.attributes.map((attribute) => h('code', {}, attribute))),
    h('p', { class: 'held-what' }, held.what),
  );
}

/** @param {NonNullable<Held['live']>} kind */
function liveValue(kind) {
  if (kind === 'csrf') return csrfCookie();
  return kind === 'access' ? seen.accessToken : seen.refreshToken;
}

/** @param {string} value */
function shortened(value) {
  return value.length > 40 ? `${value.slice(0, 24)}…${value.slice(-8)}` : value;
}

/** What `document.cookie` says right now: the proof that the rest is out of reach. */
/** @param {import('./modes.js').Mode} mode @param {boolean} inside */
function drawProof(mode, inside) {
  if (!inside) return null;
  const names = document.cookie.split('; ').filter(Boolean).map((pair) => pair.split('=')[0]);
  const stored = Object.keys(sessionStorage).filter((key) => key.startsWith('latchkey '));
  const cookies = names.length > 0 ? names.join(', ') : 'nothing';
  const more = MODES[mode].browser.length > 0 && names.includes(CSRF_COOKIE) ? ' The other cookies are there, but scripts cannot even see their names: those above are known from how Latchkey works.' : '';
  return h(
    'p',
    { class: 'note-box' },
    h('code', {}, 'document.cookie'),
    ` lists: ${cookies}.${more} `,
    h('code', {}, 'sessionStorage'),
    stored.length > 0 ? ' holds the tokens.' : ' holds no token.',
  );
}

/** @param {import('./modes.js').Mode} mode @param {boolean} inside */
function drawWhatIf(mode, inside) {
  const open = !inside || document.querySelector('.whatifs[data-inside][open]') !== null;
  const answers = MODES[mode].whatIf.map(([question, answer]) => h('div', {}, h('dt', {}, question), h('dd', {}, answer)));
  return h('details', { class: 'folded whatifs', 'data-inside': inside, open }, h('summary', {}, h('h3', {}, 'What if…')), h('dl', { class: 'whatif' }, ...answers));
}
