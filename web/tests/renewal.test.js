// When a token is renewed, and what ends a login.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, later, loggedIn, next, services, Shelf, system, tab } from './support.js';

const HOLD = 61;

test('a token that is about to end is renewed, and the request does not wait', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  later(t, 800);
  await auth.fetch('/api/whoami');
  assert.equal(proxy.asked('/auth/refresh').length, 0);
  later(t, 75);
  proxy.does('/auth/refresh', 'hold');
  const renewed = next(auth, 'refresh');
  assert.equal((await auth.fetch('/api/whoami')).status, 200);
  assert.deepEqual(auth.told, ['login']);
  proxy.release();
  await renewed;
  assert.ok(auth.session.expiresAt - performance.now() > 890_000);
});

test('a token that has ended by the monotonic clock is renewed before the request', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  later(t, 901);
  assert.equal((await auth.fetch('/api/whoami')).status, 200);
  assert.deepEqual(proxy.requests.slice(1).map(({ path }) => path), ['/auth/refresh', '/api/whoami']);
});

test('a token that has ended by the services\' clock is renewed, and the request is done once', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  await advance(920);
  const note = { method: 'POST', body: '{"title":"Once","body":""}', headers: { 'Content-Type': 'application/json' } };
  assert.equal((await auth.fetch('/api/notes', note)).status, 201);
  assert.deepEqual(proxy.requests.slice(1).map(({ path }) => path), ['/api/notes', '/auth/refresh', '/api/notes']);
  const { items } = await auth.fetch('/api/notes').then((answer) => answer.json());
  assert.equal(items.length, 1);
});

test('the date of the machine counts for nothing', async (t) => {
  for (const date of [0, 32_503_680_000_000]) {
    t.mock.method(Date, 'now', () => date);
    const proxy = await services(t);
    const auth = await loggedIn(t, proxy);
    assert.equal((await auth.fetch('/api/whoami')).status, 200);
    assert.deepEqual(auth.told, ['login']);
    assert.equal(proxy.asked('/auth/refresh').length, 0);
  }
});

test('any number of requests at once renew a token once', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  await advance(920);
  const answers = await Promise.all(Array.from({ length: 20 }, () => auth.fetch('/api/whoami')));
  assert.ok(answers.every(({ status }) => status === 200));
  assert.equal(proxy.asked('/auth/refresh').length, 1);
});

test('a used refresh token ends the login, and the page is told why', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  await auth.refresh();
  const stolen = proxy.asked('/auth/refresh')[0].body;
  for (const _ of [1, 2]) {
    await advance(HOLD);
    await auth.refresh();
  }
  const headers = { 'Content-Type': 'application/json' };
  const thief = await fetch(`${system.auth}/auth/refresh`, { method: 'POST', headers, body: stolen });
  assert.equal((await thief.json()).code, 'token_reused');
  assert.equal(await auth.refresh(), null);
  assert.deepEqual(auth.told, ['login', 'refresh', 'refresh', 'refresh', 'token_reused']);
});

test('a login that was ended elsewhere is over', async (t) => {
  const proxy = await services(t);
  const shelf = new Shelf();
  const auth = await loggedIn(t, proxy, { storage: shelf });
  await auth.fetch('/auth/me');
  const { authorization } = proxy.asked('/auth/me')[0].headers;
  await fetch(`${system.auth}/auth/logout`, { method: 'POST', headers: { authorization } });
  assert.equal((await auth.fetch('/auth/me')).status, 401);
  assert.deepEqual(auth.told, ['login', 'login_required']);
  assert.equal(shelf.text, '');
});

test('what is stored outlives the page', async (t) => {
  const proxy = await services(t);
  const shelf = new Shelf();
  const auth = await loggedIn(t, proxy, { storage: shelf });
  auth.close();
  const reloaded = tab(t, proxy, { storage: shelf });
  assert.equal(reloaded.session.scope, auth.session.scope);
  assert.equal(reloaded.session.expiresAt, null, 'no clock tells how long the page was away');
  await advance(920);
  assert.equal((await reloaded.fetch('/api/whoami')).status, 200);
  assert.equal(proxy.asked('/auth/refresh').length, 1);
});

test('a page that goes away while a token is renewed has lost nothing', async (t) => {
  const proxy = await services(t);
  const shelf = new Shelf();
  const auth = await loggedIn(t, proxy, { storage: shelf });
  for (const _ of [1, 2, 3]) {
    await advance(920);
    const before = shelf.text;
    proxy.does('/auth/refresh', 'hold');
    const times = proxy.asked('/auth/refresh').length + 1;
    const page = tab(t, proxy, { storage: { ...shelf, setItem() {} } });
    const unfinished = page.refresh();
    await proxy.waitFor('/auth/refresh', times);
    page.close();
    proxy.release();
    await unfinished.catch(() => {});
    assert.equal(shelf.text, before);
    const reloaded = tab(t, proxy, { storage: shelf });
    assert.equal((await reloaded.fetch('/api/whoami')).status, 200);
    assert.ok(!reloaded.told.includes('login_required'));
  }
  assert.equal((await auth.fetch('/api/whoami')).status, 200);
});
