/** Shows how strong a password looks while it is typed. */

import { fill, h } from './dom.js';
import { guess } from './strength.js';

/**
 * @param {HTMLElement} meter
 * @param {HTMLInputElement} input
 * @param {() => string[]} own Words that whoever knows the user would try.
 */
export function meter(meter, input, own) {
  const words = h('p', { 'aria-live': 'polite' });
  fill(meter, h('div', { class: 'meter-bars', 'aria-hidden': 'true' }, ...Array.from({ length: 4 }, () => h('i'))), words);
  const look = () => {
    const { score, words: text } = guess(input.value, own());
    meter.dataset.score = String(score);
    words.textContent = text;
  };
  input.addEventListener('input', look);
  input.form?.addEventListener('reset', () => setTimeout(look));
  look();
}
