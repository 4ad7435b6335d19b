/** The audit trail. */

import { h, need } from './dom.js';
import { complain } from './messages.js';
import { idOf, nameOf } from './names.js';
import { NONE, cell, paged } from './pages.js';
import { Problem } from './problem.js';

/** @typedef {{ id: string, at: string, kind: string, actor: string, subject: string | null, session: string | null, client: string | null, address: string | null, detail: Record<string, string> }} AuditEvent */

/** What there is, in groups. */
const KINDS = {
  Logins: ['login', 'login_failed', 'throttled', 'reauthenticated', 'wrong_password', 'logout', 'logout_all', 'session_ended', 'token_reused', 'token_revoked'],
  Users: ['registered', 'user_added', 'user_imported', 'user_renamed', 'user_disabled', 'user_enabled', 'user_deleted', 'roles_changed', 'password_changed', 'password_set'],
  Clients: ['client_added', 'client_changed', 'client_scope_changed', 'client_secret_changed', 'client_disabled', 'client_enabled', 'client_removed', 'client_refused'],
  Keys: ['key_added', 'key_scheduled', 'key_retired', 'key_rewrapped', 'key_deleted'],
};

const ALARMING = new Set(['token_reused', 'client_refused']);
const WORRYING = new Set(['login_failed', 'throttled', 'wrong_password']);

/** @returns {() => Promise<void>} Loads the list. */
export function audit() {
  const form = need('audit-filter', HTMLFormElement);
  need('audit-kind').append(
    h('option', { value: '' }, 'Everything'),
    ...Object.entries(KINDS).map(([group, kinds]) => h('optgroup', { label: group }, ...kinds.map((kind) => h('option', { value: kind }, words(kind))))),
  );
  /** @type {{ kind?: string, user?: string }} */
  let filter = {};
  const list = paged({
    place: need('audit'),
    caption: 'What happened, the newest first',
    columns: ['When', 'What', 'By', 'To', 'Through', 'From', 'More'],
    path: (after) => `/admin/audit?${new URLSearchParams({ limit: '50', ...filter, ...(after && { after }) })}`,
    row,
    empty: 'Nothing of that kind is on record.',
  });
  const load = async () => {
    const { kind, user: name } = Object.fromEntries([...new FormData(form)].map(([key, value]) => [key, String(value).trim()]));
    try {
      const user = name ? await idOf(name) : undefined;
      if (user === null) return complain(`There is no user ${name}.`);
      filter = { ...(kind && { kind }), ...(user && { user }) };
    } catch (error) {
      return complain(Problem.from(error).sentence);
    }
    await list();
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    load();
  });
  need('audit-kind').addEventListener('change', load);
  return load;
}

/** @param {AuditEvent} event */
function row(event) {
  const look = ALARMING.has(event.kind) ? 'bad' : WORRYING.has(event.kind) ? 'key' : '';
  const at = new Date(event.at).toLocaleString(undefined, { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit' });
  const more = Object.entries(event.detail).map(([name, value]) => `${name}: ${value}`);
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, h('time', { datetime: event.at }, at)),
    cell('What', h('span', { class: `badge ${look}` }, words(event.kind))),
    cell('By', who(event.actor)),
    cell('To', event.subject ? user(event.subject) : NONE),
    cell('Through', event.client ?? NONE),
    cell('From', event.address ?? NONE),
    cell('More', h('span', { class: 'details' }, more.join(', ') || NONE)),
  );
}

/** @param {string} kind */
function words(kind) {
  const text = kind.replaceAll('_', ' ');
  return text[0].toUpperCase() + text.slice(1);
}

/** @param {string} actor Such as `user:<id>`. */
function who(actor) {
  const [kind, id] = actor.split(':');
  return id && kind === 'user' ? user(id) : (id ?? kind);
}

/** The name as soon as it is known; till then the end of the id, which tells users apart. @param {string} id */
function user(id) {
  const place = h('span', { title: id }, `…${id.slice(-8)}`);
  nameOf(id).then((name) => {
    if (name) place.textContent = name;
  });
  return place;
}
