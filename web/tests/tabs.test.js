// Tabs of one browser: here, clients of one process, which share locks and channels like tabs do.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { advance, loggedIn, next, person, services, Shelf, system, tab } from './support.js';

/** As many tabs, all of them logged in. */
async function tabs(t, proxy, count, options) {
  const first = await loggedIn(t, proxy, options);
  const others = Array.from({ length: count - 1 }, () => tab(t, proxy, options));
  await Promise.all(others.map(({ ready }) => ready));
  return [first, ...others];
}

const allAsk = (all) => Promise.all(all.map((auth) => auth.fetch('/api/whoami')));

for (const storage of [undefined, new Shelf()]) {
  const where = storage ? 'storage' : 'memory';

  test(`a new tab shares the login of the others (${where})`, async (t) => {
    const proxy = await services(t);
    const [first, second] = await tabs(t, proxy, 2, { storage });
    assert.equal(second.session.scope, first.session.scope);
    assert.ok(Math.abs(second.session.expiresAt - first.session.expiresAt) < 1000);
    assert.equal((await second.fetch('/api/whoami')).status, 200);
    assert.equal(proxy.asked('/auth/login').length, 1);
  });

  test(`tabs renew a token together (${where})`, async (t) => {
    const proxy = await services(t);
    const all = await tabs(t, proxy, 5, { storage });
    for (const round of [1, 2, 3]) {
      await advance(920);
      const answers = await allAsk(all);
      assert.ok(answers.every(({ status }) => status === 200));
      assert.equal(proxy.asked('/auth/refresh').length, round);
    }
    assert.ok(all.every(({ told }) => told.filter((type) => type === 'refresh').length === 3));
  });

  test(`a logout is heard in all tabs (${where})`, async (t) => {
    const proxy = await services(t);
    const all = await tabs(t, proxy, 3, { storage });
    const heard = all.map((auth) => next(auth, 'logout'));
    await all[1].logout();
    const reasons = (await Promise.all(heard)).map(({ detail }) => detail.reason);
    assert.deepEqual(reasons, ['logged_out', 'logged_out', 'logged_out']);
    assert.ok(all.every(({ session }) => session === null));
  });
}

test('a login that is refused in one tab is over in all, and all are told why', async (t) => {
  const proxy = await services(t);
  const all = await tabs(t, proxy, 3);
  await all[0].refresh();
  const { body } = proxy.asked('/auth/refresh')[0];
  for (const _ of [1, 2]) {
    await advance(61);
    await all[0].refresh();
  }
  await fetch(`${system.auth}/auth/refresh`, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body });
  const heard = all.map((auth) => next(auth, 'logout'));
  await all[2].refresh();
  const reasons = (await Promise.all(heard)).map(({ detail }) => detail.reason);
  assert.deepEqual(reasons, ['token_reused', 'token_reused', 'token_reused']);
});

test('a refusal of an older login leaves a newer one alone', async (t) => {
  const proxy = await services(t);
  const [first, second] = await tabs(t, proxy, 2);
  await first.fetch('/auth/me');
  const { authorization } = proxy.asked('/auth/me')[0].headers;
  await fetch(`${system.auth}/auth/logout`, { method: 'POST', headers: { authorization } });
  proxy.does('/auth/refresh', 'hold');
  const asked = first.fetch('/auth/me').then((answer) => answer.json());
  await proxy.waitFor('/auth/refresh');
  const heard = next(first, 'login');
  const newer = await person();
  await second.login(newer);
  await heard;
  proxy.release();
  assert.equal((await asked).username, newer.username);
  assert.deepEqual(first.told, ['login', 'login']);
  assert.deepEqual(second.told, ['login', 'login']);
});

test('where there are no locks each tab renews the token, and stays logged in', async (t) => {
  const proxy = await services(t);
  t.mock.getter(navigator, 'locks', () => undefined);
  const all = await tabs(t, proxy, 5);
  for (const _ of [1, 2, 3, 4]) {
    await advance(920);
    const answers = await allAsk(all);
    assert.ok(answers.every(({ status }) => status === 200));
  }
  assert.ok(proxy.asked('/auth/refresh').length > 4);
  assert.ok(all.every(({ told }) => !told.includes('login_required') && !told.includes('token_reused')));
});

test('a refresh does not bring a login back that was ended meanwhile', async (t) => {
  const proxy = await services(t);
  t.mock.getter(navigator, 'locks', () => undefined);
  const auth = await loggedIn(t, proxy);
  proxy.does('/auth/refresh', 'hold');
  const renewed = auth.refresh();
  await proxy.waitFor('/auth/refresh');
  await auth.logout();
  proxy.release();
  assert.equal(await renewed, null);
  assert.deepEqual(auth.told, ['login', 'logged_out']);
});

test('a tab that keeps the lock for ever does not keep the others from renewing', async (t) => {
  const proxy = await services(t);
  const [auth, { promise, resolve }] = [await loggedIn(t, proxy), Promise.withResolvers()];
  t.after(resolve);
  await new Promise((taken) => navigator.locks.request(`latchkey ${proxy.url}/`, () => (taken(), promise)));
  const { timeout } = AbortSignal;
  t.mock.method(AbortSignal, 'timeout', () => timeout.call(AbortSignal, 1000));
  // Such a timer does not keep Node from ending.
  const awake = setInterval(() => {}, 1000);
  t.after(() => clearInterval(awake));
  await auth.refresh();
  assert.deepEqual(auth.told, ['login', 'refresh']);
});
