// Whom a token is shown to, and how requests go that cannot go twice.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Latchkey } from '../latchkey.js';
import { advance, later, loggedIn, next, person, Proxy, services, tab } from './support.js';

/** Somebody else, who redirects to `place` or says yes. */
async function stranger(t, place) {
  const answer = place ? [302, { Location: place }] : [200, {}];
  const server = new Proxy(undefined, (_, response) => response.writeHead(...answer).end());
  t.after(() => server.close());
  return server.listen();
}

test('no other origin sees a token', async (t) => {
  const [proxy, other] = [await services(t), await stranger(t)];
  const auth = await loggedIn(t, proxy);
  for (const input of [other.url, new URL(other.url), new Request(other.url), `${other.url.slice(5)}/api/notes`]) {
    await assert.rejects(auth.fetch(input), TypeError);
  }
  assert.equal(other.requests.length, 0);
});

test('a redirect does not take a token along', async (t) => {
  const other = await stranger(t);
  const redirecting = await stranger(t, `${other.url}/stolen`);
  const proxy = await services(t);
  const { upstream } = proxy;
  proxy.upstream = (path) => (path === '/away' ? redirecting.url : upstream(path));
  const auth = await loggedIn(t, proxy);
  assert.equal((await auth.fetch('/away')).status, 200);
  assert.match(redirecting.requests[0].headers.authorization, /^Bearer /);
  assert.deepEqual(other.requests.map(({ path, headers }) => [path, headers.authorization]), [['/stolen', undefined]]);
});

test('a body that can be read once is sent once', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  await advance(920);
  const body = new Blob(['{"title":"Stream","body":""}']).stream();
  const init = { method: 'POST', duplex: 'half', headers: { 'Content-Type': 'application/json' }, body };
  assert.equal((await auth.fetch('/api/notes', init)).status, 401);
  assert.equal(proxy.asked('/api/notes').length, 1);
  const request = new Request(`${proxy.url}/api/notes`, { ...init, body: '{"title":"Request","body":""}' });
  await advance(920);
  assert.equal((await auth.fetch(request)).status, 201, 'a request can be copied');
});

for (const known of [true, false]) {
  const when = known ? 'before the request' : 'after a refusal';

  test(`what one user asks for is not done in the name of the next (renewal ${when})`, async (t) => {
    const proxy = await services(t);
    const [first, second] = [await loggedIn(t, proxy), tab(t, proxy)];
    await second.ready;
    await advance(920);
    if (known) later(t, 901);
    proxy.does('/auth/refresh', 'hold');
    const note = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"title":"Mine","body":""}' };
    const asked = first.fetch('/api/notes', note);
    await proxy.waitFor('/auth/refresh');
    const heard = next(first, 'login');
    await second.login(await person());
    await heard;
    proxy.release();
    assert.equal((await asked).status, 401);
    assert.equal(proxy.asked('/api/notes').length, 1);
    const { items } = await first.fetch('/api/notes').then((answer) => answer.json());
    assert.deepEqual(items, []);
  });
}

test('whoever gives up does not wait, and the renewal goes on', async (t) => {
  const proxy = await services(t);
  const auth = await loggedIn(t, proxy);
  await advance(920);
  proxy.does('/auth/refresh', 'hold');
  const giveUp = new AbortController();
  const unfinished = auth.fetch('/api/whoami', { signal: giveUp.signal });
  await proxy.waitFor('/auth/refresh');
  giveUp.abort();
  await assert.rejects(unfinished, { name: 'AbortError' });
  const renewed = next(auth, 'refresh');
  proxy.release();
  await renewed;
});

test('modes with cookies are for the page\'s own origin', () => {
  globalThis.location = new URL('http://localhost:1/page');
  assert.throws(() => new Latchkey({ baseUrl: 'http://localhost:2', mode: 'cookie' }), TypeError);
  assert.throws(() => new Latchkey({ baseUrl: 'http://localhost:2', mode: 'session' }), TypeError);
  delete globalThis.location;
});
