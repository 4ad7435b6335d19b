/** The user's sessions, by device. */

import { connection } from './connection.js';
import { fill, h, icon, need, when } from './dom.js';
import { busy } from './form.js';
import { complain } from './messages.js';
import { MODES } from './modes.js';
import { Problem } from './problem.js';
import { pulse } from './pulse.js';

/** @typedef {{ id: string, current: boolean, device: string, address: string | null, mode: import('./modes.js').Mode, created_at: string, last_seen_at: string, expires_at: string }} Session */
/** @typedef {{ sid: string, at: number }} Heard */

/** Tabs of one browser tell each other when they were turned away, so that one can see how long it took. */
const channel = new BroadcastChannel('latchkey-demo');

/** When this page ended which session. @type {Map<string, number>} */
const ended = new Map();
/** What the last `load` brought. @type {Session[]} */
let items = [];
/** @type {string | null} */
let sid = null;

export function sessions() {
  channel.addEventListener('message', ({ data }) => heard(data));
  pulse.addEventListener('beat', () => {
    sid = pulse.whoami?.sid ?? sid;
  });
  connection.addEventListener('out', (event) => {
    const { reason } = /** @type {CustomEvent} */ (event).detail;
    if (sid && reason !== 'logged_out') channel.postMessage({ sid, at: Date.now() });
    sid = null;
    ended.clear();
    fill(need('sessions'));
  });
}

export async function load() {
  try {
    ({ items } = await connection.ask('GET', '/auth/sessions'));
    items.sort((one, other) => Number(other.current) - Number(one.current) || other.created_at.localeCompare(one.created_at));
    fill(need('sessions'), ...items.map(draw));
  } catch (error) {
    if (connection.user) complain(Problem.from(error).sentence);
  }
}

/** @param {Session} session */
function draw(session) {
  const end = (/** @type {Event} */ event) => endSession(session, /** @type {HTMLElement} */ (event.currentTarget));
  return h(
    'li',
    { class: `session ${session.current ? 'this' : ''}`, id: `session-${session.id}` },
    icon('device'),
    h(
      'div',
      { class: 'stack tight' },
      h('div', { class: 'row' }, h('h3', {}, session.device || 'Unknown device'), session.current && h('span', { class: 'badge good' }, 'This one'), h('span', { class: 'badge key' }, MODES[session.mode]?.name ?? session.mode)),
      h('p', { class: 'small quiet' }, session.address ?? 'Address unknown', ' · since ', when(session.created_at), ' · last seen about ', when(session.last_seen_at > session.created_at ? session.last_seen_at : session.created_at)),
      h('p', { class: 'small', role: 'status' }),
    ),
    session.current ? null : h('button', { class: 'button danger compact', type: 'button', onclick: end }, 'Log out this one'),
  );
}

/** @param {Session} session @param {HTMLElement} button */
async function endSession(session, button) {
  await busy(button, async () => {
    try {
      ended.set(session.id, Date.now());
      await connection.ask('DELETE', `/auth/sessions/${session.id}`);
      gone(session.id, 'Ended. Its next request is refused by every service.');
    } catch (error) {
      if (connection.user) complain(Problem.from(error).sentence);
    }
  });
}

/** @param {Heard} message */
function heard({ sid: which, at }) {
  const since = ended.get(which);
  if (since) gone(which, `Ended. Its tab was turned away ${Math.max(0, at - since)} ms after you pressed the button.`);
}

/** @param {string} id @param {string} text */
function gone(id, text) {
  const line = document.getElementById(`session-${id}`);
  if (!line) return;
  line.classList.add('gone');
  line.querySelector(':scope > .button')?.remove();
  const status = line.querySelector('[role="status"]');
  if (status) status.textContent = text;
}
