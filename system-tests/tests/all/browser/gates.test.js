// What is behind nginx and knows nothing of tokens; and pages of other sites, which ask in the user's name.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { gateway, person, quit, system, visitor } from './front-end.js';

after(quit);

const MODES = ['cookie', 'session'];

for (const mode of MODES) {
  test(`a page behind the gate sends its reader to the login and back in mode ${mode}`, async (t) => {
    const proxy = await gateway(t);
    const [who, desk] = [await person(), await visitor(t)];
    await desk.page.clock.install();
    await desk.open('/protected/');
    assert.equal(desk.page.url(), `${system.origin}/?next=/protected/`);
    await desk.says('#why-out', 'to go on to /protected/');
    await desk.login(who, mode);
    await desk.page.waitForURL(`${system.origin}/protected/`);
    await desk.reads('You are in.');
    if (mode === 'cookie') {
      // The access token's time is up; the page that its reader is sent to renews it. It does so once in five seconds.
      await desk.page.clock.fastForward(6_000);
      await desk.page.context().clearCookies({ name: 'lk_at' });
      await desk.page.goto('/protected/');
      await desk.page.waitForURL(`${system.origin}/protected/`);
      assert.equal(proxy.asked('/auth/refresh').length, 1);
    }
    await desk.reads('You are in.');
    await desk.open().then(() => desk.is('in'));
    await desk.press('Log out');
    await desk.is('out');
    await desk.open('/protected/');
    assert.equal(desk.page.url(), `${system.origin}/?next=/protected/`);
  });

  test(`the guestbook knows its reader in mode ${mode}, and takes lines from its own form alone`, async (t) => {
    const proxy = await gateway(t);
    const [who, desk] = [await person(), await visitor(t, '/legacy/')];
    assert.equal(desk.page.url(), `${system.origin}/?next=/legacy/`);
    await desk.login(who, mode);
    await desk.page.waitForURL(`${system.origin}/legacy/`);
    await desk.reads(`Hello ${who.id}`);
    const line = `Hello from ${who.username}`;
    const add = async () => {
      await desk.fill({ line });
      await desk.press('Add');
    };
    await add();
    await desk.reads(`${line} — ${who.id}`);
    await desk.page.context().clearCookies({ name: 'lk_csrf' });
    await add();
    await desk.says('output', /./);
    assert.equal(await desk.page.locator('li', { hasText: line }).count(), 1);
    assert.deepEqual(proxy.asked('/legacy/').filter(({ method }) => method === 'POST').length, 2);
  });

  test(`a request without the header is refused in mode ${mode}`, async (t) => {
    await gateway(t);
    const desk = await visitor(t);
    await desk.login(await person(), mode).then(() => desk.is('in'));
    await desk.view('try');
    await desk.press('Send it');
    await desk.reads(/Refused: 403 csrf_failed/);
    await desk.press('Let a script ask');
    await desk.reads('/protected/ with your login: 200, without: 401');
    await desk.view('notes');
    await desk.reads('No notes yet');
  });
}

test('the gate stays shut for a browser whose login is in the hands of a script', async (t) => {
  await gateway(t);
  const desk = await visitor(t);
  await desk.login(await person(), 'bearer', { keep: true }).then(() => desk.is('in'));
  await desk.view('try');
  await desk.press('Send it');
  await desk.reads(/Refused: 401 invalid_token/);
  await desk.press('Let a script ask');
  await desk.reads('/protected/ with your login: 200, without: 401');
  await desk.open('/protected/');
  await desk.is('in');
  await desk.reads('a browser sends no Authorization header by itself');
  assert.equal(desk.page.url(), `${system.origin}/?next=/protected/`);
});

test('a session that was ended elsewhere is over at the gate', async (t) => {
  await gateway(t);
  const [who, desk, other] = [await person(), await visitor(t), await visitor(t)];
  for (const each of [desk, other]) await each.login(who, 'session').then(() => each.is('in'));
  await other.open('/legacy/');
  await desk.view('sessions');
  await desk.press('Log out this one');
  await desk.says('.session.gone', 'Ended.');
  const sentAway = async () => (await other.open('/legacy/')).page.url() === `${system.origin}/?next=/legacy/`;
  while (!(await sentAway()));
});

/** A page at another port of `host`. */
async function elsewhere(t, host) {
  const page = '<!doctype html><title>Elsewhere</title><form method="post"><input name="line" value="forged"></form>';
  const server = createServer((_, response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end(page));
  await new Promise((listening) => server.listen(0, listening));
  t.after(() => server.close());
  return `http://${host}:${server.address().port}/`;
}

/** What cookies alone must not do. */
const TARGETS = ['/auth/logout', '/auth/logout-all', '/auth/refresh', '/auth/login', '/api/notes', '/legacy/'];

for (const mode of MODES) {
  // The first is another site; to the second, cookies of this one are sent too.
  for (const host of ['127.0.0.1', 'localhost']) {
    test(`forms and scripts of ${host} change nothing in mode ${mode}`, async (t) => {
      const [proxy, desk] = [await gateway(t), await visitor(t)];
      await desk.login(await person(), mode).then(() => desk.is('in'));
      const before = await desk.cookies();
      const address = await elsewhere(t, host);
      const other = await desk.tab(address);
      const answered = async (path, act, body) => {
        const url = system.origin + path;
        const isIt = (answer) => answer.url() === url && answer.request().method() === 'POST';
        const answer = other.page.context().waitForEvent('response', isIt);
        await other.page.evaluate(act, [url, body]);
        assert.ok([400, 401, 403, 415].includes((await answer).status()), `${path}: ${(await answer).status()}`);
        return (await answer).status();
      };
      for (const path of TARGETS) {
        await answered(path, script, '{"title":"forged","body":""}');
        const bare = await answered(path, script);
        if (['/auth/logout', '/auth/logout-all', '/legacy/'].includes(path)) assert.equal(bare, host === 'localhost' ? 403 : 401, path);
        await answered(path, form);
        await other.page.waitForURL(system.origin + path);
        await other.open(address);
      }
      assert.deepEqual(await desk.cookies(), before);
      await proxy.waitFor('/api/whoami', proxy.asked('/api/whoami').length + 2);
      await desk.is('in');
      await desk.view('notes');
      await desk.reads('No notes yet');
      await desk.open('/legacy/');
      assert.equal(await desk.page.getByText('forged').count(), 0);
    });
  }
}

// These two run in the page.

function script([url, body]) {
  return fetch(url, { method: 'POST', mode: 'no-cors', credentials: 'include', body });
}

function form([url]) {
  document.forms[0].action = url;
  document.forms[0].submit();
}
