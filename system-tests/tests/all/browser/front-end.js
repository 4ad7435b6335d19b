// People at the pages of the front end. What they see is waited for, never slept for.

import { browser } from './harness.js';

export * from './harness.js';

/** One tab of somebody's browser. */
export class Desk {
  constructor(page) {
    this.page = page;
  }

  async open(path = '/') {
    await this.page.goto(path);
    return this;
  }

  /** Another tab of the same browser. */
  async tab(path) {
    return new Desk(await this.page.context().newPage()).open(path);
  }

  /** Waits until the page shows the one of its states: `in`, `out` or `refused`. */
  async is(state) {
    await this.page.locator(`body[data-state="${state}"]`).waitFor();
    return this;
  }

  async login({ username, password }, mode = 'cookie', { keep = false } = {}) {
    await this.is('out');
    await this.page.locator('.mode', { has: this.page.locator(`[value="${mode}"]`) }).click();
    if (keep) await this.page.locator('[name="keep"]').check();
    await this.fill({ 'login-username': username, 'login-password': password });
    await this.page.locator('#login-password').press('Enter');
    return this;
  }

  /** At the page of administrators. */
  async enter({ username, password }, mode = 'cookie') {
    await this.is('out');
    await this.page.locator('#login-mode').selectOption(mode);
    await this.fill({ 'login-username': username, 'login-password': password });
    await this.page.locator('#login-password').press('Enter');
    return this.is('in');
  }

  async view(name) {
    await this.page.locator(`.views a[href="#/${name}"]`).click();
    await this.page.locator(`#view-${name}`).waitFor();
    return this;
  }

  /** Fields by their ids. */
  async fill(fields) {
    for (const [id, text] of Object.entries(fields)) await this.page.locator(`#${id}`).fill(text);
  }

  /** Presses a button, or a link, in the dialog that is open, or else on the page. */
  async press(name) {
    const dialog = this.page.locator('dialog[open]').last();
    const place = (await dialog.count()) > 0 ? dialog : this.page.locator('body');
    await place.getByRole('button', { name, exact: typeof name === 'string' }).click();
  }

  /** Waits until a text is to be seen. */
  async reads(text, where = 'body') {
    await this.page.locator(where).getByText(text).locator('visible=true').first().waitFor();
  }

  /** Waits until a part of the page says that. */
  async says(where, text) {
    await this.page.locator(where, { hasText: text }).locator('visible=true').first().waitFor();
  }

  /** Names of cookies that go to `/auth`, and whether scripts are kept from them. */
  async cookies() {
    const cookies = await this.page.context().cookies(new URL('/auth', this.page.url()).href);
    return Object.fromEntries(cookies.map(({ name, httpOnly }) => [name, httpOnly]).sort());
  }

  storage() {
    return this.page.evaluate(() => JSON.stringify([localStorage, sessionStorage]));
  }
}

/** Somebody with a browser of their own, at a page. */
export async function visitor(t, path = '/', options = {}) {
  const { context } = await browser(t, undefined, { reducedMotion: 'reduce', ...options });
  return new Desk(await context.newPage()).open(path);
}
