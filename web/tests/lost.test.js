// Answers that get lost, and services that are away: none of it ends a login.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, loggedIn, services } from './support.js';

test('a refresh whose answer is lost is asked for again with the same token', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  for (const _ of [1, 2, 3]) {
    await advance(920);
    proxy.does('/auth/refresh', 'lose', 'drop');
    assert.equal((await auth.fetch('/api/whoami')).status, 200);
  }
  const bodies = proxy.asked('/auth/refresh').map(({ body }) => body);
  assert.equal(bodies.length, 9);
  assert.deepEqual(bodies.map((body) => bodies.indexOf(body)), [0, 0, 0, 3, 3, 3, 6, 6, 6]);
  assert.deepEqual(auth.told, ['login', 'refresh', 'refresh', 'refresh']);
});

test('a service that is away is asked again, and not before it says', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  proxy.does('/auth/refresh', 502, 503, 504);
  await auth.refresh();
  const times = proxy.asked('/auth/refresh').map(({ at }) => at);
  assert.equal(times.length, 4);
  for (const [index, at] of times.slice(1).entries()) assert.ok(at - times[index] >= 1000, `${at - times[index]}`);
  assert.deepEqual(auth.told, ['login', 'refresh']);
});

test('a login outlasts a network that stays away', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  await advance(920);
  proxy.does('/auth/refresh', 'drop', 'drop', 'drop', 'drop', 'drop');
  await assert.rejects(auth.fetch('/api/whoami'), TypeError);
  assert.equal(proxy.asked('/auth/refresh').length, 5);
  assert.ok(auth.session);
  assert.equal((await auth.fetch('/api/whoami')).status, 200);
  assert.deepEqual(auth.told, ['login', 'refresh']);
});

test('any other trouble is passed on and ends nothing', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  for (const status of [401, 403, 404, 500]) {
    proxy.does('/auth/refresh', status);
    await assert.rejects(auth.refresh(), { name: 'LatchkeyError', status });
  }
  assert.equal(proxy.asked('/auth/refresh').length, 4);
  assert.deepEqual(auth.told, ['login']);
});

test('what may have been done is not done again', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  const note = { method: 'POST', body: '{"title":"Once","body":""}', headers: { 'Content-Type': 'application/json' } };
  for (const what of ['lose', 503]) {
    proxy.does('/api/notes', what);
    const answer = await auth.fetch('/api/notes', note).catch((error) => error);
    assert.ok(what === 'lose' ? answer instanceof TypeError : answer.status === what);
  }
  assert.equal(proxy.asked('/api/notes').length, 2);
  assert.equal((await auth.fetch('/api/notes').then((answer) => answer.json())).items.length, 1);
});
