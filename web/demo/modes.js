/** The four ways to hold a login, in words: what is where, and what follows from it. */

/** @typedef {'cookie' | 'session' | 'bearer' | 'access_only'} Mode */

/**
 * @typedef {object} Held
 * @property {string} name
 * @property {string} what
 * @property {string[]} [attributes] Of a cookie.
 * @property {'access' | 'refresh' | 'csrf'} [live] Whose value a script of this page can show.
 */

/**
 * @typedef {object} ModeText
 * @property {string} name
 * @property {string} line
 * @property {Held[]} script What scripts can read.
 * @property {Held[]} browser What the browser keeps from scripts.
 * @property {Held[]} server What never leaves the server.
 * @property {[string, string][]} whatIf
 */

const SECURE = location.protocol === 'https:';

/** @param {'__Host-' | '__Secure-'} prefix @param {string} name */
function cookie(prefix, name) {
  return SECURE ? prefix + name : name;
}

/** @param {string[]} rest */
function attributes(...rest) {
  return [...(SECURE ? ['Secure'] : []), 'SameSite=Lax', ...rest];
}

export const CSRF_COOKIE = cookie('__Host-', 'lk_csrf');

/** @type {Held} */
const CSRF = {
  name: CSRF_COOKIE,
  what: 'A cookie that scripts are meant to read. Writing requests repeat it in a header, which no other site can do. Alone it opens nothing.',
  attributes: attributes('Path=/'),
  live: 'csrf',
};

/** @type {Held} */
const RECORD = { name: 'Session record', what: 'Who you are, since when, from which device. Ending it ends everything that hangs on it.' };

/** @type {Record<Mode, ModeText>} */
export const MODES = {
  cookie: {
    name: 'Cookies',
    line: 'Both tokens in cookies that scripts cannot read. For pages of one’s own site.',
    script: [CSRF],
    browser: [
      {
        name: cookie('__Host-', 'lk_at'),
        what: 'The access token. Goes with each request to this site; services check it by themselves.',
        attributes: attributes('HttpOnly', 'Path=/'),
      },
      {
        name: cookie('__Secure-', 'lk_rt'),
        what: 'The refresh token. Goes to /auth only, to get the next access token.',
        attributes: attributes('HttpOnly', 'Path=/auth'),
      },
    ],
    server: [RECORD],
    whatIf: [
      ['A script is injected', 'It can act while the page is open, but carries no token away.'],
      ['Another site posts a form', 'Refused: it lacks the header, and the browser says where it comes from.'],
      ['The page is reloaded', 'Still logged in; so are all other tabs.'],
    ],
  },
  session: {
    name: 'Session',
    line: 'One random string in a cookie. The gateway swaps it for a token of a minute.',
    script: [CSRF],
    browser: [
      {
        name: cookie('__Host-', 'lk_sid'),
        what: 'A random string that says nothing. The gateway asks auth-service for whom it stands.',
        attributes: attributes('HttpOnly', 'Path=/'),
      },
    ],
    server: [RECORD, { name: 'Phantom token', what: 'Made for a request on its way from the gateway to a service. Lives 60 seconds; the browser never sees one.' }],
    whatIf: [
      ['A script is injected', 'It can act while the page is open. There is no token to carry away.'],
      ['Another site posts a form', 'Refused, as with cookies.'],
      ['The session is ended', 'Over at once, everywhere: the string stands for nothing any more.'],
    ],
  },
  bearer: {
    name: 'Bearer',
    line: 'Both tokens in the hands of the script. For apps, services and other origins.',
    script: [
      { name: 'Access token', what: 'Sent as Authorization header. Any script on the page could read it.', live: 'access' },
      { name: 'Refresh token', what: 'Gets the next access token. Whoever copies it is found out: see “Try to break it”.', live: 'refresh' },
    ],
    browser: [],
    server: [RECORD],
    whatIf: [
      ['A script is injected', 'It can carry both tokens away. Reuse of the refresh token ends the session for everybody.'],
      ['Another site posts a form', 'Nothing happens: a browser adds no Authorization by itself.'],
      ['The page is reloaded', 'Logged out, unless the tokens were put into storage, where every script finds them.'],
    ],
  },
  access_only: {
    name: 'Access only',
    line: 'One token that lives an hour, and no way to renew it. For scripts and curl.',
    script: [{ name: 'Access token', what: 'Sent as Authorization header. When it ends, the login ends.', live: 'access' }],
    browser: [],
    server: [RECORD],
    whatIf: [
      ['A script is injected', 'It can carry the token away, and use it until it ends or is revoked.'],
      ['The token is revoked', 'Refused everywhere in under a second, though services look nothing up.'],
      ['The hour is over', 'Log in again.'],
    ],
  },
};

export const ALL_MODES = /** @type {Mode[]} */ (Object.keys(MODES));

/** The value of the CSRF cookie, as any script of this site can read it. */
export function csrfCookie() {
  const found = document.cookie.split('; ').find((pair) => pair.startsWith(`${CSRF_COOKIE}=`));
  return found?.slice(CSRF_COOKIE.length + 1) ?? null;
}
