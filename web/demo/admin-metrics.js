/** Charts of logins and refreshes, from what the replicas count. */

import { drawChart } from './chart.js';
import { connection } from './connection.js';
import { Increments } from './counters.js';
import { need } from './dom.js';
import { Problem } from './problem.js';

/** @typedef {import('./chart.js').Series} Series */
/** @typedef {import('./counters.js').Moment} Moment */

const PERIOD = 3_000;
const COLUMNS = 60;

/** @type {Series[]} */
const LOGINS = [
  { name: 'ok', words: 'Logged in', look: 'is-good' },
  { name: 'invalid_credentials', words: 'Wrong name or password', look: 'is-refused' },
  { name: 'throttled', words: 'Slowed down', look: 'is-slowed' },
  { name: 'password_change', words: 'Password to be changed', look: 'is-over' },
  { name: 'user_disabled', words: 'Disabled', look: 'is-bad' },
  { name: 'busy', words: 'Too many at once', look: 'is-same' },
  { name: 'unavailable', words: 'Store away', look: 'is-other' },
];

/** @type {Series[]} */
const REFRESHES = [
  { name: 'rotated', words: 'New refresh token', look: 'is-good' },
  { name: 'same_token', words: 'Same refresh token', look: 'is-same' },
  { name: 'login_required', words: 'Session over', look: 'is-over' },
  { name: 'token_reused', words: 'Reuse: session ended', look: 'is-bad' },
  { name: 'invalid_token', words: 'No good token', look: 'is-refused' },
  { name: 'invalid_scope', words: 'Scope refused', look: 'is-slowed' },
  { name: 'unavailable', words: 'Store away', look: 'is-other' },
];

const charts = [
  { key: /** @type {const} */ ('logins'), place: 'chart-logins', title: 'Logins', series: LOGINS, increments: new Increments(), moments: /** @type {Moment[]} */ ([]) },
  { key: /** @type {const} */ ('refreshes'), place: 'chart-refreshes', title: 'Refreshes', series: REFRESHES, increments: new Increments(), moments: /** @type {Moment[]} */ ([]) },
];

let running = false;

/** Goes on as long as the overview is looked at. */
export async function watchMetrics() {
  if (running) return;
  running = true;
  draw();
  while (connection.user && !need('view-overview').hidden) {
    if (!document.hidden) await look();
    await new Promise((resolve) => setTimeout(resolve, PERIOD));
  }
  running = false;
}

async function look() {
  const status = need('metrics-status');
  try {
    /** @type {import('./counters.js').Metrics} */
    const metrics = await connection.ask('GET', '/admin/metrics');
    for (const chart of charts) {
      chart.moments.push({ at: new Date(), counts: chart.increments.since(metrics.instance, metrics[chart.key]) });
      chart.moments.splice(0, chart.moments.length - COLUMNS);
    }
    const replicas = charts[0].increments.instances;
    status.textContent = `Asked every ${PERIOD / 1000} seconds. ${replicas} ${replicas === 1 ? 'replica has' : 'replicas have'} answered; numbers beside the colours count from their start.`;
    draw();
  } catch (error) {
    if (connection.user) status.textContent = Problem.from(error).sentence;
  }
}

function draw() {
  for (const { place, title, series, moments, increments } of charts) drawChart(need(place), title, series, moments, COLUMNS, increments.totals);
}
