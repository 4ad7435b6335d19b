/** Short messages at the edge of the page, read aloud by screen readers. */

import { h, icon, need } from './dom.js';

const SHOWN = 7_000;

/** @param {string} text */
export function say(text) {
  show('toasts', text, 'toast');
}

/** @param {string} text What went wrong. */
export function complain(text) {
  show('alerts', text, 'toast bad');
}

/** @param {string} place @param {string} text @param {string} look */
function show(place, text, look) {
  const toast = h('div', { class: look }, h('span', {}, text));
  const close = h('button', { class: 'button bare', type: 'button', onclick: () => toast.remove() }, icon('close'), h('span', { class: 'only-read' }, 'Close the message'));
  toast.append(close);
  for (const other of ['toasts', 'alerts']) need(other).replaceChildren();
  need(place).append(toast);
  const leave = () => {
    if (toast.matches(':hover, :focus-within')) setTimeout(leave, SHOWN / 2);
    else toast.remove();
  };
  setTimeout(leave, SHOWN);
}
