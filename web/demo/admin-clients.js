/** OAuth clients, for administrators. */

import { connection } from './connection.js';
import { h, need } from './dom.js';
import { busy, field, whenSent, wrongBox } from './form.js';
import { complain, say } from './messages.js';
import { NONE, cell, paged } from './pages.js';
import { Problem } from './problem.js';
import { showOnce } from './secrets.js';
import { sheet, sure } from './sheet.js';

/** @typedef {{ client_id: string, authentication: string, grants: string[], scopes: string[], service: string, audiences: string[], roles: string[], token_ttl: number, disabled: boolean, created_at: string, client_secret?: string }} Client */

const GRANTS = { client_credentials: 'Tokens of its own', token_exchange: 'Acting for users' };
const ONCE = 'It is not shown again: put it where the service reads it.';

/** @returns {() => Promise<void>} Loads the list. */
export function clients() {
  /** @type {() => Promise<void>} */
  const load = paged({
    place: need('clients'),
    caption: 'Clients, by name',
    columns: ['Client', 'May', 'Scopes', 'Tokens for', 'State', ''],
    path: (after) => `/admin/clients?limit=50${after ? `&after=${encodeURIComponent(after)}` : ''}`,
    row: (/** @type {Client} */ client) => row(client, load),
    empty: 'There is no client yet.',
  });
  need('client-add').addEventListener('click', async () => {
    const added = await addClient();
    if (!added) return;
    await load();
    if (added.client_secret) await showOnce(`The secret of ${added.client_id}`, ONCE, added.client_secret);
  });
  return load;
}

/** @param {Client} client @param {() => Promise<void>} reload */
function row(client, reload) {
  const path = `/admin/clients/${encodeURIComponent(client.client_id)}`;
  const rotate = async (/** @type {Event} */ event) => {
    const button = /** @type {HTMLElement} */ (event.currentTarget);
    if (!(await sure('Make a new secret?', `The secret that ${client.client_id} uses now is good for another day, so that it can change over.`, 'Make it'))) return;
    await attempt(button, async () => {
      const { client_secret: secret } = await connection.ask('POST', `${path}/secret`, {});
      await showOnce(`The new secret of ${client.client_id}`, ONCE, secret);
    });
  };
  const toggle = (/** @type {Event} */ event) =>
    attempt(/** @type {HTMLElement} */ (event.currentTarget), async () => {
      await connection.ask('PATCH', path, { disabled: !client.disabled });
      say(client.disabled ? `${client.client_id} may get tokens again.` : `${client.client_id} is disabled: the tokens it has are refused.`);
      await reload();
    });
  const named = h('span', { class: 'only-read' }, ` ${client.client_id}`);
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, client.client_id),
    cell('May', client.grants.map((grant) => GRANTS[/** @type {keyof typeof GRANTS} */ (grant)] ?? grant).join(', ')),
    cell('Scopes', client.scopes.join(' ') || NONE),
    cell('Tokens for', client.audiences.join(', ') || NONE),
    cell('State', client.disabled ? h('span', { class: 'badge bad' }, 'Disabled') : h('span', { class: 'badge good' }, 'Active')),
    h(
      'td',
      { class: 'acts' },
      client.authentication === 'client_secret' && h('button', { class: 'button bare compact', type: 'button', onclick: rotate }, 'New secret', named.cloneNode(true)),
      h('button', { class: `button bare compact ${client.disabled ? '' : 'danger'}`, type: 'button', onclick: toggle }, client.disabled ? 'Enable' : 'Disable', named),
    ),
  );
}

/** @returns {Promise<Client | null>} */
function addClient() {
  return sheet('New client', (close) => {
    const words = (/** @type {Record<string, unknown>} */ more = {}) => h('input', { autocomplete: 'off', autocapitalize: 'none', spellcheck: false, ...more });
    const ticks = Object.entries(GRANTS).map(([grant, text]) => h('label', { class: 'tick' }, h('input', { type: 'checkbox', name: grant, checked: grant === 'client_credentials' }), text));
    const form = h(
      'form',
      { id: 'client-form', class: 'stack', novalidate: true },
      field('client-form', 'client_id', 'Name', words({ required: true }), 'A letter, then letters, digits and dashes, such as billing.'),
      h('fieldset', { class: 'stack tight' }, h('legend', { class: 'label' }, 'What it may ask for'), ...ticks),
      field('client-form', 'scopes', 'Scopes', words(), 'The most that its tokens may allow: words divided by spaces.'),
      field('client-form', 'audiences', 'Tokens for', words(), 'The services it calls, divided by spaces.'),
      field('client-form', 'token_ttl', 'Tokens live, in seconds', h('input', { type: 'number', min: 60, max: 3600, value: 300 })),
      wrongBox('client-form'),
      h('div', { class: 'row end' }, h('button', { class: 'button', type: 'button', onclick: () => close(null) }, 'Cancel'), h('button', { class: 'button main', type: 'submit' }, 'Add')),
    );
    whenSent(form, async (values) => {
      const list = (/** @type {string} */ text) => text.split(/[\s,]+/).filter(Boolean);
      const grants = Object.keys(GRANTS).filter((grant) => grant in values);
      const body = { client_id: values.client_id, grants, scopes: list(values.scopes), audiences: list(values.audiences), token_ttl: Number(values.token_ttl) };
      close(await connection.ask('POST', '/admin/clients', body));
    });
    return [form];
  });
}

/** @param {HTMLElement} button @param {() => Promise<void>} work */
function attempt(button, work) {
  return busy(button, async () => {
    try {
      await work();
    } catch (error) {
      complain(Problem.from(error).sentence);
    }
  });
}
