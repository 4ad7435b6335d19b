/** Secrets that are shown once. */

import { h, icon } from './dom.js';
import { complain, say } from './messages.js';
import { sheet } from './sheet.js';

/**
 * @param {string} title
 * @param {string} text
 * @param {string} secret
 */
export async function showOnce(title, text, secret) {
  await sheet(title, (close) => {
    const copy = async () => {
      try {
        await navigator.clipboard.writeText(secret);
        say('Copied.');
      } catch {
        complain('The browser does not let this page copy: select it by hand.');
      }
    };
    return [
      h('p', {}, text),
      h('code', { class: 'secret', tabindex: 0 }, secret),
      h('div', { class: 'row end' }, h('button', { class: 'button', type: 'button', onclick: copy }, icon('copy'), 'Copy'), h('button', { class: 'button main', type: 'button', onclick: () => close(null) }, 'I have kept it')),
    ];
  });
}

/** Letters and digits that nobody takes for others. */
const SIGNS = 'abcdefghijkmnpqrstuvwxyz23456789';

/** A password that is good for its first login: four groups of five, 100 bits. */
export function temporaryPassword() {
  const letters = [...crypto.getRandomValues(new Uint8Array(20))].map((byte) => SIGNS[byte % SIGNS.length]);
  return [0, 5, 10, 15].map((at) => letters.slice(at, at + 5).join('')).join('-');
}
