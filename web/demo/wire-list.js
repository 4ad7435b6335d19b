/** The list of requests. Those that only ask again who is there are counted, not listed one by one. */

import { h, need } from './dom.js';
import { wire } from './wire.js';

const MOST = 40;

export function wireList() {
  const list = need('wire');
  const count = need('wire-count');
  let all = 0;
  let repeats = 0;
  let last = '';
  wire.addEventListener('exchange', (event) => {
    const exchange = /** @type {CustomEvent<import('./wire.js').Exchange>} */ (event).detail;
    count.textContent = String(++all);
    const key = `${exchange.method} ${exchange.path} ${exchange.status}`;
    repeats = key === last ? repeats + 1 : 1;
    const line = draw(exchange, repeats);
    if (key === last && list.firstElementChild) list.firstElementChild.replaceWith(line);
    else list.prepend(line);
    last = key;
    while (list.children.length > MOST) list.lastElementChild?.remove();
  });
}

/** @param {import('./wire.js').Exchange} exchange @param {number} repeats */
function draw({ method, path, status, took, carried }, repeats) {
  return h(
    'li',
    { class: status === 0 || status >= 400 ? 'bad' : '' },
    h('span', {}, method),
    h('span', {}, path, repeats > 1 && ` ×${repeats}`),
    h('span', { class: 'status' }, status === 0 ? 'none' : status),
    h('span', { class: 'with' }, `with ${carried} · ${Math.round(took)} ms`),
  );
}
