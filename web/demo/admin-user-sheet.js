/** All that an administrator can do to one user. */

import { connection } from './connection.js';
import { fill, h, when } from './dom.js';
import { busy, field, whenSent, wrongBox } from './form.js';
import { complain, say } from './messages.js';
import { MODES } from './modes.js';
import { Problem } from './problem.js';
import { showOnce, temporaryPassword } from './secrets.js';
import { sheet, sure } from './sheet.js';

/** @typedef {import('./admin-users.js').User} User */
/** @typedef {import('./sessions.js').Session} Session */

/** As many sessions are listed. */
const SHOWN = 5;

const PENDING = 'Done. It takes effect as soon as the session store answers again.';

/** @param {User} user */
export async function sheetOfUser(user) {
  const base = `/admin/users/${user.id}`;
  await sheet(user.username, (close) => {
    const facts = h('dl', { class: 'pairs' }, h('dt', {}, 'Id'), h('dd', { class: 'mono' }, user.id), h('dt', {}, 'E-mail'), h('dd', {}, user.email ?? 'none'), h('dt', {}, 'Registered'), h('dd', {}, when(user.created_at)));

    const roles = h('input', { autocomplete: 'off', autocapitalize: 'none', spellcheck: false });
    roles.value = user.roles.join(' ');
    const form = h('form', { id: 'roles-form', class: 'stack tight', novalidate: true }, field('roles-form', 'roles', 'Roles', roles, 'Words divided by spaces, such as admin.'), wrongBox('roles-form'), h('div', {}, h('button', { class: 'button compact', type: 'submit' }, 'Save the roles')));
    whenSent(form, async (values) => {
      const words = values.roles.split(/\s+/).filter(Boolean);
      const answer = await connection.ask('PATCH', base, { roles: words });
      user.roles = answer.roles ?? words;
      say(answer.status === 'pending' ? PENDING : 'The roles are changed; new tokens carry them.');
    });

    const sessions = h('div', { class: 'stack tight' }, h('p', { class: 'small quiet' }, 'Loading…'));
    drawSessions(sessions, base);

    const switching = h('button', { class: 'button compact', type: 'button' });
    const drawSwitch = () => fill(switching, user.disabled ? 'Enable' : 'Disable');
    drawSwitch();
    switching.addEventListener('click', () =>
      attempt(switching, async () => {
        const answer = await connection.ask('PATCH', base, { disabled: !user.disabled });
        user.disabled = !user.disabled;
        say(answer.status === 'pending' ? PENDING : user.disabled ? 'Disabled: all sessions are over.' : 'Enabled.');
        drawSwitch();
        await drawSessions(sessions, base);
      }),
    );

    const password = h('button', { class: 'button compact', type: 'button' }, 'Temporary password…');
    password.addEventListener('click', async () => {
      const yes = await sure('Give a temporary password?', `${user.username} is logged out everywhere, and has to choose a new password at the next login.`, 'Give it');
      if (!yes) return;
      await attempt(password, async () => {
        const secret = temporaryPassword();
        await connection.ask('POST', `${base}/password`, { password: secret });
        await showOnce('Temporary password', `Good for 72 hours and one login. It is not shown again. Tell it to ${user.username} by a way you trust.`, secret);
      });
    });

    const remove = h('button', { class: 'button compact danger', type: 'button' }, 'Delete…');
    remove.addEventListener('click', async () => {
      if (!(await sure(`Delete ${user.username}?`, 'The account is gone for good, and services that follow deletions forget what they keep of it.', 'Delete'))) return;
      await attempt(remove, async () => {
        const pending = await connection.ask('DELETE', base);
        say(pending ? PENDING : `${user.username} is deleted.`);
        close(null);
      });
    });

    return [facts, h('div', { class: 'part' }, form), h('div', { class: 'part stack tight' }, h('h3', {}, 'Sessions'), sessions), h('div', { class: 'part row' }, switching, password, remove)];
  });
}

/** @param {HTMLElement} place @param {string} base */
async function drawSessions(place, base) {
  try {
    /** @type {{ items: Session[] }} */
    const { items } = await connection.ask('GET', `${base}/sessions`);
    const end = h('button', { class: 'button compact', type: 'button' }, 'End all sessions');
    end.addEventListener('click', () =>
      attempt(end, async () => {
        const pending = await connection.ask('DELETE', `${base}/sessions`);
        say(pending ? PENDING : 'All sessions are over.');
        await drawSessions(place, base);
      }),
    );
    const more = items.length > SHOWN && h('p', { class: 'small quiet' }, `And ${items.length - SHOWN} more.`);
    const lines = items.slice(0, SHOWN).map(({ device, address, mode, last_seen_at: seen }) => h('li', {}, h('span', {}, `${device || 'Unknown device'} · ${address ?? 'address unknown'} · ${MODES[mode]?.name ?? mode}`), h('span', { class: 'quiet' }, when(seen))));
    fill(place, ...(items.length > 0 ? [h('ul', { class: 'plain', role: 'list' }, ...lines), more, h('div', {}, end)] : [h('p', { class: 'small quiet' }, 'Not logged in anywhere.')]));
  } catch (error) {
    fill(place, h('p', { class: 'small' }, Problem.from(error).sentence));
  }
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
