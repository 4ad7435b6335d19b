// Pages that use the client, in the mode that is asked for.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { advance, browser, gateway, mode, person, Proxy, quit, system } from './harness.js';

after(quit);

const RENEWS = mode !== 'session';
const withRenewal = RENEWS ? test : () => {};
const withCookies = mode === 'bearer' ? () => {} : test;
const withBoth = mode === 'cookie' ? test : () => {};
const NOTE = { method: 'POST', body: '{"title":"Once","body":""}', headers: { 'Content-Type': 'application/json' } };

/** Tabs of one browser whose user has logged in, at a gateway that counts what they ask from then on. */
async function loggedIn(t, count = 1, options = {}) {
  const [proxy, own, who] = [await gateway(t), await browser(t, mode, options), await person()];
  const tabs = await own.tabs(count);
  await tabs[0].login(who);
  await Promise.all(tabs.map((tab) => tab.hears('login')));
  proxy.requests.length = 0;
  return { proxy, who, tabs, tab: tabs[0], open: own.tab, context: own.context };
}

/** A renewal whose answer is held back until `release()`. */
async function slowRenewal({ proxy, tab }) {
  proxy.does('/auth/refresh', 'hold');
  const renewed = tab.page.evaluate(() => window.auth.refresh());
  await proxy.waitFor('/auth/refresh');
  return { renewed, release: () => proxy.release() };
}

/** The browser has no locks, as far as a tab knows. */
function withoutLocks({ page }) {
  return page.evaluate(() => Object.defineProperty(navigator, 'locks', { value: undefined }) && undefined);
}

/** The refresh token that the browser holds. */
async function refreshToken({ tab, context }) {
  const cookies = await context.cookies(`${system.origin}/auth`);
  if (mode === 'cookie') return cookies.find(({ name }) => name === 'lk_rt').value;
  return tab.page.evaluate(() => JSON.parse(Object.values(localStorage)[0]).refresh);
}

/** What somebody gets who has copied the refresh token. */
async function refreshElsewhere(token) {
  const [headers, body] = [{ 'Content-Type': 'application/json' }, JSON.stringify({ refresh_token: token })];
  const answer = await fetch(`${system.auth}/auth/refresh`, { method: 'POST', headers, body });
  return (await answer.json()).code;
}

test('a login is seen in all tabs, and after a reload', async (t) => {
  const { tabs, tab, who } = await loggedIn(t, 2);
  assert.equal((await tabs[1].fetch('/auth/me')).body.username, who.username);
  assert.equal((await tabs[1].fetch('/api/notes', NOTE)).status, 201);
  await tab.reload();
  assert.equal((await tab.session()).mode, mode);
  assert.equal((await tab.fetch('/api/notes')).body.items.length, 1);
  assert.deepEqual(await tab.told(), []);
});

withCookies('scripts hold no token where the login is in cookies', async (t) => {
  const { tab, context } = await loggedIn(t);
  const held = await tab.page.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length]);
  assert.match(held[0], /^lk_csrf=[^;]+$/);
  assert.deepEqual(held.slice(1), [0, 0]);
  const cookies = await context.cookies(`${system.origin}/auth`);
  assert.ok(cookies.filter(({ name }) => name !== 'lk_csrf').every(({ httpOnly }) => httpOnly));
});

withRenewal('five tabs renew a token at once', async (t) => {
  const { proxy, tabs } = await loggedIn(t, 5);
  for (const round of [1, 2, 3]) {
    await advance(920);
    const answers = await Promise.all(tabs.map((tab) => tab.fetch('/api/whoami')));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200, 200, 200, 200]);
    assert.equal(proxy.asked('/auth/refresh').length, round);
  }
  for (const tab of tabs) assert.deepEqual(await tab.told(), ['login', 'refresh', 'refresh', 'refresh']);
});

withRenewal('a reload in the middle of a refresh loses nothing', async (t) => {
  const { proxy, tab } = await loggedIn(t);
  for (const round of [1, 2, 3]) {
    await advance(920);
    proxy.does('/auth/refresh', 'hold');
    tab.fetch('/api/whoami').catch(() => {});
    await proxy.waitFor('/auth/refresh', 2 * round - 1);
    await tab.reload();
    proxy.release();
    assert.equal((await tab.fetch('/api/whoami')).status, 200);
    assert.deepEqual(await tab.told(), ['refresh']);
    assert.equal(proxy.asked('/auth/refresh').length, 2 * round);
  }
});

test('a page that was offline goes on when it is online again', async (t) => {
  const { tab, context } = await loggedIn(t);
  await context.setOffline(true);
  if (RENEWS) {
    await tab.later(901);
    // No pause would end by itself.
    await tab.page.evaluate(() => {
      const { setTimeout } = window;
      window.setTimeout = (work, time) => setTimeout(work, time > 200 ? 3_600_000 : time);
    });
    const asked = tab.fetch('/api/whoami');
    await new Promise((resolve) => tab.page.once('requestfailed', resolve));
    await context.setOffline(false);
    assert.equal((await asked).status, 200);
  } else {
    assert.equal((await tab.fetch('/api/whoami')).error, 'TypeError');
    await context.setOffline(false);
    assert.equal((await tab.fetch('/api/whoami')).status, 200);
  }
  assert.ok((await tab.told()).every((event) => event === 'login' || event === 'refresh'));
});

test('a logout is heard in all tabs', async (t) => {
  const { tabs, context } = await loggedIn(t, 3);
  await tabs[2].logout();
  await Promise.all(tabs.map((tab) => tab.hears('logged_out')));
  for (const tab of tabs) assert.equal(await tab.session(), null);
  assert.deepEqual(await context.cookies(), []);
  assert.equal((await tabs[0].fetch('/auth/me')).status, 401);
});

test('another login counts in all tabs', async (t) => {
  const { tabs } = await loggedIn(t, 2);
  const another = await person();
  await tabs[1].login(another);
  await tabs[0].page.waitForFunction(() => window.told.length === 2);
  for (const tab of tabs) {
    assert.equal((await tab.fetch('/auth/me')).body.username, another.username);
    assert.equal((await tab.fetch('/api/notes', NOTE)).status, 201);
    assert.deepEqual(await tab.told(), ['login', 'login']);
  }
});

for (const how of ['cookie', 'session']) {
  withBoth(`a login in mode ${how} is not undone by a renewal that another tab had begun`, async (t) => {
    const stand = await loggedIn(t);
    const [other, newer] = [await stand.open(how), await person()];
    const { renewed, release } = await slowRenewal(stand);
    const login = other.login(newer);
    const isWaiting = () => navigator.locks.query().then(({ pending }) => pending.length > 0);
    await Promise.race([login, other.page.waitForFunction(isWaiting)]);
    release();
    await Promise.all([renewed, login]);
    for (const tab of [stand.tab, other]) {
      assert.equal((await tab.fetch('/auth/me')).body.username, newer.username);
      assert.equal((await tab.fetch('/api/notes', NOTE)).status, 201);
    }
  });
}

withBoth('where there are no locks a login waits for the renewal of its own tab', async (t) => {
  const stand = await loggedIn(t);
  const [{ proxy, tab }, newer] = [stand, await person()];
  await withoutLocks(tab);
  const { renewed, release } = await slowRenewal(stand);
  const login = tab.login(newer);
  // By the time of this answer a login that does not wait would be on its way.
  await tab.fetch('/auth/me');
  assert.equal(proxy.asked('/auth/login').length, 0);
  release();
  await Promise.all([renewed, login]);
  assert.equal((await tab.fetch('/auth/me')).body.username, newer.username);
  assert.deepEqual(await tab.told(), ['login', 'refresh', 'login']);
});

withBoth('tabs are told when the login of before has come back', async (t) => {
  const stand = await loggedIn(t, 2);
  const { tabs, who } = stand;
  await withoutLocks(tabs[0]);
  const { renewed, release } = await slowRenewal(stand);
  await tabs[1].login(await person());
  const told = (count) => Promise.all(tabs.map(({ page }) => page.waitForFunction((count) => window.told.length === count, count)));
  await told(2);
  release();
  await renewed.then(() => told(3));
  for (const tab of tabs) {
    assert.deepEqual(await tab.told(), ['login', 'login', 'login']);
    assert.equal((await tab.fetch('/auth/me')).body.username, who.username);
  }
});

withCookies('what one user asks for is not done in the name of the next', async (t) => {
  const { proxy, tabs, context } = await loggedIn(t, 2);
  await context.addCookies([{ name: 'lk_csrf', value: 'lost', url: system.origin, sameSite: 'Lax' }]);
  proxy.does('/api/notes', 'hold');
  const asked = tabs[0].fetch('/api/notes', NOTE);
  await proxy.waitFor('/api/notes');
  await tabs[1].login(await person());
  proxy.release();
  const { status, body } = await asked;
  assert.deepEqual([status, body.code], [403, 'csrf_failed']);
  assert.deepEqual((await tabs[0].fetch('/api/notes')).body.items, []);
});

withCookies('a service whose clock is wrong ends no login', async (t) => {
  const { proxy, tab } = await loggedIn(t);
  const [{ serve }, headers] = [proxy, { 'Content-Type': 'application/problem+json' }];
  proxy.serve = (request, response) => {
    if (request.url !== '/api/whoami') return serve(request, response);
    return response.writeHead(401, headers).end('{"code":"token_expired"}');
  };
  const { status, body } = await tab.fetch('/api/whoami');
  assert.deepEqual([status, body.code], [401, 'token_expired']);
  assert.equal(proxy.asked('/api/whoami').length, 2);
  assert.equal((await tab.fetch('/api/notes', NOTE)).status, 201);
  assert.ok(!(await tab.told()).includes('login_required'));
});

test('a login that was ended on another device is over in all tabs', async (t) => {
  const { proxy, tabs, who } = await loggedIn(t, 2);
  const other = await browser(t, 'bearer').then(({ tab }) => tab());
  await other.login(who);
  assert.ok((await other.fetch('/auth/logout-all', { method: 'POST' })).status < 300);
  assert.equal((await tabs[0].fetch('/auth/me')).status, 401);
  assert.equal(proxy.asked('/auth/me').length, RENEWS ? 1 : 2, 'without renewal, it is asked once more');
  await Promise.all(tabs.map((tab) => tab.hears('login_required')));
  for (const tab of tabs) assert.equal(await tab.session(), null);
});

withRenewal('a stolen refresh token ends the login of both, and the owner is told why', async (t) => {
  const stand = await loggedIn(t, 2);
  const renew = () => stand.tab.page.evaluate(() => window.auth.refresh());
  const stolen = await refreshToken(stand);
  for (const _ of [1, 2, 3]) {
    await renew();
    await advance(61);
  }
  assert.equal(await refreshElsewhere(stolen), 'token_reused');
  await renew();
  await Promise.all(stand.tabs.map((tab) => tab.hears('token_reused')));
  for (const tab of stand.tabs) assert.equal(await tab.session(), null);
  assert.equal(await refreshElsewhere(stolen), 'token_reused');
});

test('another site cannot do anything in the user\'s name', async (t) => {
  const { proxy, tab, context } = await loggedIn(t);
  const form = `<form method="post" action="${system.origin}/auth/logout"></form><button form="">`;
  const server = createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(form));
  await new Promise((listening) => server.listen(0, listening));
  t.after(() => server.close());
  // The first is another site; to the second, cookies of this one are sent too.
  for (const host of ['127.0.0.1', 'localhost']) {
    // A page of its own: the one before may still be on its way to the answer.
    const page = await context.newPage();
    await page.goto(`http://${host}:${server.address().port}/`);
    const [answer] = await Promise.all([
      page.waitForResponse(`${system.origin}/auth/logout`),
      page.evaluate(() => document.forms[0].submit()),
    ]);
    assert.ok([401, 403].includes(answer.status()), `${answer.status()}`);
    const sent = proxy.asked('/auth/logout').at(-1).headers.cookie ?? '';
    if (mode !== 'bearer') assert.equal(sent.includes('lk_csrf'), host === 'localhost');
    if (sent) assert.equal((await answer.json()).code, 'csrf_failed');
    assert.equal((await tab.fetch('/auth/me')).status, 200);
  }
  assert.deepEqual(await tab.told(), ['login']);
});

test('a redirect does not take a login along', async (t) => {
  // The pages' policy would not let it go either.
  const { proxy, tab } = await loggedIn(t, 1, { bypassCSP: true });
  const everything = { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Headers': '*, Authorization' };
  const other = await new Proxy(undefined, (_, response) => response.writeHead(200, everything).end()).listen();
  t.after(() => other.close());
  const { serve } = proxy;
  proxy.serve = (request, response) => {
    if (request.url !== '/away') return serve(request, response);
    return response.writeHead(302, { Location: `${other.url}/stolen` }).end();
  };
  await tab.fetch('/away');
  assert.equal(proxy.asked('/away').length, 1);
  for (const { headers } of other.requests) {
    for (const name of ['authorization', 'cookie', 'x-csrf-token']) assert.equal(headers[name], undefined);
  }
});

test('a page that comes back from the history asks what has happened meanwhile', async (t) => {
  const { tab } = await loggedIn(t);
  const asked = await tab.page.evaluate((name) => {
    const heard = new Promise((resolve) => (new BroadcastChannel(name).onmessage = ({ data }) => resolve(data.type)));
    dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }));
    return heard;
  }, `latchkey ${mode} ${system.origin}/`);
  assert.equal(asked, 'hello');
});

withCookies('a page that has lost the CSRF token gets another', async (t) => {
  const { proxy, tab, context } = await loggedIn(t);
  const [{ value }] = (await context.cookies()).filter(({ name }) => name === 'lk_csrf');
  await context.addCookies([{ name: 'lk_csrf', value: 'lost', url: system.origin, sameSite: 'Lax' }]);
  assert.equal((await tab.fetch('/api/notes', NOTE)).status, 201);
  assert.equal(proxy.asked('/auth/csrf').length, 1);
  assert.equal(await tab.page.evaluate(() => document.cookie), `lk_csrf=${value}`);
  assert.equal((await tab.fetch('/api/notes')).body.items.length, 1);
});

withCookies('whoever waits for another CSRF token may give up, and does not wait for ever', async (t) => {
  const { proxy, tab, context } = await loggedIn(t);
  await context.addCookies([{ name: 'lk_csrf', value: 'lost', url: system.origin, sameSite: 'Lax' }]);
  proxy.does('/auth/csrf', 'hold', 'hold');
  const asked = tab.page.evaluate((note) => {
    window.giveUp = new AbortController();
    return window.auth.fetch('/api/notes', { ...note, signal: window.giveUp.signal }).catch(({ name }) => name);
  }, NOTE);
  await proxy.waitFor('/auth/csrf');
  await tab.page.evaluate(() => window.giveUp.abort());
  assert.equal(await asked, 'AbortError');
  await tab.page.evaluate(() => {
    const { timeout } = AbortSignal;
    AbortSignal.timeout = () => timeout.call(AbortSignal, 100);
  });
  assert.equal((await tab.fetch('/api/notes', NOTE)).error, 'TimeoutError');
  proxy.release();
});

withCookies('a page whose CSRF cookie was deleted finds its login again', async (t) => {
  const { proxy, tab, context } = await loggedIn(t);
  const cookies = await context.cookies();
  for (const round of [1, 2]) {
    // The refresh token is enough.
    await context.clearCookies({ name: /^lk_(csrf|at)$/ });
    await tab.reload();
    await tab.page.evaluate(() => window.auth.ready);
    assert.equal((await tab.session()).mode, mode);
    assert.deepEqual(await tab.told(), ['login']);
    assert.equal((await tab.fetch('/api/notes', NOTE)).status, 201);
    assert.equal(proxy.asked('/auth/csrf').length, round);
  }
  const csrf = (all) => all.find(({ name }) => name === 'lk_csrf').value;
  assert.equal(csrf(await context.cookies()), csrf(cookies));
});

withCookies('a CSRF cookie that is deleted under a page ends no login', async (t) => {
  const { tab, context } = await loggedIn(t);
  await context.clearCookies({ name: 'lk_csrf' });
  assert.equal((await tab.fetch('/api/notes', NOTE)).status, 201);
  await context.clearCookies({ name: /^lk_(csrf|at)$/ });
  assert.equal((await tab.fetch('/api/notes')).body.items.length, 1);
  assert.ok(!(await tab.told()).includes('login_required'));
});

withCookies('a page where nobody is logged in asks once whether that is so', async (t) => {
  const [proxy, { tab }] = [await gateway(t), await browser(t)];
  const { page } = await tab();
  const session = await page.evaluate(async () => {
    await window.auth.ready;
    const { Latchkey } = await import('/latchkey.js');
    const another = new Latchkey();
    await another.ready;
    return another.session;
  });
  assert.equal(session, null);
  assert.equal(proxy.asked('/auth/csrf').length, 1);
  assert.deepEqual(await page.evaluate(() => window.told), []);
});
