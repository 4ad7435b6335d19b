/** The switch between light, dark, and what the system says. `theme.js` puts the choice to work before the first paint. */

import { fill, h, icon, need } from './dom.js';

const NEXT = /** @type {const} */ ({ system: 'light', light: 'dark', dark: 'system' });
const WORDS = { system: 'Colours: like the system', light: 'Colours: light', dark: 'Colours: dark' };

export function colours() {
  const button = need('theme', HTMLButtonElement);
  const show = () => {
    const chosen = choice();
    if (chosen === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = chosen;
    fill(button, icon(chosen), h('span', { class: 'only-read' }, WORDS[chosen]));
    button.title = WORDS[chosen];
  };
  button.addEventListener('click', () => {
    localStorage.setItem('latchkey-theme', NEXT[choice()]);
    show();
  });
  show();
}

/** @returns {keyof typeof NEXT} */
function choice() {
  const kept = localStorage.getItem('latchkey-theme');
  return kept === 'light' || kept === 'dark' ? kept : 'system';
}
