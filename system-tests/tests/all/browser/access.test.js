// Both pages as people use them who see little, read with the ears, or hold a phone.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, test } from 'node:test';
import { administrator, gateway, person, quit, system, visitor } from './front-end.js';

after(quit);

const { source: axe } = createRequire(`${system.packages}/`)('axe-core');

const LOOKS = {
  'a desk, in light colours': { colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  'a phone, in dark colours': { colorScheme: 'dark', viewport: { width: 390, height: 844 } },
};

/** Nothing that axe knows of is wrong, and nothing sticks out at the side. */
async function isFine(desk, state) {
  await desk.page.evaluate(axe);
  const found = await desk.page.evaluate(async () => {
    const { violations } = await window.axe.run(document, { resultTypes: ['violations'], preload: false });
    return violations.map(({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join('\n')}`);
  });
  assert.deepEqual(found, [], state);
  const [content, room] = await desk.page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(content <= room, `${state}: ${content} pixels in ${room}`);
}

for (const [look, options] of Object.entries(LOOKS)) {
  test(`the demo is fine for all at ${look}`, async (t) => {
    await gateway(t);
    const [who, desk] = [await person(), await visitor(t, '/', options)];
    await desk.is('out');
    await isFine(desk, 'login');
    await desk.page.locator('#login button.main').click();
    await isFine(desk, 'login with something missing');
    await desk.press('Register');
    await isFine(desk, 'register');
    await desk.page.locator('[data-entry="login"]').click();
    await desk.login(who, 'bearer').then(() => desk.is('in'));
    await desk.says('#pulse', 'Still you');
    await desk.reads('No notes yet');
    await isFine(desk, 'no notes');
    await desk.press('New note');
    await desk.fill({ 'note-form-title': 'A note', 'note-form-body': 'With a text' });
    await isFine(desk, 'a dialog');
    await desk.press('Write');
    await desk.says('.note', 'A note');
    await isFine(desk, 'notes and a message');
    await desk.view('sessions').then(() => desk.says('.session', 'This one'));
    await isFine(desk, 'sessions');
    for (const view of ['token', 'password', 'try']) {
      await desk.view(view);
      await isFine(desk, view);
    }
    await desk.press('Send it');
    await desk.reads(/Refused/);
    await isFine(desk, 'an experiment');
  });

  test(`the page of administrators is fine for all at ${look}`, async (t) => {
    await gateway(t);
    const [admin, desk] = [await administrator(), await visitor(t, '/admin.html', options)];
    await desk.is('out');
    await isFine(desk, 'login');
    await desk.enter(admin);
    await desk.says('#metrics-status', 'replica');
    await desk.says('#chart-logins .legend', 'Logged in');
    await isFine(desk, 'overview');
    await desk.view('users');
    await desk.fill({ 'user-search': admin.username });
    await desk.says('#users', admin.username);
    await isFine(desk, 'users');
    await desk.press(`Manage ${admin.username}`);
    await desk.says('dialog', 'Cookies');
    await isFine(desk, 'a user');
    await desk.press('Close');
    await desk.view('clients').then(() => desk.says('#clients', 'resource-service'));
    await isFine(desk, 'clients');
    await desk.press('New client');
    await isFine(desk, 'a new client');
    await desk.press('Cancel');
    await desk.view('audit').then(() => desk.says('#audit tr', admin.username));
    await isFine(desk, 'audit');
  });
}

test('the pages behind the gate are fine for all', async (t) => {
  await gateway(t);
  const desk = await visitor(t, '/protected/');
  await desk.login(await person());
  await desk.page.waitForURL(`${system.origin}/protected/`);
  await isFine(desk, 'the folder');
  await desk.open('/legacy/');
  await isFine(desk, 'the guestbook');
});
