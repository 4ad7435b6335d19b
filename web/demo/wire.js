/**
 * Stands in front of `fetch` and tells the page of each request. Any script on a page can do that, which is the point:
 * what this module gets to see, an injected script would see too.
 */

/**
 * @typedef {object} Exchange
 * @property {string} method
 * @property {string} path With its query.
 * @property {number} status 0 where there was no answer.
 * @property {number} took Milliseconds.
 * @property {string} carried What of the credentials the script sent itself.
 * @property {string | null} bearer The token of the request's `Authorization`.
 * @property {string | null} sent A refresh token in the request's body.
 * @property {Record<string, any> | null} answer The answer's body, where it is about a login.
 */

/** @extends {EventTarget} Fires `exchange`, a `CustomEvent<Exchange>`. */
class Wire extends EventTarget {}

export const wire = new Wire();

/** Whose answers may carry tokens. */
const TELLING = /^\/auth\/(login|refresh|reauth)$/;

const direct = window.fetch.bind(window);

/** @type {typeof window.fetch} */
const watched = (input, init) => send(new Request(input, init), true);

/**
 * A request that is listed, but is none of this page's login: an experiment, or a thief's.
 * @param {string} path
 * @param {RequestInit} [init]
 */
export function apart(path, init) {
  return send(new Request(path, init), false);
}

/** @param {Request} request @param {boolean} own Whether its tokens are those of this page. */
async function send(request, own) {
  const url = new URL(request.url);
  const bearer = /^Bearer (.+)$/.exec(request.headers.get('Authorization') ?? '')?.[1] ?? null;
  const sent = TELLING.test(url.pathname) ? await refreshToken(request.clone()) : null;
  const started = performance.now();
  /** @param {number} status @param {Record<string, any> | null} answer */
  const tell = (status, answer) => {
    const took = performance.now() - started;
    const carried = credentials(request, bearer, sent);
    const tokens = own ? { bearer, sent, answer } : { bearer: null, sent: null, answer: null };
    /** @type {Exchange} */
    const detail = { method: request.method, path: url.pathname + url.search, status, took, carried, ...tokens };
    wire.dispatchEvent(new CustomEvent('exchange', { detail }));
  };
  try {
    const response = await direct(request);
    tell(response.status, TELLING.test(url.pathname) ? await response.clone().json().catch(() => null) : null);
    return response;
  } catch (error) {
    tell(0, null);
    throw error;
  }
}

/** @param {Request} request */
async function refreshToken(request) {
  const body = await request.json().catch(() => null);
  return typeof body?.refresh_token === 'string' ? body.refresh_token : null;
}

/** @param {Request} request @param {string | null} bearer @param {string | null} sent */
function credentials(request, bearer, sent) {
  if (bearer) return 'Authorization: Bearer …';
  if (sent) return 'refresh token in the body';
  if (request.headers.has('X-CSRF-Token')) return 'X-CSRF-Token, and cookies by the browser';
  return 'nothing, and cookies by the browser if there are any';
}

window.fetch = watched;
