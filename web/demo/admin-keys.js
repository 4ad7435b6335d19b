/** Signing keys, for administrators. Keys are made and retired on schedule and by `auth-service key`, not from a page. */

import { connection } from './connection.js';
import { fill, h, need, when } from './dom.js';
import { NONE, cell } from './pages.js';
import { Problem } from './problem.js';

/** @typedef {{ kid: string, algorithm: string, state: string, created_at: string, activates_at?: string, retires_at?: string | null, verify_until?: string | null }} Key */

/** @type {Record<string, { look: string, why: string }>} */
const STATES = {
  next: { look: 'cool', why: 'Published, so that services know it before it signs' },
  active: { look: 'good', why: 'Signs all new tokens' },
  retired: { look: '', why: 'Signs no more; what it signed is still good' },
  over: { look: '', why: 'About to be deleted' },
};

export async function loadKeys() {
  const place = need('keys');
  try {
    /** @type {{ items: Key[] }} */
    const { items } = await connection.ask('GET', '/admin/keys');
    fill(place, items.length > 0 ? table(items) : h('p', { class: 'quiet' }, 'None: tokens are signed with the secret that all services share (HS256). With EdDSA only auth-service could make them.'));
  } catch (error) {
    if (connection.user) fill(place, h('p', { class: 'note-box bad' }, Problem.from(error).sentence));
  }
}

/** @param {Key[]} keys */
function table(keys) {
  const rows = keys.map((key) => {
    const { look, why } = STATES[key.state] ?? { look: '', why: '' };
    return h(
      'tr',
      {},
      h('th', { scope: 'row', class: 'mono' }, key.kid),
      cell('Algorithm', key.algorithm),
      cell('State', h('span', { class: `badge ${look}` }, key.state)),
      cell('Meaning', why),
      cell('Signs from', key.activates_at ? when(key.activates_at) : NONE),
      cell('Good until', key.verify_until ? when(key.verify_until) : NONE),
    );
  });
  const heads = ['Key', 'Algorithm', 'State', 'Meaning', 'Signs from', 'Good until'].map((name) => h('th', { scope: 'col' }, name));
  return h('table', { class: 'table folds' }, h('caption', { class: 'only-read' }, 'Signing keys'), h('thead', {}, h('tr', {}, ...heads)), h('tbody', {}, ...rows));
}
