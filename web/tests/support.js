// The real services, which the test around this one has started, and a proxy in front of them that misbehaves as told.

import { createServer, request as forward } from 'node:http';
import { Latchkey } from '../latchkey.js';

/** Where everything is. */
export const system = JSON.parse(process.env.LATCHKEY_TEST_SYSTEM);

/** Moves the services' clock. */
export async function advance(seconds) {
  await fetch(`${system.control}/advance?seconds=${seconds}`, { method: 'POST' });
}

/** Somebody who has registered. */
export async function person() {
  const who = { username: `user-${crypto.randomUUID().slice(0, 8)}`, password: 'plum-anvil-tundra-9' };
  const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(who) };
  const answer = await fetch(`${system.auth}/auth/register`, init);
  if (!answer.ok) throw new Error(await answer.text());
  return { ...who, id: (await answer.json()).id };
}

/** One who may administrate. */
export async function administrator() {
  const who = await person();
  await fetch(`${system.control}/administrators?username=${who.username}`, { method: 'POST' });
  return who;
}

/**
 * A proxy. It keeps what was asked in `requests`. `does(path, ...whats)` says what becomes of the next requests for a
 * path: `lose` drops the answer after the services have done their work, `drop` does not even ask them, `hold` keeps
 * the answer back until `release()`, and a number is the status that is answered.
 */
export class Proxy {
  requests = [];
  #troubles = new Map();
  #held = Promise.withResolvers();

  /** `upstream` says who is behind a path; what `serve` answers does not get there. */
  constructor(upstream, serve = undefined) {
    this.upstream = upstream;
    this.serve = serve;
    this.server = createServer((request, response) => this.#pass(request, response));
  }

  async listen(port = 0) {
    await new Promise((listening) => this.server.listen(port, listening));
    this.url = `http://localhost:${this.server.address().port}`;
    return this;
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }

  does(path, ...whats) {
    this.#troubles.set(path, whats);
  }

  release() {
    this.#held.resolve();
    this.#held = Promise.withResolvers();
  }

  /** What was asked of a path. */
  asked(path) {
    return this.requests.filter((request) => request.path === path);
  }

  /** Waits until a path has been asked for `times` times. */
  async waitFor(path, times = 1) {
    while (this.asked(path).length < times) await new Promise((resolve) => setTimeout(resolve, 5));
  }

  async #pass(request, response) {
    const { method, url, headers } = request;
    const path = url.split('?')[0];
    const released = this.#held.promise;
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    this.requests.push({ method, path, headers, body: body.toString(), at: performance.now() });
    const trouble = this.#troubles.get(path)?.shift();
    if (trouble === 'drop') return response.destroy();
    if (typeof trouble === 'number') return response.writeHead(trouble, { 'Retry-After': '1' }).end();
    if (this.serve?.(request, response)) return;
    // On a connection of its own: one that is kept may be closed by the other end just when it is used again.
    const sent = forward(this.upstream(path) + url, { method, headers, agent: false }, async (answer) => {
      const whole = [];
      for await (const chunk of answer) whole.push(chunk);
      if (trouble === 'lose') return response.destroy();
      if (trouble === 'hold') await released;
      response.writeHead(answer.statusCode, answer.rawHeaders).end(Buffer.concat(whole));
    });
    sent.on('error', () => response.destroy());
    sent.end(body);
  }
}

/** Both services behind one address. */
export async function services(t) {
  const proxy = new Proxy((path) => (path.startsWith('/api/') ? system.resource : system.auth));
  t.after(() => proxy.close());
  return proxy.listen();
}

/** What one tab does: the client, and the events it has told of. */
export function tab(t, proxy, options = {}) {
  const auth = new Latchkey({ baseUrl: proxy.url, mode: 'bearer', ...options });
  t.after(() => auth.close());
  auth.told = [];
  for (const type of ['login', 'refresh', 'logout']) {
    auth.addEventListener(type, ({ detail }) => auth.told.push(detail.reason ?? type));
  }
  return auth;
}

/** A tab whose user has logged in. */
export async function loggedIn(t, proxy, options) {
  const [auth, who] = [tab(t, proxy, options), await person()];
  await auth.login(who);
  return Object.assign(auth, { who });
}

/** Resolves with the next event of a type. */
export function next(auth, type) {
  return new Promise((resolve) => auth.addEventListener(type, resolve, { once: true }));
}

/** Storage that outlives a tab. */
export class Shelf {
  #items = new Map();
  getItem = (name) => this.#items.get(name) ?? null;
  setItem = (name, text) => this.#items.set(name, text);
  removeItem = (name) => this.#items.delete(name);
  get text() {
    return [...this.#items.values()].join();
  }
}

/** The tab's clock from now on runs `seconds` ahead. */
export function later(t, seconds) {
  const now = performance.now.bind(performance);
  t.mock.method(performance, 'now', () => now() + seconds * 1000);
}

/** What a token says. */
export function claims(request) {
  return JSON.parse(Buffer.from(request.headers.authorization.split('.')[1], 'base64url'));
}
