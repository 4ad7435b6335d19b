// Tabs of a real browser. They are at the public address of the services, where a proxy serves a page of the tests and
// passes everything else on to the gateway; it counts, loses and holds answers as told (`web/tests/support.js`).

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Proxy, system } from '../../../../web/tests/support.js';

export * from '../../../../web/tests/support.js';

const { chromium } = createRequire(`${system.packages}/`)('playwright-core');

/** How the pages log in, unless they say otherwise. */
export const mode = system.mode;

/** What the demo's pages may do. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
  "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; manifest-src 'self'; " +
  "require-trusted-types-for 'script'";

const OWN = {
  '/test.html': ['text/html', '<!doctype html><title>Test</title><script type="module" src="/test.js"></script>'],
  '/test.js': ['text/javascript', readFileSync(new URL('page.js', import.meta.url))],
  '/latchkey.js': ['text/javascript', readFileSync(new URL('../../../../web/latchkey.js', import.meta.url))],
};

function serve({ url }, response) {
  const own = OWN[url.split('?')[0]];
  if (own) response.writeHead(200, { 'Content-Type': own[0], 'Content-Security-Policy': POLICY }).end(own[1]);
  return own;
}

/** The public address, for as long as the test lasts. */
export async function gateway(t) {
  const proxy = new Proxy(() => system.gateway, serve);
  t.after(() => proxy.close());
  return proxy.listen(system.port);
}

/**
 * A browser of its own, with nothing in it. `tabs(n)` opens as many tabs with a client each, `tab()` one, in
 * another mode if it is told so; the `context` is Playwright's, and `options` are its own. Whatever a page complains of fails the test.
 */
export async function browser(t, how = mode, options = {}) {
  const launched = await launch();
  const context = await launched.newContext({ baseURL: system.origin, ...options });
  context.setDefaultTimeout(60_000);
  const complaints = [];
  context.on('weberror', (error) => complaints.push(String(error.error())));
  context.on('console', (message) => {
    if (/Content Security Policy|Trusted/.test(message.text())) complaints.push(message.text());
  });
  t.after(async () => {
    await context.close();
    if (complaints.length > 0) throw new Error(complaints.join('\n'));
  });
  const tab = async (its = how) => new Tab(await context.newPage(), its).open();
  const tabs = (count) => Promise.all(Array.from({ length: count }, () => tab()));
  return { context, tab, tabs };
}

/** Started once for a file of tests. */
let running;

function launch() {
  // As root there is no sandbox; nothing but the tests' own pages is opened.
  running ??= chromium.launch({ executablePath: system.chromium, chromiumSandbox: process.getuid() !== 0 });
  return running;
}

/** Ends the browser; for `after`. */
export async function quit() {
  await (await running)?.close();
}

class Tab {
  constructor(page, how) {
    this.page = page;
    this.url = `/test.html?mode=${how}`;
  }

  async open() {
    await this.page.goto(this.url);
    await this.page.waitForFunction(() => 'auth' in window);
    return this;
  }

  async reload() {
    await this.page.reload();
    await this.page.waitForFunction(() => 'auth' in window);
  }

  login(who) {
    return this.page.evaluate((who) => window.auth.login(who), who);
  }

  logout() {
    return this.page.evaluate(() => window.auth.logout());
  }

  /** The status of an answer, its code or what else it holds; or the name of the error. */
  fetch(path, init = {}) {
    return this.page.evaluate(([path, init]) => window.ask(path, init), [path, init]);
  }

  /** What the client of this page has told since it was loaded: `login`, `refresh`, or the reason of a logout. */
  told() {
    return this.page.evaluate(() => window.told);
  }

  /** Waits until it has told of it. */
  hears(event) {
    return this.page.waitForFunction((event) => window.told.includes(event), event);
  }

  session() {
    return this.page.evaluate(() => window.auth.session);
  }

  /** From now on the page's clock runs ahead. */
  later(seconds) {
    return this.page.evaluate((seconds) => {
      const now = performance.now.bind(performance);
      performance.now = () => now() + seconds * 1000;
    }, seconds);
  }
}
