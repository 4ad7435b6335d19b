/** The login of this page: one `Latchkey` at a time, in the mode that was picked, and what the services answer through it. */

import './wire.js';
import { Latchkey } from '../latchkey.js';
import { csrfCookie } from './modes.js';
import { Problem } from './problem.js';
import { seen } from './seen.js';

/** @typedef {import('./modes.js').Mode} Mode */
/** @typedef {{ id: string, username: string, email: string | null, roles: string[] }} User */
/** @typedef {{ username: string, password: string, newPassword?: string }} Credentials */

const CHOICE = 'latchkey-demo';

/** Fires `in` when a user is there, and `out` with `detail.reason` when none is any more. */
class Connection extends EventTarget {
  /** @type {Mode} */
  mode = 'cookie';
  /** Whether tokens are put into `sessionStorage`. */
  keep = false;
  /** @type {User | null} */
  user = null;
  /** Asks for the password once more, for what needs a recent one. @type {(() => Promise<boolean>) | null} */
  askPassword = null;
  /** @type {Latchkey | null} */
  #auth = null;
  /** Under way since a login in this tab or in another one. @type {Promise<void> | undefined} */
  #entering;

  /** Takes up what an earlier page of this tab began, where there is something. */
  async resume() {
    const choice = remembered();
    this.mode = choice.mode;
    this.keep = choice.keep;
    if (!this.#hasCookies && csrfCookie()) this.mode = 'cookie';
    const auth = this.#open();
    await auth.ready;
    if (!auth.session) return;
    try {
      if (this.#hasCookies) await this.#agree();
      await this.#enter();
    } catch (error) {
      if (Problem.from(error).status !== 401) throw error;
    }
  }

  /** @param {Mode} mode @param {boolean} keep @param {Credentials} credentials */
  async login(mode, keep, credentials) {
    this.mode = mode;
    this.keep = keep;
    localStorage.setItem(CHOICE, JSON.stringify({ mode, keep }));
    await this.#open().login(credentials);
    await this.#entering;
  }

  /** @param {{ username: string, password: string, email?: string, invite?: string }} who */
  async register(who) {
    await (this.#auth ?? this.#open()).register(who);
  }

  async logout() {
    await this.#here.logout();
  }

  async logoutEverywhere() {
    await this.#here.logoutEverywhere();
  }

  async refresh() {
    await this.#here.refresh();
  }

  /** @param {string} password */
  async reauthenticate(password) {
    await this.#here.reauthenticate(password);
  }

  /**
   * `fetch` with the login, as `latchkey.js` does it.
   * @param {string} path
   * @param {RequestInit} [init]
   */
  fetch(path, init) {
    return this.#here.fetch(path, init);
  }

  /**
   * What the service answers, or a thrown `Problem`. Asks for the password where the service wants a recent one.
   * @param {string} method
   * @param {string} path
   * @param {unknown} [body]
   * @returns {Promise<any>}
   */
  async ask(method, path, body) {
    const headers = body === undefined ? undefined : { 'Content-Type': 'application/json' };
    const init = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
    const response = await this.fetch(path, init);
    if (response.ok) return response.status === 204 ? null : response.json();
    const problem = await Problem.of(response);
    if (problem.code !== 'reauthentication_required' || !this.askPassword) throw problem;
    if (!(await this.askPassword())) throw new Problem(401, 'given_up', 'Nothing was changed, since the password was not given.');
    const again = await this.fetch(path, init);
    if (!again.ok) throw await Problem.of(again);
    return again.status === 204 ? null : again.json();
  }

  get #hasCookies() {
    return this.mode === 'cookie' || this.mode === 'session';
  }

  get #here() {
    if (!this.#auth) throw new Problem(401, 'login_required', 'Log in first');
    return this.#auth;
  }

  #open() {
    this.#auth?.close();
    const storage = this.keep && !this.#hasCookies ? sessionStorage : undefined;
    const auth = new Latchkey({ mode: this.mode, storage });
    auth.addEventListener('logout', ({ detail }) => this.#leave(detail.reason));
    auth.addEventListener('login', () => {
      this.#entering = this.#enter();
      this.#entering.catch(() => {});
    });
    this.#auth = auth;
    return auth;
  }

  async #enter() {
    const user = await this.ask('GET', '/auth/me');
    const same = this.user?.id === user.id;
    this.user = user;
    seen.look();
    if (!same) this.dispatchEvent(new Event('in'));
  }

  /** Another tab may have logged in in another way than this page last did: the session knows. */
  async #agree() {
    /** @type {{ items: import('./sessions.js').Session[] }} */
    const { items } = await this.ask('GET', '/auth/sessions');
    const mode = items.find(({ current }) => current)?.mode;
    if (!mode || mode === this.mode) return;
    this.mode = mode;
    await this.#open().ready;
  }

  /** @param {string} reason */
  #leave(reason) {
    if (!this.user) return;
    this.user = null;
    seen.forget();
    this.dispatchEvent(new CustomEvent('out', { detail: { reason } }));
  }
}

/** @returns {{ mode: Mode, keep: boolean }} */
function remembered() {
  try {
    return { mode: 'cookie', keep: false, ...JSON.parse(localStorage.getItem(CHOICE) ?? '{}') };
  } catch {
    return { mode: 'cookie', keep: false };
  }
}

export const connection = new Connection();

// Another tab may have logged in meanwhile, in a way that this one does not listen for.
document.addEventListener('visibilitychange', () => {
  if (!document.hidden && !connection.user && csrfCookie()) connection.resume().catch(() => {});
});
