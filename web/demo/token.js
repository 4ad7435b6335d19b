/** The access token, opened: every part of it explained. Where scripts cannot read it, what a service reads in it instead. */

import { connection } from './connection.js';
import { CLAIMS, HEADER, INSTANTS } from './claims.js';
import { fill, h, icon, need } from './dom.js';
import { open } from './jwt.js';
import { complain, say } from './messages.js';
import { pulse } from './pulse.js';
import { seen } from './seen.js';

/** @type {Record<string, string>} */
const WHOAMI = { ...CLAIMS, authenticated_at: CLAIMS.auth_time, expires_at: CLAIMS.exp };

let drawn = '';

export function token() {
  seen.addEventListener('change', draw);
  pulse.addEventListener('beat', draw);
  connection.addEventListener('in', draw);
}

function draw() {
  if (!connection.user) {
    drawn = '';
    return;
  }
  const hidden = connection.mode === 'cookie' || connection.mode === 'session';
  const content = hidden ? JSON.stringify(pulse.whoami) : (seen.accessToken ?? '');
  if (content === drawn) return;
  drawn = content;
  fill(need('token'), ...(hidden ? fromService() : fromToken()));
}

function fromService() {
  const intro =
    connection.mode === 'cookie'
      ? 'The token is in a cookie that no script can read, so this page cannot show it. A service can: this is what /api/whoami finds in it.'
      : 'There is no token in this browser. On the way to a service the gateway swaps your session string for a phantom token of a minute; this is what /api/whoami found in the last one.';
  const rows = pulse.whoami ? Object.entries(pulse.whoami) : [];
  return [
    h('p', { class: 'note-box good' }, intro),
    h('div', { class: 'card' }, h('h3', { class: 'claims-title body' }, 'What a service reads'), h('dl', { class: 'claims' }, ...rows.map(([name, value]) => drawClaim(name, value, WHOAMI)))),
  ];
}

function fromToken() {
  const token = seen.accessToken;
  if (!token) return [h('p', { class: 'quiet' }, 'No token was seen yet.')];
  const { parts, header, claims } = open(token);
  const looks = ['head', 'body', 'sign'];
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(token);
      say('Copied. Whoever has it is you until it ends: take care where you paste it.');
    } catch {
      complain('The browser does not let this page copy.');
    }
  };
  return [
    h('p', { class: 'raw', tabindex: 0, 'aria-label': 'The token: header, claims, signature' }, ...parts.flatMap((part, at) => [at > 0 ? '.' : null, h('span', { class: looks[at] ?? 'sign' }, part)])),
    h('div', {}, h('button', { class: 'button compact', type: 'button', onclick: copy }, icon('copy'), 'Copy the token')),
    h('div', { class: 'card' }, h('h3', { class: 'claims-title head' }, 'Header'), h('dl', { class: 'claims' }, ...Object.entries(header).map(([name, value]) => drawClaim(name, value, HEADER)))),
    claims
      ? h('div', { class: 'card' }, h('h3', { class: 'claims-title body' }, 'Claims'), h('dl', { class: 'claims' }, ...Object.entries(claims).map(([name, value]) => drawClaim(name, value, CLAIMS))))
      : h('p', { class: 'note-box' }, 'The claims are encrypted: only the services can read them.'),
    h('p', { class: 'small quiet' }, 'Opened, not checked: to check the signature takes a key that this page does not have.'),
  ];
}

/** @param {string} name @param {unknown} value @param {Record<string, string>} why */
function drawClaim(name, value, why) {
  return h('div', { class: 'claim' }, h('dt', {}, name), h('dd', {}, h('span', { class: 'value' }, text(name, value)), h('span', { class: 'why' }, why[name] ?? 'A claim of this installation.')));
}

/** @param {string} name @param {unknown} value */
function text(name, value) {
  if (INSTANTS.has(name) && typeof value === 'number') return `${value} · ${new Date(value * 1000).toLocaleString()}`;
  if (Array.isArray(value)) return value.length > 0 ? value.join(', ') : 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
