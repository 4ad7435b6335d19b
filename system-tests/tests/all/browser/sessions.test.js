// Logins that end: from another device, with a new password, and because somebody had a copy.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { advance, gateway, person, quit, system, visitor } from './front-end.js';

after(quit);

const MODES = ['cookie', 'session', 'bearer', 'access_only'];

for (const mode of MODES) {
  test(`a login in mode ${mode} is ended from another device`, async (t) => {
    await gateway(t);
    const [who, desk, other] = [await person(), await visitor(t), await visitor(t)];
    await desk.login(who, 'cookie').then(() => desk.is('in'));
    await other.login(who, mode).then(() => other.is('in'));
    await other.says('#pulse', 'Still you');
    await desk.view('sessions');
    await desk.says('.session.this', 'This one');
    await desk.press('Log out this one');
    await other.is('out');
    await other.says('#why-out', 'This session is over');
    await desk.says('.session.gone', 'Ended.');
    await desk.is('in');
    assert.equal(await desk.page.locator('.session').count(), 2);
  });
}

test('a logout everywhere is one on all devices', async (t) => {
  await gateway(t);
  const [who, desk] = [await person(), await visitor(t)];
  const others = await Promise.all(MODES.map(() => visitor(t)));
  await desk.login(who, 'session').then(() => desk.is('in'));
  for (const [index, other] of others.entries()) await other.login(who, MODES[index]).then(() => other.is('in'));
  await desk.press('Log out everywhere');
  await desk.press('Keep');
  await desk.is('in');
  await desk.press('Log out everywhere');
  await desk.press('Log out everywhere');
  await Promise.all([desk, ...others].map((each) => each.is('out')));
});

for (const mode of ['cookie', 'session']) {
  test(`a new password in mode ${mode} is judged by the server, and ends the other sessions`, async (t) => {
    await gateway(t);
    const [who, desk, other] = [await person(), await visitor(t), await visitor(t)];
    for (const each of [desk, other]) await each.login(who, mode).then(() => each.is('in'));
    await desk.view('password');
    await desk.fill({ 'password-current_password': who.password, 'password-new_password': `${who.username}1` });
    await desk.press('Change the password');
    await desk.says('#password-new_password-wrong, #password-wrong', /./);
    await other.is('in');
    await desk.fill({ 'password-current_password': 'not-this-one-7', 'password-new_password': 'walnut-harbor-quill-7' });
    await desk.press('Change the password');
    await desk.says('#password-wrong, #password-current_password-wrong', /./);
    await desk.fill({ 'password-current_password': who.password });
    await desk.press('Change the password');
    await desk.reads('Your other sessions are over');
    await other.is('out');
    await desk.page.reload();
    await desk.is('in');
    await other.login({ ...who, password: 'walnut-harbor-quill-7' }, mode).then(() => other.is('in'));
  });
}

test('a stolen refresh token ends the login of both, and the owner is told why', async (t) => {
  const [proxy, desk] = [await gateway(t), await visitor(t)];
  await desk.page.clock.install();
  await desk.open();
  await desk.login(await person(), 'bearer').then(() => desk.is('in'));
  await desk.view('try');
  await desk.press('Steal my refresh token');
  await desk.reads('younger than the hold');
  await advance(61);
  await desk.page.clock.fastForward(6_000);
  await desk.is('out');
  await desk.says('#why-out', 'somebody else held a copy of yours');
  const thief = proxy.asked('/auth/refresh').at(-2);
  const headers = { 'Content-Type': 'application/json' };
  const again = await fetch(`${system.auth}/auth/refresh`, { method: 'POST', headers, body: thief.body });
  assert.equal((await again.json()).code, 'token_reused');
  assert.notEqual(proxy.asked('/auth/refresh').at(-1).body, thief.body);
});

for (const mode of ['cookie', 'bearer']) {
  test(`five refreshes at once are all as good in mode ${mode}`, async (t) => {
    await gateway(t);
    const desk = await visitor(t);
    await desk.login(await person(), mode).then(() => desk.is('in'));
    await desk.view('try');
    await desk.press('Refresh ×5');
    await desk.reads('All 5 were answered 200');
    await advance(920);
    await desk.press('Refresh ×5');
    await desk.page.locator('.out li', { hasText: 'All 5 were answered 200' }).nth(1).waitFor();
    await desk.is('in');
  });
}
