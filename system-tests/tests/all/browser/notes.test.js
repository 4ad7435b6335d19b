// Notes, with the mouse and without.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { gateway, person, quit, visitor } from './front-end.js';

after(quit);

/** A note by its title. */
function note(desk, title) {
  return desk.page.locator('.note', { hasText: title });
}

async function write(desk, title, body) {
  await desk.press('New note');
  await desk.fill({ 'note-form-title': title, 'note-form-body': body });
  await desk.press('Write');
  await note(desk, title).waitFor();
}

for (const mode of ['cookie', 'session', 'bearer']) {
  test(`notes are written, changed, found and deleted in mode ${mode}`, async (t) => {
    await gateway(t);
    const desk = await visitor(t);
    await desk.login(await person(), mode).then(() => desk.is('in'));
    await desk.reads('No notes yet');
    await write(desk, 'Groceries', 'Bread and salt');
    await write(desk, '<img src=x onerror=alert(1)>', '<script>alert(1)</script>');
    await desk.says('#notes-count', '2 notes');
    await desk.fill({ 'note-search': 'SALT' });
    await desk.says('#notes-count', '1 of 2 notes');
    assert.equal(await desk.page.locator('mark').textContent(), 'salt');
    await desk.press('Edit “Groceries”');
    await desk.fill({ 'note-form-body': 'Bread and honey' });
    await desk.press('Save');
    await desk.says('#notes-count', '0 of 2 notes');
    await desk.fill({ 'note-search': '' });
    await note(desk, 'Bread and honey').waitFor();
    await desk.press('Delete “Groceries”');
    await desk.press('Delete');
    await note(desk, 'Groceries').waitFor({ state: 'detached' });
    await desk.says('#notes-count', '1 note');
  });
}

test('a note without a title says what is missing', async (t) => {
  await gateway(t);
  const desk = await visitor(t);
  await desk.login(await person()).then(() => desk.is('in'));
  await desk.press('New note');
  await desk.press('Write');
  await desk.says('#note-form-title-wrong', 'This is missing.');
  await desk.fill({ 'note-form-title': 'x'.repeat(200), 'note-form-body': 'y'.repeat(70_000) });
  await desk.press('Write');
  await desk.says('#note-form-body-wrong, #note-form-wrong', /./);
});

test('a shared note is read by the other, until it is not shared any more', async (t) => {
  await gateway(t);
  const [ada, bob] = [await person(), await person()];
  const [desk, other] = [await visitor(t), await visitor(t)];
  await desk.login(ada).then(() => desk.is('in'));
  await other.login(bob, 'session').then(() => other.is('in'));
  await write(desk, 'For two', 'Both may read it');
  await desk.press('Share “For two”');
  await desk.fill({ 'share-form-username': `nobody-${bob.username}`.slice(0, 32) });
  await desk.press('Share');
  await desk.says('#share-form-username-wrong, #share-form-wrong', /./);
  await desk.fill({ 'share-form-username': bob.username });
  await desk.press('Share');
  await desk.says('.readers', bob.username);
  await other.press('Shared with me');
  await other.press('Read “For two”');
  await other.says('dialog', 'Both may read it');
  await other.press('Close');
  await desk.press(`Stop sharing with ${bob.username}`);
  await desk.says('.readers', 'Nobody but you can read it.');
  await other.press('Mine');
  await other.press('Shared with me');
  await other.reads('Nobody shares a note with you yet');
});

/** Goes from field to field with the tab key until the one that is wanted has the focus. */
async function tabTo(desk, selector) {
  for (let steps = 0; steps < 60; steps += 1) {
    if (await desk.page.evaluate((selector) => document.activeElement?.matches(selector), selector)) return;
    await desk.page.keyboard.press('Tab');
  }
  assert.fail(`The tab key does not lead to ${selector}`);
}

test('a login and a note take no mouse', async (t) => {
  await gateway(t);
  const [who, desk] = [await person(), await visitor(t)];
  const { keyboard } = desk.page;
  await desk.is('out');
  await tabTo(desk, '.skip');
  await tabTo(desk, '#modes input:checked');
  await keyboard.press('ArrowRight');
  await desk.page.locator('#modes [value="session"]:checked').waitFor();
  await tabTo(desk, '#login-username');
  await keyboard.type(who.username);
  await tabTo(desk, '#login-password');
  await keyboard.type(who.password);
  await keyboard.press('Enter');
  await desk.is('in');
  assert.deepEqual(await desk.cookies(), { lk_csrf: false, lk_sid: true });
  assert.equal(await desk.page.evaluate(() => document.activeElement.id), 'hello');
  await tabTo(desk, '#note-add');
  await keyboard.press('Enter');
  await tabTo(desk, '#note-form-title');
  await keyboard.type('By keys');
  await keyboard.press('Tab');
  await keyboard.type('No mouse was moved.');
  await tabTo(desk, 'dialog .button.main');
  await keyboard.press('Space');
  await note(desk, 'By keys').waitFor();
  assert.equal(await desk.page.evaluate(() => document.activeElement.id), 'note-add', 'the focus is back where it was');
  await tabTo(desk, '#note-add');
  await keyboard.press('Enter');
  await desk.page.locator('dialog[open]').waitFor();
  await keyboard.press('Escape');
  await desk.page.locator('dialog').waitFor({ state: 'detached' });
});
