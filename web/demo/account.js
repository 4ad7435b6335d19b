/** The card at the top: who is logged in, for how long, and the ways out. */

import { connection } from './connection.js';
import { fill, h, need } from './dom.js';
import { learnSessionExpiry } from './expiry.js';
import { busy } from './form.js';
import { complain, say } from './messages.js';
import { MODES } from './modes.js';
import { Problem } from './problem.js';
import { pulse } from './pulse.js';
import { seen } from './seen.js';
import { sure } from './sheet.js';

const LABELS = { cookie: 'Access token ends in', session: 'Session ends, if nobody uses it, in', bearer: 'Access token ends in', access_only: 'Access token ends in' };

export function account() {
  need('logout').addEventListener('click', (event) => act(event, () => connection.logout()));
  need('logout-all').addEventListener('click', async (event) => {
    const yes = await sure('Log out everywhere?', 'Every session of yours ends within a second: this one and those on all other devices.', 'Log out everywhere');
    if (yes) await act(event, () => connection.logoutEverywhere());
  });
  need('refresh').addEventListener('click', (event) =>
    act(event, async () => {
      const before = seen.refreshToken;
      await connection.refresh();
      say(outcome(before));
    }),
  );
  connection.addEventListener('in', () => {
    draw();
    learnSessionExpiry().catch(() => {});
  });
  pulse.addEventListener('beat', (event) => drawPulse(/** @type {CustomEvent} */ (event).detail));
  setInterval(drawTime, 250);
}

/** @param {string | null} before The refresh token of before, where a script could see it. */
export function outcome(before) {
  if (connection.mode === 'cookie') return 'Refreshed: the answer set new cookies that this script cannot see.';
  if (before === seen.refreshToken) return 'A fresh access token. The refresh token stays: it is younger than a minute.';
  return 'A fresh access token, and a new refresh token.';
}

/** @param {Event} event @param {() => Promise<void>} work */
function act(event, work) {
  return busy(/** @type {HTMLElement} */ (event.currentTarget ?? event.target), async () => {
    try {
      await work();
    } catch (error) {
      if (connection.user) complain(Problem.from(error).sentence);
    }
  });
}

function draw() {
  const { user, mode } = connection;
  if (!user) return;
  need('hello').textContent = user.username;
  need('who-mode').textContent = MODES[mode].name;
  fill(need('who-roles'), ...user.roles.map((role) => h('span', { class: 'badge' }, role)));
  need('left-label').textContent = LABELS[mode];
  need('refresh').hidden = mode === 'session' || mode === 'access_only';
  need('pulse').textContent = 'Asking who I am each second…';
  drawTime();
}

function drawTime() {
  if (!connection.user) return;
  const bar = need('left-bar');
  if (!seen.expiry) {
    need('left').textContent = '–:––';
    return;
  }
  const left = Math.max(0, seen.expiry.ends - performance.now());
  const part = Math.min(1, left / seen.expiry.lasts);
  need('left').textContent = clock(left);
  bar.style.scale = `${part} 1`;
  bar.classList.toggle('short', part < 0.1);
}

/** @param {number} milliseconds */
export function clock(milliseconds) {
  const seconds = Math.ceil(milliseconds / 1000);
  const [d, h, m, s] = [Math.floor(seconds / 86_400), Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  if (d > 0) return `${d} ${d === 1 ? 'day' : 'days'} ${h}:${two(m)}:${two(s)}`;
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** @param {{ took?: number, problem?: number }} beat */
function drawPulse({ took, problem }) {
  if (problem !== undefined) need('pulse').textContent = problem === 0 ? 'No answer: is the network there? You stay logged in.' : `The service answers ${problem}. You stay logged in.`;
  else need('pulse').textContent = `Still you, says resource-service (${Math.round(took ?? 0)} ms)`;
}
