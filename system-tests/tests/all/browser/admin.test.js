// The page of administrators.

import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { administrator, advance, gateway, person, quit, system, visitor } from './front-end.js';

after(quit);

/** An administrator at a view of the page. */
async function atWork(t, view = 'users', mode = 'cookie') {
  const [proxy, admin] = [await gateway(t), await administrator()];
  const desk = await visitor(t, '/admin.html');
  await desk.enter(admin, mode);
  if (view !== 'overview') await desk.view(view);
  return { proxy, admin, desk };
}

/** Opens the dialog about a user. */
async function manage(desk, { username }) {
  await desk.fill({ 'user-search': username });
  await desk.page.locator('#users tbody tr').nth(1).waitFor({ state: 'detached' });
  await desk.press(`Manage ${username}`);
  await desk.page.locator('dialog[open]').waitFor();
}

test('the page is for administrators', async (t) => {
  await gateway(t);
  const [who, desk] = [await person(), await visitor(t, '/admin.html')];
  await desk.is('out');
  await desk.fill({ 'login-username': who.username, 'login-password': who.password });
  await desk.page.locator('#login-password').press('Enter');
  await desk.is('refused');
  await desk.says('#refused-name', who.username);
  await desk.press('Log out');
  await desk.is('out');
});

test('a user who is disabled is out at once, and in again when enabled', async (t) => {
  const { desk } = await atWork(t);
  const [who, other] = [await person(), await visitor(t)];
  await other.login(who, 'bearer').then(() => other.is('in'));
  await manage(desk, who);
  await desk.says('dialog .plain', 'Bearer');
  await desk.press('Disable');
  await desk.reads('Disabled: all sessions are over.');
  await desk.says('dialog', 'Not logged in anywhere.');
  await other.is('out');
  await other.login(who, 'bearer');
  await other.says('#login-wrong', /./);
  await desk.press('Enable');
  await desk.reads('Enabled.');
  await desk.press('Close');
  await desk.says('#users tr', 'Active');
  await other.login(who, 'bearer').then(() => other.is('in'));
});

for (const mode of ['session', 'access_only']) {
  test(`an administrator in mode ${mode} ends the sessions of a user`, async (t) => {
    const { desk } = await atWork(t, 'users', mode);
    const [who, other] = [await person(), await visitor(t)];
    await other.login(who).then(() => other.is('in'));
    await manage(desk, who);
    await desk.press('End all sessions');
    await desk.reads('All sessions are over.');
    await other.is('out');
    await other.says('#why-out', 'This session is over');
  });
}

test('a role counts from the next token on', async (t) => {
  const { desk } = await atWork(t);
  const [who, other] = [await person(), await visitor(t, '/admin.html')];
  await manage(desk, who);
  await desk.fill({ 'roles-form-roles': 'admin editor' });
  await desk.press('Save the roles');
  await desk.reads('The roles are changed');
  await desk.press('Close');
  await desk.says('#users tr', 'editor');
  await other.enter(who);
});

test('a temporary password is shown once and has to be replaced', async (t) => {
  const { desk } = await atWork(t);
  const [who, other] = [await person(), await visitor(t)];
  await manage(desk, who);
  await desk.press('Temporary password…');
  await desk.press('Give it');
  const password = await desk.page.locator('.secret').textContent();
  await desk.press('I have kept it');
  await desk.page.locator('.secret').waitFor({ state: 'detached' });
  await other.login({ ...who, password });
  await other.says('#login-wrong', 'choose a new one');
  await other.fill({ 'login-new_password': 'walnut-harbor-quill-7' });
  await other.page.locator('#login button.main').click();
  await other.is('in');
});

test('a user who is deleted is gone', async (t) => {
  const { desk } = await atWork(t);
  const [who, other] = [await person(), await visitor(t)];
  await other.login(who).then(() => other.is('in'));
  await manage(desk, who);
  await desk.press('Delete…');
  await desk.press('Delete');
  await desk.reads(`${who.username} is deleted.`);
  await other.is('out');
  await desk.reads('No user has a name that begins so.');
});

/** What a client gets for its secret. */
async function asClient(id, secret) {
  const headers = { Authorization: `Basic ${btoa(`${id}:${secret}`)}` };
  const body = new URLSearchParams({ grant_type: 'client_credentials' });
  const answer = await fetch(`${system.auth}/oauth/token`, { method: 'POST', headers, body });
  return answer.status;
}

test('a secret of a client is shown once and works; a disabled client gets nothing', async (t) => {
  const { desk } = await atWork(t, 'clients');
  const id = `billing-${crypto.randomUUID().slice(0, 6)}`;
  const secretShown = async () => {
    const secret = await desk.page.locator('.secret').textContent();
    await desk.press('I have kept it');
    await desk.page.locator('dialog').waitFor({ state: 'detached' });
    return secret;
  };
  await desk.press('New client');
  await desk.fill({ 'client-form-client_id': 'Not a name' });
  await desk.press('Add');
  await desk.says('#client-form-client_id-wrong, #client-form-wrong', /./);
  await desk.fill({ 'client-form-client_id': id, 'client-form-scopes': 'notes:read', 'client-form-audiences': 'resource-service' });
  await desk.press('Add');
  const first = await secretShown();
  assert.equal(await asClient(id, first), 200);
  await desk.says('#clients tr', id);
  await desk.press(`New secret ${id}`);
  await desk.press('Make it');
  const second = await secretShown();
  assert.notEqual(second, first);
  assert.deepEqual([await asClient(id, first), await asClient(id, second)], [200, 200]);
  assert.doesNotMatch(await desk.page.content(), new RegExp(`${first}|${second}`));
  await desk.press(`Disable ${id}`);
  await desk.says('#clients tr', 'Disabled');
  assert.equal(await asClient(id, second), 401);
  await desk.press(`Enable ${id}`);
  await desk.reads(`${id} may get tokens again.`);
  assert.equal(await asClient(id, second), 200);
});

test('what happened is on record, and found by kind and by user', async (t) => {
  const { desk, admin } = await atWork(t);
  const who = await person();
  await desk.view('audit');
  await desk.says('#audit tr', 'Login');
  await desk.says('#audit tr', admin.username);
  await desk.fill({ 'audit-user': who.username });
  await desk.page.locator('#audit-kind').selectOption('registered');
  await desk.page.locator('#audit tbody tr').nth(1).waitFor({ state: 'detached' });
  await desk.says('#audit tr', who.username);
  await desk.fill({ 'audit-user': 'nobody-of-that-name' });
  await desk.press('Show');
  await desk.reads('There is no user nobody-of-that-name.');
});

test('logins are in the chart and in its table; keys are listed', async (t) => {
  const { desk } = await atWork(t, 'overview');
  await desk.says('#metrics-status', '1 replica');
  const [who, other] = [await person(), await visitor(t)];
  await other.login({ ...who, password: 'plum-anvil-tundra-8' });
  await other.says('#login-wrong', /./);
  await desk.says('#chart-logins .legend', 'Wrong name or password');
  await desk.page.locator('#chart-logins rect').first().waitFor();
  await desk.page.locator('#chart-logins summary').click();
  await desk.says('#chart-logins table', 'Wrong name or password');
  await desk.says('#keys', /./);
});

test('what changes something asks for a recent password', async (t) => {
  const { desk } = await atWork(t);
  const who = await person();
  await manage(desk, who);
  await advance(920);
  await desk.press('Disable');
  await desk.reads('Your password, please');
  await desk.press('Cancel');
  await desk.reads('Nothing was changed, since the password was not given.');
  await desk.press('Disable');
  await desk.fill({ 'again-password': 'plum-anvil-tundra-8' });
  await desk.press('Go on');
  await desk.says('#again-password-wrong, #again-wrong', /./);
  await desk.fill({ 'again-password': who.password });
  await desk.press('Go on');
  await desk.reads('Disabled: all sessions are over.');
});
