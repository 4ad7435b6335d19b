// Logging in and out, and what is said where that fails.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LatchkeyError } from '../latchkey.js';
import { administrator, advance, claims, loggedIn, next, person, services, system, tab } from './support.js';

const HEADERS = { 'Content-Type': 'application/json' };
const NOTE = { method: 'POST', body: '{"title":"Sums","body":"1 + 1"}', headers: HEADERS };

test('one registers, logs in, and is known to both services', async (t) => {
  const proxy = await services(t);
  const auth = tab(t, proxy);
  const who = { username: `ada-${crypto.randomUUID().slice(0, 8)}`, password: 'plum-anvil-tundra-9' };
  assert.equal((await auth.register(who)).username, who.username);
  assert.equal(auth.session, null);
  assert.equal((await auth.fetch('/api/whoami')).status, 401);
  const session = await auth.login(who);
  assert.equal(session.mode, 'bearer');
  assert.match(session.scope, /notes:write/);
  const left = session.expiresAt - performance.now();
  assert.ok(left > 890_000 && left <= 900_000, `${left}`);
  assert.equal((await auth.fetch('/auth/me').then((answer) => answer.json())).username, who.username);
  assert.equal((await auth.fetch(new URL('/api/notes', proxy.url), NOTE)).status, 201);
  assert.equal((await auth.fetch(new Request(`${proxy.url}/api/notes`, NOTE))).status, 201);
  assert.deepEqual(auth.told, ['login']);
});

test('a refusal says why', async (t) => {
  const auth = tab(t, await services(t));
  const who = await person();
  await assert.rejects(auth.login({ ...who, password: 'wrong' }), (error) => {
    assert.ok(error instanceof LatchkeyError);
    assert.deepEqual([error.status, error.code], [401, 'invalid_credentials']);
    assert.equal(error.message, 'invalid username or password');
    return true;
  });
  await assert.rejects(auth.register({ username: 'eve', password: 'password' }), (error) => {
    assert.deepEqual([error.status, error.code, error.problem.errors[0].field], [422, 'weak_password', 'password']);
    return true;
  });
  assert.deepEqual(auth.told, []);
});

test('a logout ends the login everywhere', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  await auth.fetch('/auth/me');
  const { authorization } = proxy.asked('/auth/me')[0].headers;
  await auth.logout();
  assert.equal(auth.session, null);
  assert.deepEqual(auth.told, ['login', 'logged_out']);
  assert.equal((await fetch(`${system.auth}/auth/me`, { headers: { authorization } })).status, 401);
  assert.equal((await auth.fetch('/auth/me')).status, 401);
  await auth.logout();
});

test('a logout that is not done is not said to be done', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  proxy.does('/auth/logout', 500);
  await assert.rejects(auth.logout(), { status: 500 });
  assert.deepEqual(auth.told, ['login']);
  proxy.does('/auth/logout', 'lose', 'drop', 503);
  await auth.logout();
  assert.equal(proxy.asked('/auth/logout').length, 5);
  assert.deepEqual(auth.told, ['login', 'logged_out']);
});

test('a logout everywhere ends the other devices\' logins too', async (t) => {
  const [here, there] = [await services(t), await services(t)];
  const auth = await loggedIn(t, here);
  const other = tab(t, there);
  await other.login(auth.who);
  await auth.logoutEverywhere();
  assert.deepEqual(auth.told, ['login', 'logged_out']);
  assert.equal((await other.fetch('/auth/me')).status, 401);
  assert.deepEqual(other.told, ['login', 'login_required']);
  assert.equal(other.session, null);
});

test('the password can be given again for what asks for it, and a wrong one ends nothing', async (t) => {
  const proxy = await services(t);
  const [auth, second] = [tab(t, proxy), tab(t, proxy)];
  const heard = next(second, 'login');
  const who = await administrator();
  await auth.login(who);
  await heard;
  const { id } = await person();
  const body = '{"password":"quartz-lemon-harbor-4"}';
  const replace = () => auth.fetch(`/admin/users/${id}/password`, { method: 'POST', headers: HEADERS, body });
  await advance(16 * 60);
  await replace();
  const refused = await replace();
  assert.equal(refused.status, 401);
  assert.equal((await refused.json()).code, 'reauthentication_required');
  assert.equal(proxy.asked('/auth/refresh').length, 1, 'the token had ended; the refusal is for the page to deal with');
  await assert.rejects(auth.reauthenticate('wrong'), { status: 403, code: 'wrong_password' });
  const shared = next(second, 'refresh');
  await auth.reauthenticate(who.password);
  await shared;
  assert.equal((await replace()).status, 204);
  await second.fetch('/api/whoami');
  const [asked] = proxy.asked('/api/whoami');
  assert.equal(claims(asked).auth_time, claims(asked).iat, 'the other tab has the new token');
  await auth.refresh();
  assert.ok(auth.session, 'the refresh token was kept');
});

test('a login without a refresh token ends with its token', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy, { mode: 'access_only' });
  assert.equal((await auth.fetch('/api/whoami')).status, 200);
  await advance(2 * 60 * 60);
  assert.equal((await auth.fetch('/api/whoami')).status, 401);
  assert.equal(proxy.asked('/auth/refresh').length, 0);
  assert.equal(proxy.asked('/api/whoami').length, 2);
  assert.deepEqual(auth.told, ['login', 'login_required']);
});
