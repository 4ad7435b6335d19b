/**
 * Steals this page's own refresh token and uses it after its owner has gone on with the next one. The owner's token has to be
 * a minute old for that: until then all tokens of one refresh are as good, since they may be those of several tabs.
 */

import { connection } from './connection.js';
import { fill, h, icon } from './dom.js';
import { open } from './jwt.js';
import { Problem } from './problem.js';
import { seen } from './seen.js';
import { apart } from './wire.js';

const STEPS = [
  'A script copies your refresh token.',
  'You go on: this page refreshes and gets a new one.',
  'A minute passes, so that it is clear that the new one has arrived.',
  'You refresh again. The copy is worth nothing from now on.',
  'The thief uses the copy.',
  'Latchkey knows that two parties hold this login, and ends it.',
];

/** How often the owner tries whether the new token counts by now. */
const AGAIN = 5_000;
/** Longer than any hold that makes sense. */
const PATIENCE = 200;

export function theft() {
  const here = connection.mode === 'bearer';
  const list = h('ol', { class: 'steps', role: 'list' });
  const status = h('p', { class: 'small', role: 'status' });
  const button = h('button', { class: 'button danger compact', type: 'button', onclick: () => run() }, 'Steal my refresh token');
  /** @param {number} at @param {string} [words] */
  const step = (at, words = '') => {
    fill(list, ...STEPS.map((text, index) => h('li', { 'data-is': index < at ? 'done' : index === at ? 'now' : 'later' }, h('span', {}, text))));
    status.textContent = words;
  };
  const run = async () => {
    button.disabled = true;
    try {
      await steal(step);
    } catch (error) {
      status.textContent = Problem.from(error).sentence;
      button.disabled = false;
    }
  };
  return h(
    'section',
    { class: 'card try' },
    h(
      'div',
      { class: 'try-head' },
      icon('thief'),
      h(
        'div',
        {},
        h('h3', {}, 'Steal the refresh token'),
        h('p', {}, here ? 'Takes a bit over a minute, and ends with you logged out and told why. Both parties lose the login: a thief gains nothing by waiting.' : 'In this mode no script can get at a refresh token. Log in with “Bearer” to see what becomes of a thief.'),
      ),
    ),
    here && h('div', {}, button),
    here && list,
    here && status,
  );
}

/** @param {(at: number, words?: string) => void} step */
async function steal(step) {
  step(0);
  if (!seen.refreshToken) await connection.refresh();
  const copy = seen.refreshToken;
  if (!copy) throw new Problem(0, 'no_token', 'No refresh token went by on this page, so there was nothing to copy.');
  await pause(1200);
  step(1);
  let current = await later(copy, (words) => step(1, words));
  step(2);
  current = await later(current, (words) => step(2, words));
  step(3);
  await pause(1200);
  step(4);
  const answer = await apart('/auth/refresh', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ refresh_token: copy }), credentials: 'omit' });
  const problem = answer.ok ? null : await Problem.of(answer);
  step(5, problem ? `The thief got ${problem.status} ${problem.code}. You hear of it with your next request.` : 'The thief was let in. That must not happen.');
  await connection.refresh();
}

/**
 * Refreshes until another token comes back than `token`: it counts then.
 * @param {string} token
 * @param {(words: string) => void} tell
 */
async function later(token, tell) {
  for (let tries = 0; tries < PATIENCE; tries += 1) {
    await connection.refresh();
    if (seen.refreshToken && seen.refreshToken !== token) return seen.refreshToken;
    const age = Math.round(Date.now() / 1000 - Number(open(token).claims?.iat));
    tell(`It is ${age} seconds old. The same one came back, since it is younger than the hold of about a minute.`);
    await pause(AGAIN);
  }
  throw new Problem(0, 'gave_up', 'The refresh token did not change. Is REFRESH_HOLD that long here?');
}

/** @param {number} milliseconds @returns {Promise<void>} */
function pause(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
