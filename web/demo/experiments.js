/** Things to try against one's own login. */

import { outcome } from './account.js';
import { connection } from './connection.js';
import { fill, h, icon, need } from './dom.js';
import { busy } from './form.js';
import { csrfCookie } from './modes.js';
import { Problem } from './problem.js';
import { seen } from './seen.js';
import { theft } from './theft.js';
import { apart } from './wire.js';

/**
 * @typedef {object} Experiment
 * @property {string} icon
 * @property {string} title
 * @property {string} text
 * @property {string} act What the button says.
 * @property {() => Promise<string>} run Says what came of it.
 */

const SIBLINGS = 5;

export function experiments() {
  connection.addEventListener('in', () => fill(need('experiments'), ...cards()));
  connection.addEventListener('out', () => fill(need('experiments')));
}

function cards() {
  const { mode } = connection;
  const cookies = mode === 'cookie' || mode === 'session';
  const refreshes = mode === 'cookie' || mode === 'bearer';
  return [
    refreshes && card({ icon: 'refresh', title: 'Refresh now', text: 'A fresh access token. Press it twice within a minute: the refresh token stays the same until its holder has proved, by coming back later, to have received it.', act: 'Refresh', run: refresh }),
    refreshes && card({ icon: 'refresh', title: 'Refresh five times at once', text: 'As five tabs do that wake up together, all with one refresh token. Elsewhere four of them look like thieves.', act: 'Refresh ×5', run: race }),
    theft(),
    cookies && card({ icon: 'warn', title: 'Forge a request', text: 'Writes a note with your cookies but without the CSRF header, as a page of another site would.', act: 'Send it', run: forge }),
    !cookies && card({ icon: 'warn', title: 'Change the token', text: 'Turns one letter of the signature and asks who you are.', act: 'Send it', run: tamper }),
    gates(cookies),
  ];
}

/** @param {Experiment} experiment */
function card({ icon: picture, title, text, act, run }) {
  const out = h('ol', { class: 'out', role: 'list', 'aria-live': 'polite' });
  const go = (/** @type {Event} */ event) =>
    busy(/** @type {HTMLElement} */ (event.currentTarget), async () => {
      const words = await run().catch((error) => Problem.from(error).sentence);
      out.prepend(h('li', {}, h('time', {}, new Date().toLocaleTimeString()), words));
      while (out.children.length > 4) out.lastElementChild?.remove();
    });
  return h(
    'section',
    { class: 'card try' },
    h('div', { class: 'try-head' }, icon(picture), h('div', {}, h('h3', {}, title), h('p', {}, text))),
    h('div', {}, h('button', { class: 'button compact', type: 'button', onclick: go }, act)),
    out,
  );
}

async function refresh() {
  const before = seen.refreshToken;
  await connection.refresh();
  return outcome(before);
}

async function race() {
  const init = connection.mode === 'cookie' ? withCsrf({ method: 'POST' }) : json({ refresh_token: seen.refreshToken });
  const answers = await Promise.all(Array.from({ length: SIBLINGS }, () => apart('/auth/refresh', init)));
  const good = answers.filter((answer) => answer.ok).length;
  return good === SIBLINGS ? `All ${SIBLINGS} were answered 200. Nobody was logged out: each got a token that is as good as the others.` : `${good} of ${SIBLINGS} were answered 200, the others ${answers.filter((answer) => !answer.ok).map((answer) => answer.status).join(', ')}.`;
}

async function forge() {
  const answer = await apart('/api/notes', json({ title: 'You have won', body: 'Click here.' }));
  if (answer.ok) return `It was answered ${answer.status}: the note was written. That must not happen.`;
  const problem = await Problem.of(answer);
  return `Refused: ${problem.status} ${problem.code}. ${problem.sentence} No note was written.`;
}

async function tamper() {
  const token = seen.accessToken ?? '';
  const at = token.length - 20;
  const changed = token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1);
  const problem = await Problem.of(await apart('/api/whoami', { headers: { Authorization: `Bearer ${changed}` } }));
  return `Refused: ${problem.status} ${problem.code}. ${problem.sentence}`;
}

/** @param {boolean} cookies */
function gates(cookies) {
  const text = cookies
    ? 'Two places that know nothing of tokens. nginx asks auth-service first whether you may come in, and tells them who you are.'
    : 'Two places behind nginx that a browser opens by itself. It adds cookies to such a request, but no Authorization header: so with this way of logging in the doors stay shut, unless a script asks.';
  const out = h('ol', { class: 'out', role: 'list', 'aria-live': 'polite' });
  const knock = (/** @type {Event} */ event) =>
    busy(/** @type {HTMLElement} */ (event.currentTarget), async () => {
      const lines = [
        ['with your login', () => connection.fetch('/protected/')],
        ['without', () => apart('/protected/', { credentials: 'omit' })],
      ];
      const words = [];
      for (const [who, send] of /** @type {[string, () => Promise<Response>][]} */ (lines)) {
        words.push(await send().then((answer) => `${who}: ${answer.status}`, (error) => `${who}: ${Problem.from(error).sentence}`));
      }
      out.prepend(h('li', {}, h('time', {}, new Date().toLocaleTimeString()), `/protected/ ${words.join(', ')}`));
    });
  return h(
    'section',
    { class: 'card try' },
    h('div', { class: 'try-head' }, icon('gate'), h('div', {}, h('h3', {}, 'Knock at the gate'), h('p', {}, text))),
    h(
      'div',
      { class: 'row' },
      h('a', { class: 'button compact', href: '/protected/', target: '_blank', rel: 'noopener' }, 'Open /protected/'),
      h('a', { class: 'button compact', href: '/legacy/', target: '_blank', rel: 'noopener' }, 'Open /legacy/'),
      h('button', { class: 'button compact', type: 'button', onclick: knock }, 'Let a script ask'),
    ),
    out,
  );
}

/** @param {unknown} body @returns {RequestInit} */
function json(body) {
  return { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

/** @param {RequestInit} init @returns {RequestInit} */
function withCsrf(init) {
  return { ...init, headers: { 'X-CSRF-Token': csrfCookie() ?? '' } };
}
