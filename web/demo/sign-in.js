/** The forms to log in and to register, and the choice of the mode. */

import { connection } from './connection.js';
import { h, need } from './dom.js';
import { revealAll, whenSent } from './form.js';
import { meter } from './meter.js';
import { ALL_MODES, MODES } from './modes.js';
import { Problem } from './problem.js';

/** @param {(mode: import('./modes.js').Mode) => void} picked Called when another mode is picked. */
export function signIn(picked) {
  revealAll(document);
  drawModes(picked);
  tabs();
  const login = need('login', HTMLFormElement);
  const register = need('register', HTMLFormElement);
  const replace = need('login-replace');

  whenSent(login, async ({ username, password, new_password: newPassword }) => {
    try {
      await connection.login(chosenMode(), keeps(login), { username, password, newPassword: newPassword || undefined });
      replace.hidden = true;
      login.reset();
    } catch (error) {
      const { status, code } = Problem.from(error);
      if (code !== 'password_change_required') throw error;
      replace.hidden = false;
      throw new Problem(status, code, 'The password is right, but temporary: choose a new one.', [{ field: 'new_password', detail: 'is missing' }]);
    }
  });

  whenSent(register, async ({ username, email, password, invite }) => {
    try {
      await connection.register({ username, password, email: email || undefined, invite: invite || undefined });
    } catch (error) {
      if (Problem.from(error).code.startsWith('invite_')) need('register-invited').hidden = false;
      throw error;
    }
    await connection.login(chosenMode(), keeps(login), { username, password });
    register.reset();
  });

  const typed = need('register-password', HTMLInputElement);
  meter(need('register-meter'), typed, () => [need('register-username', HTMLInputElement).value, ...need('register-email', HTMLInputElement).value.split(/[@.]/)]);
}

/** @returns {import('./modes.js').Mode} */
export function chosenMode() {
  const checked = document.querySelector('#modes input:checked');
  return checked instanceof HTMLInputElement ? /** @type {any} */ (checked.value) : 'cookie';
}

/** @param {HTMLFormElement} form */
function keeps(form) {
  const box = form.elements.namedItem('keep');
  return box instanceof HTMLInputElement && box.checked;
}

/** @param {(mode: import('./modes.js').Mode) => void} picked */
function drawModes(picked) {
  const keep = need('login-keep');
  const pick = () => {
    const mode = chosenMode();
    keep.hidden = mode === 'cookie' || mode === 'session';
    picked(mode);
  };
  need('modes').append(
    ...ALL_MODES.map((mode) => {
      const { name, line, script, browser } = MODES[mode];
      const secrets = script.some((held) => held.live !== 'csrf');
      return h(
        'label',
        { class: 'mode' },
        h('input', { type: 'radio', name: 'mode', value: mode, checked: mode === connection.mode, onchange: pick }),
        h(
          'span',
          { class: 'mode-face' },
          h('span', { class: 'mode-name' }, name),
          h('span', { class: 'mode-line' }, line),
          h(
            'span',
            { class: 'spots', 'aria-hidden': 'true' },
            h('span', { class: `spot script ${secrets ? 'full' : ''}` }, 'Script'),
            h('span', { class: `spot browser ${browser.length > 0 ? 'full' : ''}` }, 'Browser'),
            h('span', { class: 'spot server full' }, 'Server'),
          ),
        ),
      );
    }),
  );
  pick();
}

function tabs() {
  const buttons = /** @type {HTMLButtonElement[]} */ ([...document.querySelectorAll('.entry-tab')]);
  for (const button of buttons) {
    button.addEventListener('click', () => {
      for (const other of buttons) {
        other.setAttribute('aria-pressed', String(other === button));
        need(other.dataset.entry ?? '').hidden = other !== button;
      }
    });
  }
}
