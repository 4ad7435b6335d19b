// The demo, as somebody uses it who tries all of it.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { advance, gateway, person, quit, visitor } from './front-end.js';

after(quit);

const TOKEN = /eyJ|lks_/;

/** Which cookies each mode sets, and whether scripts are kept from them. */
const COOKIES = {
  cookie: { lk_at: true, lk_csrf: false, lk_rt: true },
  session: { lk_csrf: false, lk_sid: true },
  bearer: {},
  access_only: {},
};

for (const [mode, cookies] of Object.entries(COOKIES)) {
  test(`a login in mode ${mode} leaves in the browser what the page says`, async (t) => {
    await gateway(t);
    const [who, desk] = [await person(), await visitor(t)];
    await desk.login(who, mode).then(() => desk.is('in'));
    await desk.says('#pulse', 'Still you');
    await desk.says('#hello', who.username);
    assert.deepEqual(await desk.cookies(), cookies);
    assert.doesNotMatch(await desk.storage(), TOKEN);
    const zone = (name) => desk.page.locator(`.zone.${name} strong`).allTextContents();
    const [open, shut] = [true, false].map((httpOnly) => Object.keys(cookies).filter((name) => cookies[name] !== httpOnly));
    assert.deepEqual((await zone('browser')).sort(), shut);
    if (open.length > 0) assert.deepEqual(await zone('script'), open);
    else assert.ok((await zone('script')).includes('Access token'));
    await desk.page.reload();
    await desk.is(open.length > 0 ? 'in' : 'out');
  });
}

test('tokens that are to be kept survive a reload, where every script finds them', async (t) => {
  await gateway(t);
  const desk = await visitor(t);
  await desk.login(await person(), 'bearer', { keep: true }).then(() => desk.is('in'));
  await desk.page.reload();
  await desk.is('in');
  assert.match(await desk.storage(), TOKEN);
  await desk.press('Log out');
  await desk.is('out');
  assert.doesNotMatch(await desk.storage(), TOKEN);
});

for (const mode of ['cookie', 'bearer']) {
  test(`five tabs refresh at once in mode ${mode}`, async (t) => {
    const [proxy, desk] = [await gateway(t), await visitor(t)];
    await desk.login(await person(), mode).then(() => desk.is('in'));
    const others = await Promise.all([1, 2, 3, 4].map(() => desk.tab()));
    const tabs = [desk, ...others];
    await Promise.all(tabs.map((tab) => tab.says('#pulse', 'Still you')));
    for (const round of [1, 2]) {
      const beats = proxy.asked('/api/whoami').length;
      await advance(920);
      await proxy.waitFor('/auth/refresh', round);
      await proxy.waitFor('/api/whoami', beats + 3 * tabs.length);
      await Promise.all(tabs.map((tab) => tab.says('#pulse', 'Still you')));
      assert.equal(proxy.asked('/auth/refresh').length, round);
    }
    for (const tab of tabs) await tab.is('in');
  });
}

test('a reload in the middle of a refresh loses nothing', async (t) => {
  const [proxy, desk] = [await gateway(t), await visitor(t)];
  await desk.login(await person()).then(() => desk.is('in'));
  for (const round of [1, 2]) {
    await advance(920);
    proxy.does('/auth/refresh', 'hold');
    await proxy.waitFor('/auth/refresh', 2 * round - 1);
    await desk.page.reload({ waitUntil: 'commit' });
    await proxy.waitFor('/auth/refresh', 2 * round);
    proxy.release();
    await desk.is('in');
    await desk.says('#pulse', 'Still you');
  }
});

test('who is offline stays logged in, and goes on when online', async (t) => {
  await gateway(t);
  const desk = await visitor(t);
  await desk.login(await person()).then(() => desk.is('in'));
  await desk.page.context().setOffline(true);
  await desk.says('#pulse', 'No answer');
  await desk.page.context().setOffline(false);
  await desk.says('#pulse', 'Still you');
});

test('a logout shows in all tabs', async (t) => {
  await gateway(t);
  const desk = await visitor(t);
  await desk.login(await person(), 'session').then(() => desk.is('in'));
  const tabs = [desk, await desk.tab(), await desk.tab('/admin.html')];
  await tabs[1].is('in');
  await tabs[2].is('refused');
  await tabs[1].press('Log out');
  await Promise.all(tabs.map((tab) => tab.is('out')));
  assert.deepEqual(await desk.cookies(), {});
});

test('another tab may log in in another way', async (t) => {
  await gateway(t);
  const [one, other, desk] = [await person(), await person(), await visitor(t)];
  await desk.login(one, 'cookie').then(() => desk.is('in'));
  await desk.press('Log out');
  const tab = await desk.tab();
  await tab.login(other, 'session').then(() => tab.is('in'));
  await desk.page.reload();
  await desk.says('#hello', other.username);
  assert.deepEqual(await desk.cookies(), COOKIES.session);
});

test('who registers hears what is wrong, and is logged in at last', async (t) => {
  await gateway(t);
  const [taken, desk] = [await person(), await visitor(t)];
  await desk.is('out');
  await desk.press('Register');
  await desk.fill({ 'register-username': 'a', 'register-password': 'walnut-harbor-quill-7-lantern' });
  await desk.says('.meter[data-score="4"]', 'Looks strong');
  await desk.press('Register and log in');
  await desk.says('#register-username-wrong', /./);
  await desk.fill({ 'register-username': taken.username });
  await desk.press('Register and log in');
  await desk.reads(/taken/);
  await desk.fill({ 'register-username': `new-${crypto.randomUUID().slice(0, 8)}`, 'register-password': 'password1234' });
  await desk.press('Register and log in');
  await desk.says('#register-wrong, #register-password-wrong', /./);
  await desk.fill({ 'register-password': 'walnut-harbor-quill-7-lantern' });
  await desk.press('Register and log in');
  await desk.is('in');
});

test('a wrong password says so, and lets nobody in', async (t) => {
  await gateway(t);
  const [who, desk] = [await person(), await visitor(t)];
  await desk.login({ ...who, password: 'plum-anvil-tundra-8' });
  await desk.says('#login-wrong', /password/i);
  assert.deepEqual(await desk.cookies(), {});
});

test('the token shown is the one that was sent', async (t) => {
  const [proxy, desk] = [await gateway(t), await visitor(t)];
  await desk.login(await person(), 'access_only').then(() => desk.is('in'));
  await desk.view('token');
  const shown = await desk.page.locator('#token .raw').textContent();
  assert.equal(proxy.asked('/api/whoami').at(-1).headers.authorization, `Bearer ${shown}`);
});
