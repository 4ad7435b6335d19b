/** Dialogs. */

import { h, icon, need } from './dom.js';

/**
 * Shows a dialog and waits for its end. `build` gets a function that closes it with a result.
 * @template T
 * @param {string} title
 * @param {(close: (result: T | null) => void) => Node[]} build
 * @returns {Promise<T | null>} Null where it was only closed.
 */
export function sheet(title, build) {
  return new Promise((resolve) => {
    /** @type {T | null} */
    let result = null;
    const id = `sheet-${crypto.randomUUID()}`;
    const dialog = h('dialog', { class: 'sheet', 'aria-labelledby': id });
    /** @param {T | null} value */
    const close = (value) => {
      result = value;
      dialog.close();
    };
    const leave = h('button', { class: 'button bare compact', type: 'button', onclick: () => close(null) }, icon('close'), h('span', { class: 'only-read' }, 'Close'));
    const head = h('div', { class: 'sheet-head' }, h('h2', { id }, title), leave);
    dialog.append(h('div', { class: 'stack' }, head, ...build(close)));
    dialog.addEventListener('close', () => {
      carryMessages();
      dialog.remove();
      resolve(result);
    });
    dialog.addEventListener('click', (event) => {
      if (event.target === dialog && outside(dialog, event)) close(null);
    });
    document.body.append(dialog);
    dialog.showModal();
    carryMessages();
    /** @type {HTMLElement | null} */ (dialog.querySelector('[autofocus], .input'))?.focus();
  });
}

/** What lies outside the topmost dialog is dead and not read aloud, so the messages move into it. */
function carryMessages() {
  const top = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
  top.append(need('messages'));
}

/** @param {HTMLDialogElement} dialog @param {MouseEvent} event */
function outside(dialog, event) {
  const box = dialog.getBoundingClientRect();
  return event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom;
}

/**
 * Asks before something that cannot be undone.
 * @param {string} title
 * @param {string} text
 * @param {string} act What the button says.
 * @returns {Promise<boolean>}
 */
export async function sure(title, text, act) {
  const answer = await sheet(title, (close) => [
    h('p', {}, text),
    h(
      'div',
      { class: 'row end' },
      h('button', { class: 'button', type: 'button', autofocus: true, onclick: () => close(null) }, 'Keep'),
      h('button', { class: 'button danger main', type: 'button', onclick: () => close(true) }, act),
    ),
  ]);
  return answer === true;
}
