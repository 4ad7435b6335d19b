/** Stacked columns over time as SVG, and the same numbers as a table. */

import { fill, h } from './dom.js';

/** @typedef {import('./counters.js').Moment} Moment */
/** @typedef {{ name: string, words: string, look: string }} Series In the order in which they are stacked. */

const SIZE = { height: 190, left: 34, bottom: 22, top: 8 };
/** A column with the space beside it. Where there is less room, the oldest are left out. */
const THINNEST = 7;
/** Of a figure that is not laid out yet. */
const WIDTH = 480;
const SPACE = 'http://www.w3.org/2000/svg';

/**
 * @param {HTMLElement} figure
 * @param {string} title
 * @param {Series[]} series
 * @param {Moment[]} all The oldest first.
 * @param {number} most As many columns are drawn, where there is room for them.
 * @param {import('./counters.js').Counts} totals
 */
export function drawChart(figure, title, series, all, most, totals) {
  const width = innerWidth(figure);
  const columns = Math.min(most, Math.floor((width - SIZE.left) / THINNEST));
  const moments = all.slice(-columns);
  const shown = series.filter(({ name }) => totals[name] > 0 || moments.some(({ counts }) => counts[name] > 0));
  const open = figure.querySelector('details')?.open ?? false;
  const focused = figure.contains(document.activeElement);
  const recent = moments.reduce((sum, { counts }) => sum + total(counts), 0);
  fill(
    figure,
    h('figcaption', { class: 'chart-head' }, h('h2', {}, title), h('span', {}, h('strong', {}, recent.toLocaleString()), h('span', { class: 'small quiet' }, ' in this window'))),
    columnsOf(title, shown, moments, columns, width),
    h(
      'ul',
      { class: 'legend', role: 'list' },
      ...shown.map(({ name, words, look }) => h('li', { class: look }, h('i'), h('span', {}, words, ' ', h('span', { class: 'quiet numbers' }, (totals[name] ?? 0).toLocaleString())))),
    ),
    h('details', { class: 'data', open }, h('summary', {}, 'As a table'), table(title, shown, moments)),
  );
  if (focused) figure.querySelector('summary')?.focus();
}

/** As wide as the figure, so that letters keep their size. @param {HTMLElement} figure */
function innerWidth(figure) {
  const { paddingLeft, paddingRight } = getComputedStyle(figure);
  const width = figure.clientWidth - Number.parseFloat(paddingLeft) - Number.parseFloat(paddingRight);
  return width > 0 ? width : WIDTH;
}

/** @param {string} title @param {Series[]} shown @param {Moment[]} moments @param {number} columns @param {number} width */
function columnsOf(title, shown, moments, columns, width) {
  const { height, left, bottom, top } = SIZE;
  const most = ceiling(Math.max(4, ...moments.map(({ counts }) => total(counts))));
  const y = (/** @type {number} */ count) => height - bottom - (count / most) * (height - bottom - top);
  const step = (width - left) / columns;
  const first = columns - moments.length;
  const picture = svg('svg', { class: 'chart', viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': `${title} by outcome over the last minutes. The numbers are in the table below.` });
  for (const mark of [0, most / 2, most]) {
    picture.append(svg('line', { class: mark === 0 ? 'base' : 'line', x1: left, x2: width, y1: y(mark), y2: y(mark) }));
    picture.append(label(String(mark), { x: left - 7, y: y(mark) + 4, 'text-anchor': 'end' }));
  }
  moments.forEach(({ at, counts }, index) => {
    const column = svg('g', {});
    column.append(hint(at, shown, counts));
    let below = 0;
    for (const { name, look } of shown) {
      const count = counts[name] ?? 0;
      if (count === 0) continue;
      column.append(svg('rect', { class: look, x: left + (first + index) * step + 1, width: Math.max(1, step - 2), y: y(below + count), height: y(below) - y(below + count), rx: 1.5 }));
      below += count;
    }
    picture.append(column);
  });
  const oldest = moments[0]?.at;
  if (oldest) {
    picture.append(label(time(oldest), { x: left + first * step, y: height - 5, 'text-anchor': first > columns * 0.8 ? 'end' : 'start' }));
    picture.append(label('now', { x: width, y: height - 5, 'text-anchor': 'end' }));
  }
  return picture;
}

/** @param {Date} at @param {Series[]} shown @param {import('./counters.js').Counts} counts */
function hint(at, shown, counts) {
  const lines = shown.filter(({ name }) => counts[name] > 0).map(({ name, words }) => `${words}: ${counts[name]}`);
  const element = svg('title', {});
  element.textContent = [time(at), ...lines].join('\n');
  return element;
}

/** @param {string} title @param {Series[]} shown @param {Moment[]} moments */
function table(title, shown, moments) {
  const rows = moments.toReversed().filter(({ counts }) => total(counts) > 0);
  if (rows.length === 0) return h('p', { class: 'small quiet' }, 'Nothing happened in this window.');
  return h(
    'table',
    { class: 'table' },
    h('caption', { class: 'only-read' }, `${title} by outcome, the newest first`),
    h('thead', {}, h('tr', {}, h('th', { scope: 'col' }, 'When'), ...shown.map(({ words }) => h('th', { scope: 'col', class: 'number' }, words)))),
    h('tbody', {}, ...rows.map(({ at, counts }) => h('tr', {}, h('th', { scope: 'row' }, time(at)), ...shown.map(({ name }) => h('td', { class: 'number' }, counts[name] ?? 0))))),
  );
}

/** @param {import('./counters.js').Counts} counts */
function total(counts) {
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

/** The next number that looks well at the end of an axis. @param {number} count */
function ceiling(count) {
  const power = 10 ** Math.floor(Math.log10(count));
  return [1, 2, 4, 6, 8, 10].map((factor) => factor * power).find((mark) => mark >= count) ?? count;
}

/** @param {Date} at */
function time(at) {
  return at.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** @param {string} text @param {Record<string, string | number>} attributes */
function label(text, attributes) {
  const element = svg('text', { ...attributes, 'aria-hidden': 'true' });
  element.textContent = text;
  return element;
}

/** @param {string} name @param {Record<string, string | number>} attributes */
function svg(name, attributes) {
  const element = document.createElementNS(SPACE, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}
