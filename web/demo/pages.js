/** Lists that come in pages: a table, and a button for what comes after it. */

import { connection } from './connection.js';
import { fill, h, icon } from './dom.js';
import { busy } from './form.js';
import { Problem } from './problem.js';

/**
 * @template T
 * @typedef {object} PagedTable
 * @property {HTMLElement} place
 * @property {string} caption For screen readers.
 * @property {string[]} columns The last one may be empty: it holds buttons.
 * @property {(after: string | null) => string} path Of a page.
 * @property {(item: T) => HTMLTableRowElement} row
 * @property {string} empty What to say where there is nothing.
 */

/**
 * Draws a table, and draws it anew whenever the function that it returns is called.
 * @template T
 * @param {PagedTable<T>} table
 */
export function paged({ place, caption, columns, path, row, empty }) {
  let turn = 0;
  /** @param {HTMLElement} body @param {string | null} after */
  const page = async (body, after) => {
    const { items, next } = await connection.ask('GET', path(after));
    body.append(...items.map(row));
    return { any: items.length > 0, next };
  };
  return async () => {
    const mine = ++turn;
    const body = h('tbody');
    const heads = columns.map((name) => h('th', { scope: 'col' }, name || h('span', { class: 'only-read' }, 'What can be done')));
    const table = h('table', { class: 'table folds' }, h('caption', { class: 'only-read' }, caption), h('thead', {}, h('tr', {}, ...heads)), body);
    /** @param {string | null} next */
    const draw = (next) => {
      const load = (/** @type {Event} */ event) =>
        busy(/** @type {HTMLElement} */ (event.currentTarget), async () => {
          const more = await page(body, next).catch((error) => ({ next, error }));
          draw(more.next);
        });
      fill(place, table, next && h('div', { class: 'more' }, h('button', { class: 'button compact', type: 'button', onclick: load }, 'Show more')));
    };
    try {
      const first = await page(body, null);
      if (mine !== turn) return;
      if (first.any) draw(first.next);
      else fill(place, h('p', { class: 'empty' }, icon('search'), empty));
    } catch (error) {
      const problem = Problem.from(error);
      if (mine === turn && connection.user) fill(place, h('p', { class: 'note-box bad', role: 'alert' }, problem.sentence));
    }
  };
}

/** Stands where there is nothing to say. */
export const NONE = '–';

/** @param {string} label What the column is called, for where the table folds. @param {...import('./dom.js').Child} children */
export function cell(label, ...children) {
  const none = children.length === 1 && children[0] === NONE;
  return h('td', { 'data-label': label, class: none ? 'none' : null }, h('span', {}, ...children));
}
