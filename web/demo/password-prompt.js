/** Asks for the password once more, for what needs a recent one. */

import { connection } from './connection.js';
import { h } from './dom.js';
import { field, whenSent, wrongBox } from './form.js';
import { sheet } from './sheet.js';

/** @returns {Promise<boolean>} Whether it was given. */
export async function promptPassword() {
  const given = await sheet('Your password, please', (close) => {
    const input = h('input', { type: 'password', required: true, autocomplete: 'current-password' });
    const form = h(
      'form',
      { id: 'again', class: 'stack', novalidate: true },
      h('p', { class: 'quiet' }, 'This needs a password that was given within the last 15 minutes.'),
      h('input', { class: 'only-read', tabindex: -1, 'aria-hidden': 'true', autocomplete: 'username', value: connection.user?.username ?? '', readonly: true }),
      field('again', 'password', 'Password', input),
      wrongBox('again'),
      h('div', { class: 'row end' }, h('button', { class: 'button', type: 'button', onclick: () => close(null) }, 'Cancel'), h('button', { class: 'button main', type: 'submit' }, 'Go on')),
    );
    whenSent(form, async ({ password }) => {
      await connection.reauthenticate(password);
      close(true);
    });
    return [form];
  });
  return given === true;
}
