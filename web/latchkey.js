/**
 * Logs a page in at Latchkey, keeps it logged in, and sends its requests. `README.md` beside this file shows how.
 *
 * @module
 */

/** @typedef {'cookie' | 'session' | 'bearer' | 'access_only'} Mode */

/**
 * @typedef {object} Options
 * @property {string} [baseUrl] Where Latchkey's gateway is: the page's own origin unless said otherwise.
 * @property {Mode} [mode] `cookie` unless said otherwise.
 * @property {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} [storage] Where the modes with tokens keep them:
 *   nowhere but in memory unless said otherwise.
 */

/**
 * What is known of the login.
 *
 * @typedef {object} Session
 * @property {Mode} mode
 * @property {string | null} scope Words divided by spaces; null until an answer has told.
 * @property {number | null} expiresAt When the access token (in mode `session`: the login) ends, on the clock of
 *   `performance.now()`, which no change of the date moves; null until an answer has told.
 */

/** @typedef {'logged_out' | 'login_required' | 'token_reused'} Reason */

/** @typedef {{login: Session, refresh: Session, logout: {reason: Reason}}} Details What an event's `detail` is. */

/**
 * `id` tells logins apart. With cookies it is the CSRF token, which belongs to one login; else a number, the higher the
 * newer the login. `was` is what it was before the secret behind CSRF tokens was changed. `turn` counts the answers
 * since.
 *
 * @typedef {{id: string | number, was?: string | number, turn: number, scope: string | null, access?: string,
 *   refresh?: string}} Kept
 * @typedef {Kept & {expiresAt: number | null, renewAt: number, text?: string}} Login
 * @typedef {{access_token?: string, refresh_token?: string, csrf_token?: string, expires_in: number,
 *   scope: string}} Answer
 * @typedef {{type: 'hello'}
 *   | {type: 'known' | 'login' | 'refresh', kept: Kept, expiresIn: number | null}
 *   | {type: 'logout', id: string | number, reason: Reason}} Message What tabs say to each other.
 */

// Times are in milliseconds.
/** How often a request that may be repeated is sent. */
const ATTEMPTS = 5;
/** For an answer to it: longer than gateway and services take. */
const PATIENCE = 15_000;
/** Doubled after each attempt. */
const FIRST_PAUSE = 500;
/** Whoever is told to come back later than this is told so, and does not wait. */
const LONGEST_PAUSE = 30_000;
/** A token is renewed when a tenth of its life is left, or this much. */
const MARGIN = 30_000;
/** For a word from another tab. */
const MOMENT = 100;

/** The answers to a credential that is no good. `missing_token`: a cookie's time was up. */
const LOGIN_IS_OVER = ['login_required', 'token_reused', 'invalid_token', 'token_expired', 'missing_token'];

/** What may be asked in the name of whoever is logged in by now. */
const HARMLESS = ['GET', 'HEAD'];

/** Whether this page has asked for the CSRF cookie that it did not find. */
let hasAsked = false;

/** An answer that refuses what was asked. */
export class LatchkeyError extends Error {
  /**
   * @param {number} status
   * @param {{code?: string, detail?: string, errors?: {field: string, detail: string}[]}} problem RFC 9457
   * @param {number} retryAfter In seconds; 0 where the answer names none.
   */
  constructor(status, problem, retryAfter) {
    super(problem.detail ?? `The answer was ${status}`);
    this.name = 'LatchkeyError';
    this.status = status;
    /** The word for the reason, which does not change: `wrong_password`, `weak_password`, … */
    this.code = problem.code ?? '';
    this.problem = problem;
    this.retryAfter = retryAfter;
  }
}

/** Tells of `login`, `refresh` and `logout`, in whichever tab they happen. */
export class Latchkey extends EventTarget {
  #base;
  #mode;
  #storage;
  #name;
  /** All modes share the cookies. */
  #lock;
  #channel;
  /** @type {Login | null} The last one this tab has heard of; whether it is still there, `#know` knows. */
  #login = null;
  /** @type {string | number | undefined} The login that the page knows of. */
  #told;
  /** @type {Promise<void> | undefined} */
  #refreshing;

  /** @param {Options} [options] */
  constructor({ baseUrl = '', mode = 'cookie', storage } = {}) {
    super();
    const page = globalThis.location?.href;
    this.#base = new URL(baseUrl || '/', page);
    this.#mode = mode;
    if (this.#hasCookies && this.#base.origin !== location.origin) {
      throw new TypeError(`Mode ${mode} is for the page's own origin`);
    }
    this.#storage = this.#hasCookies ? undefined : storage;
    this.#name = `latchkey ${mode} ${this.#base}`;
    this.#lock = `latchkey ${this.#base}`;
    this.#channel = new BroadcastChannel(this.#name);
    this.#channel.onmessage = ({ data }) => this.#hear(data);
    globalThis.addEventListener?.('pageshow', this.#wake);
    this.#login = this.#know();
    this.#told = this.#login?.id;
    /** Resolves once whoever may know of a login has had time to tell. Everything below waits for it by itself. */
    this.ready = Promise.all([this.#ask(), this.#recover()]).then(() => {});
  }

  /** @returns {Session | null} Null where nobody is logged in. */
  get session() {
    const login = this.#know();
    return login && { mode: this.#mode, scope: login.scope, expiresAt: login.expiresAt };
  }

  /** @param {{username: string, password: string, newPassword?: string}} who */
  async login({ username, password, newPassword }) {
    await this.ready;
    const body = { username, password, new_password: newPassword, mode: this.#mode };
    const login = async () => {
      const answer = await accepted(this.#send('/auth/login', { ...post(body), signal: limited() }, null));
      this.#take('login', answer, Math.max(Date.now(), Number(this.#login?.id) + 1 || 0) + Math.random());
    };
    if (this.#hasCookies) {
      // A renewal that is answered later would put back the cookies of the login before.
      if (!locks()) await this.#refreshing?.catch(() => {});
      await this.#alone(null, login);
    } else {
      await login();
    }
    return this.session;
  }

  /** @param {{username: string, password: string, email?: string, invite?: string}} who */
  register(who) {
    return accepted(this.#send('/auth/register', post(who), null));
  }

  /** Ends this login, in all tabs. Where that cannot be done it rejects, and the login goes on. */
  async logout() {
    await this.ready;
    const login = this.#know();
    if (!login) return;
    try {
      await persistently(() => this.#alone(login, () => this.#present('/auth/logout', this.#know() ?? login)));
    } catch (error) {
      if (!isOver(error)) throw error;
    }
    this.#end(login.id, 'logged_out');
  }

  /** Ends all logins of the user, on all devices. */
  async logoutEverywhere() {
    await accepted(this.fetch('/auth/logout-all', post()));
    await this.logout();
  }

  /**
   * For what asks for a recent password: 401 `reauthentication_required`.
   *
   * @param {string} password
   */
  async reauthenticate(password) {
    await this.ready;
    const id = this.#know()?.id ?? '';
    this.#take('refresh', await accepted(this.fetch('/auth/reauth', post({ password }))), id);
    return this.session;
  }

  /** Renews the access token, where the mode has one to renew. `fetch` does so by itself. */
  async refresh() {
    await this.ready;
    const login = this.#know();
    if (login && this.#renews) await this.#refresh(login);
    return this.session;
  }

  /**
   * The platform's `fetch`, with the login. Addresses are relative to `baseUrl`; those at another origin are refused. A
   * request is sent again only after an answer that says that nothing was done; and if somebody else has logged in
   * meanwhile, only where it changes nothing.
   *
   * @param {string | URL | Request} input
   * @param {RequestInit} [init]
   */
  async fetch(input, init = {}) {
    const { method, signal } = manner(input, init);
    if (!this.#hasCookies || !this.#know()) await unlessAborted(this.ready, signal);
    let login = this.#know();
    if (login && this.#renews && performance.now() >= login.renewAt) {
      const renewed = this.#refresh(login);
      // A token that is still good does not wait for its successor.
      if (performance.now() < Number(login.expiresAt)) renewed.catch(() => {});
      else await unlessAborted(renewed, signal);
      login = this.#successor(login, method) ?? login;
    }
    const response = await this.#send(input, init, login);
    if (response.status !== 401 || (await problem(response)).code === 'reauthentication_required') return response;
    const lost = login ? null : this.#login;
    // What this tab took for a login has no cookie any more: its time was up, or a script has deleted it.
    if (lost && (await this.#isOver(signal))) this.#end(lost.id, 'login_required');
    login ??= lost && this.#successor(lost, method);
    if (!login) return response;
    if (this.#renews) await unlessAborted(this.#refresh(login), signal);
    // In mode `session` the cookie may have been renewed just now.
    const again = this.#mode !== 'access_only' && isRepeatable(init) ? this.#successor(login, method) : null;
    const last = again ? await this.#send(input, init, again) : response;
    const isRefused = last.status === 401 && LOGIN_IS_OVER.includes((await problem(last)).code);
    if (!this.#renews && isRefused && (await this.#isOver(signal))) this.#end(login.id, 'login_required');
    return last;
  }

  /** Hears nothing of other tabs any more. */
  close() {
    this.#channel.close();
    globalThis.removeEventListener?.('pageshow', this.#wake);
  }

  /**
   * @template {keyof Details} T
   * @param {T} type
   * @param {((event: CustomEvent<Details[T]>) => void) | EventListenerObject | null} listener
   * @param {AddEventListenerOptions | boolean} [options]
   */
  addEventListener(type, listener, options) {
    super.addEventListener(type, /** @type {EventListenerOrEventListenerObject | null} */ (listener), options);
  }

  get #hasCookies() {
    return this.#mode === 'cookie' || this.#mode === 'session';
  }

  get #renews() {
    return this.#mode === 'cookie' || this.#mode === 'bearer';
  }

  /** The login as it is right now: cookies and storage are the other tabs' as well. */
  #know() {
    if (this.#hasCookies) {
      const id = csrfCookie();
      if (!id) return null;
      if (this.#login?.id !== id) this.#login = { id, turn: 0, scope: null, ...ending(null) };
    } else if (this.#storage) {
      const text = this.#storage.getItem(this.#name);
      if (!text) return null;
      if (this.#login?.text !== text) this.#login = { ...JSON.parse(text), ...ending(null), text };
    }
    return this.#login;
  }

  /**
   * The login that a request begun with `login` goes on with.
   *
   * @param {Login} login
   * @param {string} method
   */
  #successor(login, method) {
    const now = this.#know();
    return now && (isOf(now, login.id) || HARMLESS.includes(method)) ? now : null;
  }

  /**
   * One request with the credential of `login`. With cookies, a CSRF token that is refused is asked for anew.
   *
   * @param {string | URL | Request} input
   * @param {RequestInit} init
   */
  async #send(input, init, login = this.#know()) {
    const [begun, { method, signal }] = [login ?? this.#login, manner(input, init)];
    const response = await this.#sendOnce(input, init, login);
    if (!this.#hasCookies || response.status !== 403 || !isRepeatable(init)) return response;
    if ((await problem(response)).code !== 'csrf_failed') return response;
    await this.#askForCsrf(signal);
    const now = begun && this.#successor(begun, method);
    return now ? this.#sendOnce(input, init, now) : response;
  }

  /**
   * Has the CSRF cookie set again.
   *
   * @param {AbortSignal | null} [signal]
   */
  async #askForCsrf(signal) {
    const before = this.#know();
    const response = await this.#sendOnce('/auth/csrf', { signal: limited(signal) }, null);
    const now = this.#know();
    if (before && now && now.id !== before.id) now.was = before.id;
    return response;
  }

  /**
   * Whether auth-service says so, too. Another service's clock may be wrong.
   *
   * @param {AbortSignal | null} [signal]
   */
  async #isOver(signal) {
    return !this.#hasCookies || accepted(this.#askForCsrf(signal)).then(() => false, isOver);
  }

  /** A page whose CSRF cookie was deleted does not know of its login. Latchkey goes by the others. */
  async #recover() {
    if (!this.#hasCookies || this.#know() || hasAsked) return;
    hasAsked = true;
    await this.#alone(null, async () => this.#know() ?? this.#askForCsrf()).catch(() => {});
    if (this.#know()) this.#announce('known');
  }

  /**
   * @param {string | URL | Request} input
   * @param {RequestInit} init
   * @param {Login | null} login
   */
  #sendOnce(input, init, login) {
    const request = input instanceof Request ? input.clone() : undefined;
    const url = new URL(request?.url ?? String(input), this.#base);
    const { origin } = this.#base;
    if (url.origin !== origin) throw new TypeError(`${url.origin} must not see a login at ${origin}`);
    const headers = new Headers(init.headers ?? request?.headers);
    if (login?.access) headers.set('Authorization', `Bearer ${login.access}`);
    // A redirect to another origin would take the header along.
    const own = this.#hasCookies ? { mode: /** @type {const} */ ('same-origin') } : {};
    if (login && this.#hasCookies) headers.set('X-CSRF-Token', String(login.id));
    return fetch(request ?? url, { ...init, ...own, headers });
  }

  /**
   * A request of the login itself, by its refresh token where it has one in hand.
   *
   * @param {string} path
   * @param {Login} login
   */
  #present(path, login) {
    const body = login.refresh ? { refresh_token: login.refresh } : undefined;
    const init = { ...post(body), signal: limited() };
    return accepted(this.#send(path, init, body ? null : login));
  }

  /**
   * Resolves when there is a newer token than that of `login`, or the login is over; rejects where neither is known.
   *
   * @param {Login} login
   */
  #refresh(login) {
    const renewed = () => persistently(() => this.#alone(login, () => this.#renew(login)));
    this.#refreshing ??= renewed().finally(() => (this.#refreshing = undefined));
    return this.#refreshing;
  }

  /** @param {Login} login */
  async #renew(login) {
    const now = this.#know();
    // Another tab may have been quicker.
    if (!now || !isSame(now, login)) return;
    try {
      this.#take('refresh', await this.#present('/auth/refresh', now), now.id);
    } catch (error) {
      if (!isOver(error)) throw error;
      this.#end(now.id, error.code === 'token_reused' ? 'token_reused' : 'login_required');
    }
  }

  /**
   * Does `work` while no other tab does the like. Where the browser has no locks, tabs may work at once: Latchkey gives
   * each of them a token that is as good. They also do where one of them keeps the lock for too long.
   *
   * @template T
   * @param {Login | null} login What to hear news of first.
   * @param {() => Promise<T>} work
   * @returns {Promise<T>}
   */
  async #alone(login, work) {
    const manager = locks();
    if (!manager) return work();
    const once = async (/** @type {Lock | null} */ lock) => lock && { result: await work() };
    const done = await manager.request(this.#lock, { ifAvailable: true }, once);
    if (done) return done.result;
    let isMine = false;
    const later = async () => {
      isMine = true;
      // The lock may be quicker than the word of the tab that had it.
      if (login && isSame(this.#know(), login)) await this.#word();
      return work();
    };
    return manager.request(this.#lock, { signal: limited() }, later).catch((error) => {
      if (isMine) throw error;
      return work();
    });
  }

  /**
   * Keeps what was answered and tells the other tabs, unless another login has come since it was asked for.
   *
   * @param {'login' | 'refresh'} type
   * @param {Answer} answer
   * @param {string | number} asked
   */
  #take(type, { csrf_token, access_token, refresh_token, scope, expires_in }, asked) {
    const [now, id, expiresIn] = [this.#know(), csrf_token ?? asked, expires_in * 1000];
    if (type === 'refresh' && now?.id !== id) return;
    const before = type === 'refresh' ? now : null;
    const was = before && id !== asked ? asked : before?.was;
    const turn = (before?.turn ?? 0) + 1;
    const kept = { id, was, turn, scope, access: access_token, refresh: refresh_token ?? before?.refresh };
    this.#keep(kept, expiresIn);
    this.#tell({ type, kept, expiresIn });
    this.#announce(type);
  }

  /**
   * @param {Kept} kept
   * @param {number | null} expiresIn
   */
  #keep(kept, expiresIn) {
    const text = this.#storage && JSON.stringify(kept);
    if (text) this.#storage?.setItem(this.#name, text);
    this.#login = { ...kept, ...ending(expiresIn), text };
  }

  /**
   * @param {string | number} id What has ended: a newer login is none of its business.
   * @param {Reason} reason
   */
  #end(id, reason, isNews = true) {
    this.#know();
    if (this.#login?.id !== id) return;
    this.#login = null;
    this.#told = undefined;
    this.#storage?.removeItem(this.#name);
    if (this.#hasCookies) forgetCsrfCookie(id);
    if (isNews) this.#tell({ type: 'logout', id, reason });
    this.#say('logout', { reason });
  }

  /**
   * Says what has become of the login; of one that the page does not know of yet, that it is there.
   *
   * @param {'known' | 'login' | 'refresh'} type
   */
  #announce(type) {
    const what = this.#login && isOf(this.#login, this.#told) ? type : 'login';
    this.#told = this.#login?.id;
    if (what !== 'known') this.#say(what, this.session);
  }

  /**
   * @param {keyof Details} type
   * @param {Session | null | {reason: Reason}} detail
   */
  #say(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  /** @param {Message} message */
  #tell(message) {
    this.#channel.postMessage(message);
  }

  /** @param {Message} message */
  #hear(message) {
    const now = this.#know();
    if (message.type === 'logout') {
      this.#end(message.id, message.reason, false);
    } else if (message.type !== 'hello') {
      const { type, kept, expiresIn } = message;
      // With cookies, the login that is there is the one that counts.
      if ((this.#hasCookies && now?.id !== kept.id) || (now && isNewer(now, kept))) return;
      if (type !== 'known' || expiresIn !== null || !isSame(now, kept)) this.#keep(kept, expiresIn);
      this.#announce(type);
    } else if (now) {
      const { id, was, turn, scope, access, refresh, expiresAt } = now;
      const expiresIn = expiresAt && expiresAt - performance.now();
      this.#tell({ type: 'known', kept: { id, was, turn, scope, access, refresh }, expiresIn });
    }
  }

  /** Asks the other tabs for what they know. */
  #ask() {
    this.#tell({ type: 'hello' });
    return this.#word();
  }

  /** Resolves when another tab has told something, or soon. */
  #word() {
    return new Promise((/** @type {(_: void) => void} */ resolve) => {
      /** @param {MessageEvent<Message>} message */
      const listen = ({ data }) => data.type === 'hello' || heard();
      const heard = () => {
        this.#channel.removeEventListener('message', listen);
        resolve();
      };
      this.#channel.addEventListener('message', listen);
      setTimeout(heard, MOMENT);
    });
  }

  /** @param {PageTransitionEvent} event A page that comes back as it was left has heard nothing meanwhile. */
  #wake = ({ persisted }) => {
    if (persisted) this.ready = this.#ask();
  };
}

/** @param {object} [body] */
function post(body) {
  const json = body && { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
  return { method: 'POST', ...json };
}

/**
 * How a request is made.
 *
 * @param {string | URL | Request} input
 * @param {RequestInit} init
 */
function manner(input, init) {
  const request = input instanceof Request ? input : undefined;
  const method = (init.method ?? request?.method ?? 'GET').toUpperCase();
  return { method, signal: init.signal ?? request?.signal };
}

/** Where the browser has them. */
function locks() {
  return globalThis.navigator?.locks;
}

/** @param {RequestInit} init */
function isRepeatable({ body }) {
  return !(body instanceof ReadableStream);
}

/**
 * What the answer holds, where it is the one asked for.
 *
 * @param {Promise<Response>} answer
 */
async function accepted(answer) {
  const response = await answer;
  if (!response.ok) {
    const retryAfter = Number(response.headers.get('Retry-After')) || 0;
    throw new LatchkeyError(response.status, await problem(response), retryAfter);
  }
  return response.status === 204 ? undefined : response.json();
}

/** @param {Response} response */
async function problem(response) {
  const isJson = response.headers.get('Content-Type')?.includes('json');
  return isJson ? response.clone().json().catch(() => ({})) : {};
}

/**
 * @param {unknown} error
 * @returns {error is LatchkeyError}
 */
function isOver(error) {
  return error instanceof LatchkeyError && error.status === 401 && LOGIN_IS_OVER.includes(error.code);
}

/**
 * Does what may be done twice until it is answered, for as long as the network or the service is away. Anything that is
 * no answer of Latchkey's counts as the network, such as the page of a hotel that wants to be paid first.
 *
 * @template T
 * @param {() => Promise<T>} work
 */
async function persistently(work) {
  for (let attempt = 1, pause = FIRST_PAUSE; ; attempt++, pause *= 2) {
    try {
      return await work();
    } catch (error) {
      const isRefusal = error instanceof LatchkeyError;
      const least = isRefusal ? error.retryAfter * 1000 : 0;
      const isAway = !isRefusal || [502, 503, 504].includes(error.status);
      if (!isAway || attempt === ATTEMPTS || least > LONGEST_PAUSE) throw error;
      await passed(least + pause * (0.5 + Math.random() / 2), !isRefusal);
    }
  }
}

/**
 * @param {number} time
 * @param {boolean} orOnline Whether it is over as soon as there is a network again.
 */
function passed(time, orOnline) {
  return new Promise((resolve) => {
    setTimeout(resolve, time);
    if (orOnline) globalThis.addEventListener?.('online', resolve, { once: true });
  });
}

/**
 * @param {Promise<void>} promise
 * @param {AbortSignal | null | undefined} signal
 */
function unlessAborted(promise, signal) {
  signal?.throwIfAborted();
  const aborted = new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([promise, aborted]);
}

/**
 * Whoever does not give up does not wait for ever either.
 *
 * @param {AbortSignal | null} [signal]
 */
function limited(signal) {
  const limit = AbortSignal.timeout(PATIENCE);
  return signal ? AbortSignal.any([signal, limit]) : limit;
}

/** @param {number | null} expiresIn */
function ending(expiresIn) {
  if (expiresIn === null) return { expiresAt: null, renewAt: Infinity };
  const expiresAt = performance.now() + expiresIn;
  return { expiresAt, renewAt: expiresAt - Math.min(MARGIN, expiresIn / 10) };
}

/**
 * In whatever order tabs hear of each other's tokens, all of them end up with the same one. They must: of tokens that were
 * given out at once Latchkey lets only the one live that comes back first, once they are a minute old.
 *
 * @param {Kept} one
 * @param {Kept} other
 */
function isNewer(one, other) {
  /** @param {Kept} kept */
  const rank = ({ id, turn, refresh, access = '' }) => [id, turn, refresh ?? access];
  const [mine, its] = [rank(one), rank(other)];
  const first = mine.findIndex((value, index) => value !== its[index]);
  return first >= 0 && mine[first] > its[first];
}

/**
 * @param {Kept | null} one
 * @param {Kept} other
 */
function isSame(one, other) {
  return one?.id === other.id && one.turn === other.turn;
}

/**
 * @param {Kept} kept
 * @param {string | number | undefined} id
 */
function isOf(kept, id) {
  return id !== undefined && (kept.id === id || kept.was === id);
}

/** Only with the prefix is it known that no other host has set it. */
function csrfName() {
  return location.protocol === 'https:' ? '__Host-lk_csrf' : 'lk_csrf';
}

function csrfCookie() {
  const start = `${csrfName()}=`;
  return document.cookie.split('; ').find((cookie) => cookie.startsWith(start))?.slice(start.length);
}

/** @param {string | number} id Another one is another login's. */
function forgetCsrfCookie(id) {
  const secure = location.protocol === 'https:' ? '; Secure' : '';
  if (csrfCookie() === id) document.cookie = `${csrfName()}=; Path=/; Max-Age=0; SameSite=Lax${secure}`;
}
