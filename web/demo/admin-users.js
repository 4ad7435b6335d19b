/** Users, for administrators. */

import { sheetOfUser } from './admin-user-sheet.js';
import { h, need, when } from './dom.js';
import { cell, paged } from './pages.js';

/** @typedef {{ id: string, username: string, email: string | null, roles: string[], disabled: boolean, created_at: string }} User */

const TYPING = 250;

/** @returns {() => Promise<void>} Loads the list. */
export function users() {
  const search = need('user-search', HTMLInputElement);
  /** @type {() => Promise<void>} */
  const load = paged({
    place: need('users'),
    caption: 'Users, by registration',
    columns: ['Username', 'E-mail', 'Roles', 'State', 'Registered', ''],
    path: (after) => `/admin/users?${new URLSearchParams({ limit: '50', ...(search.value && { search: search.value.trim() }), ...(after && { cursor: after }) })}`,
    row: (/** @type {User} */ user) => row(user, load),
    empty: 'No user has a name that begins so.',
  });
  let waiting = 0;
  search.addEventListener('input', () => {
    clearTimeout(waiting);
    waiting = setTimeout(load, TYPING);
  });
  return load;
}

/** @param {User} user @param {() => Promise<void>} reload */
function row(user, reload) {
  const manage = async () => {
    await sheetOfUser(user);
    await reload();
  };
  return h(
    'tr',
    {},
    h('th', { scope: 'row' }, user.username),
    cell('E-mail', user.email ?? h('span', { class: 'quiet' }, 'none')),
    cell('Roles', ...(user.roles.length > 0 ? user.roles.map((role) => h('span', { class: 'badge key' }, role)) : [h('span', { class: 'quiet' }, 'none')])),
    cell('State', user.disabled ? h('span', { class: 'badge bad' }, 'Disabled') : h('span', { class: 'badge good' }, 'Active')),
    cell('Registered', when(user.created_at)),
    h('td', { class: 'acts' }, h('button', { class: 'button compact', type: 'button', onclick: manage }, 'Manage', h('span', { class: 'only-read' }, ` ${user.username}`))),
  );
}
